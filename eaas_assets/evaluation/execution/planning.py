"""The plan of a run as a table row, and back: what it will do, why, and how long it should take."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd

from eaas_assets.contracts.policies import EvaluationPolicy, ReleasePolicy
from eaas_assets.evaluation.execution.plan import Plan, Scope
from eaas_assets.evaluation.execution.runs import Run
from eaas_assets.storage.files import canonical_json, digest


def plan_row(
    run: Run,
    created_at: datetime,
    goal: str | None,
    evaluation_policy: EvaluationPolicy,
    release_policy: ReleasePolicy,
    seconds: float | None,
) -> dict[str, Any]:
    """The row of ``evaluation_plan`` (contract EvaluationPlan) for a claimed run."""
    plan, version = run.plan, run.plan.version
    criteria = {
        "an_evaluation_passes_at_overall_score": evaluation_policy.pass_threshold,
        "healthy_from_average_score": evaluation_policy.health.healthy,
        "pass_rate_may_fall_below_the_baseline_by_at_most": release_policy.baseline.regression_points,
    }
    return {
        "run_id": run.run_id,
        "created_at": created_at,
        "agent": version.agent,
        "version": version.version,
        "suite": version.suite,
        "evaluation_type": plan.scope.evaluation_type,
        "goal": goal or default_goal(plan),
        "scope_scenario_id": plan.scope.scenario_id,
        "scope_target_agent_id": plan.scope.target_agent_id,
        "success_criteria_json": canonical_json(criteria),
        "scenarios": len(plan.scenarios),
        "trials": plan.trials,
        "planned_evaluations": len(plan.evaluations),
        "concurrency": version.limits.concurrency,
        "expected_seconds": seconds,
        "agent_digest": digest(canonical_json(version.model_dump())),
        "suite_digest": plan.suite_digest,
        "plan_digest": plan.digest,
        "resumed": run.resumed,
    }


def default_goal(plan: Plan) -> str:
    """What a run is to find out, in one sentence."""
    version = plan.version
    against = f" and whether it is at least as good as {version.baseline}" if version.baseline else ""
    part = "" if plan.scope.is_full else f", over {len(plan.scenarios)} chosen scenarios"
    return f"Find out how well {version.agent} {version.version} answers suite {version.suite}{against}{part}."


def scope_of(row: pd.Series) -> Scope:
    """The scope that a row of ``evaluation_plan`` was made for, with the number of trials that were planned."""

    def text(value: object) -> str | None:
        return value if isinstance(value, str) else None

    scenario_id, target = text(row["scope_scenario_id"]), text(row["scope_target_agent_id"])
    return Scope(scenario_id, target, str(row["evaluation_type"]), int(row["trials"]))


def expected_seconds(past_health: pd.DataFrame | None, planned: int) -> float | None:
    """How long ``planned`` evaluations should take at the pace of the latest run; None without one.

    Args:
        past_health: Rows of ``workflow_health`` of earlier runs of the version, in any order.
        planned: Number of evaluations.
    """
    if past_health is None:
        return None
    executed = past_health[(past_health["stage"] == "execute") & (past_health["units"] > 0)]
    executed = executed.dropna(subset=["duration_s"]).sort_values("run_id")
    if executed.empty:
        return None
    latest = executed.iloc[-1]
    return float(latest["duration_s"]) / float(latest["units"]) * planned
