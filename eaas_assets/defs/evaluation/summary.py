"""Sum up: how each specialist did, the run in one row, and how healthy its stages were."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd

from eaas_assets.contracts.evaluation import AgentPerformanceSummary, EvaluationSummary, WorkflowHealth
from eaas_assets.contracts.identifiers import VersionKey
from eaas_assets.defs.evaluation.options import options, suite_of
from eaas_assets.defs.tables import table_result
from eaas_assets.defs.world import World
from eaas_assets.evaluation.health import workflow_health_rows
from eaas_assets.evaluation.performance import agent_performance
from eaas_assets.evaluation.scoring.specialists import specialist_names
from eaas_assets.evaluation.summary import summarise

_STEP_OF_STAGE = {
    "read inputs": "journey_scenarios",
    "plan": "evaluation_plan",
    "execute": "execute_evaluations",
    "score": "score_evaluations",
    "summarise": "evaluation_summary",
}


@dg.asset(**options(AgentPerformanceSummary))
def agent_performance_summary(
    context: dg.AssetExecutionContext,
    world: World,
    evaluation_scores: pd.DataFrame,
    agent_calls: pd.DataFrame,
    journey_scenarios: pd.DataFrame,
    specialist_agents: pd.DataFrame,
) -> Iterator[dg.MaterializeResult[Any]]:
    """How each specialist did: results with intervals, health, calls that nobody asked for, calls that are missing."""
    suite = suite_of(world, context.partition_key)
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


@dg.asset(**options(EvaluationSummary))
def evaluation_summary(
    context: dg.AssetExecutionContext,
    world: World,
    executed_evaluations: pd.DataFrame,
    evaluation_scores: pd.DataFrame,
    agent_performance_summary: pd.DataFrame,
) -> Iterator[dg.MaterializeResult[Any]]:
    """The run in one row: totals, pass rate with its interval, average score, health."""
    policy = world.files.evaluation_policy
    policy_hash = policy.digest_for(suite_of(world, context.partition_key))
    frame = summarise(executed_evaluations, evaluation_scores, agent_performance_summary, policy, policy_hash)
    row = frame.iloc[0]
    # Numbers are drawn over time by the UI; what is undefined is left out of the drawing.
    numbers: dict[str, Any] = {
        name: float(row[name]) for name in ("overall_pass_rate", "average_score") if pd.notna(row[name])
    }
    yield table_result(EvaluationSummary, frame, metadata=numbers | {"health": str(row["health_status"])})


@dg.asset(**options(WorkflowHealth))
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
