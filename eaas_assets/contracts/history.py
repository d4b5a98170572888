"""Contracts of the history: old and new runs side by side, and each run compared with what came before it."""

from __future__ import annotations

from eaas_assets.contracts.evaluation import STATUSES
from eaas_assets.contracts.suite import RISKS
from eaas_assets.contracts.tables import Boolean, Integer, Table, Timestamp, column, instant, optional

SOURCES = ("historical", "executed")
VERDICTS = ("better", "worse", "not_worse", "inconclusive")
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
    simulated: Boolean = optional(
        "Whether a simulated agent answered, which answers the same every time; null for historical runs"
    )
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
    risk: str = optional("Of the scenario; null where not stated and for historical rows", isin=RISKS)
    status: str = optional("How the execution ended; null for historical rows", isin=STATUSES)
    passed: Boolean = optional("Passed; for historical rows: every recorded field matched")
    overall_score: float = optional("Null for historical rows", ge=0, le=1)
    matches_json: str = column("Field → whether it matched")
    actual_json: str = column("Field → answered value")
    expected_json: str = column("Field → expected value")
    response_time_ms: float = optional("The time that counted", ge=0)
    cost_usd: float = optional("Cost in USD, where known", ge=0)
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
    improvement_low: float = optional("Interval of the improvement, paired by scenario; null where not paired")
    improvement_high: float = optional("Upper end")
    level: float = optional("Confidence level of the interval; null where not paired")
    p_value: float = optional(
        "Paired test of no difference: exact McNemar for single trials, a clustered t test otherwise; corrected where "
        "several metrics decide"
    )
    paired_scenarios: Integer = optional("Scenarios that both ran; null where not paired", ge=0)
    paired_groups: Integer = optional("Independent groups of these: families, or the scenarios themselves", ge=0)
    margin: float = column("Loss below which a version counts as not worse, from the policy", ge=0)
    regression_detected: Boolean = optional("The fall exceeds the policy's limit; null where it cannot be told")
    verdict: str = column(
        "better or worse: the paired test rejects no difference; not_worse: the interval clears the margin; "
        "inconclusive: neither, or a segment forbids the others; no_baseline",
        isin=(*VERDICTS, "no_baseline"),
    )
    alarms_json: str = column("What of it turns the gate no_regression red, as the policy names it")
    worst_segments_json: str = column("Segments that forbid better and not_worse: segment = value")
    findings_json: str = column("Each metric that decides: difference, interval, p-value")
    minimum_detectable_effect: float = optional(
        "Smallest difference that the comparison shows with the policy's power; null where none can be told"
    )
    settle_claim: str = optional(
        "What more evidence would show, if the difference is as it looks; null for a comparison that is settled",
        isin=("better", "worse", "not_worse"),
    )
    settle_scenarios: Integer = optional("Further scenarios for both versions that would settle it", ge=1)
    settle_scenarios_cost_usd: float = optional("Their cost, at the measured cost; null where not known", ge=0)
    settle_scenarios_seconds: float = optional("Their answering time, one after another; null where not known", ge=0)
    settle_trials: Integer = optional(
        "Further trials of each scenario for both versions; null where no number of them settles it", ge=1
    )
    settle_trials_cost_usd: float = optional("Their cost; null where not known", ge=0)
    settle_trials_seconds: float = optional("Their answering time; null where not known", ge=0)
    lost_scenarios_json: str = column("Passed by the baseline, failed now")
    gained_scenarios_json: str = column("Failed by the baseline, passed now")
    unpaired_scenarios_json: str = column("Run by only one of the two")
    details: str = column("The comparison in plain sentences, with what the suite can and cannot tell")
    policy_hash: str = column("Release policy")


class SegmentComparison(Table):
    """One row per value of a segment: the first metric that decides, this run against the baseline's."""

    run_id: str = column("Run")
    agent: str = column("Agent")
    version: str = column("Version")
    baseline_version: str = column("Declared baseline")
    baseline_run_id: str = column("The baseline's run")
    metric: str = column("Metric")
    segment: str = column("Segment of the suite")
    value: str = column("Its value")
    scenarios: int = column("Scenarios that both ran", ge=1)
    before: float = column("Mean over these scenarios, baseline", ge=0, le=1)
    after: float = column("Mean over these scenarios, this run", ge=0, le=1)
    difference: float = column("after − before", ge=-1, le=1)
    low: float = optional("Interval of the difference; null where no error can be estimated")
    high: float = optional("Upper end")
    p_value: float = optional("Paired test; null for a segment that is not judged")
    p_adjusted: float = optional("Corrected over all segments that are judged")
    verdict: str = column("Of the segment alone, by its own margin", isin=VERDICTS)
    forbids: bool = column("Whether it forbids better and not_worse for the whole")
    reason: str = optional("Why it is not judged")
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
    p_value: float = optional(
        "How well chance explains the change: paired by scenario, corrected over rows of its kind; null where untested"
    )
    verdict: str = column("What the change means", isin=CHANGE_VERDICTS)
    alarm: bool = column("Whether it turns the gate no_regression red under the policy")
    statement: str = column("In one sentence")
    policy_hash: str = column("Release policy")


