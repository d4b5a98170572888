"""The inspectable simulated orchestrator: everything it does follows from rules that stand in its version's file.

It answers from the message and the facts of the request, and never from anything else: it has no clock, no network and
no memory, so one request with one seed always gets one answer. It is a stand-in for a real orchestrator and a fair
baseline for one.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from eaas_assets.agents.protocol import Answer
from eaas_assets.agents.rules_settings import Case, DerivedFact, Latency, Lookup, Refinement, RulesSettings
from eaas_assets.agents.rules_templates import Template, template, templates
from eaas_assets.contracts.agent import AgentRequest, AgentVersion
from eaas_assets.contracts.conditions import Facts, all_hold, exact

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
        self._cases = {name: _CompiledCase(case, settings) for name, case in settings.cases.items()}
        self._lookups = [(name, _lookup(lookup)) for name, lookup in settings.lookups.items()]
        self._latency = settings.latency

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
        for derived in settings.facts:
            if facts.get(derived.fact) is None:
                facts[derived.fact] = _derive(derived, facts)
        rule, case, confidence = self._classify(facts)
        compiled = self._cases[case]
        answer = dict(compiled.answer)
        facts.update(case=case, rule=rule, confidence=confidence)
        facts.update(compiled.answer_facts)
        for refinement in settings.refinements:
            if all_hold(refinement.when, facts):
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
            "needs_human_review": any(all_hold(review.when, facts) for review in settings.human_review),
            "steps": steps,
        }
        return Answer(content, simulated_s=seconds)

    def _classify(self, facts: Facts) -> tuple[str, str, float]:
        settings = self._settings
        for rule in settings.classification:
            if all_hold(rule.when, facts):
                confidence = settings.confidence if rule.confidence is None else rule.confidence
                return rule.name, rule.case, confidence
        last = settings.otherwise
        return "otherwise", last.case, settings.confidence if last.confidence is None else last.confidence

    def _call(self, case: _CompiledCase, facts: Facts, seed: int) -> tuple[list[dict[str, Any]], float]:
        """The steps of the path, and the seconds of all of them and the agent itself."""
        total = _seconds(self._latency, seed, 0)
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


def _derive(derived: DerivedFact, facts: Facts) -> Any:
    return next((rule.value for rule in derived.rules if all_hold(rule.when, facts)), derived.default)


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
