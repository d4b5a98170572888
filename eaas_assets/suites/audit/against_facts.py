"""Findings about labels that the suite's own rules contradict when they are applied to the facts.

The rules get the benefit of the doubt: a fact that the suite does not have is taken to be what the label needs. What is
left is a contradiction between label and facts, whatever the missing facts are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from eaas_assets.contracts.conditions import Condition, Facts
from eaas_assets.storage.files import canonical_json
from eaas_assets.suites.audit.findings import Finding, listed
from eaas_assets.suites.audit.rule_judgement import Judged, RuleBook
from eaas_assets.suites.decision_rules import ClassificationRule, DecisionRulesDocument
from eaas_assets.suites.scenarios import SuiteReading

ANY_OTHER_VALUE = "(any other value)"
MOSTLY = 0.9
"""From this share on, labels and rules mean the same and the rest are single mistakes."""


class _Verdict(NamedTuple):
    """What the rules say of a label.

    Attributes:
        decides: The rule that decides for these facts, missing ones assumed; None where none fires.
        wanted: The rule of the label that comes nearest; None for the default type.
        broken: Its conditions that known facts contradict.
        assumed: Facts that were taken to be what the label needs.
    """

    decides: ClassificationRule | None
    wanted: ClassificationRule | None
    broken: list[Condition]
    assumed: Facts

    @property
    def kind(self) -> list[str]:
        """Equal for equal contradictions, whatever the facts."""
        rules = [rule.name if rule is not None else "" for rule in (self.decides, self.wanted)]
        return rules + [str(condition) for condition in self.broken]


def labels_against_facts(reading: SuiteReading, book: RuleBook) -> Iterator[Finding]:
    """One finding per contradiction, with its scenarios, and one that counts the labels which the rules reproduce."""
    if book.label_field("issue_type") is None or not book.rules.classification:
        return
    yieldable = {rule.issue_type for rule in book.rules.classification} | {book.default}
    reproduced: list[str] = []
    contradicted: dict[str, list[tuple[Judged, _Verdict]]] = defaultdict(list)
    for judged in book.judged:
        label = judged.scenario.expected["issue_type"]
        if not isinstance(label, str) or label not in yieldable:
            continue
        verdict = _verdict(judged, label, book.rules)
        if verdict == "reproduced":
            reproduced.append(judged.scenario.scenario_id)
        elif isinstance(verdict, _Verdict):
            contradicted[canonical_json([label, verdict.kind])].append((judged, verdict))
    for cases in contradicted.values():
        yield _contradiction(reading, book, cases)
    if len(reproduced) < len(reading.scenarios):
        yield _reproduction(reading, reproduced, [j.scenario.scenario_id for c in contradicted.values() for j, _ in c])


def _reproduction(reading: SuiteReading, reproduced: list[str], contradicted: list[str]) -> Finding:
    n = len(reading.scenarios)
    return Finding(
        reading.name,
        "labels_the_rules_reproduce",
        "info" if len(reproduced) >= MOSTLY * n else "warning",
        "issue_type",
        f"Even with every missing fact assumed as the label needs it, the rules reproduce {len(reproduced):,} of {n:,} "
        f"issue types{': ' + listed(reproduced, 20) if reproduced else ''}.",
        "Labels and rules should mean the same desk: decide which of them is right before an agent is measured.",
        [
            {
                "reproduced": reproduced[:500],
                "contradicted_by_facts": contradicted[:500],
                "scenarios": n,
                "share": len(reproduced) / n,
            }
        ],
    )


def _verdict(judged: Judged, label: str, rules: DecisionRulesDocument) -> _Verdict | Literal["reproduced", "undecided"]:
    """How the rules contradict the label; or that they do not; or that too little is known to tell."""
    candidates = [rule for rule in rules.classification if rule.issue_type == label]
    if judged.fired is None and label == rules.default_issue_type:
        return "reproduced"
    if not candidates:  # the default type, which needs that no rule fires
        return _Verdict(judged.fired, None, [], {})
    verdicts: list[_Verdict] = []
    undecided = False
    for rule in candidates:
        assumed = _assumptions(rule, judged.facts)
        facts = {**judged.facts, **assumed}
        broken = [condition for condition in rule.when if not condition.holds(facts)]
        decides = rules.first_rule(facts)
        if decides is not None and decides.issue_type == label:
            return "reproduced"
        undecided = undecided or any(_is_open(condition, judged.facts) for condition in broken)
        verdicts.append(_Verdict(decides, rule, broken, assumed))
    nearest = min(verdicts, key=lambda verdict: len(verdict.broken))
    return "undecided" if undecided else nearest


def _assumptions(rule: ClassificationRule, facts: Facts) -> dict[str, Any]:
    """For each missing fact, a value that meets the rule's conditions on it."""
    assumed: dict[str, Any] = {}
    for condition in rule.when:
        if facts.get(condition.field) is None and (value := _satisfying(condition)) is not None:
            assumed[condition.field] = value
    return assumed


