"""Findings about labels that the suite's own rules contradict when they are applied to the facts.

The rules get the benefit of the doubt: a fact that the suite does not have is taken to be what the label needs. What is
left is a contradiction between label and facts, whatever the missing facts are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from eaas_assets.contracts.conditions import Condition, Facts
from eaas_assets.suites.audit.findings import Finding, listed
from eaas_assets.suites.audit.rule_judgement import Judged, RuleBook
from eaas_assets.suites.decision_rules import ClassificationRule, DecisionRulesDocument
from eaas_assets.suites.scenarios import SuiteReading


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


def labels_against_facts(reading: SuiteReading, book: RuleBook) -> Iterator[Finding]:
    """One finding per scenario whose issue type the rules contradict, and one that counts what they reproduce."""
    if book.label_field("issue_type") is None or not book.rules.classification:
        return
    yieldable = {rule.issue_type for rule in book.rules.classification} | {book.default}
    reproduced, contradicted = [], []
    for judged in book.judged:
        label = judged.scenario.expected["issue_type"]
        if label not in yieldable:
            continue
        verdict = _verdict(judged, str(label), book.rules)
        if verdict is None:
            reproduced.append(judged.scenario.scenario_id)
        else:
            contradicted.append(judged.scenario.scenario_id)
            yield _finding(reading, book, judged, verdict)
    n = len(reading.scenarios)
    if len(reproduced) < n:
        yield Finding(
            reading.name,
            "rules_reproduce_few_labels",
            "warning",
            "issue_type",
            f"Even with every missing fact assumed as the label needs it, the rules reproduce {len(reproduced):,} of "
            f"{n:,} issue types" + (f": {listed(reproduced, 20)}." if reproduced else "."),
            "Rules and labels describe two different desks. Decide which of them is meant before an agent is measured.",
            [
                {
                    "reproduced": reproduced[:500],
                    "contradicted_by_facts": contradicted[:500],
                    "scenarios": n,
                    "share": len(reproduced) / n,
                }
            ],
        )


def _verdict(judged: Judged, label: str, rules: DecisionRulesDocument) -> _Verdict | None:
    """None if the rules can yield the label for these facts."""
    candidates = [rule for rule in rules.classification if rule.issue_type == label]
    if not candidates:  # the default type: it needs that no rule fires
        return None if judged.fired is None else _Verdict(judged.fired, None, [], {})
    verdicts = []
    for rule in candidates:
        assumed = _assumptions(rule, judged.facts)
        facts = {**judged.facts, **assumed}
        broken = [condition for condition in rule.when if not condition.holds(facts)]
        decides = rules.first_rule(facts)
        if decides is not None and decides.issue_type == label:
            return None
        if any(condition.field in _unassumable(rule, judged.facts) for condition in broken):
            return None  # cannot be told: no value is known that would meet the condition
        verdicts.append(_Verdict(decides, rule, broken, assumed))
    return min(verdicts, key=lambda verdict: len(verdict.broken))


def _assumptions(rule: ClassificationRule, facts: Facts) -> dict[str, Any]:
    """For each missing fact, a value that meets the rule's conditions on it."""
    assumed: dict[str, Any] = {}
    for condition in rule.when:
        if facts.get(condition.field) is None and (value := _satisfying(condition)) is not None:
            assumed[condition.field] = value
    return assumed


def _unassumable(rule: ClassificationRule, facts: Facts) -> set[str]:
    missing = {condition.field for condition in rule.when if facts.get(condition.field) is None}
    return missing - {condition.field for condition in rule.when if condition.operator == "is_missing"}


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
        return "\x00 something else"
    return {"is_true": True, "is_false": False}.get(condition.operator)


def _finding(reading: SuiteReading, book: RuleBook, judged: Judged, verdict: _Verdict) -> Finding:
    scenario_id, label = judged.scenario.scenario_id, judged.scenario.expected["issue_type"]
    said = f"rule '{verdict.decides.name}'" if verdict.decides is not None else "no rule fires and the default"
    assumed = f" (with {_written(verdict.assumed)} assumed)" if verdict.assumed else ""
    result = f"by the facts it is {book.issue_type(verdict.decides)}: {said} decides{assumed}"
    if verdict.wanted is None:
        differs = f"{label} needs that no rule fires"
    elif verdict.broken:
        parts = (f"{condition}, but it is {judged.facts.get(condition.field)}" for condition in verdict.broken)
        differs = f"{label} needs {listed(parts)}"
    else:
        differs = f"the conditions of '{verdict.wanted.name}' hold too, but it comes later"
    return Finding(
        reading.name,
        "label_against_facts",
        "warning",
        scenario_id,
        f"{scenario_id} expects {label}, but {result}; {differs}.",
        "Correct the label or the facts, or the rule if the label shows what is meant.",
        [
            {
                "scenario": scenario_id,
                "expected": label,
                "by_rules": book.issue_type(verdict.decides),
                "deciding_rule": None if verdict.decides is None else verdict.decides.name,
                "rule_of_label": None if verdict.wanted is None else verdict.wanted.name,
                "differs": [
                    {"condition": str(condition), "fact": judged.facts.get(condition.field)}
                    for condition in verdict.broken
                ],
                "assumed": {name: value for name, value in verdict.assumed.items() if value != _satisfying_nothing},
                "facts": judged.shown(verdict.wanted.when if verdict.wanted is not None else ()),
            }
        ],
    )


_satisfying_nothing = "\x00 something else"


def _written(assumed: Facts) -> str:
    return listed(f"{name} = {value}" for name, value in assumed.items())
