"""Score: every answer compared with what was expected."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pandas as pd

from eaas_assets.contracts.evaluation import EvaluationFieldScores, EvaluationScores
from eaas_assets.defs.checks import gate_result
from eaas_assets.defs.evaluation.options import out, suite_of
from eaas_assets.defs.partitions import agent_versions_partitions
from eaas_assets.defs.tables import contract_specs, table_result
from eaas_assets.defs.world import World
from eaas_assets.evaluation.scoring.score import score
from eaas_assets.evaluation.scoring.specialists import specialist_names


@dg.multi_asset(
    name="score_evaluations",
    outs={
        "evaluation_scores": out(EvaluationScores),
        "evaluation_field_scores": out(EvaluationFieldScores),
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
    suite = suite_of(world, context.partition_key)
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
