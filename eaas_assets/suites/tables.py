"""What was read of all suites, as tables. Free-form values become JSON text; nothing is judged here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from eaas_assets.contracts.inputs import DecisionRules, JourneyScenarios, SpecialistAgents
from eaas_assets.contracts.tables import build
from eaas_assets.storage.files import canonical_json
from eaas_assets.suites.scenarios import Scenario, SuiteReading


def journey_scenarios(readings: Iterable[SuiteReading]) -> pd.DataFrame:
    """Every usable scenario (contract JourneyScenarios)."""
    scenarios = [scenario for reading in readings for scenario in reading.scenarios]
    frame = pd.DataFrame(
        {
            "suite": [scenario.suite for scenario in scenarios],
            "scenario_id": [scenario.scenario_id for scenario in scenarios],
            "row": [scenario.row for scenario in scenarios],
            "message": [scenario.message for scenario in scenarios],
            "risk": pd.Series([scenario.risk for scenario in scenarios], dtype="str"),
            "severity": pd.Series([scenario.severity for scenario in scenarios], dtype="Int64"),
            "segments_json": [canonical_json(scenario.segments) for scenario in scenarios],
            "context_json": _shared_json(scenarios),
            "expected_json": [canonical_json(scenario.expected) for scenario in scenarios],
            "inputs_digest": [scenario.inputs_digest for scenario in scenarios],
        }
    )
    return build(JourneyScenarios, frame)


def _shared_json(scenarios: Sequence[Scenario]) -> list[str]:
    """Context as text, made once for scenarios that share it."""
    known: dict[int, str] = {}
    texts = []
    for scenario in scenarios:
        text = known.get(id(scenario.context))
        if text is None:
            text = known[id(scenario.context)] = canonical_json(scenario.context)
        texts.append(text)
    return texts


def specialist_agents(readings: Iterable[SuiteReading]) -> pd.DataFrame:
    """Every specialist of every catalogue (contract SpecialistAgents)."""
    rows = [
        {
            "suite": reading.name,
            "name": specialist.name,
            "agent_id": specialist.agent_id,
            "description": specialist.description,
            "actions_json": canonical_json(specialist.actions),
            "settings_json": canonical_json(specialist.settings),
        }
        for reading in readings
        for specialist in reading.specialists.values()
    ]
    return build(SpecialistAgents, rows)


def decision_rules(readings: Iterable[SuiteReading]) -> pd.DataFrame:
    """Every business rule of every catalogue (contract DecisionRules): the rule table, then the classification."""
    rows: list[dict[str, Any]] = []
    for reading in readings:
        if (rules := reading.decision_rules) is None:
            continue
        for position, (name, entry) in enumerate(rules.issue_types.items(), start=1):
            conditions = canonical_json([condition.model_dump() for condition in entry.when])
            path, outcome = canonical_json(entry.path), entry.outcome
            rows.append(_rule(reading.name, "table", position, name, name, conditions, path, outcome))
        for position, rule in enumerate(rules.classification, start=1):
            conditions = canonical_json([condition.model_dump() for condition in rule.when])
            rows.append(
                _rule(reading.name, "classification", position, rule.name, rule.issue_type, conditions, None, None)
            )
    return build(DecisionRules, rows)


def _rule(*values: Any) -> dict[str, Any]:
    names = ("suite", "kind", "position", "rule", "issue_type", "conditions_json", "path_json", "outcome")
    return dict(zip(names, values, strict=True))


def context_table(readings: Iterable[SuiteReading], name: str) -> pd.DataFrame:
    """The usable rows of the context tables called ``name``, of all suites that declare one.

    Columns are as the suites have them, after ``suite``. Lists and records become JSON text in ``<column>_json``; a
    column whose values are of several kinds becomes text. Without any such table there is only the empty ``suite``.
    """
    owners: list[str] = []
    rows: list[dict[str, Any]] = []
    for reading in readings:
        table = reading.context.get(name, [])
        owners += [reading.name] * len(table)
        rows += table
    columns = dict.fromkeys(column for row in rows for column in row)
    frame: dict[str, pd.Series] = {"suite": pd.Series(owners, dtype="str")}
    for column in columns:
        values = [row.get(column) for row in rows]
        label, series = _column(values)
        target = column + label
        while target in frame:  # a context column called "suite", or "x_json" beside a list "x"
            target = f"{name}.{target}"
        frame[target] = series
    return pd.DataFrame(frame)


def _column(values: list[Any]) -> tuple[str, pd.Series]:
    """The ending of a column's name, and its values with the narrowest type that holds them all."""
    known = [value for value in values if value is not None]
    if any(isinstance(value, list | dict) for value in known):
        texts = [None if value is None else canonical_json(value) for value in values]
        return "_json", pd.Series(texts, dtype="str")
    if all(isinstance(value, bool) for value in known):
        return "", pd.Series(values, dtype="boolean" if known else "str")
    if any(isinstance(value, bool | str) for value in known):
        texts = [value if value is None or isinstance(value, str) else canonical_json(value) for value in values]
        return "", pd.Series(texts, dtype="str")
    if all(isinstance(value, int) for value in known):
        return "", pd.Series(values, dtype="Int64")
    return "", pd.Series(values, dtype="float64")
