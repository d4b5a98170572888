"""Findings about classification rules that never fire: whether on these scenarios only, or whatever the scenario."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eaas_assets.contracts.conditions import all_hold
from eaas_assets.storage.files import canonical_json
from eaas_assets.suites.audit.findings import Finding, listed
from eaas_assets.suites.audit.reachability import Budget, cannot_fire
from eaas_assets.suites.audit.rule_judgement import Judged, RuleBook
from eaas_assets.suites.decision_rules import ClassificationRule
from eaas_assets.suites.scenarios import SuiteReading

_DEAD = "Delete the rule, or mend its conditions or its place in the order."
_UNTESTED = (
    "No result of this suite says anything about the rule: add scenarios for it, or change the order of the rules."
)


def unreachable_rules(reading: SuiteReading, book: RuleBook) -> Iterator[Finding]:
    """Rules that decide no scenario, with the reason: it cannot be, or it only does not happen here."""
    fired = {judged.fired.name for judged in book.judged if judged.fired is not None}
    budget = Budget()
    for position, rule in enumerate(book.rules.classification):
        if rule.name in fired:
            continue
        whens = [earlier.when for earlier in book.rules.classification[: position + 1]]
        absent = [c.field for c in rule.when if c.operator != "is_missing" and not book.exists(c.field)]
        stand_ins = book.rules.missing_values
        if cannot_fire(whens[-1:], book.suite, stand_ins, budget):
            statement = "its conditions exclude each other, or the values that the suite declares"
            yield _dead(reading, rule, statement, [])
        elif cannot_fire(whens, book.suite, stand_ins, budget):
            earlier = [item.name for item in book.rules.classification[:position]]
            statement = f"whatever the facts, a rule before it fires first ({listed(earlier)})"
            yield _dead(reading, rule, statement, [{"earlier_rule": name} for name in earlier])
        elif absent:
            statement = f"it needs {listed(absent)}, which no scenario of this suite can have"
            yield _dead(reading, rule, statement, [{"missing_fact": field} for field in absent])
        else:
            yield _unfired(reading, book, rule, position, budget)


def _dead(reading: SuiteReading, rule: ClassificationRule, why: str, evidence: list[dict[str, Any]]) -> Finding:
    expecting = _expecting(reading, rule.issue_type)
    return Finding(
        reading.name,
        "unreachable_rule",
        "warning",
        rule.name,
        f"Rule '{rule.name}' (→ {rule.issue_type}) cannot fire at all: {why}.{_expected_by(expecting)}",
        _DEAD,
        [{"rule": rule.name, "conditions": [str(condition) for condition in rule.when], "can_fire": False}, *evidence],
    )


def _expecting(reading: SuiteReading, issue_type: str) -> list[str]:
    return [s.scenario_id for s in reading.scenarios if s.expected.get("issue_type") == issue_type]


def _expected_by(scenarios: list[str]) -> str:
    if not scenarios:
        return ""
    return f" {listed(scenarios)} {'expects' if len(scenarios) == 1 else 'expect'} its issue type."


def _unfired(reading: SuiteReading, book: RuleBook, rule: ClassificationRule, position: int, budget: Budget) -> Finding:
    """A rule that could fire, but decides none of these scenarios."""
    met = [judged for judged in book.judged if all_hold(rule.when, judged.facts)]
    if met:
        nearest, where = met, f"all its conditions hold for {_ids(met)}"
    else:
        nearest, where = _nearest(book, rule)
    taken = [judged for judged in nearest if judged.fired is not None]
    names = listed(dict.fromkeys(judged.fired.name for judged in taken if judged.fired is not None))
    if met:
        where += f", but an earlier rule fires first ({names})"
    elif taken and len(taken) == len(nearest) and _always_taken(book, rule, position, taken, budget):
        where += f"; even if they held, an earlier rule would fire first (now it is {names})"
    expecting = _expecting(reading, rule.issue_type)
    return Finding(
        reading.name,
        "unreachable_rule",
        "warning",
        rule.name,
        f"Rule '{rule.name}' (→ {rule.issue_type}) never fires on these scenarios: {where}.{_expected_by(expecting)}",
        _UNTESTED,
        [
            {"rule": rule.name, "conditions": [str(condition) for condition in rule.when], "can_fire": True},
            *(
                {
                    "scenario": judged.scenario.scenario_id,
                    "facts": judged.shown(rule.when),
                    "does_not_hold": [str(c) for c in rule.when if not c.holds(judged.facts)],
                    "fired_instead": None if judged.fired is None else judged.fired.name,
                }
                for judged in nearest
            ),
        ],
    )


def _ids(judged: list[Judged]) -> str:
    return listed(item.scenario.scenario_id for item in judged)


def _nearest(book: RuleBook, rule: ClassificationRule) -> tuple[list[Judged], str]:
    """The scenarios that meet the rarest of its conditions, and how to say so."""
    holders = [(c, [j for j in book.judged if c.holds(j.facts)]) for c in rule.when]
    never = [str(condition) for condition, scenarios in holders if not scenarios]
    if never:
        return [], f"no scenario has {listed(never)}"
    condition, scenarios = min(holders, key=lambda holder: len(holder[1]))
    return scenarios, f"{condition} is met by {_ids(scenarios)} alone, where its other conditions do not hold"


def _always_taken(
    book: RuleBook, rule: ClassificationRule, position: int, nearest: list[Judged], budget: Budget
) -> bool:
    """Whether earlier rules take these scenarios even if the conditions that fail were met."""
    whens = [earlier.when for earlier in book.rules.classification[: position + 1]]
    fields = {condition.field for when in whens for condition in when}
    cases = {}
    for judged in nearest:
        free = {condition.field for condition in rule.when if not condition.holds(judged.facts)}
        fixed = {field: judged.facts.get(field) for field in fields - free}
        cases[canonical_json([sorted(free), fixed])] = fixed
    stand_ins = book.rules.missing_values
    return all(cannot_fire(whens, book.suite, stand_ins, budget, fixed) for fixed in cases.values())
