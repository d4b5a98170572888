"""The one row about a run that a decision maker reads first."""

from __future__ import annotations

from typing import Any

import pandas as pd

from eaas_assets.contracts.evaluation import EvaluationSummary
from eaas_assets.contracts.policies import EvaluationPolicy
from eaas_assets.contracts.tables import build
from eaas_assets.evaluation.measures import exact_mean, health_status, pass_rate


def summarise(
    executed: pd.DataFrame, scores: pd.DataFrame, performance: pd.DataFrame, policy: EvaluationPolicy, policy_hash: str
) -> pd.DataFrame:
    """Totals, pass rate, average score and health of each run.

    Counts and rates are over the evaluations that were scored: what scoring had to leave out is in none of them.

    Args:
        executed: Table `executed_evaluations`: says whose runs these are.
        scores: Table `evaluation_scores` under one policy.
        performance: Table `agent_performance_summary` of these scores.
        policy: The health bands and the rounding of the scores.
        policy_hash: The policy as it stands on the scores.

    Returns:
        Table `evaluation_summary`, one row a run, also for a run of which nothing could be scored.
    """
    runs = executed[["run_id", "agent", "version", "suite"]].drop_duplicates()
    rows: list[dict[str, Any]] = []
    for run in runs.itertuples(index=False):
        own = scores[scores["run_id"] == run.run_id]
        called = performance[(performance["run_id"] == run.run_id) & (performance["total_evaluations"] > 0)]
        states = called["health_status"].value_counts()
        rate = pass_rate(own["passed"].to_numpy(), pd.factorize(own["scenario_id"])[0])
        mean = exact_mean(own["overall_score"].to_numpy(), policy.rounding)
        rows.append(
            {
                "run_id": run.run_id,
                "agent": run.agent,
                "version": run.version,
                "suite": run.suite,
                "total_scenarios": int(own["scenario_id"].nunique()),
                "total_evaluations": rate.total,
                "total_passed": rate.passed,
                "total_failed": rate.total - rate.passed,
                "execution_failures": int((own["status"] != "completed").sum()),
                "overall_pass_rate": rate.rate,
                "pass_rate_low": rate.low,
                "pass_rate_high": rate.high,
                "average_score": None if mean is None else float(mean),
                "health_status": health_status(mean, policy.health),
                "agents_evaluated": len(called),
                **{f"{state}_count": int(states.get(state, 0)) for state in ("healthy", "degraded", "critical")},
                "policy_hash": policy_hash,
            }
        )
    return build(EvaluationSummary, rows)
