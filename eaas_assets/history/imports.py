"""Read the runs that were made before this system: three files in `history/`, hostile until read.

Belongs here: what a row must look like to be taken over. Whether rows that look right are also credible is the
audit's matter. A folder that does not exist is a history that has not begun.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import pandas as pd
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from eaas_assets.contracts.documents import Document, validate_value
from eaas_assets.contracts.identifiers import Identifier
from eaas_assets.contracts.inputs import (
    HistoricalEvaluationRuns,
    HistoricalRunMetrics,
    HistoricalScenarioEvaluations,
)
from eaas_assets.contracts.readings import FileReading
from eaas_assets.contracts.tables import build
from eaas_assets.errors import InputError, Problem, shown
from eaas_assets.storage.files import canonical_json
from eaas_assets.storage.records import read_records

FOLDER = "history"
RUNS, METRICS, SCENARIOS = "evaluation_runs", "run_summary_metrics", "scenario_evaluations"
ENDINGS = (".json", ".jsonl")
LISTS = ("regression_flags", "improvement_flags", "actual_resolution_path", "expected_resolution_path")
MOST_SCENARIOS = 10_000_000
MOST_MILLISECONDS = 1e10  # four months


@dataclass(frozen=True)
class HistoryReading:
    """What was read.

    Attributes:
        runs: HistoricalEvaluationRuns.
        metrics: HistoricalRunMetrics.
        scenarios: HistoricalScenarioEvaluations.
        files: What came of each file; empty without a history folder.
    """

    runs: pd.DataFrame
    metrics: pd.DataFrame
    scenarios: pd.DataFrame
    files: list[FileReading] = field(default_factory=list)


def _instant(value: Any) -> datetime:
    expected = "a time with its zone, such as 2025-12-20T09:00:00Z"
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is None or moment.tzinfo is None:
            raise PydanticCustomError("timestamp", "{expected}", {"expected": expected})
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        if isinstance(error, PydanticCustomError):
            raise
        raise PydanticCustomError("timestamp", "{expected}", {"expected": expected}) from error


Share = Annotated[float, Field(ge=0, le=1)]
Milliseconds = Annotated[float, Field(ge=0, le=MOST_MILLISECONDS)]
Text = Annotated[str, Field(max_length=100_000)]
Name = Annotated[str, Field(min_length=1, max_length=256)]


class _Run(Document):
    run_id: Identifier
    run_timestamp: Annotated[datetime, BeforeValidator(_instant)]
    target_orchestrator: Identifier
    target_version: Identifier
    scenario_count: int = Field(ge=1, le=MOST_SCENARIOS)
    evaluation_type: Name
    notes: Text | None = None


class _Metrics(Document):
    run_id: Identifier
    overall_pass_rate: Share
    issue_classification_accuracy: Share
    resolution_path_accuracy: Share
    outcome_accuracy: Share
    high_risk_failures: int = Field(ge=0, le=MOST_SCENARIOS)
    human_review_rate: Share
    avg_latency_ms: Milliseconds
    p95_latency_ms: Milliseconds
    regression_flags: list[Name] = []
    improvement_flags: list[Name] = []
    notes: Text | None = None


class _Scenario(Document):
    run_id: Identifier
    scenario_id: Name
    actual_issue_type: Name | None = None
    expected_issue_type: Name | None = None
    issue_type_match: bool | None = None
    actual_resolution_path: list[Name] | None = None
    expected_resolution_path: list[Name] | None = None
    resolution_path_match: bool | None = None
    actual_outcome: Name | None = None
    expected_outcome: Name | None = None
    outcome_match: bool | None = None
    latency_ms: Milliseconds | None = None
    confidence_score: Share | None = None
    requires_human_review: bool | None = None
    failure_reason: Text | None = None


RowT = TypeVar("RowT", _Run, _Metrics, _Scenario)


def read_history(root: Path) -> HistoryReading:
    """Read `history/` below the data folder.

    A row that is malformed, repeats another one or belongs to no readable run is reported and left out; the others
    stay. Each of the three files is a JSON list or JSON lines.
    """
    if not any(_find(root, stem) for stem in (RUNS, METRICS, SCENARIOS)):
        return HistoryReading(
            build(HistoricalEvaluationRuns, []),
            build(HistoricalRunMetrics, []),
            build(HistoricalScenarioEvaluations, []),
        )
    runs, runs_file = _read(root, RUNS, _Run, ("run_id",), None)
    known = {row.run_id for row in runs}
    metrics, metrics_file = _read(root, METRICS, _Metrics, ("run_id",), known)
    scenarios, scenarios_file = _read(root, SCENARIOS, _Scenario, ("run_id", "scenario_id"), known)
    return HistoryReading(
        build(HistoricalEvaluationRuns, [_table_row(row) for row in runs]),
        build(HistoricalRunMetrics, [_table_row(row) for row in metrics]),
        build(HistoricalScenarioEvaluations, [_table_row(row) for row in scenarios]),
        [runs_file, metrics_file, scenarios_file],
    )


def _find(root: Path, stem: str) -> str | None:
    """The path below ``root`` of the first form of a file that is there."""
    for ending in ENDINGS:
        relative = f"{FOLDER}/{stem}{ending}"
        try:
            if (root / relative).exists():
                return relative
        except OSError:  # it cannot even be looked at, which the reader reports
            return relative
    return None


def _read(
    root: Path, stem: str, model: type[RowT], key: tuple[str, ...], runs: set[str] | None
) -> tuple[list[RowT], FileReading]:
    """The good rows of one file, and what was wrong with the others.

    Args:
        root: The data folder.
        stem: Name of the file without its ending.
        model: What a row must look like.
        key: Fields that no two rows share.
        runs: Runs to which a row may belong; None where the rows are the runs.
    """
    relative = _find(root, stem) or f"{FOLDER}/{stem}{ENDINGS[0]}"
    reading = FileReading(relative, "history")
    try:
        records = read_records(root, relative)
    except InputError as error:
        reading.problems.extend(error.problems)
        return [], reading
    reading.problems.extend(records.problems)
    rows: list[RowT] = []
    first_seen: dict[tuple[str, ...], int] = {}
    for number, record in records.rows:
        try:
            row = validate_value(model, record, relative, number)
        except InputError as error:
            reading.problems.extend(error.problems)
            continue
        identity = tuple(getattr(row, name) for name in key)
        if runs is not None and row.run_id not in runs:
            expected = f"a run of {FOLDER}/{RUNS} that could be read"
            problem = Problem(relative, "dangling_run", shown(row.run_id), expected, number, "run_id")
            reading.problems.append(problem)
        elif identity in first_seen:
            found = f"{shown(', '.join(identity))} again, as in row {first_seen[identity]}"
            expected = f"each {' and '.join(key)} once"
            reading.problems.append(Problem(relative, "duplicate_id", found, expected, number, key[-1]))
        else:
            first_seen[identity] = number
            rows.append(row)
    reading.rows_read = len(rows)
    return rows, reading


def _table_row(row: Document) -> dict[str, Any]:
    """The row as its table has it: lists as JSON text."""
    fields = row.model_dump()
    for name in fields.keys() & set(LISTS):
        value = fields.pop(name)
        fields[f"{name}_json"] = None if value is None else canonical_json(value)
    return fields
