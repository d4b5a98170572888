"""Stage *evaluation*: plan, execute, score and sum up one run of one agent version."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pandas as pd
from pydantic import Field

from eaas_assets.agents.opening import open_agent
from eaas_assets.contracts.agent import AgentVersion
from eaas_assets.contracts.evaluation import (
    AgentCalls,
    AgentPerformanceSummary,
    EvaluationFieldScores,
    EvaluationPlan,
    EvaluationScores,
    EvaluationSummary,
    ExecutedEvaluations,
    ValidationResults,
    WorkflowHealth,
)
from eaas_assets.contracts.identifiers import VersionKey
from eaas_assets.contracts.suite import Suite
from eaas_assets.contracts.tables import Table, table_name
from eaas_assets.defs.checks import gate_result
from eaas_assets.defs.io import tag_evaluation_run
from eaas_assets.defs.partitions import agent_versions_partitions
from eaas_assets.defs.tables import (
    asset_options,
    contract_result,
    contract_specs,
    table_metadata,
    table_options,
    table_result,
)
from eaas_assets.defs.watching import teller
from eaas_assets.defs.world import EVALUATION_POLICY_FILE, RELEASE_POLICY_FILE, World
from eaas_assets.evaluation.execution.plan import Plan, Scope, make_plan
from eaas_assets.evaluation.execution.planning import expected_seconds, plan_row, scope_of
from eaas_assets.evaluation.health import workflow_health_rows
from eaas_assets.evaluation.performance import agent_performance
from eaas_assets.evaluation.scoring.score import score
from eaas_assets.evaluation.scoring.specialists import specialist_names
from eaas_assets.evaluation.summary import summarise
from eaas_assets.evaluation.validation import validation_rows

GROUP = "evaluation"


def _options(contract: type[Table], *kinds: str) -> dict[str, Any]:
    return {"partitions_def": agent_versions_partitions, **asset_options(contract, GROUP, frozenset(kinds))}


def _out(contract: type[Table]) -> dg.AssetOut:
    options = table_options(contract, GROUP)
    return dg.AssetOut(description=contract.__doc__, **options)


class EvaluationScope(dg.Config):
    """What a run covers and why; all of it can be set in the Launchpad."""

    scenario_id: str | None = Field(default=None, description="Only this scenario")
    target_agent_id: str | None = Field(
        default=None, description="Only scenarios that expect this specialist (name or identifier)"
    )
    evaluation_type: str = Field(
        default="release_validation", description="Why: release_validation, nightly, regression_check, …"
    )
    goal: str | None = Field(default=None, description="What the run is to find out; a sentence is made if empty")


@dg.asset(**_options(EvaluationPlan))
def evaluation_plan(
    context: dg.AssetExecutionContext, world: World, config: EvaluationScope, journey_scenarios: pd.DataFrame
) -> Iterator[dg.MaterializeResult[Any]]:
    """What the run will do and why, fixed before the first question: goal, scope, success criteria, expected time.

    An unfinished plan with the same inputs is continued; otherwise a new run begins.
    """
    plan = _plan(world, context.partition_key, journey_scenarios, config)
    run = world.runs.start(plan)
    tag_evaluation_run(context.instance, context.run.run_id, run.run_id)
    past = world.tables.read_partition("workflow_health", context.partition_key)
    seconds = expected_seconds(past, len(plan.evaluations))
    policies = world.files.evaluation_policy, world.files.release_policy
    row = plan_row(run, datetime.now(UTC), config.goal, *policies, seconds)
    context.log.info(
        f"{run.run_id}: {row['planned_evaluations']:,} evaluations planned"
        + (", continuing an unfinished run" if run.resumed else "")
        + (f", expected to take {seconds:.1f} s" if seconds is not None else "")
    )
    shown = {name: row[name] for name in ("run_id", "goal", "planned_evaluations")}
    yield table_result(EvaluationPlan, [row], metadata=shown)


@dg.asset(**_options(ValidationResults))
def validation_results(
    context: dg.AssetExecutionContext, world: World, evaluation_plan: pd.DataFrame
) -> Iterator[dg.MaterializeResult[Any]]:
    """Which input files were checked, with what outcome: file, row, field, what was found and what was expected."""
    plan = evaluation_plan.iloc[0]
    used = (
        f"suites/{plan['suite']}/",
        f"agents/{plan['agent']}/{plan['version']}.",
        EVALUATION_POLICY_FILE,
        RELEASE_POLICY_FILE,
        "history/",
    )
    rows = validation_rows(plan["run_id"], world.files.all_readings(), used)
    problems = [problem for reading in world.files.all_readings() for problem in reading.problems]
    for problem in problems[:20]:
        context.log.warning(str(problem))
    yield table_result(ValidationResults, rows, metadata={"problems": len(problems)})


@dg.asset_check(
    asset=validation_results,
    name="inputs_are_valid",
    partitions_def=agent_versions_partitions,
    description="No input file has a fault. How loud: `gates.inputs_valid` in the release policy.",
)
def inputs_are_valid(world: World, validation_results: pd.DataFrame) -> dg.AssetCheckResult:
    """Red with every file that could not be read, or not in whole."""
    faulty = validation_results[validation_results["outcome"] != "ok"]
    reasons = [
        f"{row.file}: {row.outcome}, {row.problem_count} problems" + (" (this run rests on it)" * bool(row.used_by_run))
        for row in faulty.itertuples()
    ]
    severity = world.files.release_policy.gates.inputs_valid
    return gate_result(reasons, severity, f"all {len(validation_results)} files are as they should be")


@dg.multi_asset(
    name="execute_evaluations",
    outs={
        "executed_evaluations": _out(ExecutedEvaluations),
        "agent_calls": _out(AgentCalls),
    },
    check_specs=contract_specs(ExecutedEvaluations, AgentCalls),
    partitions_def=agent_versions_partitions,
)
def execute_evaluations(
    context: dg.AssetExecutionContext, world: World, evaluation_plan: pd.DataFrame, journey_scenarios: pd.DataFrame
) -> Iterator[dg.MaterializeResult[Any]]:
    """Ask the agent every planned question. Each finished evaluation is durable; a stopped run can be continued.

    The two tables are written by the run itself when it is complete: facts, before anything is judged.
    """
    row = evaluation_plan.iloc[0]
    plan = _plan(world, context.partition_key, journey_scenarios, scope_of(row))
    run = world.runs.take_up(row["run_id"], plan)
    agent = open_agent(plan.version, world.locations.data)
    sealed = None
    try:
        sealed = world.runs.execute(run, agent, teller(context))
    finally:
        if sealed is None:
            kept = f"{world.runs.kept(run):,} of {len(plan.evaluations):,} evaluations are kept"
            context.log.warning(f"{run.run_id} was stopped; {kept}. Materialize evaluation_plan again to continue it.")
    if sealed.not_run:
        context.log.warning(f"{run.run_id}: the budget was spent; {sealed.not_run:,} evaluations were not run")
    for contract in (ExecutedEvaluations, AgentCalls):
        path = world.tables.run_path(table_name(contract), context.partition_key, run.run_id)
        table = world.tables.read(path)
        yield dg.MaterializeResult(
            asset_key=table_name(contract),
            metadata=table_metadata(table) | {"path": dg.MetadataValue.path(path), "conflicts": sealed.conflicts},
            check_results=[contract_result(contract, table)],
        )


@dg.asset_check(
    asset="executed_evaluations",
    name="plan_is_complete",
    blocking=True,
    partitions_def=agent_versions_partitions,
    description="Every planned evaluation is there, once. Scoring does not start otherwise.",
)
def plan_is_complete(world: World, executed_evaluations: pd.DataFrame) -> dg.AssetCheckResult:
    """Planned minus present must be empty, whatever the orchestrator says about success."""
    run_ids = executed_evaluations["run_id"].unique()
    planned = sum(world.runs.planned_evaluations(run_id) for run_id in run_ids)
    present = executed_evaluations["evaluation_key"].nunique()
    doubled = len(executed_evaluations) - present
    return dg.AssetCheckResult(
        passed=planned == present and not doubled,
        metadata={"planned": planned, "missing": planned - present, "doubled": doubled},
    )


@dg.multi_asset(
    name="score_evaluations",
    outs={
        "evaluation_scores": _out(EvaluationScores),
        "evaluation_field_scores": _out(EvaluationFieldScores),
    },
    check_specs=contract_specs(EvaluationScores, EvaluationFieldScores),
    partitions_def=agent_versions_partitions,
)
def score_evaluations(
    context: dg.AssetExecutionContext,
    world: World,
    executed_evaluations: pd.DataFrame,
    agent_calls: pd.DataFrame,
    journey_scenarios: pd.DataFrame,
    specialist_agents: pd.DataFrame,
) -> Iterator[dg.MaterializeResult[Any]]:
    """Compare every answer with what was expected, by the rules of the evaluation policy. Nothing is executed again.

    An evaluation whose scenario has changed since it was asked cannot be scored; it is left out and told about.
    """
    suite = _suite(world, context.partition_key)
    policy = world.files.evaluation_policy
    names = specialist_names(specialist_agents, suite.suite)
    scored = score(executed_evaluations, agent_calls, journey_scenarios, suite, policy, datetime.now(UTC), names)
    for left_out in scored.unscored[:20]:
        context.log.warning(f"{left_out.scenario_id}: {left_out.evaluations} not scored, {left_out.reason}")
    yield table_result(
        EvaluationScores,
        scored.scores,
        preview=["scenario_id", "trial", "correctness_score", "response_time_score", "output_quality_score",
                 "overall_score", "passed", "issues_json"],
        metadata={
            "passed": int(scored.scores["passed"].sum()),
            "not_scored": sum(left_out.evaluations for left_out in scored.unscored),
        },
    )  # fmt: skip
    yield table_result(
        EvaluationFieldScores,
        scored.field_scores,
        preview=["scenario_id", "trial", "field", "expected_json", "actual_json", "matched"],
    )


@dg.asset_check(
    asset="evaluation_scores",
    name="no_high_risk_failures",
    partitions_def=agent_versions_partitions,
    description="No scenario of high risk fails. How loud: `gates.high_risk_failures` in the release policy.",
)
def no_high_risk_failures(world: World, evaluation_scores: pd.DataFrame) -> dg.AssetCheckResult:
    """Red with every failed scenario of high risk."""
    high = evaluation_scores[evaluation_scores["risk"] == "high"]
    failures = high[~high["passed"]]
    reasons = [
        f"{row.scenario_id} (trial {row.trial}): overall score {row.overall_score:g}" for row in failures.itertuples()
    ]
    severity = world.files.release_policy.gates.high_risk_failures
    return gate_result(reasons, severity, f"all {len(high)} evaluations of high risk passed")


@dg.asset(**_options(AgentPerformanceSummary))
def agent_performance_summary(
    context: dg.AssetExecutionContext,
    world: World,
    evaluation_scores: pd.DataFrame,
    agent_calls: pd.DataFrame,
    journey_scenarios: pd.DataFrame,
    specialist_agents: pd.DataFrame,
) -> Iterator[dg.MaterializeResult[Any]]:
    """How each specialist did: results with intervals, health, calls that nobody asked for, calls that are missing."""
    suite = _suite(world, context.partition_key)
    frame = agent_performance(
        evaluation_scores,
        agent_calls,
        journey_scenarios[journey_scenarios["suite"] == suite.suite],
        suite,
        world.files.evaluation_policy,
        agent=VersionKey.parse(context.partition_key).agent,
        names=specialist_names(specialist_agents, suite.suite),
    )
    yield table_result(
        AgentPerformanceSummary,
        frame,
        preview=["agent_id", "total_evaluations", "passed_count", "average_score", "health_status",
                 "unexpected_count", "missed_count"],
    )  # fmt: skip


@dg.asset(**_options(EvaluationSummary))
def evaluation_summary(
    context: dg.AssetExecutionContext,
    world: World,
    executed_evaluations: pd.DataFrame,
    evaluation_scores: pd.DataFrame,
    agent_performance_summary: pd.DataFrame,
) -> Iterator[dg.MaterializeResult[Any]]:
    """The run in one row: totals, pass rate with its interval, average score, health."""
    policy = world.files.evaluation_policy
    policy_hash = policy.digest_for(_suite(world, context.partition_key))
    frame = summarise(executed_evaluations, evaluation_scores, agent_performance_summary, policy, policy_hash)
    row = frame.iloc[0]
    # Numbers are drawn over time by the UI; what is undefined is left out of the drawing.
    numbers: dict[str, Any] = {
        name: float(row[name]) for name in ("overall_pass_rate", "average_score") if pd.notna(row[name])
    }
    yield table_result(EvaluationSummary, frame, metadata=numbers | {"health": str(row["health_status"])})


@dg.asset(**_options(WorkflowHealth))
def workflow_health(
    context: dg.AssetExecutionContext,
    validation_results: pd.DataFrame,
    executed_evaluations: pd.DataFrame,
    evaluation_scores: pd.DataFrame,
    agent_performance_summary: pd.DataFrame,
) -> Iterator[dg.MaterializeResult[Any]]:
    """How healthy each stage of the run was: failures, durations, time lost."""
    run_id = str(executed_evaluations["run_id"].iloc[0])
    steps = {step.step_key: step for step in context.instance.get_run_step_stats(context.run.run_id)}
    durations: dict[str, float | None] = {}
    for stage, step_key in _STEP_OF_STAGE.items():
        step = steps.get(step_key)
        measured = step is not None and step.start_time is not None and step.end_time is not None
        durations[stage] = step.end_time - step.start_time if measured else None  # type: ignore[union-attr]
    rows = workflow_health_rows(
        run_id, validation_results, executed_evaluations, evaluation_scores, agent_performance_summary, durations
    )
    yield table_result(WorkflowHealth, rows)


_STEP_OF_STAGE = {
    "read inputs": "journey_scenarios",
    "plan": "evaluation_plan",
    "execute": "execute_evaluations",
    "score": "score_evaluations",
    "summarise": "evaluation_summary",
}


def _version(world: World, partition_key: str) -> AgentVersion:
    return world.files.version(VersionKey.parse(partition_key)).version


def _suite(world: World, partition_key: str) -> Suite:
    return world.files.suite_rules(_version(world, partition_key).suite)


def _plan(world: World, partition_key: str, scenarios: pd.DataFrame, scope: EvaluationScope | Scope) -> Plan:
    """The plan for a partition; a specialist may be named by its name or its identifier."""
    version = _version(world, partition_key)
    target = scope.target_agent_id
    if target is not None and (specialist := world.files.suite(version.suite).resolve_specialist(target)) is not None:
        target = specialist.name
    path = world.files.suite_rules(version.suite).path_field
    return make_plan(
        version,
        scenarios[scenarios["suite"] == version.suite],
        Scope(scope.scenario_id, target, scope.evaluation_type),
        path.field if path else None,
    )
