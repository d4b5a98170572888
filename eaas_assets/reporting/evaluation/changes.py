"""What changed: this run against the declared baseline and against the previous run, and where the agent is heading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
from markupsafe import Markup

from eaas_assets.reporting import text, views
from eaas_assets.reporting.charts.evaluation import MAX_RUNS, RunPoint, trend_chart
from eaas_assets.reporting.evaluation.tables import EvaluationReportTables
from eaas_assets.reporting.records import records
from eaas_assets.reporting.views import Cell, Column, Columns, TableView

RATE_METRIC = "pass_rate"
_CHANGES_SHOWN = 20
_RUNS_SHOWN = 20
_PROSE = 2_000
_SOURCE = "regression_analysis"
_TESTS = {"mcnemar": "exact McNemar test", "t": "paired t test", "score": "paired score test", "none": "no test"}


@dataclass(frozen=True)
class Comparison:
    """This run against one other.

    Attributes:
        title: Against what.
        statements: What is to be said about it, in sentences.
        tables: Rates side by side, metrics, scenarios: those that there are.
    """

    title: str
    statements: tuple[str, ...]
    tables: tuple[TableView, ...]


@dataclass(frozen=True)
class Trend:
    """Where the agent's runs are heading.

    Attributes:
        direction: Of the pass rate, in one sentence.
        chart: None with fewer than two runs.
        legend: How to read the chart.
        metrics: Direction of each metric.
        runs: The runs that the chart shows, and their numbers.
    """

    direction: str
    chart: Markup | None
    legend: str
    metrics: TableView
    runs: TableView


def baseline_change(tables: EvaluationReportTables) -> Comparison:
    """This run against its declared baseline."""
    row = tables.the_comparison
    title = "Against the baseline" + (f", {row.baseline_version}" if text.known(row.baseline_version) else "")
    shown = [table for table in (_rates(tables), *_change_tables(tables, "baseline")) if table is not None]
    return Comparison(title, (text.inline(row.details, _PROSE),), tuple(shown))


def previous_change(tables: EvaluationReportTables) -> Comparison:
    """This run against the one before it."""
    rows = tables.regression[tables.regression["against"] == "previous_run"]
    runs = rows["reference_run_id"].dropna().drop_duplicates().tolist()
    title = "Against the previous run" + (f", {text.inline(runs[0])}" if runs else "")
    if not runs:
        return Comparison(title, ("There is no previous run to compare with.",), ())
    if runs == [tables.the_comparison.baseline_run_id]:
        return Comparison(title, ("The previous run is the baseline's run: see above.",), ())
    told = rows.loc[rows["kind"] == "statement", "statement"]
    statements = tuple(text.inline(statement, _PROSE) for statement in told)
    return Comparison(title, statements, tuple(_change_tables(tables, "previous_run")))


def _rates(tables: EvaluationReportTables) -> TableView | None:
    row, summary = tables.the_comparison, tables.the_summary
    if not text.known(row.baseline_run_id):
        return None
    before = tables.metric_of(row.baseline_run_id, RATE_METRIC)
    # Where only a part of a run is compared, the interval of the whole run does not belong to its rate.
    theirs = before if before is not None and _same(before.denominator, row.baseline_total) else None
    interval = (None, None) if theirs is None else (theirs.low, theirs.high)
    whole = _same(row.current_total, summary.total_evaluations)
    own = (summary.pass_rate_low, summary.pass_rate_high) if whole else (None, None)
    named = [_TESTS[finding["test"]] for finding in text.parsed(row.findings_json)[:1]]
    tested = bool(named) and text.known(row.p_value)
    test = f"{named[0]} p {text.p_value(row.p_value)}" if tested else "not paired, so no test"
    rows = [
        _rate(f"{row.baseline_version}: baseline", row.baseline_passed, row.baseline_total, row.baseline_pass_rate,
              interval),
        _rate(f"{row.version}: this run", row.current_passed, row.current_total, row.current_pass_rate, own),
        (
            views.words(f"Difference ({test})"),
            views.figure(""),
            views.figure(text.points(row.improvement)),
            views.figure(text.points_interval(row.improvement_low, row.improvement_high)),
        ),
    ]  # fmt: skip
    columns: Columns = ["", Column("Passed", True), Column("Pass rate", True), Column("95 % interval", True)]
    return views.table("Pass rates", columns, rows, "baseline_comparison")


def _same(total: Any, other: Any) -> bool:
    return text.known(total) and text.known(other) and int(total) == int(other)


def _rate(name: str, passed: Any, total: Any, rate: Any, interval: tuple[Any, Any]) -> tuple[Cell, ...]:
    denominator = int(total) if text.known(total) else None
    return (
        views.words(name),
        views.figure(text.count_of(passed, total)),
        views.figure(text.percent(rate, denominator) if text.known(rate) else text.missing("no pass rate recorded")),
        views.figure(text.percent_interval(*interval, denominator)),
    )


def _change_tables(tables: EvaluationReportTables, against: Literal["baseline", "previous_run"]) -> list[TableView]:
    rows = tables.regression[tables.regression["against"] == against]
    metrics, scenarios = rows[rows["kind"] == "metric"], rows[rows["kind"] == "scenario"]
    numbers = (Column("Before", True), Column("Now", True))
    shown = []
    if len(scenarios):
        changed: Columns = ["Scenario", "Before", "Now", "Change", "In words"]
        cells = [_scenario_change(row) for row in records(scenarios.head(_CHANGES_SHOWN))]
        shown.append(views.table("Scenarios that changed", changed, cells, _SOURCE, total=len(scenarios)))
    if len(metrics):
        measured: Columns = ["Metric", *numbers, Column("Change", True), Column("Counts from", True), "Verdict"]
        cells = [_metric_change(row, tables) for row in records(metrics.head(_CHANGES_SHOWN))]
        shown.append(
            views.table("Metrics; of rates the counts and 95 % intervals", measured, cells, _SOURCE, total=len(metrics))
        )
    return shown


def _scenario_change(row: Any) -> tuple[Cell, ...]:
    return (
        views.code(row.subject),
        views.words(_passed(row.previous)),
        views.words(_passed(row.current)),
        views.state(row.verdict),
        views.words(row.statement),
    )


def _metric_change(row: Any, tables: EvaluationReportTables) -> tuple[Cell, ...]:
    return (
        views.words(text.label(row.subject).removesuffix(" (ms)")),
        views.figure(_level(row.subject, row.previous, tables.metric_of(row.reference_run_id, row.subject))),
        views.figure(_level(row.subject, row.current, tables.metric(row.subject))),
        views.figure(text.metric_change(row.subject, row.change)),
        views.figure(_threshold(row.subject, row.threshold)),
        views.state(row.verdict),
    )


def _level(metric: str, value: Any, recorded: Any | None) -> str:
    """A value; a rate with its counts and interval, where they belong to it: a part of a run has others."""
    if text.metric_kind(metric) != "rate" or not text.known(value):
        return text.metric_value(metric, value)
    if recorded is None or recorded.value != value:
        return f"{text.percent(value)} (of the part that both ran)"
    return text.rate(recorded.numerator, recorded.denominator, value, recorded.low, recorded.high, interval="")


def _passed(value: Any) -> str:
    if not text.known(value):
        return text.missing("not run")
    return {1.0: "passed", 0.0: "failed"}.get(float(value), f"{text.percent(value)} of trials")


def _threshold(metric: str, threshold: Any) -> str:
    if not text.known(threshold):
        return text.missing("no threshold")
    return text.metric_change(metric, abs(threshold)).removeprefix("+")


def trend(tables: EvaluationReportTables) -> Trend:
    """Pass rate over old and new runs up to this one, and the direction of every metric."""
    runs = _runs_so_far(tables)
    title = f"Pass rate of {tables.the_plan.agent} by run"
    shown = min(len(runs), MAX_RUNS)
    legend = (
        f"{text.counted(shown, 'run')}{_of_all(shown, len(runs))}, oldest left. Filled: run by this system; hollow: "
        "recorded before it. Bars: 95 % intervals. Blue: this version; the large dot is this run."
    )
    row = next(records(tables.trend[tables.trend["metric"] == RATE_METRIC]), None)
    direction = "No direction of the pass rate is known." if row is None else text.inline(row.statement, _PROSE)
    chart = trend_chart(_points(runs, tables.the_plan.run_id), title)
    return Trend(direction, chart, legend, _directions(tables.trend), _run_table(runs))


def _of_all(shown: int, total: int) -> str:
    return f" (the latest of {total:,})" if shown < total else ""


def _runs_so_far(tables: EvaluationReportTables) -> pd.DataFrame:
    """One row per run of the agent that has a pass rate, oldest first, up to this run."""
    metrics, plan = tables.run_metrics, tables.the_plan
    rates = metrics[(metrics["metric"] == RATE_METRIC) & (metrics["agent"] == plan.agent) & metrics["value"].notna()]
    rates = rates.sort_values(["run_timestamp", "run_id"], kind="stable")
    own = rates["policy_hash"] == tables.the_summary.policy_hash
    # A run that was scored anew has a row per policy: this report's policy where there is one, else the latest.
    latest = rates.assign(own=own).sort_values("own", kind="stable").drop_duplicates("run_id", keep="last")
    ordered = latest.sort_values(["run_timestamp", "run_id"])
    this = ordered.loc[ordered["run_id"] == plan.run_id, "run_timestamp"]
    return ordered if this.empty else ordered[ordered["run_timestamp"] <= this.iloc[0]]


def _points(runs: pd.DataFrame, run_id: str) -> list[RunPoint]:
    return [
        RunPoint(
            text.day(row.run_timestamp),
            row.version,
            row.value,
            row.low if text.known(row.low) else None,
            row.high if text.known(row.high) else None,
            row.source == "executed",
            row.run_id == run_id,
        )
        for row in records(runs.tail(MAX_RUNS))
    ]


def _directions(trends: pd.DataFrame) -> TableView:
    numbers = ("Runs", "Slope per run", "Interval of the slope")
    columns: Columns = ["Metric", "Direction", *(Column(title, True) for title in numbers)]
    rows = [
        (
            views.words(text.label(row.metric).removesuffix(" (ms)")),
            views.state(row.direction),
            views.figure(text.number(row.runs)),
            views.figure(slope(row.metric, row.slope_per_run)),
            views.figure(slope(row.metric, row.slope_low, row.slope_high)),
        )
        for row in records(trends.head(_CHANGES_SHOWN))
    ]
    return views.table("Direction of each metric", columns, rows, "trend_analysis", total=len(trends))


def slope(metric: str, *slopes: Any) -> str:
    """A slope, or the two ends of its interval, in the metric's unit."""
    if not all(map(text.known, slopes)):
        return text.missing("too few runs")
    kind = text.metric_kind(metric)
    factor, digits, unit = {"rate": (100, 1, " points"), "ms": (1, 1, " ms")}.get(kind, (1, 3, ""))
    return " to ".join(text.signed(text.decimals(slope * factor, digits)) for slope in slopes) + unit


def _run_table(runs: pd.DataFrame) -> TableView:
    columns: Columns = [Column("Run"), Column("When"), Column("Version"), Column("Source"), Column("Pass rate", True)]
    rows = [
        (
            views.code(row.run_id),
            views.words(text.moment(row.run_timestamp)),
            views.code(row.version),
            views.words(row.source),
            views.figure(text.rate(row.numerator, row.denominator, row.value, row.low, row.high)),
        )
        for row in records(runs.iloc[::-1].head(_RUNS_SHOWN))
    ]
    return views.table("The runs, latest first", columns, rows, "run_metrics", total=len(runs), folded=True)
