"""Readings of suites for audit tests, made directly from a few cells, without files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eaas_assets.contracts.suite import Suite
from eaas_assets.suites.decision_rules import DecisionRulesDocument
from eaas_assets.suites.scenarios import Scenario, SuiteReading

_RESERVED = {"message", "context", "inputs"}


def reading_of(
    rows: Sequence[Mapping[str, Any]],
    compare: Mapping[str, str] | None = None,
    rules: Mapping[str, Any] | None = None,
    context: Sequence[Mapping[str, Any]] = (),
) -> SuiteReading:
    """A suite whose scenarios are called N0, N1, …

    Args:
        rows: ``message``, ``context`` (facts by dotted name), ``inputs``; every other name is an expected field.
        compare: Comparison of expected fields that are not ``exact``; a ``path`` field gets that role.
        rules: The decision rules.
        context: Declared context tables.
    """
    fields = [name for name in rows[0] if name not in _RESERVED]
    weights = [1.0] + [0.0] * (len(fields) - 1)
    inputs = dict.fromkeys(name for row in rows for name in row.get("inputs", {}))
    suite = Suite.model_validate(
        {
            "suite": "made",
            "title": "Made for a test",
            "scenarios": {"file": "rows.json", "message": "message", "inputs": list(inputs)},
            "context": [dict(table) for table in context],
            "expected": [
                {
                    "field": name,
                    "column": f"want_{name}",
                    "compare": (compare or {}).get(name, "exact"),
                    "weight": weight,
                    "role": "path" if name == "path" else None,
                }
                for name, weight in zip(fields, weights, strict=True)
            ],
        }
    )
    shared: dict[str, dict[str, Any]] = {}
    scenarios = []
    for number, row in enumerate(rows):
        facts = {**row.get("context", {}), **row.get("inputs", {})}
        facts = shared.setdefault(repr(facts), facts)
        expected = {name: row[name] for name in fields}
        message = row.get("message", "")
        scenarios.append(
            Scenario("made", f"N{number}", number + 1, message, None, None, {}, facts, expected, f"{number:064x}")
        )
    document = None if rules is None else DecisionRulesDocument.model_validate(rules)
    return SuiteReading("made", suite, scenarios, decision_rules=document)


def when(*conditions: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Conditions from (field, operator) or (field, operator, value)."""
    names = ("field", "operator", "value")
    return [dict(zip(names, condition, strict=False)) for condition in conditions]


def rules_of(
    classification: Mapping[str, tuple[list[dict[str, Any]], str]],
    table: Mapping[str, tuple[list[dict[str, Any]], list[str], str]] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Decision rules: rule name → (conditions, issue type), and issue type → (conditions, path, outcome)."""
    types = {issue_type for _, issue_type in classification.values()}
    known = table if table is not None else {name: ([], [], f"{name}_outcome") for name in sorted(types)}
    return {
        "default_issue_type": "unknown",
        "unknown_outcome": "no_outcome",
        "issue_types": {
            name: {"when": conditions, "path": path, "outcome": outcome}
            for name, (conditions, path, outcome) in known.items()
        },
        "classification": [
            {"name": name, "when": conditions, "issue_type": issue_type}
            for name, (conditions, issue_type) in classification.items()
        ],
        **more,
    }
