"""Plan and execute: what a run is to do, the files that it rests on, and every question asked."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pandas as pd
from pydantic import Field

from eaas_assets.agents.opening import open_agent
from eaas_assets.contracts.evaluation import AgentCalls, EvaluationPlan, ExecutedEvaluations, ValidationResults
from eaas_assets.contracts.tables import table_name
from eaas_assets.defs.checks import gate_result
from eaas_assets.defs.evaluation.options import options, out, version_of
from eaas_assets.defs.io import tag_evaluation_run
from eaas_assets.defs.partitions import agent_versions_partitions
from eaas_assets.defs.tables import contract_result, contract_specs, table_metadata, table_result
from eaas_assets.defs.watching import teller
from eaas_assets.defs.world import World, policy_file
from eaas_assets.evaluation.execution.plan import Plan, Scope, make_plan
from eaas_assets.evaluation.execution.planning import expected_seconds, plan_row, scope_of
from eaas_assets.evaluation.validation import validation_rows


class EvaluationScope(dg.Config):
    """What a run covers and why; all of it can be set in the Launchpad."""

    scenario_id: str | None = Field(default=None, description="Only this scenario")
    target_agent_id: str | None = Field(
        default=None, description="Only scenarios that expect this specialist (name or identifier)"
    )
    evaluation_type: str = Field(
        default="release_validation", description="Why: release_validation, nightly, regression_check, …"
    )
    trials: int | None = Field(
        default=None, ge=1, le=1000, description="How often each scenario is tried; as the version declares if empty"
    )
    goal: str | None = Field(default=None, description="What the run is to find out; a sentence is made if empty")


@dg.asset(**options(EvaluationPlan))
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


@dg.asset(**options(ValidationResults))
def validation_results(
    context: dg.AssetExecutionContext, world: World, evaluation_plan: pd.DataFrame
) -> Iterator[dg.MaterializeResult[Any]]:
    """Which input files were checked, with what outcome: file, row, field, what was found and what was expected."""
    plan = evaluation_plan.iloc[0]
    used = (
        f"suites/{plan['suite']}/",
        f"agents/{plan['agent']}/{plan['version']}.",
        policy_file("evaluation"),
        policy_file("release"),
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
        "executed_evaluations": out(ExecutedEvaluations),
        "agent_calls": out(AgentCalls),
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


def _plan(world: World, partition_key: str, scenarios: pd.DataFrame, scope: EvaluationScope | Scope) -> Plan:
    """The plan for a partition; a specialist may be named by its name or its identifier."""
    version = version_of(world, partition_key)
    target = scope.target_agent_id
    if target is not None and (specialist := world.files.suite(version.suite).resolve_specialist(target)) is not None:
        target = specialist.name
    path = world.files.suite_rules(version.suite).path_field
    return make_plan(
        version,
        scenarios[scenarios["suite"] == version.suite],
        Scope(scope.scenario_id, target, scope.evaluation_type, scope.trials),
        path.field if path else None,
    )
