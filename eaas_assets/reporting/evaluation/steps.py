"""What to do next: advice that follows from the findings by fixed rules, the most urgent first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from eaas_assets.reporting import text
from eaas_assets.reporting.evaluation.tables import EvaluationReportTables
from eaas_assets.reporting.evaluation.verdict import Decision, Verdict
from eaas_assets.reporting.records import records

SHOWN = 8
_ADVICE_SHOWN = 3


def next_steps(tables: EvaluationReportTables, verdict: Verdict) -> tuple[str, ...]:
    """Steps in order of urgency, at most :data:`SHOWN`."""
    rules: tuple[Callable[[EvaluationReportTables], Iterator[str]], ...] = (
        _lost, _high_risk, _execution, _weakest_field, _specialists, _inputs, _audit, _baseline,
    )  # fmt: skip
    steps = [step for rule in rules for step in rule(tables)]
    if verdict.decision is Decision.SHIP:
        steps.insert(0, f"Ship {tables.the_summary.version}: every gate is clear.")
    if not steps:
        steps = ["Look at the gates that are raised or not known, and run the evaluation again."]
    return tuple(steps[:SHOWN])


def _lost(tables: EvaluationReportTables) -> Iterator[str]:
    comparison = tables.the_comparison
    lost = text.parsed(comparison.lost_scenarios_json)
    if lost:
        fields = tables.field_scores
        wrong = fields.loc[fields["scenario_id"].isin(lost) & ~fields["matched"], "field"].drop_duplicates()
        where = f" What is wrong there: {text.listed(wrong, 5)}." if len(wrong) else ""
        yield (f"Win back {text.listed(lost, 5)}, which {tables.baseline_name} passes and "
               f"{comparison.version} fails.{where}")  # fmt: skip


def _high_risk(tables: EvaluationReportTables) -> Iterator[str]:
    scores, lost = tables.scores, text.parsed(tables.the_comparison.lost_scenarios_json)
    failed = scores.loc[(scores["risk"] == "high") & ~scores["passed"], "scenario_id"].drop_duplicates()
    others = failed[~failed.isin(lost)]
    if len(others):
        yield f"Mend the failures of high risk: {text.listed(others, 5)}."


def _execution(tables: EvaluationReportTables) -> Iterator[str]:
    executed = tables.executed
    failed = executed[executed["status"].isin(["failed", "timeout"])]
    if len(failed):
        codes = text.listed(failed["error_code"].dropna().drop_duplicates(), 4)
        yield (f"Find out why {text.counted(len(failed), 'evaluation')} did not complete"
               f"{f' ({codes})' if codes else ''}, which counts as a score of 0.")  # fmt: skip


def _weakest_field(tables: EvaluationReportTables) -> Iterator[str]:
    names = tables.field_scores["field"].drop_duplicates()
    metrics = [(name, tables.metric(f"{name}_accuracy")) for name in names]
    wrong = [(metric.value, name, metric) for name, metric in metrics
             if metric is not None and text.known(metric.value) and metric.value < 1]  # fmt: skip
    if wrong:
        _, name, metric = min(wrong, key=lambda item: item[:2])
        right = text.rate(metric.numerator, metric.denominator, metric.value, metric.low, metric.high)
        yield f"Start with {text.inline(name, 64)}, the field that is right least often: {right}."


def _specialists(tables: EvaluationReportTables) -> Iterator[str]:
    rows = tables.performance
    critical = rows.loc[rows["health_status"] == "critical", "agent_id"]
    if len(critical):
        yield f"Look at the specialists in a critical state: {text.listed(critical, 5)}."
    missed = rows[rows["missed_count"] > 0].sort_values(["missed_count", "agent_id"], ascending=[False, True])
    for row in records(missed.head(1)):
        scenarios = text.listed(text.parsed(row.missed_scenarios_json), 5)
        yield f"Find out why {text.inline(row.agent_id, 64)} is not called where it is expected: {scenarios}."


def _inputs(tables: EvaluationReportTables) -> Iterator[str]:
    bad = tables.validation.loc[tables.validation["used_by_run"] & (tables.validation["outcome"] != "ok"), "file"]
    if len(bad):
        yield f"Correct the input files that could not be read in full: {text.listed(bad, 3)}."


def _audit(tables: EvaluationReportTables) -> Iterator[str]:
    rows = tables.audit
    errors = rows[(rows["suite"] == tables.the_plan.suite) & (rows["severity"] == "error")]
    for row in records(errors.drop_duplicates("finding").head(_ADVICE_SHOWN)):
        yield f"Correct the suite ({text.inline(row.finding.replace('_', ' '), 64)}): {text.inline(row.advice)}"


def _baseline(tables: EvaluationReportTables) -> Iterator[str]:
    comparison = tables.the_comparison
    if not text.known(comparison.baseline_version):
        yield f"Declare a baseline for {comparison.version}, so that the next report can say what changed."
    elif not text.known(comparison.baseline_run_id):
        yield f"Evaluate {tables.baseline_name}, the declared baseline, and compare again."
    elif comparison.verdict == "inconclusive":
        yield (f"Add scenarios or trials: {text.counted(tables.the_summary.total_scenarios, 'scenario')} cannot tell "
               f"{comparison.version} from {tables.baseline_name}.")  # fmt: skip
