"""Contracts of the experiments: what is registered, how sound its design is, how it runs, and what it changed.

One row never speaks of two experiments, and every row names the evidence that it was made from: ``evidence_id`` is a
hash of the experiment's document, its observations and the analysis policy. The same evidence gives the same rows.
"""

from __future__ import annotations

from eaas_assets.contracts.tables import Boolean, Integer, Table, Timestamp, column, instant, optional

TYPES = ("ab_test", "phased_rollout", "model_swap", "workflow_change", "agent_behavior_change")
DESIGNS = ("randomised", "paired", "rollout", "before_after")
STATUSES = ("proposed", "running", "concluded", "archived")
TIERS = ("low", "medium", "high")
ROLES = ("primary", "secondary", "guardrail")
KINDS = ("proportion", "mean", "ratio", "quantile")
DIRECTIONS = ("increase", "decrease")
OUTCOMES = ("passed", "warning", "error", "not_known")
STRENGTHS = ("randomised", "paired", "quasi_experiment", "before_after", "none")
INFERENCES = ("fixed_horizon", "anytime", "group_sequential")
EFFECT_VERDICTS = ("improved", "harmed", "non_inferior", "no_effect_shown", "inconclusive", "refused")


class ExperimentRegistry(Table):
    """One row per experiment folder, also for one whose document cannot be used."""

    experiment_id: str = column("Experiment")
    usable: bool = column("Whether its document and its observations could be read")
    title: str = optional("Title; null where the document cannot be read")
    domain: str = optional("Domain")
    type: str = optional("Kind of change", isin=TYPES)
    design: str = optional("How the comparison was made", isin=DESIGNS)
    status: str = optional("proposed, running, concluded or archived", isin=STATUSES)
    hypothesis: str = optional("What is believed")
    hypothesis_type: str = optional("growth, efficiency, quality or risk_reduction")
    population: str = optional("Who can be in it")
    owner: str = optional("Who runs it")
    decision_owner: str = optional("Who decides on it")
    risk_tier: str = optional("low, medium or high", isin=TIERS)
    risk_notes: str = optional("Free text")
    registered_kpi: str = optional("Figure that the business registered")
    primary_metric: str = optional("Metric that decides")
    direction: str = optional("Its good direction", isin=DIRECTIONS)
    minimum_effect: float = optional("Smallest effect worth having, on its scale")
    variants_json: str = column("Arms with allocation and cost, the control first")
    metrics_json: str = column("Metrics as registered")
    segments_json: str = column("Segments as registered")
    conditions_json: str = column("Interference, changes, blockers, flags")
    planned_start: Timestamp = instant("Planned first day", nullable=True)
    planned_end: Timestamp = instant("Planned last day", nullable=True)
    planned_units: Integer = optional("Planned units, all arms", ge=1)
    observed_units: Integer = optional("Units observed so far, all arms; null while there are none", ge=0)
    observed_from: Timestamp = instant("First observation; null without times", nullable=True)
    observed_to: Timestamp = instant("Last observation", nullable=True)
    cost_to_date_usd: float = optional("Fixed cost and cost of the observed units; null where not known", ge=0)
    fixed_cost_usd: float = optional("Fixed cost", ge=0)
    cost_per_week_usd: float = optional("Running cost", ge=0)
    rollout_cost_per_year_usd: float = optional("Yearly cost of keeping the change", ge=0)
    usd_per_unit: float = optional("Money per one unit of the primary metric and unit of the population")
    units_per_year: float = optional("Units per year that the change would apply to", ge=0)
    claimed_effect: float = optional("Effect that its owners predicted")
    claimed_annual_value_usd: float = optional("Yearly value that its owners declared")
    problems_json: str = column("What is wrong with its files, each with file, row, field, found and expected")
    definition_digest: str = optional("Hash of the document")
    data_digest: str = optional("Hash of the observations; null while there are none")
    evidence_id: str = column("Hash of document, observations and analysis policy")
    policy_hash: str = column("Policy `experiments`")


