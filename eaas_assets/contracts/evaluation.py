"""Contracts of the evaluation tables. Facts (executed), measures (scores) and roll-ups (summaries) stay apart."""

from __future__ import annotations

from eaas_assets.contracts.tables import Boolean, Integer, Table, Timestamp, column, instant, optional

STATUSES = ("completed", "failed", "timeout", "not_run")
HEALTH_STATES = ("healthy", "degraded", "critical")
CLOCKS = ("simulated", "reported", "measured")


class EvaluationPlan(Table):
    """One row per run: what it will do and why, written before it starts."""

    run_id: str = column("Run", unique=True)
    created_at: Timestamp = instant("When the plan was made")
    agent: str = column("Agent")
    version: str = column("Version")
    suite: str = column("Suite")
    evaluation_type: str = column("Why: nightly, release_validation, …")
    goal: str = column("What the run is to find out")
    scope_scenario_id: str = optional("Only this scenario; null for all")
    scope_target_agent_id: str = optional("Only scenarios that expect this specialist; null for all")
    success_criteria_json: str = column("What counts as success, from the policies")
    scenarios: int = column("Scenarios in scope", ge=1)
    trials: int = column("Trials of each", ge=1)
    planned_evaluations: int = column("Scenarios × trials", ge=1)
    concurrency: int = column("Evaluations in flight at once", ge=1)
    expected_seconds: float = optional("Expected duration, from the version's last run; null without one", ge=0)
    agent_digest: str = column("Hash of the agent's definition")
    suite_digest: str = column("Hash of what the agent is shown, over all scenarios in scope")
    plan_digest: str = column("Hash of the sorted evaluation keys: equal plans ask equal questions")
    resumed: bool = column("Whether an unfinished plan with the same inputs is continued")


class ExecutedEvaluations(Table):
    """One row per evaluation (scenario × trial) as it happened. Nothing here is judged."""

    run_id: str = column("Run")
    evaluation_key: str = column("Hash of scenario, agent, configuration, protocol and trial")
    agent: str = column("Agent")
    version: str = column("Version")
    suite: str = column("Suite")
    scenario_id: str = column("Scenario")
    trial: int = column("1-based repeat", ge=1)
    inputs_digest: str = column("Hash of what the agent was shown")
    status: str = column("How it ended; not_run when the budget was spent before it", isin=STATUSES)
    error_code: str = optional("Kind of failure; null when completed")
    error: str = optional("What went wrong; null when completed")
    answer_json: str = optional("The answer's fields; null without a valid answer")
    message: str = optional("What the agent said")
    confidence: float = optional("The agent's own, 0 to 1", ge=0, le=1)
    needs_human_review: Boolean = optional("Whether it asked for a person")
    simulated_s: float = optional("Seconds that a simulated agent pretends to have taken", ge=0)
    reported_s: float = optional("Seconds that the agent reports itself", ge=0)
    measured_s: float = optional("Seconds on this system's clock, around the call alone", ge=0)
    loop_lag_s: float = optional("Seconds for which this system was held up meanwhile: the error of measured_s", ge=0)
    attempts: int = column("How often the agent was tried; 0 when not run", ge=0)
    input_tokens: Integer = optional("Tokens read, where known", ge=0)
    output_tokens: Integer = optional("Tokens written, where known", ge=0)
    cost_usd: float = optional("Cost in USD, where known", ge=0)


class AgentCalls(Table):
    """One row per specialist call (step) within an evaluation."""

    run_id: str = column("Run")
    evaluation_key: str = column("Evaluation")
    scenario_id: str = column("Scenario")
    trial: int = column("Trial", ge=1)
    step: int = column("1-based order", ge=1)
    agent_id: str = column("Specialist that was called")
    action: str = optional("What it was asked to do")
    output_json: str = column("What it returned")
    response_time_s: float = optional("Seconds, where known", ge=0)


class EvaluationScores(Table):
    """One row per evaluation under one policy. Scores are shares of 0 to 1; a failed execution scores 0."""

    run_id: str = column("Run")
    evaluation_key: str = column("Evaluation")
    scenario_id: str = column("Scenario")
    trial: int = column("Trial", ge=1)
    risk: str = optional("Of the scenario")
    status: str = column("How the execution ended", isin=STATUSES)
    correctness_score: float = column("Weighted share of expected fields that match", ge=0, le=1)
    response_time_s: float = optional("The time that counts under the policy", ge=0)
    response_time_source: str = optional("Which clock it is from", isin=CLOCKS)
    response_time_score: float = optional("From the bands; null where no clock is known", ge=0, le=1)
    output_quality_score: float = optional("Coverage and structure; null where nothing can be covered", ge=0, le=1)
    overall_score: float = column("Weighted sum of the scores that are defined", ge=0, le=1)
    passed: bool = column("Whether the overall score reaches the policy's threshold")
    all_fields_match: bool = column("Whether every expected field matches (stricter than passed)")
    issues_json: str = column("What was wrong, as short strings")
    policy_hash: str = column("Policy under which the scores were made")
    scored_at: Timestamp = instant("When")


