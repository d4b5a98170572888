"""Why: every failed evaluation with what was expected, what came instead, and what the agent did and said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from eaas_assets.reporting import text, views
from eaas_assets.reporting.evaluation.tables import EvaluationReportTables
from eaas_assets.reporting.records import records
from eaas_assets.reporting.views import Column, Status, TableView

SHOWN = 20
OPEN = 3
"""Failures that start unfolded."""
_CALLS_SHOWN = 12
_ISSUES_SHOWN = 10
_NOT_COMPLETED = {"failed": "failed while executing", "timeout": "timed out", "not_run": "not run"}
_RISK_ORDER = {"high": 0, "medium": 1, "low": 2}


@dataclass(frozen=True)
class Failure:
    """One evaluation that did not pass.

    Attributes:
        scenario: Its scenario.
        trial: Which trial, as words; empty where there is one trial.
        marks: Risk, status, and whether the baseline passed it.
        reason: Why it failed, in a few words.
        score: Overall score against what passing needs.
        asked: What the agent was told; empty where the suite has no message.
        error: What went wrong while executing; empty when completed.
        fields: Expected against actual; None without field scores.
        issues: What the scorer noted.
        said: What the agent said; empty where it said nothing.
        calls: The specialists that it called; None where it called none.
        open: Whether it starts unfolded.
    """

    scenario: str
    trial: str
    marks: tuple[Status, ...]
    reason: str
    score: str
    asked: str
    error: str
    fields: TableView | None
    issues: tuple[str, ...]
    said: str
    calls: TableView | None
    open: bool


@dataclass(frozen=True)
class Failures:
    """The failed evaluations.

    Attributes:
        statement: How many failed, and how many of them are shown.
        shown: Those lost against the baseline first, then by risk, then the lowest scores.
    """

    statement: str
    shown: tuple[Failure, ...]


def failures(tables: EvaluationReportTables) -> Failures:
    """The failed evaluations of the run."""
    summary = tables.the_summary
    failed = _in_order(tables)
    shown = failed.head(SHOWN)
    if failed.empty:
        statement = "No evaluation failed." if summary.total_evaluations else "Nothing was evaluated."
        return Failures(statement, ())
    statement = f"{text.count_of(summary.total_failed, summary.total_evaluations)} evaluations did not pass"
    if summary.execution_failures:
        statement += f", {summary.execution_failures:,} of them because they were not run, failed or timed out"
    statement += ". What was lost against the baseline comes first, then the highest risk, then the lowest score."
    if len(shown) < len(failed):
        hidden = len(failed) - len(shown)
        statement += f" {hidden:,} more are not shown here: see the table evaluation_scores."
    keys = shown["evaluation_key"]
    asked = tables.scenarios[tables.scenarios["scenario_id"].isin(shown["scenario_id"])]
    evidence = _Evidence(
        executed=_rows_of(tables.executed, keys),
        fields=dict(list(_those(tables.field_scores, keys).groupby("evaluation_key"))),
        calls=dict(list(_those(tables.calls, keys).groupby("evaluation_key"))),
        messages=dict(zip(asked["scenario_id"], asked["message"], strict=True)),
        repeated=bool(tables.the_plan.trials > 1),
        threshold=tables.evaluation_policy.pass_threshold,
        baseline=tables.baseline_name,
    )
    return Failures(statement, tuple(_failure(row, evidence, place < OPEN) for place, row in
                                     enumerate(records(shown))))  # fmt: skip


@dataclass(frozen=True)
class _Evidence:
    executed: dict[str, Any]
    fields: dict[Any, pd.DataFrame]
    calls: dict[Any, pd.DataFrame]
    messages: dict[str, str]
    repeated: bool
    threshold: float
    baseline: str


def _in_order(tables: EvaluationReportTables) -> pd.DataFrame:
    failed = tables.scores[~tables.scores["passed"]]
    lost = text.parsed(tables.the_comparison.lost_scenarios_json)
    return failed.assign(
        lost=failed["scenario_id"].isin(lost), risk_order=failed["risk"].map(_RISK_ORDER).fillna(len(_RISK_ORDER))
    ).sort_values(["lost", "risk_order", "overall_score", "scenario_id", "trial"],
                  ascending=[False, True, True, True, True])  # fmt: skip


def _those(table: pd.DataFrame, keys: pd.Series) -> pd.DataFrame:
    return table[table["evaluation_key"].isin(keys)]


def _rows_of(table: pd.DataFrame, keys: pd.Series) -> dict[str, Any]:
    return {row.evaluation_key: row for row in records(_those(table, keys))}


def _failure(row: Any, evidence: _Evidence, opened: bool) -> Failure:
    executed = evidence.executed.get(row.evaluation_key)
    fields, calls = evidence.fields.get(row.evaluation_key), evidence.calls.get(row.evaluation_key)
    marks = [views.status("lost", f"passed by {evidence.baseline}")] if row.lost else []
    if text.known(row.risk):
        marks.append(views.status(f"risk_{row.risk}", f"{row.risk} risk"))
    error = _error(executed)
    return Failure(
        scenario=text.inline(row.scenario_id, 64),
        trial=f"trial {row.trial:,}" if evidence.repeated else "",
        marks=tuple(marks),
        reason=_reason(row, fields),
        score=f"{text.score(row.overall_score)}, passing needs {text.score(evidence.threshold)}",
        asked=text.block(evidence.messages.get(row.scenario_id, "")),
        error=error,
        fields=None if fields is None else _field_table(fields, error),
        issues=_issues(row.issues_json),
        said=text.block(executed.message) if executed is not None and text.known(executed.message) else "",
        calls=None if calls is None else _call_table(calls),
        open=opened,
    )


def _reason(row: Any, fields: pd.DataFrame | None) -> str:
    if row.status != "completed":
        return _NOT_COMPLETED[row.status]
    wrong = [] if fields is None else fields.loc[~fields["matched"], "field"].tolist()
    return f"wrong: {text.listed(wrong, 6)}" if wrong else "all fields right, but too slow or incomplete"


def _error(executed: Any) -> str:
    if executed is None or executed.status == "completed":
        return ""
    code = text.inline(executed.error_code) if text.known(executed.error_code) else executed.status
    return f"{code}: {text.block(executed.error)}" if text.known(executed.error) else code


def _issues(issues_json: str) -> tuple[str, ...]:
    issues = text.parsed(issues_json)
    shown = [text.inline(issue) for issue in issues[:_ISSUES_SHOWN]]
    more = len(issues) - len(shown)
    return (*shown, f"… and {more:,} more") if more > 0 else tuple(shown)


def _field_table(fields: pd.DataFrame, error: str) -> TableView:
    columns = [Column("Field"), Column("Expected"), Column("Actual"), Column("Result"), Column("Weight", True)]
    rows = []
    for row in records(fields):
        expected = text.json_shown(row.expected_json)
        actual = text.json_shown(row.actual_json) if text.known(row.actual_json) else None
        if expected == actual and not row.matched:  # "5" and 5 look the same; their JSON does not
            expected, actual = text.inline(row.expected_json), text.inline(row.actual_json)
        without = "no answer" if error else "no valid answer"
        rows.append((
            views.code(row.field), views.code(expected), views.optional_code(actual, without),
            views.state("match") if row.matched else views.state("differs"), views.figure(text.number(row.weight)),
        ))  # fmt: skip
    return views.table("Expected against actual", columns, rows, "evaluation_field_scores")


def _call_table(calls: pd.DataFrame) -> TableView:
    columns = [Column("Step", True), Column("Specialist"), Column("Action"), Column("Returned"), Column("Time", True)]
    rows = [
        (views.figure(text.number(row.step)), views.code(row.agent_id), views.optional_code(row.action, "none named"),
         views.code(text.json_shown(row.output_json)), views.figure(text.seconds(row.response_time_s)))
        for row in records(calls.sort_values("step").head(_CALLS_SHOWN))
    ]  # fmt: skip
    return views.table("What it called", columns, rows, "agent_calls", total=len(calls))
