"""Findings about rules that exist twice, as a table and as an ordered classification, and say different things."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from eaas_assets.contracts.conditions import Condition
from eaas_assets.storage.files import canonical_json
from eaas_assets.suites.audit.findings import Finding, listed
from eaas_assets.suites.audit.rule_judgement import Judged, RuleBook
from eaas_assets.suites.decision_rules import ClassificationRule, IssueTypeRule
from eaas_assets.suites.scenarios import SuiteReading

_KIND = "table_and_function_differ"
_ADVICE = "Make the two say the same, or keep only one of them: agents and labels can follow either."


def table_and_classification(reading: SuiteReading, book: RuleBook) -> Iterator[Finding]:
    """Types whose conditions differ between table and classification, and facts for which the table is ambiguous."""
    if not book.rules.classification:
        return
    for issue_type, entry in book.rules.issue_types.items():
        rules = [rule for rule in book.rules.classification if rule.issue_type == issue_type]
        if not rules:
            yield Finding(
                reading.name, _KIND, "warning", issue_type,
                f"{issue_type} stands in the rule table, but no classification rule yields it.", _ADVICE,
                [{"issue_type": issue_type, "in_table": [str(condition) for condition in entry.when], "rules": []}],
            )  # fmt: skip
        elif all(_differences(entry, rule) != ([], []) for rule in rules):
            yield _different_conditions(reading, issue_type, entry, rules)
    yield from _no_precedence(reading, book)


def _differences(entry: IssueTypeRule, rule: ClassificationRule) -> tuple[list[Condition], list[Condition]]:
    """Conditions that only the table has, and that only the classification rule has."""
    return _without(entry.when, rule.when), _without(rule.when, entry.when)


def _without(conditions: list[Condition], others: list[Condition]) -> list[Condition]:
    return [condition for condition in conditions if condition not in others]


def _different_conditions(
    reading: SuiteReading, issue_type: str, entry: IssueTypeRule, rules: list[ClassificationRule]
) -> Finding:
    differing = [(rule, *_differences(entry, rule)) for rule in rules]
    parts = []
    for rule, dropped, added in differing:
        if dropped:
            parts.append(f"rule '{rule.name}' drops {listed(map(str, dropped))}")
        if added:
            parts.append(f"rule '{rule.name}' adds {listed(map(str, added))}")
    return Finding(
        reading.name,
        _KIND,
        "warning",
        issue_type,
        f"For {issue_type} table and classification differ: {'; '.join(parts)}.",
        _ADVICE,
        [
            {
                "issue_type": issue_type,
                "rule": rule.name,
                "only_in_table": [str(condition) for condition in dropped],
                "only_in_classification": [str(condition) for condition in added],
            }
            for rule, dropped, added in differing
        ],
    )


def _no_precedence(reading: SuiteReading, book: RuleBook) -> Iterator[Finding]:
    """Facts for which several rows of the table hold at once: the table does not say which of them counts."""
    ambiguous: dict[str, list[Judged]] = defaultdict(list)
    matches_of: dict[int, list[str]] = {}
    for judged in book.judged:
        matches = matches_of.get(id(judged.facts))
        if matches is None:
            matches = matches_of[id(judged.facts)] = book.rules.table_matches(judged.facts)
        if len(matches) > 1:
            ambiguous[canonical_json(matches)].append(judged)
    if not ambiguous:
        return
    evidence = []
    for group in ambiguous.values():
        matches = matches_of[id(group[0].facts)]
        conditions = [condition for issue_type in matches for condition in book.rules.issue_types[issue_type].when]
        evidence.append(
            {
                "scenarios": [judged.scenario.scenario_id for judged in group],
                "table_matches": matches,
                "classification_says": book.issue_type(group[0].fired),
                "facts": group[0].shown(conditions),
            }
        )
    ids = [judged.scenario.scenario_id for group in ambiguous.values() for judged in group]
    most = max(ambiguous.values(), key=lambda group: len(matches_of[id(group[0].facts)]))
    example, names = most[0].scenario.scenario_id, matches_of[id(most[0].facts)]
    yield Finding(
        reading.name,
        _KIND,
        "warning",
        listed(ids),
        f"The rule table has no precedence: for the facts of {listed(ids)} several types hold at once "
        f"({example}: {listed(names)}).",
        "Order the table, or make its types exclude each other.",
        evidence,
    )