class EvaluationFieldScores(Table):
    """One row per evaluation and expected field: expected against actual."""

    run_id: str = column("Run")
    evaluation_key: str = column("Evaluation")
    scenario_id: str = column("Scenario")
    trial: int = column("Trial", ge=1)
    field: str = column("Expected field")
    compare: str = column("Comparison")
    weight: float = column("Share of the correctness score", ge=0, le=1)
    expected_json: str = column("Expected value")
    actual_json: str = optional("Answered value; null without a valid answer")
    matched: bool = column("Whether they agree under the comparison")
    policy_hash: str = column("Policy under which they were compared")


class AgentPerformanceSummary(Table):
    """One row per specialist (the agent itself where the suite has no path), over the evaluations it took part in."""

    run_id: str = column("Run")
    agent_id: str = column("Specialist")
    total_evaluations: int = column("Evaluations in which it was called", ge=0)
    passed_count: int = column("Of these, passed", ge=0)
    failed_count: int = column("Of these, not passed", ge=0)
    pass_rate: float = optional("passed / total; null when never called", ge=0, le=1)
    pass_rate_low: float = optional("Wilson 95 % interval")
    pass_rate_high: float = optional("Wilson 95 % interval")
    average_score: float = optional("Mean overall score; null when never called", ge=0, le=1)
    average_response_time: float = optional("Mean seconds; null where unknown", ge=0)
    health_status: str = optional("healthy, degraded or critical; null when never called", isin=HEALTH_STATES)
    expected_evaluations: int = column("Evaluations in which it should have been called", ge=0)
    unexpected_count: int = column("Called although not expected", ge=0)
    missed_count: int = column("Expected but not called", ge=0)
    unexpected_scenarios_json: str = column("In which scenarios")
    missed_scenarios_json: str = column("In which scenarios")
    common_issues_json: str = column("Its three most frequent issues with their counts")
    policy_hash: str = column("Policy of the scores")


class EvaluationSummary(Table):
    """One row per run and policy: the numbers a decision maker asks for first."""

    run_id: str = column("Run")
    agent: str = column("Agent")
    version: str = column("Version")
    suite: str = column("Suite")
    total_scenarios: int = column("Scenarios", ge=0)
    total_evaluations: int = column("Evaluations", ge=0)
    total_passed: int = column("Passed", ge=0)
    total_failed: int = column("Not passed, whether answered or not", ge=0)
    execution_failures: int = column("Of these, failed or timed out while executing", ge=0)
    overall_pass_rate: float = optional("passed / evaluations", ge=0, le=1)
    pass_rate_low: float = optional("95 % interval (Wilson; clustered by scenario with several trials)")
    pass_rate_high: float = optional("95 % interval")
    average_score: float = optional("Mean overall score", ge=0, le=1)
    health_status: str = optional("Of the whole version, from its average score", isin=HEALTH_STATES)
    agents_evaluated: int = column("Specialists that were called", ge=0)
    healthy_count: int = column("Of these, healthy", ge=0)
    degraded_count: int = column("Of these, degraded", ge=0)
    critical_count: int = column("Of these, critical", ge=0)
    policy_hash: str = column("Policy of the scores")


class ValidationResults(Table):
    """One row per input file and check: what was looked at before the run, and with what outcome."""

    run_id: str = column("Run")
    file: str = column("Path below the data folder")
    kind: str = column("suite, scenarios, context, catalogue, agent, policy or history")
    used_by_run: bool = column("Whether this run rests on it")
    outcome: str = column(
        "ok: all read; partly: rows were left out; failed: not usable", isin=("ok", "partly", "failed")
    )
    rows_read: Integer = optional("Records read", ge=0)
    problem_count: int = column("Problems found", ge=0)
    problems_json: str = column("The first of them: file, row, field, found, expected")


class WorkflowHealth(Table):
    """One row per stage of the run: did it work, how long did it take, what was lost."""

    run_id: str = column("Run")
    stage: str = column("Stage, in order of the work")
    status: str = column("ok, degraded (some units failed) or failed", isin=("ok", "degraded", "failed"))
    units: int = column("Units of work (files, evaluations, …)", ge=0)
    failures: int = column("Units that failed", ge=0)
    duration_s: float = optional("Seconds from start to end; null where not measured", ge=0)
    time_lost_s: float = optional("Seconds spent on units that failed or timed out", ge=0)
    statement: str = column("In one sentence")
