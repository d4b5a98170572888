"""Doubt the imported scenario rows: flags against values, values against what exists elsewhere.

Belongs here: findings about single rows. What the rows say about their run's summary is in ``audit``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from eaas_assets.history.columns import FIELDS
from eaas_assets.history.finding import HistoryFinding, records
from eaas_assets.wording import count, joined

PATH = "resolution_path"
Row = dict[str, Any]


class World(NamedTuple):
    """What the suites and their rules know.

    Attributes:
        values: Field → every value that a scenario expects or a rule yields; for paths, every specialist.
        expected: Scenario → the expected values that suites have for it.
        risks: Scenario → its risks.
    """

    values: dict[str, set[str]]
    expected: dict[str, list[dict[str, Any]]]
    risks: dict[str, set[str]]


def known_world(scenarios: pd.DataFrame | None, decision_rules: pd.DataFrame | None) -> World:
    """The enumerations in use: from JourneyScenarios and DecisionRules, as far as they are given."""
    world = World({field: set() for field in FIELDS}, {}, {})
    for row in [] if scenarios is None else records(scenarios[["scenario_id", "risk", "expected_json"]]):
        expected = json.loads(row["expected_json"])
        if not any(field in expected for field in FIELDS):
            continue  # a suite about something else
        world.expected.setdefault(row["scenario_id"], []).append(expected)
        world.risks.setdefault(row["scenario_id"], set()).add(row["risk"])
        _note_values(world, expected)
    if decision_rules is not None:
        for row in records(decision_rules[["issue_type", "path_json", "outcome"]]):
            path = json.loads(row["path_json"]) if row["path_json"] else None
            _note_values(world, {"issue_type": row["issue_type"], PATH: path, "outcome": row["outcome"]})
    return world


def _note_values(world: World, values: dict[str, Any]) -> None:
    for field in FIELDS:
        world.values[field].update(_items(values.get(field)))


def _items(value: Any) -> list[str]:
    """A value as the names that it is made of."""
    if isinstance(value, list):
        return [item for item in value if isinstance(item, str)]
    return [value] if isinstance(value, str) else []


def scenario_rows(scenarios: pd.DataFrame) -> list[Row]:
    """HistoricalScenarioEvaluations as plain rows, with paths as lists."""
    rows = records(scenarios)
    for row in rows:
        for side in ("actual", "expected"):
            text = row.pop(f"{side}_{PATH}_json")
            row[f"{side}_{PATH}"] = None if text is None else json.loads(text)
    return rows


def audit_rows(rows: list[Row], world: World) -> Iterator[HistoryFinding]:
    """Findings about scenario rows."""
    yield from _contradictory_flags(rows)
    if world.expected:
        yield from _unknown_scenarios(rows, world)
        yield from _changed_labels(rows, world)
    if any(world.values.values()):
        yield from _unknown_values(rows, world)


def _contradictory_flags(rows: list[Row]) -> Iterator[HistoryFinding]:
    for row in rows:
        for field in FIELDS:
            actual, expected, match = row[f"actual_{field}"], row[f"expected_{field}"], row[f"{field}_match"]
            if actual is None or expected is None or match is None or match == (actual == expected):
                continue
            yield HistoryFinding(
                "contradictory_match_flag",
                "error",
                f"{row['run_id']} {row['scenario_id']}",
                f"{field}_match is {str(match).lower()}, but the recorded answer and the expected one are "
                f"{'equal' if actual == expected else 'different'}.",
                "Find out which of the three is wrong; until then the row proves nothing.",
                [row],
            )


def _unknown_scenarios(rows: list[Row], world: World) -> Iterator[HistoryFinding]:
    for scenario, found in _grouped(rows, lambda row: row["scenario_id"]).items():
        if scenario not in world.expected:
            rows_of_runs = f"{count(len(found), 'row')} of {joined(_runs(found))}"
            yield HistoryFinding(
                "unknown_scenario",
                "warning",
                scenario,
                f"Scenario {scenario} is in no suite, but in {rows_of_runs}.",
                "Bring the scenario back or leave its history out: nothing can be compared with it.",
                found,
            )


def _changed_labels(rows: list[Row], world: World) -> Iterator[HistoryFinding]:
    for row in rows:
        labels = world.expected.get(row["scenario_id"], [])
        for field in FIELDS:
            now = [label[field] for label in labels if field in label]
            then = row[f"expected_{field}"]
            if then is not None and now and then not in now:
                yield HistoryFinding(
                    "changed_expectation",
                    "warning",
                    f"{row['run_id']} {row['scenario_id']}",
                    f"The run expected the {field} {_text(then)}, the suite now expects {_text(now[0])}.",
                    "Do not compare this scenario across the change: the test changed, not the agent.",
                    [row],
                )


def _unknown_values(rows: list[Row], world: World) -> Iterator[HistoryFinding]:
    occurrences: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        for field in FIELDS:
            for value in {*_items(row[f"actual_{field}"]), *_items(row[f"expected_{field}"])} - world.values[field]:
                occurrences.setdefault((field, value), []).append(row)
    for (field, value), found in sorted(occurrences.items(), key=lambda item: item[0]):
        places = f"{count(len(found), 'row')} ({joined(_runs(found))})"
        yield HistoryFinding(
            "unknown_value",
            "warning",
            value,
            f"'{value}' stands as {field} in {places} and nowhere else: no scenario expects it and no rule yields it.",
            "Add it to the rules if agents may answer it; otherwise treat those answers as malformed.",
            found,
        )


def _grouped(rows: list[Row], key: Any) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _runs(rows: list[Row]) -> list[str]:
    return sorted({row["run_id"] for row in rows})


def _text(value: Any) -> str:
    return " → ".join(value) if isinstance(value, list) else str(value)