class DesignValidation(Table):
    """One row per experiment and check of its design, before and during the experiment."""

    experiment_id: str = column("Experiment")
    evidence_id: str = column("Evidence")
    area: str = column(
        "sample, assignment, metrics or guardrails of the data", isin=("sample", "assignment", "metrics", "data")
    )
    check: str = column("What was checked")
    outcome: str = column("passed, warning, error, or not_known for want of information", isin=OUTCOMES)
    statement: str = column("What was found, in one sentence, with its numbers")
    evidence_json: str = column("The numbers behind it")
    action: str = optional("What to do; null where nothing is to be done")
    grade: str = column("Grade of the whole design, A (sound) to F (must not decide anything)",
                        isin=("A", "B", "C", "D", "F"))  # fmt: skip
    grade_reasons_json: str = column("Why not a better grade")
    policy_hash: str = column("Policy `experiments`")


class ExperimentMonitoring(Table):
    """One row per experiment, check, metric and look. Every number here may be looked at every night."""

    experiment_id: str = column("Experiment")
    evidence_id: str = column("Evidence")
    check: str = column(
        "sample_ratio, effect (confidence sequence), guardrail_harm, metric_drift, segment_anomaly, novelty, progress",
        isin=("sample_ratio", "effect", "guardrail_harm", "metric_drift", "segment_anomaly", "novelty", "progress"),
    )
    look: int = column("1, 2, … in order of time", ge=1)
    looked_at: Timestamp = instant("Data up to here; null where units have no time", nullable=True)
    latest: bool = column("Whether it is the last look of its check")
    metric: str = optional("Metric; null where the check has none")
    arm: str = optional("Treatment arm compared with the control")
    segment: str = optional("dimension = value")
    units: int = column("Units of both arms up to here", ge=0)
    planned_units: Integer = optional("Planned units", ge=1)
    estimate: float = optional("Treatment − control, or what the check measures")
    low: float = optional("Confidence sequence: holds at all looks together")
    high: float = optional("Upper end")
    p_value: float = optional("Valid at every look")
    threshold: float = optional("Below it the alarm is raised")
    alarm: Boolean = optional("Whether it is raised; null where it cannot be told")
    days_left: Integer = optional("Days until the planned sample at the present rate; in rows of progress", ge=0)
    statement: str = column("In one sentence")
    policy_hash: str = column("Policy `experiments`")


class CausalImpact(Table):
    """One row per experiment, treatment arm and metric: one shape for every design."""

    experiment_id: str = column("Experiment")
    evidence_id: str = column("Evidence")
    arm: str = column("Treatment arm")
    control: str = column("What it is compared with")
    metric: str = column("Metric")
    role: str = column("primary, secondary or guardrail", isin=ROLES)
    kind: str = column("proportion, mean, ratio or quantile", isin=KINDS)
    direction: str = column("Its good direction", isin=DIRECTIONS)
    unit: str = optional("Unit of the metric")
    strength: str = column(
        "Strength of the design: randomised, paired, quasi_experiment, before_after, none", isin=STRENGTHS
    )
    method: str = column("Estimator and how its errors were found")
    inference: str = column(
        "fixed_horizon: valid once, at the planned end; anytime: at every look; group_sequential: at few looks fixed "
        "beforehand. Of a refused effect: how it would have been read",
        isin=INFERENCES,
    )
    n_treatment: Integer = optional("Units (clusters, pairs; periods after the change) of the treatment arm", ge=0)
    n_control: Integer = optional("The same of the control arm (periods before)", ge=0)
    treatment_value: float = optional("The arm's value, adjusted where the method adjusts")
    control_value: float = optional("The control's value, or the counterfactual")
    estimate: float = optional("Treatment − control, in the metric's unit")
    se: float = optional("Its standard error; null where the method has none", ge=0)
    df: float = optional("Degrees of freedom; null for the normal distribution and where undefined")
    low: float = optional("Interval at ``level``; null where refused")
    high: float = optional("Upper end")
    level: float = column("Confidence level", gt=0, lt=1)
    p_value: float = optional("Two-sided p-value of no effect")
    p_adjusted: float = optional("Corrected over arms (primary) or screened over metrics (secondary)")
    relative: float = optional("Effect as a share of the control's size; null where refused")
    relative_low: float = optional("Its interval")
    relative_high: float = optional("Upper end")
    benefit: float = optional("Estimate in the good direction: positive is better")
    benefit_low: float = optional("Its interval")
    benefit_high: float = optional("Upper end")
    scale: str = column("Scale of minimum_effect and margin", isin=("absolute", "relative"))
    minimum_effect: float = optional("Smallest effect worth having", ge=0)
    meets_minimum: Boolean = optional(
        "Whether the estimated benefit reaches it; null where there is no estimate or no minimum"
    )
    excludes_minimum: Boolean = optional(
        "Whether the interval lies wholly below it: the effect is too small to be worth it"
    )
    margin: float = optional("Harm that a guardrail tolerates", ge=0)
    detectable_effect: float = optional(
        "Smallest absolute effect that so many units show with the policy's power", ge=0
    )
    units_needed: float = optional(
        "Units of both arms that would show the minimum effect with the policy's power", ge=0
    )
    verdict: str = column(
        "improved, harmed: the interval excludes zero; non_inferior: it clears the margin; no_effect_shown: the "
        "interval excludes the minimum effect; inconclusive; refused",
        isin=EFFECT_VERDICTS,
    )
    refusal_code: str = optional("Why there is no interval; null where there is one")
    refusal_reason: str = optional("In words")
    refusals_json: str = column("Everything that was refused, also only the relative effect: code → reason")
    assumptions_json: str = column("What must hold")
    diagnostics_json: str = column("Named side results")
    paths_json: str = optional("Series for pictures (event study, synthetic control, forecast); null without")
    net_value_usd: float = optional(
        "Yearly net benefit: effect × usd_per_unit × units_per_year − cost of keeping it; primary metric only"
    )
    net_value_low_usd: float = optional("At the interval's limits")
    net_value_high_usd: float = optional("Upper end")
    p_loss: float = optional("Probability that the net value is negative", ge=0, le=1)
    break_even: float = optional("Effect at which the net value is zero, in the metric's unit")
    value_reason: str = optional("Why there is no value")
    statement: str = column("In one sentence, with numbers, denominators and interval")
    policy_hash: str = column("Policy `experiments`")