class TrialReliability(Table):
    """One row per run and metric of its repeated trials: what passes once, at least once, and every time."""

    run_id: str = column("Run")
    agent: str = column("Agent")
    version: str = column("Version")
    metric: str = column(
        "pass@k: at least one of k trials passes; pass^k: all do; flakiness: two trials of a scenario disagree; "
        "scenario_variance_share: part of the variance that is between scenarios"
    )
    k: Integer = optional("Trials that pass@k and pass^k speak of", ge=1)
    value: float = optional("Share of 0 to 1; null where undefined", ge=0, le=1)
    standard_error: float = optional("Clustered by family, else by scenario; null where undefined", ge=0)
    low: float = optional("95 % interval; null where undefined", ge=0, le=1)
    high: float = optional("Upper end", ge=0, le=1)
    scenarios: int = column("Scenarios that it is known from", ge=0)
    left_out: int = column("Scenarios with too few trials for it", ge=0)
    clipped: Boolean = optional("Whether the variance between scenarios came out negative and was set to 0")
    flakiest_json: str = column("The flakiest scenarios, in the row of flakiness: scenario → share")
    reason: str = optional("Why the value is null")
    policy_hash: str = optional("Policy of the scores; null for historical runs")


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


class GateCalibration(Table):
    """One row per situation in which the release gate was tried on replays of this run's own results."""

    run_id: str = column("Run")
    agent: str = column("Agent")
    version: str = column("Version")
    situation: str = column(
        "same_agent: nothing changed between two runs; same_agent_bad_days: nothing but shocks to families of "
        "scenarios; drop: the later run lost a known share of its passes",
        isin=("same_agent", "same_agent_bad_days", "drop"),
    )
    drop: float = column("Points of 0 to 1 that the later run lost; 0 for the same agent", ge=0, le=1)
    replays: int = column("Pairs of runs that were drawn", ge=1)
    failed: int = column("Pairs at which the gate failed", ge=0)
    fail_rate: float = column("failed / replays: false alarms of the same agent, power at a drop", ge=0, le=1)
    fail_low: float = column("95 % Monte-Carlo interval of fail_rate", ge=0, le=1)
    fail_high: float = column("Upper end", ge=0, le=1)
    worse_rate: float = column("Share of pairs that it called worse", ge=0, le=1)
    better_rate: float = column("Share that it called better", ge=0, le=1)
    better_low: float = column("95 % Monte-Carlo interval of better_rate", ge=0, le=1)
    better_high: float = column("Upper end", ge=0, le=1)
    not_worse_rate: float = column("Share that it called not worse", ge=0, le=1)
    inconclusive_rate: float = column("Share that it left open", ge=0, le=1)
    promised_rate: float = column("Highest rate of false alarms that the policy promises: 1 - level", ge=0, le=1)
    keeps_promise: Boolean = optional("Whether the promise can be true of the same agent; null for a drop")
    detected_drop: float = optional(
        "Drop at which the gate fails in 80 % of replays; null where none is. Equal in all rows of a run", ge=0, le=1
    )
    detected_drop_reason: str = optional("Why it is null")
    scenarios: int = column("Scenarios that were replayed", ge=1)
    evaluations: int = column("Recorded evaluations that they were drawn from", ge=1)
    families: Integer = optional("Families of scenarios; null where each stands alone", ge=1)
    correlation: float = column("Agreement of two trials of one scenario in the model of chance", ge=0, le=1)
    correlation_basis: str = column(
        "known: a simulated agent; estimated from repeats; assumed for single trials",
        isin=("known", "estimated", "assumed"),
    )
    seed: str = column("Of the random numbers: equal seeds give equal rows")
    statement: str = column("In plain sentences")
    policy_hash: str = column("Release policy")
