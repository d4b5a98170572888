"""Findings about labels that the suite's own rules or specialists can never produce."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from eaas_assets.contracts.suite import ExpectedField
from eaas_assets.storage.files import canonical_json
from eaas_assets.suites.audit.findings import Finding, listed
from eaas_assets.suites.audit.rule_judgement import RuleBook
from eaas_assets.suites.decision_rules import DecisionRulesDocument, IssueTypeRule
from eaas_assets.suites.scenarios import Scenario, SuiteReading

_ADVICE = (
    "Correct the label, or add the rule that yields it; until then an agent that follows the rules must fail here."
)


def unproducible_labels(reading: SuiteReading, book: RuleBook) -> Iterator[Finding]:
    """Expected issue types, outcomes and paths that no rule yields, alone or together."""
    if book.label_field("issue_type"):
        yield from _unknown_values(reading, "issue_type", _issue_types(book.rules), book)
    if book.label_field("outcome"):
        outcomes = {rule.outcome for rule in _yielded(book.rules).values()} | {book.rules.unknown_outcome}
        yield from _unknown_values(reading, "outcome", outcomes, book)
    if (path := book.suite.path_field) is not None and path.compare != "subset":
        paths = {_as_compared(path, rule.path) for rule in _yielded(book.rules).values()} | {"[]"}
        yield from _unknown_values(reading, path.field, paths, book)
    if book.label_field("issue_type"):
        yield from _impossible_combinations(reading, book)


def unknown_specialists(reading: SuiteReading) -> Iterator[Finding]:
    """Specialists that labels or rules call and the catalogue does not list."""
    suite = reading.suite
    if suite is None or suite.path_field is None or not reading.specialists:
        return
    called: dict[str, list[str]] = defaultdict(list)
    for scenario in reading.scenarios:
        for name in scenario.expected[suite.path_field.field]:
            called[str(name)].append(scenario.scenario_id)
    if reading.decision_rules is not None:
        for issue_type, rule in reading.decision_rules.issue_types.items():
            for name in rule.path:
                called[name].append(f"rule {issue_type}")
    for name, callers in called.items():
        if reading.resolve_specialist(name) is None:
            known = listed(reading.specialists)
            yield Finding(
                reading.name,
                "unknown_specialist",
                "error",
                name,
                f"The catalogue does not list '{name}', which is called by {listed(callers)}; it lists {known}.",
                "Correct the name, or add the specialist to the catalogue.",
                [{"specialist": name, "called_by": caller} for caller in callers],
            )


def _issue_types(rules: DecisionRulesDocument) -> set[str]:
    """Types that the classification can yield; without a classification, the types of the table."""
    decided = {rule.issue_type for rule in rules.classification} or set(rules.issue_types)
    return decided | {rules.default_issue_type}


def _yielded(rules: DecisionRulesDocument) -> dict[str, IssueTypeRule]:
    known = _issue_types(rules)
    return {name: rule for name, rule in rules.issue_types.items() if name in known}


def _unknown_values(reading: SuiteReading, field: str, producible: set[str], book: RuleBook) -> Iterator[Finding]:
    holders: dict[str, list[Scenario]] = defaultdict(list)
    path = book.suite.path_field
    for scenario in reading.scenarios:
        value = scenario.expected[field]
        text = _as_compared(path, value) if path is not None and field == path.field else _text(value)
        holders[text].append(scenario)
    for value, scenarios in holders.items():
        if value in producible:
            continue
        ids = listed(scenario.scenario_id for scenario in scenarios)
        expect = "expects" if len(scenarios) == 1 else "expect"
        yield Finding(
            reading.name,
            "unproducible_label",
            "error",
            f"{field} {value}",
            f"No rule yields the {field} '{value}', which {ids} {expect}{_hint(field, value, scenarios, book)}.",
            _ADVICE,
            [
                {
                    "scenario": s.scenario_id,
                    "field": field,
                    "expected": s.expected[field],
                    "by_table": _by_table(s, book),
                }
                for s in scenarios
            ],
        )


def _as_compared(path: ExpectedField, value: list[Any]) -> str:
    """A path as text; the order counts only where the suite compares it."""
    return canonical_json(value if path.compare == "sequence" else sorted(map(str, value)))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value)


def _hint(field: str, value: str, scenarios: list[Scenario], book: RuleBook) -> str:
    """Where else the value occurs in the rules, or what the table has in its place."""
    elsewhere = sorted(_compared_with(value, book.rules))
    if elsewhere:
        return f"; the rules know it only as a value of {listed(elsewhere)}"
    by_table = _by_table(scenarios[0], book)
    if by_table is None or field == "issue_type":
        return ""
    instead = by_table["outcome"] if field == "outcome" else canonical_json(by_table["path"])
    return f"; the rule table has {instead} for {scenarios[0].expected['issue_type']}"


def _compared_with(value: str, rules: DecisionRulesDocument) -> set[str]:
    whens = [rule.when for rule in rules.issue_types.values()] + [rule.when for rule in rules.classification]
    return {
        condition.field
        for when in whens
        for condition in when
        if value == condition.value or (isinstance(condition.value, list) and value in condition.value)
    }


def _by_table(scenario: Scenario, book: RuleBook) -> dict[str, Any] | None:
    """What the rule table has for the issue type that the scenario expects."""
    issue_type = scenario.expected.get("issue_type")
    rule = book.rules.issue_types.get(issue_type) if isinstance(issue_type, str) else None
    return None if rule is None else {"path": rule.path, "outcome": rule.outcome}


def _impossible_combinations(reading: SuiteReading, book: RuleBook) -> Iterator[Finding]:
    """Labels that some rule yields each, but no rule together."""
    path = book.suite.path_field
    if path is not None and path.compare == "subset":
        path = None
    outcomes = {rule.outcome for rule in book.rules.issue_types.values()}
    paths = set() if path is None else {_as_compared(path, rule.path) for rule in book.rules.issue_types.values()}
    cases: dict[str, list[str]] = defaultdict(list)
    for scenario in reading.scenarios:
        issue_type = _text(scenario.expected["issue_type"])
        rule = book.rules.issue_types.get(issue_type)
        if rule is None:
            continue
        differing = [
            f"{field} {value} (the table has {by_table})"
            for field, value, by_table, known in _parts(scenario, path, rule, outcomes, paths)
            if value != by_table and value in known
        ]
        if differing:
            cases[f"{issue_type} together with {' and '.join(differing)}"].append(scenario.scenario_id)
    for combination, ids in cases.items():
        yield Finding(
            reading.name,
            "unproducible_label",
            "error",
            listed(ids),
            f"No rule yields {combination}, as {listed(ids)} {'expects' if len(ids) == 1 else 'expect'}.",
            _ADVICE,
            [{"scenario": scenario_id, "expected_together": combination} for scenario_id in ids],
        )


def _parts(
    scenario: Scenario, path: ExpectedField | None, rule: IssueTypeRule, outcomes: set[str], paths: set[str]
) -> Iterator[tuple[str, str, str, set[str]]]:
    """Field, expected value, the table's value, and every value that the table has, all as text."""
    if "outcome" in scenario.expected:
        yield "outcome", _text(scenario.expected["outcome"]), rule.outcome, outcomes
    if path is not None:
        yield path.field, _as_compared(path, scenario.expected[path.field]), _as_compared(path, rule.path), paths