class SegmentImpact(Table):
    """One row per experiment, arm, metric, declared segment and its value."""

    experiment_id: str = column("Experiment")
    evidence_id: str = column("Evidence")
    arm: str = column("Treatment arm")
    metric: str = column("Metric")
    role: str = column("primary, secondary or guardrail", isin=ROLES)
    dimension: str = column("Declared segment")
    value: str = column("Its value")
    n_treatment: Integer = optional("Units of the treatment arm", ge=0)
    n_control: Integer = optional("Of the control arm", ge=0)
    estimate: float = optional("Treatment − control in this segment")
    low: float = optional("Its own interval, uncorrected")
    high: float = optional("Upper end")
    benefit: float = optional("Estimate in the good direction")
    shrunk: float = optional("Estimate shrunk towards the mean of the dimension")
    shrunk_low: float = optional("Its interval")
    shrunk_high: float = optional("Upper end")
    p_harm: float = optional("One-sided p-value of no harm")
    p_harm_adjusted: float = optional("Corrected over all segments of the metric (Holm)")
    harmed: Boolean = optional("Whether harm is shown after correction; null where it cannot be told")
    harmed_although_average_won: Boolean = optional("Whether, besides, the average improved")
    heterogeneity_p: float = optional("P-value of equal effects in all values of the dimension")
    tau2: float = optional("Variance between true effects of the dimension; 0 at the boundary", ge=0)
    refusal_code: str = optional("Why there is no interval")
    refusal_reason: str = optional("In words")
    statement: str = column("In one sentence")
    policy_hash: str = column("Policy `experiments`")


class MetricCalibration(Table):
    """One row per experiment and metric: does its test keep its error rate on data where nothing happened?"""

    experiment_id: str = column("Experiment")
    evidence_id: str = column("Evidence")
    metric: str = column("Metric")
    replays: int = column("Random splits of the control arm, or of a rollout's untreated units, that were tested", ge=0)
    rejected: int = column("Splits at which an effect was found", ge=0)
    rate: float = optional("rejected / replays", ge=0, le=1)
    rate_low: float = optional("95 % Monte-Carlo interval", ge=0, le=1)
    rate_high: float = optional("Upper end", ge=0, le=1)
    promised: float = column("Error rate that the policy promises", gt=0, lt=1)
    passed: Boolean = optional("Whether the promise can be true; null where it could not be tried")
    reason: str = optional("Why it could not be tried")
    statement: str = column("In one sentence")
    policy_hash: str = column("Policy `experiments`")