def _is_open(condition: Condition, facts: Facts) -> bool:
    """Whether the condition fails only because its fact is missing and no value was found that meets it."""
    return facts.get(condition.field) is None and condition.operator != "is_missing"


def _satisfying(condition: Condition) -> Any:
    """A value for which the condition holds; None where none is known."""
    value = condition.value
    if condition.operator in {"equals", "at_least", "at_most"}:
        return value
    if condition.operator in {"one_of", "contains_any"}:
        return value[0]
    if condition.operator in {"above", "below"}:
        return value + 1 if condition.operator == "above" else value - 1
    if condition.operator in {"not_equals", "not_one_of"}:
        return ANY_OTHER_VALUE
    return {"is_true": True, "is_false": False}.get(condition.operator)


def _contradiction(reading: SuiteReading, book: RuleBook, cases: list[tuple[Judged, _Verdict]]) -> Finding:
    (first, verdict), *others = cases
    label = first.scenario.expected["issue_type"]
    ids = [judged.scenario.scenario_id for judged, _ in cases]
    said = f"rule '{verdict.decides.name}' decides" if verdict.decides is not None else "no rule fires"
    assumed = f" (with {_written(verdict.assumed)} assumed)" if verdict.assumed else ""
    if verdict.wanted is None:
        differs = f"{label} needs that no rule fires"
    elif verdict.broken:
        parts = [f"{condition}, but it is {first.facts.get(condition.field)}" for condition in verdict.broken]
        differs = f"{label} needs {listed(parts)}" + (f" in {ids[0]}" if others else "")
    else:
        differs = f"the conditions of '{verdict.wanted.name}' hold too, but it comes later"
    return Finding(
        reading.name,
        "label_against_facts",
        "warning",
        listed(ids),
        f"{listed(ids)} {'expect' if others else 'expects'} {label}, but by the facts it is "
        f"{book.issue_type(verdict.decides)}: {said}{assumed}; {differs}.",
        "Correct the label or the facts, or the rule if the label shows what is meant.",
        [_evidence(book, judged, case) for judged, case in cases],
    )


def _evidence(book: RuleBook, judged: Judged, verdict: _Verdict) -> dict[str, Any]:
    return {
        "scenario": judged.scenario.scenario_id,
        "expected": judged.scenario.expected["issue_type"],
        "by_rules": book.issue_type(verdict.decides),
        "deciding_rule": None if verdict.decides is None else verdict.decides.name,
        "rule_of_label": None if verdict.wanted is None else verdict.wanted.name,
        "differs": [
            {"condition": str(condition), "fact": judged.facts.get(condition.field)} for condition in verdict.broken
        ],
        "assumed": dict(verdict.assumed),
        "facts": judged.shown(verdict.wanted.when if verdict.wanted is not None else ()),
    }


def _written(assumed: Facts) -> str:
    return listed(f"{name} = {value}" for name, value in assumed.items())
