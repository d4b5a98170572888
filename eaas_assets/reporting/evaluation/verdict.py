"""Is this version safe to ship? The verdict of an evaluation report, by rules that the report prints beside it.

Every gate reads finished tables and is clear, raised or not known. How much a raised gate weighs is the release
policy's choice (``error`` stops, ``warn`` asks for a review). The decision:

1. a raised gate of severity ``error``: do not ship;
2. any other raised gate, or one that cannot be told: review before shipping;
3. otherwise: safe to ship.

So missing evidence never ships anything. Nothing is measured here; numbers come from the tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from eaas_assets.reporting import text
from eaas_assets.reporting.evaluation.tables import EvaluationReportTables

REGRESSION = "Regression against the baseline"
Severity = Literal["error", "warn"]
GateState = Literal["clear", "raised", "not known"]


class Decision(StrEnum):
    """What the report advises; each has fixed closing words in the verdict."""

    SHIP = "ship"
    REVIEW = "review"
    STOP = "stop"

    @property
    def words(self) -> str:
        """The words with which a verdict ends."""
        return {"ship": "Safe to ship.", "review": "Review before shipping.", "stop": "Do not ship."}[self.value]


@dataclass(frozen=True)
class Gate:
    """One condition of shipping.

    Attributes:
        name: What it looks at.
        severity: What a raised gate does: ``error`` stops, ``warn`` asks for a review.
        statement: What was found, in one sentence.
    """

    name: str
    state: GateState
    severity: Severity
    statement: str

    @property
    def effect(self) -> str:
        """What the gate does when it is raised, in words."""
        return "stop" if self.severity == "error" else "review"


@dataclass(frozen=True)
class Verdict:
    """The decision, the sentence that says it, and the gates that it follows from."""

    decision: Decision
    sentence: str
    gates: tuple[Gate, ...]


def judge(tables: EvaluationReportTables) -> Verdict:
    """The verdict on one run."""
    gates = (
        _completeness(tables),
        _regression(tables),
        _lost_scenarios(tables),
        _high_risk(tables),
        _version_health(tables),
        _since_last_run(tables),
        _suite_audit(tables),
        _inputs(tables),
    )
    decision = decide(gates)
    return Verdict(decision, f"{_finding(tables, decision, gates)} {decision.words}", gates)


def decide(gates: Sequence[Gate]) -> Decision:
    """The decision that follows from ``gates`` by the three rules of this module."""
    if any(gate.state == "raised" and gate.severity == "error" for gate in gates):
        return Decision.STOP
    return Decision.SHIP if all(gate.state == "clear" for gate in gates) else Decision.REVIEW


def decision_of(verdict: str) -> Decision:
    """The decision that a verdict's sentence ends with.

    Raises:
        ValueError: It ends with none.
    """
    for decision in Decision:
        if verdict.endswith(decision.words):
            return decision
    raise ValueError(f"verdict == {verdict[-40:]!r}, must end with one of {[d.words for d in Decision]}")


def _finding(tables: EvaluationReportTables, decision: Decision, gates: Sequence[Gate]) -> str:
    """The finding that led to the decision: of the weightiest gates the first, in the order above.

    A reader who is asked for a review is told first that there is no regression, where there is none.
    """
    if decision is Decision.SHIP:
        return _shipping(tables)
    leading = [gate for gate in gates if gate.state == "raised" and gate.severity == "error"]
    leading = leading or [gate for gate in gates if gate.state == "raised"]
    leading = leading or [gate for gate in gates if gate.state == "not known"]
    regression = next(gate for gate in gates if gate.name == REGRESSION)
    comfort = f"{regression.statement} " if decision is Decision.REVIEW and regression.state == "clear" else ""
    return comfort + leading[0].statement


def _shipping(tables: EvaluationReportTables) -> str:
    summary, comparison = tables.the_summary, tables.the_comparison
    rate = text.rate(summary.total_passed, summary.total_evaluations, summary.overall_pass_rate,
                     summary.pass_rate_low, summary.pass_rate_high)  # fmt: skip
    gained = text.parsed(comparison.gained_scenarios_json)
    gains = f", gains {text.listed(gained, 5)}" if gained else ""
    by_chance = bool(text.parsed(comparison.lost_scenarios_json))  # what is lost beyond it does not ship
    losses = "loses no more scenarios than chance explains" if by_chance else "loses no scenario"
    return f"{summary.version} passes {rate}{gains} and {losses} of {tables.baseline_name}."


def _completeness(tables: EvaluationReportTables) -> Gate:
    planned, scored = tables.the_plan.planned_evaluations, tables.the_summary.total_evaluations
    statement = f"{text.count_of(scored, planned)} planned evaluations are scored."
    return Gate("Completeness", "clear" if scored == planned else "raised", "error", statement)


def _regression(tables: EvaluationReportTables) -> Gate:
    severity = tables.release_policy.gates.regression
    comparison, version = tables.the_comparison, tables.the_summary.version
    if not text.known(comparison.baseline_version):
        return Gate(REGRESSION, "not known", severity, f"{version} declares no baseline to compare with.")
    baseline = tables.baseline_name
    if not text.known(comparison.baseline_run_id):
        return Gate(REGRESSION, "not known", severity, f"{version} cannot be compared: {baseline} has no run yet.")
    metrics = regressed_metrics(tables, "baseline")
    alarms = set(text.parsed(comparison.alarms_json))
    fell = text.known(comparison.regression_detected) and bool(comparison.regression_detected)
    if "worse" in alarms or (fell and "points_rules" in alarms):
        return Gate(REGRESSION, "raised", severity, _worse(tables))
    if "worse_segment" in alarms:
        where = text.listed(text.parsed(comparison.worst_segments_json), 5)
        return Gate(REGRESSION, "raised", severity, f"{version} is worse than {baseline} where {where}.")
    if metrics:
        return Gate(REGRESSION, "raised", severity, f"{version} is worse than {baseline} in {text.joined(metrics)}.")
    if fell or not text.known(comparison.regression_detected):
        why = ": the pass rate fell, and chance explains it" if fell else ""
        statement = f"Whether {version} is worse than {baseline} cannot be told{why}."
        return Gate(REGRESSION, "not known", severity, statement)
    caveat = "" if comparison.verdict in {"better", "not_worse"} else (
        f", as far as {text.counted(tables.the_summary.total_scenarios, 'scenario')} can tell")  # fmt: skip
    return Gate(REGRESSION, "clear", severity, f"{version} shows no regression against {baseline}{caveat}.")


def _worse(tables: EvaluationReportTables) -> str:
    comparison, version = tables.the_comparison, tables.the_summary.version
    lost, gained = (
        text.parsed(column) for column in (comparison.lost_scenarios_json, comparison.gained_scenarios_json)
    )
    if not lost:
        before = text.rate(comparison.baseline_passed, comparison.baseline_total, comparison.baseline_pass_rate)
        now = text.rate(comparison.current_passed, comparison.current_total, comparison.current_pass_rate)
        return f"{version} is worse than {tables.baseline_name}: its pass rate is {now} against {before}."
    unpaired = set(text.parsed(comparison.unpaired_scenarios_json))
    shared = tables.the_summary.total_scenarios - len(unpaired.intersection(tables.scores["scenario_id"].unique()))
    better = f" and better on {len(gained):,} ({text.listed(gained, 5)})" if gained else ""
    return (f"{version} is worse than {tables.baseline_name} on {text.count_of(len(lost), shared)} "
            f"scenarios{better}: {text.listed(lost, 5)}.")  # fmt: skip


def _lost_scenarios(tables: EvaluationReportTables) -> Gate:
    name, baseline = "Lost scenarios", tables.baseline_name
    comparison = tables.the_comparison
    lost, gained = (
        text.parsed(column) for column in (comparison.lost_scenarios_json, comparison.gained_scenarios_json)
    )
    if lost:
        also = f"; gained: {text.listed(gained, 5)}" if gained else ""
        told = f"Lost against {baseline}: {text.listed(lost, 5)}{also}"
        if "lost_scenarios" in text.parsed(comparison.alarms_json):
            return Gate(name, "raised", "warn", f"{told}.")
        return Gate(name, "clear", "warn", f"{told}; no more than chance explains.")
    if not text.known(comparison.baseline_run_id):
        return Gate(name, "not known", "warn", "There is no baseline run that could have passed more.")
    return Gate(name, "clear", "warn", f"No scenario that {baseline} passed is lost.")


def _high_risk(tables: EvaluationReportTables) -> Gate:
    severity = tables.release_policy.gates.high_risk_failures
    metric, name = tables.metric("high_risk_failures"), "High-risk failures"
    if not tables.scores["risk"].notna().any():
        return Gate(name, "clear", severity, "The suite states no risks, so no scenario counts as of high risk.")
    if metric is None or not text.known(metric.value):
        return Gate(name, "not known", severity, "The run's metrics do not count the failures of high risk.")
    if metric.value == 0:
        return Gate(name, "clear", severity, "No scenario of high risk fails.")
    scores = tables.scores
    failed = scores.loc[(scores["risk"] == "high") & ~scores["passed"], "scenario_id"].drop_duplicates()
    scenarios = "a high-risk scenario" if len(failed) == 1 else f"{len(failed):,} high-risk scenarios"
    statement = f"{tables.the_summary.version} fails {scenarios}: {text.listed(failed, 5)}."
    return Gate(name, "raised", severity, statement)


def _version_health(tables: EvaluationReportTables) -> Gate:
    summary, bands = tables.the_summary, tables.evaluation_policy.health
    name = "Health of the version"
    if not text.known(summary.health_status):
        return Gate(name, "not known", "warn", f"The health of {summary.version} is not known: nothing was scored.")
    statement = (
        f"{summary.version} is {summary.health_status}: average score {text.score(summary.average_score)} "
        f"(healthy from {text.number(bands.healthy)}, degraded from {text.number(bands.degraded)})."
    )
    return Gate(name, "raised" if summary.health_status == "critical" else "clear", "warn", statement)


def _since_last_run(tables: EvaluationReportTables) -> Gate:
    name, version = "Change since the previous run", tables.the_summary.version
    rows = tables.regression[tables.regression["against"] == "previous_run"]
    if rows.empty or not rows["reference_run_id"].notna().any():
        # A first run is no cause for alarm: the baseline gate says what there is to compare with.
        return Gate(name, "clear", "warn", "There is no previous run to compare with.")
    metrics = regressed_metrics(tables, "previous_run")
    if metrics:
        return Gate(name, "raised", "warn", f"{version} is worse than in the previous run in {text.joined(metrics)}.")
    return Gate(name, "clear", "warn", "No metric is worse than in the previous run by what the policy counts.")


def regressed_metrics(tables: EvaluationReportTables, against: Literal["baseline", "previous_run"]) -> list[str]:
    """Names of the metrics that the regression analysis calls worse, and not by chance, as words."""
    rows = tables.regression
    found = rows[(rows["against"] == against) & (rows["kind"] == "metric") & (rows["verdict"] == "regression")]
    found = found[found["alarm"]]
    return [text.label(metric).removesuffix(" (ms)").lower() for metric in found["subject"]]


def _suite_audit(tables: EvaluationReportTables) -> Gate:
    severity = tables.release_policy.gates.suite_audit
    suite = tables.the_plan.suite
    errors = tables.audit[(tables.audit["suite"] == suite) & (tables.audit["severity"] == "error")]
    if errors.empty:
        return Gate("Suite audit", "clear", severity, f"The audit finds no error in the suite {suite}.")
    kinds = text.listed(errors["finding"].drop_duplicates().str.replace("_", " "), 4)
    statement = f"The audit finds {text.counted(len(errors), 'error')} in the suite {suite}: {kinds}."
    return Gate("Suite audit", "raised", severity, statement)


def _inputs(tables: EvaluationReportTables) -> Gate:
    severity = tables.release_policy.gates.inputs_valid
    used = tables.validation[tables.validation["used_by_run"]]
    bad = used[used["outcome"] != "ok"]
    if used.empty:
        return Gate("Input files", "not known", severity, "No record says how the run's files were read.")
    if bad.empty:
        return Gate("Input files", "clear", severity, f"Read in full: {text.counted(len(used), 'file')} of the run.")
    counts, names = text.count_of(len(bad), len(used)), text.listed(bad["file"], 3)
    statement = f"{counts} files of the run could not be read in full: {names}."
    return Gate("Input files", "raised", severity, statement)
