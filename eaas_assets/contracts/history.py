"""Contracts of the history: old and new runs side by side, and each run compared with what came before it."""

from __future__ import annotations

from eaas_assets.contracts.tables import Boolean, Integer, Table, Timestamp, column, instant, optional

SOURCES = ("historical", "executed")
CHANGE_VERDICTS = ("regression", "improvement", "unchanged", "lost", "gained", "undetermined")


class EvaluationRuns(Table):
    """One row per run, historical or executed."""

    run_id: str = column("Run")
    run_timestamp: Timestamp = instant("When it ran")
    agent: str = column("Agent")
    version: str = column("Version")
    suite: str = optional("Suite; null where history does not say")
    evaluation_type: str = column("Why it ran")
    scenario_count: int = column("Scenarios", ge=0)
    evaluation_count: int = column("Evaluations", ge=0)
    source: str = column("historical: imported; executed: by this system", isin=SOURCES)
    scope: str = column("full, or partial where a scope was set", isin=("full", "partial"))
    notes: str = optional("Free text")


class RunMetrics(Table):
    """One row per run and metric. Rates are shares of 0 to 1 with their counts; times are milliseconds."""

    run_id: str = column("Run")
    run_timestamp: Timestamp = instant("When it ran")
    agent: str = column("Agent")
    version: str = column("Version")
    source: str = column("historical or executed", isin=SOURCES)
    metric: str = column("pass_rate, average_score, <field>_accuracy, high_risk_failures, …")
    value: float = optional("The metric; null where undefined")
    numerator: Integer = optional(
        "Count above the line of a rate; for means and totals: evaluations where it is known", ge=0
    )
    denominator: Integer = optional("Count below the line of a rate; for means and totals: all evaluations", ge=0)
    low: float = optional("Lower end of the 95 % interval of a rate")
    high: float = optional("Upper end")
    policy_hash: str = optional("Policy of the scores; null for historical runs")


class ScenarioEvaluations(Table):
    """One row per run, scenario and trial, historical or executed."""

    run_id: str = column("Run")
    agent: str = column("Agent")
    version: str = column("Version")
    source: str = column("historical or executed", isin=SOURCES)
    scenario_id: str = column("Scenario")
    trial: int = column("Trial", ge=1)
    passed: Boolean = optional("Passed; for historical rows: every recorded field matched")
    overall_score: float = optional("Null for historical rows", ge=0, le=1)
    matches_json: str = column("Field → whether it matched")
    actual_json: str = column("Field → answered value")
    expected_json: str = column("Field → expected value")
    response_time_ms: float = optional("The time that counted", ge=0)
    confidence: float = optional("The agent's own", ge=0, le=1)
    requires_human_review: Boolean = optional("Whether it asked for a person")
    failure_reason: str = optional("What went wrong; null when passed")
    policy_hash: str = optional("Policy of the scores; null for historical runs")


class BaselineComparison(Table):
    """One row per run: its pass rate against the declared baseline's."""

    run_id: str = column("Run")
    agent: str = column("Agent")
    version: str = column("Version")
    baseline_version: str = optional("Declared baseline; null for a first version")
    baseline_run_id: str = optional("The baseline's run that was compared; null where it has none")
    baseline_source: str = optional("historical or executed", isin=SOURCES)
    current_pass_rate: float = optional("Of this run", ge=0, le=1)
    current_passed: Integer = optional("Evaluations passed", ge=0)
    current_total: Integer = optional("Evaluations", ge=0)
    baseline_pass_rate: float = optional("Of the baseline", ge=0, le=1)
    baseline_passed: Integer = optional("Evaluations passed; null where history gives only a rate", ge=0)
    baseline_total: Integer = optional("Evaluations", ge=0)
    improvement: float = optional("current − baseline, in points of 0 to 1")
    improvement_percentage: float = optional("improvement / baseline × 100; null for a baseline of 0")
    improvement_low: float = optional("95 % interval of the improvement, paired by scenario; null where not paired")
    improvement_high: float = optional("Upper end")
    p_value: float = optional(
        "Paired test over the scenarios that both ran: exact McNemar, or a score test with several trials"
    )
    regression_detected: Boolean = optional("The fall exceeds the policy's limit; null where it cannot be told")
    verdict: str = column("better, worse, no_difference, inconclusive or no_baseline",
                          isin=("better", "worse", "no_difference", "inconclusive", "no_baseline"))  # fmt: skip
    lost_scenarios_json: str = column("Passed by the baseline, failed now")
    gained_scenarios_json: str = column("Failed by the baseline, passed now")
    unpaired_scenarios_json: str = column("Run by only one of the two")
    details: str = column("The comparison in plain sentences, with what the suite can and cannot tell")
    policy_hash: str = column("Release policy")


class RegressionAnalysis(Table):
    """One row per metric and per changed scenario: this run against the previous run and against the baseline."""

    run_id: str = column("Run")
    against: str = column("previous_run or baseline", isin=("previous_run", "baseline"))
    reference_run_id: str = optional("The run compared with; null where there is none")
    reference_source: str = optional("historical or executed", isin=SOURCES)
    kind: str = column("metric, scenario or statement", isin=("metric", "scenario", "statement"))
    subject: str = column("Metric or scenario")
    previous: float = optional("Its value before (for a scenario: passed 1, failed 0, or the share of passed trials)")
    current: float = optional("Its value now")
    change: float = optional("current − previous, exact in decimals")
    threshold: float = optional("The change that counts, from the policy")
    verdict: str = column("What the change means", isin=CHANGE_VERDICTS)
    statement: str = column("In one sentence")
    policy_hash: str = column("Release policy")


class TrendAnalysis(Table):
    """One row per metric: where the agent's runs are heading, as at this run."""

    run_id: str = column("The run up to which the series goes")
    agent: str = column("Agent")
    metric: str = column("Metric")
    direction: str = column("improving, declining, stable or undetermined",
                            isin=("improving", "declining", "stable", "undetermined"))  # fmt: skip
    runs: int = column("Runs in the series", ge=0)
    first_run_at: Timestamp = instant("First run of the series", nullable=True)
    last_run_at: Timestamp = instant("Last run of the series", nullable=True)
    slope_per_run: float = optional("Theil–Sen slope: change from one run to the next")
    slope_low: float = optional("Lower end of its interval")
    slope_high: float = optional("Upper end")
    p_value: float = optional("Mann–Kendall test against no trend")
    statement: str = column("In one sentence")
    policy_hash: str = column("Release policy")
