"""How good it was: the health of each specialist, and how every score comes about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from eaas_assets.reporting import text, views
from eaas_assets.reporting.charts.evaluation import HealthPoint, health_chart, score_chart
from eaas_assets.reporting.evaluation.tables import EvaluationReportTables
from eaas_assets.reporting.records import records
from eaas_assets.reporting.views import Cell, Column, Columns, TableView

_ROWS_SHOWN = 50
_FOLD_FROM = 12
_HEALTH_ORDER = {"critical": 0, "degraded": 1, "healthy": 2}


@dataclass(frozen=True)
class Specialists:
    """How healthy each specialist is, and what it did that was not asked for."""

    statement: str
    chart: Markup | None
    health: TableView
    calls: TableView
    issues: TableView
    roles: TableView


@dataclass(frozen=True)
class Scores:
    """How a score comes about, and every score that fits."""

    statement: str
    chart: Markup | None
    weights: TableView
    fields: TableView
    evaluations: TableView


def specialists(tables: EvaluationReportTables) -> Specialists:
    """Health of the specialists, the worst first."""
    rows = tables.performance.assign(
        order=tables.performance["health_status"].map(_HEALTH_ORDER).fillna(len(_HEALTH_ORDER))
    ).sort_values(["order", "average_score", "agent_id"])
    summary, bands = tables.the_summary, tables.evaluation_policy.health
    statement = (
        f"{text.counted(summary.agents_evaluated, 'specialist')} called: {summary.healthy_count:,} healthy, "
        f"{summary.degraded_count:,} degraded, {summary.critical_count:,} critical. A specialist is healthy from an "
        f"average score of {text.number(bands.healthy)} and degraded from {text.number(bands.degraded)}; it takes the "
        "score of every evaluation that it was called in."
    )
    shown = list(records(rows.head(_ROWS_SHOWN)))
    source, numbers = "agent_performance_summary", ("Passed", "Average score", "Average time")
    columns: Columns = ["Specialist", "Health", *(Column(title, True) for title in numbers)]
    health = views.table("Specialists", columns, list(map(_health, shown)), source, total=len(rows))
    counts = (Column("Expected in", True), Column("Called in", True))
    columns = ["Specialist", *counts, "Called though not expected", "Expected but not called"]
    calls = views.table("Called as expected?", columns, list(map(_calls, shown)), source, total=len(rows))
    called = [row for row in records(rows) if text.known(row.pass_rate)]
    points = [
        HealthPoint(row.agent_id, row.pass_rate, _or_none(row.pass_rate_low), _or_none(row.pass_rate_high),
                    text.count_of(row.passed_count, row.total_evaluations), row.health_status)
        for row in called
    ]  # fmt: skip
    return Specialists(
        statement, health_chart(points, "Pass rate of each specialist"), health, calls, _issues(shown), _roles(tables)
    )


def _or_none(value: Any) -> float | None:
    return float(value) if text.known(value) else None


def _health(row: Any) -> tuple[Cell, ...]:
    never = "never called"
    rate = text.rate(row.passed_count, row.total_evaluations, row.pass_rate, row.pass_rate_low, row.pass_rate_high,
                     reason=never)  # fmt: skip
    return (
        views.code(row.agent_id),
        views.state(row.health_status) if text.known(row.health_status) else Cell(text.missing(never)),
        views.figure(rate),
        views.figure(text.score(row.average_score, never)),
        views.figure(text.seconds(row.average_response_time)),
    )


def _calls(row: Any) -> tuple[Cell, ...]:
    return (
        views.code(row.agent_id),
        views.figure(f"{row.expected_evaluations:,}"),
        views.figure(f"{row.total_evaluations:,}"),
        views.words(_in_scenarios(row.unexpected_count, row.unexpected_scenarios_json)),
        views.words(_in_scenarios(row.missed_count, row.missed_scenarios_json)),
    )


def _in_scenarios(count: int, scenarios_json: str) -> str:
    scenarios = text.parsed(scenarios_json)
    return f"{count:,} ({text.listed(scenarios, 5)})" if scenarios else f"{count:,}"


def _issues(performance: list[Any]) -> TableView:
    rows = [
        (views.code(row.agent_id), views.code(found["issue"]), views.figure(text.number(found["count"])))
        for row in performance
        for found in text.parsed(row.common_issues_json)
    ]
    columns: Columns = ["Specialist", "Issue", Column("Times", True)]
    return views.table("Most frequent issues of each specialist", columns, rows[:_ROWS_SHOWN],
                       "agent_performance_summary", total=len(rows), folded=True)  # fmt: skip


def _roles(tables: EvaluationReportTables) -> TableView:
    rows = [
        (views.code(row.name), views.code(row.agent_id), views.words(row.description))
        for row in records(tables.specialists.head(_ROWS_SHOWN))
    ]
    columns: Columns = ["Name in paths", "Identifier", "What it does"]
    return views.table("What each specialist does", columns, rows, "specialist_agents",
                       total=len(tables.specialists), folded=True)  # fmt: skip


def scores(tables: EvaluationReportTables) -> Scores:
    """Weights, accuracy by field, and the scores themselves, the lowest first."""
    policy, table = tables.evaluation_policy, tables.scores
    ordered = table.sort_values(["overall_score", "scenario_id", "trial"])
    values = (ordered["overall_score"].to_numpy(dtype=float), ordered["passed"].to_numpy(dtype=bool))
    title = "Overall score of each evaluation"
    chart = score_chart(ordered["scenario_id"].tolist(), *values, policy.pass_threshold, title)
    statement = (
        f"The overall score is the weighted sum below; an evaluation passes from {text.number(policy.pass_threshold)}. "
        f"Response times count in bands around {text.seconds(policy.response_time.target_s)}. An evaluation that "
        "failed while executing scores 0."
    )
    return Scores(statement, chart, _weights(tables), _fields(tables), _evaluations(ordered, tables.the_plan.trials))


def _weights(tables: EvaluationReportTables) -> TableView:
    overall, quality = tables.evaluation_policy.overall, tables.evaluation_policy.output_quality
    bands = "; ".join(
        f"up to {text.seconds(band.up_to * tables.evaluation_policy.response_time.target_s)}: {text.number(band.score)}"
        for band in tables.evaluation_policy.response_time.bands
    )
    rows = [
        ("Correctness", overall.correctness, "weighted share of the expected fields that match"),
        ("Response time", overall.response_time,
         f"{bands}; beyond: {text.number(tables.evaluation_policy.response_time.beyond)}"),
        ("Output quality", overall.output_quality,
         f"{text.number(quality.coverage)} × expected calls made + {text.number(quality.structure)} × completeness"),
    ]  # fmt: skip
    cells = [(views.words(name), views.figure(text.number(weight)), views.words(how)) for name, weight, how in rows]
    return views.table("What the overall score is made of", ["Score", Column("Weight", True), "How"], cells, "policy")


def _fields(tables: EvaluationReportTables) -> TableView:
    rows = []
    for row in records(tables.field_scores[["field", "compare", "weight"]].drop_duplicates()):
        metric = tables.metric(f"{row.field}_accuracy")
        right = text.missing("not measured") if metric is None else text.rate(
            metric.numerator, metric.denominator, metric.value, metric.low, metric.high)  # fmt: skip
        rows.append((views.code(row.field), views.words(row.compare), views.figure(text.number(row.weight)),
                     views.figure(right)))  # fmt: skip
    columns: Columns = ["Expected field", "Compared as", Column("Weight in correctness", True), Column("Right", True)]
    return views.table("Correctness by field", columns, rows[:_ROWS_SHOWN], "evaluation_field_scores", total=len(rows))


def _evaluations(ordered: pd.DataFrame, trials: int) -> TableView:
    numbers = ("Correctness", "Response time", "Time score", "Quality", "Overall")
    trial = [Column("Trial", True)] if trials > 1 else []
    columns: Columns = ["Scenario", *trial, "Risk", "Result", *(Column(title, True) for title in numbers)]
    rows = []
    for row in records(ordered.head(_ROWS_SHOWN)):
        time = text.seconds(row.response_time_s)
        clock = f" {row.response_time_source}" if text.known(row.response_time_source) else ""
        result = "passed" if row.passed else ("failed" if row.status == "completed" else row.status)
        rows.append((
            views.code(row.scenario_id), *([views.figure(f"{row.trial:,}")] if trials > 1 else []),
            views.words(row.risk) if text.known(row.risk) else Cell(text.missing("not stated")),
            views.state(result), views.figure(text.score(row.correctness_score)), views.figure(time + clock),
            views.figure(text.score(row.response_time_score)), views.figure(text.score(row.output_quality_score)),
            views.figure(text.score(row.overall_score)),
        ))  # fmt: skip
    return views.table("Every evaluation, lowest score first", columns, rows, "evaluation_scores", total=len(ordered),
                       folded=len(ordered) > _FOLD_FROM)  # fmt: skip
