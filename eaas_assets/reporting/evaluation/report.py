"""The evaluation report: is this agent version safe to ship, what changed, why, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass

from eaas_assets.reporting import text, views
from eaas_assets.reporting.evaluation.changes import (
    RATE_METRIC,
    Comparison,
    Trend,
    baseline_change,
    previous_change,
    slope,
    trend,
)
from eaas_assets.reporting.evaluation.failures import Failures, failures
from eaas_assets.reporting.evaluation.run import Audit, audit, inputs, plan, trace, workflow
from eaas_assets.reporting.evaluation.scores import Scores, Specialists, scores, specialists
from eaas_assets.reporting.evaluation.steps import next_steps
from eaas_assets.reporting.evaluation.tables import EvaluationReportTables
from eaas_assets.reporting.evaluation.verdict import Verdict, judge
from eaas_assets.reporting.pages import RenderedReport, render
from eaas_assets.reporting.records import records
from eaas_assets.reporting.views import KeyFigure, Status, TableView, TraceItem


@dataclass(frozen=True)
class EvaluationReportView:
    """Everything that the templates lay out, as finished texts."""

    title: str
    subtitle: str
    decision: Status
    verdict: str
    figures: tuple[KeyFigure, ...]
    gates: TableView
    steps: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    failures: Failures
    specialists: Specialists
    scores: Scores
    trend: Trend
    audit: Audit
    workflow: TableView
    inputs: TableView
    plan: TableView
    trace: tuple[TraceItem, ...]


def render_evaluation_report(tables: EvaluationReportTables) -> RenderedReport:
    """The report of one run, as HTML and Markdown. The same tables give the same bytes."""
    view = evaluation_report_view(tables)
    return render("evaluation/report", view.verdict, report=view)


def evaluation_report_view(tables: EvaluationReportTables) -> EvaluationReportView:
    """The report of one run, ready to be laid out."""
    row, verdict = tables.the_plan, judge(tables)
    closing = verdict.decision.words.removesuffix(".")
    return EvaluationReportView(
        title=f"{row.agent} {row.version}",
        subtitle=text.inline(f"Evaluation on the suite {row.suite}, {text.moment(row.created_at)}"),
        decision=views.status(verdict.decision.value, closing),
        verdict=text.inline(verdict.sentence, 1_000),
        figures=_figures(tables),
        gates=_gates(verdict),
        steps=next_steps(tables, verdict),
        comparisons=(baseline_change(tables), previous_change(tables)),
        failures=failures(tables),
        specialists=specialists(tables),
        scores=scores(tables),
        trend=trend(tables),
        audit=audit(tables),
        workflow=workflow(tables),
        inputs=inputs(tables),
        plan=plan(tables),
        trace=trace(tables),
    )


def _gates(verdict: Verdict) -> TableView:
    rows = [
        (views.words(gate.name), views.state(gate.state), views.words(gate.effect), views.words(gate.statement))
        for gate in verdict.gates
    ]
    columns = ["Gate", "State", "When raised", "What was found"]
    return views.table("The gates that decide", columns, rows, "evaluation_report")


def _figures(tables: EvaluationReportTables) -> tuple[KeyFigure, ...]:
    summary, comparison = tables.the_summary, tables.the_comparison
    total = int(summary.total_evaluations)
    rate = text.missing("nothing was evaluated")
    if text.known(summary.overall_pass_rate):
        interval = text.percent_interval(summary.pass_rate_low, summary.pass_rate_high, total)
        rate = f"{text.percent(summary.overall_pass_rate, total)}, 95 % CI {interval}"
    change = text.points_interval(comparison.improvement_low, comparison.improvement_high)
    health = summary.health_status if text.known(summary.health_status) else text.missing("nothing was scored")
    return (
        KeyFigure("Passed", text.count_of(summary.total_passed, total), rate),
        KeyFigure(f"Against {tables.baseline_name}", *_change(comparison.improvement, change)),
        _high_risk(tables),
        KeyFigure("Average score", text.score(summary.average_score), f"this version is {health}"),
        KeyFigure("Specialists healthy", text.count_of(summary.healthy_count, summary.agents_evaluated),
                  f"{summary.degraded_count:,} degraded, {summary.critical_count:,} critical"),
        _heading(tables),
        _response_time(tables),
        _human_review(tables),
    )  # fmt: skip


def _change(improvement: float, interval: str) -> tuple[str, str]:
    if not text.known(improvement):
        return text.MISSING, "there is no run to compare with"
    return text.points(improvement), f"95 % interval {interval}"


def _high_risk(tables: EvaluationReportTables) -> KeyFigure:
    metric = tables.metric("high_risk_failures")
    if metric is None or not text.known(metric.value):
        return KeyFigure("High-risk failures", text.MISSING, "the suite states no risks")
    risky = int((tables.scores["risk"] == "high").sum())
    return KeyFigure("High-risk failures", text.number(metric.value),
                     f"of {text.counted(risky, 'evaluation')} of high risk")  # fmt: skip


def _heading(tables: EvaluationReportTables) -> KeyFigure:
    row = next(records(tables.trend[tables.trend["metric"] == RATE_METRIC]), None)
    if row is None:
        return KeyFigure("Trend of the pass rate", text.MISSING, "no runs to tell from")
    note = f"{text.counted(row.runs, 'run')}, {slope(RATE_METRIC, row.slope_per_run)} per run"
    return KeyFigure("Trend of the pass rate", row.direction, note)


def _response_time(tables: EvaluationReportTables) -> KeyFigure:
    slow, mean = tables.metric("p95_response_time_ms"), tables.metric("average_response_time_ms")
    clocks = text.listed(tables.scores["response_time_source"].dropna().drop_duplicates())
    if slow is None or not text.known(slow.value):
        return KeyFigure("Response time, p95", text.MISSING, "no time is known")
    average = f"average {text.milliseconds(mean.value)}" if mean is not None else "average not known"
    return KeyFigure("Response time, p95", text.milliseconds(slow.value), f"{average}; {clocks}")


def _human_review(tables: EvaluationReportTables) -> KeyFigure:
    metric = tables.metric("human_review_rate")
    if metric is None or not text.known(metric.value):
        return KeyFigure("Asked for a person", text.MISSING, "no answer says whether it did")
    if not text.known(metric.denominator):
        return KeyFigure("Asked for a person", text.percent(metric.value), "count not recorded")
    total = int(metric.denominator)
    interval = text.percent_interval(metric.low, metric.high, total)
    return KeyFigure("Asked for a person", text.count_of(metric.numerator, total),
                     f"{text.percent(metric.value, total)}, 95 % CI {interval}")  # fmt: skip
