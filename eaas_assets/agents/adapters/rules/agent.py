"""The inspectable simulated orchestrator: everything it does follows from rules that stand in its version's file.

It answers from the message and the facts of the request, and never from anything else: it has no clock, no network and
no memory, so one request with one seed always gets one answer. It is a stand-in for a real orchestrator and a fair
baseline for one.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from eaas_assets.agents.adapters.rules.settings import (
    Case,
    CaseRule,
    DerivedFact,
    Latency,
    Lookup,
    Refinement,
    RulesSettings,
)
from eaas_assets.agents.adapters.rules.templates import Template, template, templates
from eaas_assets.agents.protocol import Answer
from eaas_assets.contracts.agent import AgentRequest, AgentVersion
from eaas_assets.contracts.conditions import Condition, Facts, exact

_MASK = 2**64 - 1
_GOLDEN = 0x9E3779B97F4A7C15


def open_rules(version: AgentVersion, settings: RulesSettings) -> RulesAgent:
    """The agent of one version; nothing about it can fail that its settings have not shown."""
    return RulesAgent(settings)


class RulesAgent:
    """A rules agent, compiled once and asked often."""

    def __init__(self, settings: RulesSettings) -> None:
        self._settings = settings
        self._missing = dict(settings.missing_values)
        self._derived = [(derived.fact, _derivation(derived)) for derived in settings.facts]
        self._classification = [(_every(rule.when), *self._decision(rule)) for rule in settings.classification]
        last = settings.otherwise
        self._otherwise = ("otherwise", last.case, settings.confidence if last.confidence is None else last.confidence)
        self._cases = {name: _CompiledCase(case, settings) for name, case in settings.cases.items()}
        self._refinements = [(_every(refinement.when), refinement) for refinement in settings.refinements]
        self._lookups = [(name, _lookup(lookup)) for name, lookup in settings.lookups.items()]
        self._reviews = [_every(review.when) for review in settings.human_review]

    async def answer(self, request: AgentRequest) -> Answer:
        """Answer one request; see :meth:`respond`."""
        return self.respond(request)

    async def aclose(self) -> None:
        """Nothing is held open."""

    def respond(self, request: AgentRequest) -> Answer:
        """Decide the case, refine the answer, call the specialists, and say whether a person has to look."""
        settings = self._settings
        facts: dict[str, Any] = {**self._missing, **request.context, "message": request.message}
        for name, value in self._missing.items():
            if facts[name] is None:
                facts[name] = value
        for name, derive in self._derived:
            if facts.get(name) is None:
                facts[name] = derive(facts)
        rule, case, confidence = self._classify(facts)
        compiled = self._cases[case]
        answer = dict(compiled.answer)
        facts.update(case=case, rule=rule, confidence=confidence)
        facts.update(compiled.answer_facts)
        for applies, refinement in self._refinements:
            if applies(facts):
                _refine(answer, facts, refinement)
        for name, look_up in self._lookups:
            facts[name] = look_up(facts)
        steps, seconds = self._call(compiled, facts, request.seed)
        if settings.path_field:
            answer[settings.path_field] = list(compiled.path)
        if settings.rule_field:
            answer[settings.rule_field] = rule
        content = {
            "answer": answer,
            "message": compiled.message(facts),
            "confidence": confidence,
            "needs_human_review": any(review(facts) for review in self._reviews),
            "steps": steps,
        }
        return Answer(content, simulated_s=seconds)

    def _decision(self, rule: CaseRule) -> tuple[str, str, float]:
        confidence = self._settings.confidence if rule.confidence is None else rule.confidence
        return rule.name, rule.case, confidence

    def _classify(self, facts: Facts) -> tuple[str, str, float]:
        """Name of the first rule that applies, its case, and its confidence."""
        for applies, name, case, confidence in self._classification:
            if applies(facts):
                return name, case, confidence
        return self._otherwise

    def _call(self, case: _CompiledCase, facts: Facts, seed: int) -> tuple[list[dict[str, Any]], float]:
        """The steps of the path, and the seconds of all of them and the agent itself."""
        total = _seconds(self._settings.latency, seed, 0)
        steps: list[dict[str, Any]] = []
        for number, (name, action, response, latency) in enumerate(case.calls, start=1):
            seconds = _seconds(latency, seed, number)
            total += seconds
            output = {field: fill(facts) for field, fill in response}
            steps.append({"agent": name, "action": action, "output": output, "response_time_s": seconds})
        return steps, round(total, 6)


class _CompiledCase:
    """A case with its templates compiled."""

    def __init__(self, case: Case, settings: RulesSettings) -> None:
        self.answer = case.answer
        self.answer_facts = {f"answer.{field}": value for field, value in case.answer.items()}
        self.path = case.path
        self.message: Template = template(case.message)
        self.calls: list[tuple[str, str | None, list[tuple[str, Template]], Latency]] = []
        for name in case.path:
            specialist = settings.specialists[name]
            self.calls.append((name, specialist.action, templates(specialist.response), specialist.latency))


def _every(conditions: list[Condition]) -> Callable[[Facts], bool]:
    """Compile conditions that must all hold. A plain loop: this is where an answer spends most of its time."""
    if len(conditions) == 1:
        return conditions[0].holds
    tests = [condition.holds for condition in conditions]

    def applies(facts: Facts) -> bool:
        for holds in tests:  # noqa: SIM110 (all() over a generator takes twice as long)
            if not holds(facts):
                return False
        return True

    return applies


def _derivation(derived: DerivedFact) -> Callable[[Facts], Any]:
    rules = [(_every(rule.when), rule.value) for rule in derived.rules]

    def derive(facts: Facts) -> Any:
        for applies, value in rules:
            if applies(facts):
                return value
        return derived.default

    return derive


def _refine(answer: dict[str, Any], facts: dict[str, Any], refinement: Refinement) -> None:
    answer.update(refinement.set)
    for field, items in refinement.add.items():
        present = answer.get(field)
        kept = list(present) if isinstance(present, list) else []
        answer[field] = kept + [item for item in items if item not in kept]
    for field in (*refinement.set, *refinement.add):
        facts[f"answer.{field}"] = answer[field]


def _lookup(lookup: Lookup) -> Callable[[Facts], Any]:
    """Compile a lookup. Sums are exact: prices are decimals and not the floats next to them."""
    table, default, of = lookup.table, lookup.default, lookup.of

    def entry(key: Any) -> Any:
        return table.get(key, default) if isinstance(key, str) else default

    def look_up(facts: Facts) -> Any:
        fact = facts.get(of)
        if not isinstance(fact, list):
            return entry(fact)
        amounts = [entry(item) for item in fact]
        if any(isinstance(amount, bool) or not isinstance(amount, int | float) for amount in amounts):
            return None
        return float(sum((exact(amount) for amount in amounts), start=Decimal(0)))

    return look_up


def _seconds(latency: Latency, seed: int, call: int) -> float:
    """Seconds of one call: the base, and a variation that depends on nothing but the seed and the call's number."""
    if not latency.variation_s:
        return latency.base_s
    return round(latency.base_s + latency.variation_s * (2 * uniform(seed, call) - 1), 6)


def uniform(seed: int, index: int) -> float:
    """The ``index``-th number of the stream of ``seed``, even over [0, 1).

    SplitMix64 (Steele, Lea & Flood 2014), which needs no state and costs a microsecond where seeding a generator
    costs twenty.
    """
    z = (seed + (index + 1) * _GOLDEN) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((z ^ (z >> 31)) >> 11) / 2**53
