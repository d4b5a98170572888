"""Stage *history*: old and new runs as one history; each run against its baseline, its predecessor and the trend."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd

from eaas_assets.contracts.history import (
    BaselineComparison,
    EvaluationRuns,
    RegressionAnalysis,
    RunMetrics,
    ScenarioEvaluations,
    SegmentComparison,
    TrendAnalysis,
    TrialReliability,
)
from eaas_assets.contracts.identifiers import VersionKey
from eaas_assets.contracts.tables import Table
from eaas_assets.decisions.audit.events import log_evaluation_run
from eaas_assets.defs.checks import gate_result
from eaas_assets.defs.inputs import (
    historical_evaluation_runs,
    historical_run_metrics,
    historical_scenario_evaluations,
)
from eaas_assets.defs.partitions import agent_versions_partitions
from eaas_assets.defs.tables import asset_options, contract_specs, table_options, table_result
from eaas_assets.defs.telling import tell_red
from eaas_assets.defs.world import World
from eaas_assets.history.baseline import compare_with_baseline
from eaas_assets.history.record import RunRecord, combine
from eaas_assets.history.regression import analyse_regression, regression_found
from eaas_assets.history.reliability import trial_reliability as reliability_of_run
from eaas_assets.history.runs import executed_run, historical_runs
from eaas_assets.history.segments import compare_segments
from eaas_assets.history.trend import analyse_trend

GROUP = "history"
RECORDED = ("evaluation_runs", "run_metrics", "scenario_evaluations")


def _options(contract: type[Table]) -> dict[str, Any]:
    return {"partitions_def": agent_versions_partitions, **asset_options(contract, GROUP)}


def _out(contract: type[Table]) -> dg.AssetOut:
    return dg.AssetOut(description=contract.__doc__, **table_options(contract, GROUP))


@dg.multi_asset(
    name="record_run",
    outs={
        "evaluation_runs": _out(EvaluationRuns),
        "run_metrics": _out(RunMetrics),
        "scenario_evaluations": _out(ScenarioEvaluations),
    },
    check_specs=contract_specs(EvaluationRuns, RunMetrics, ScenarioEvaluations),
    deps=[historical_evaluation_runs, historical_run_metrics, historical_scenario_evaluations],
    partitions_def=agent_versions_partitions,
)
def record_run(
    context: dg.AssetExecutionContext,
    world: World,
    evaluation_plan: pd.DataFrame,
    executed_evaluations: pd.DataFrame,
    evaluation_scores: pd.DataFrame,
    evaluation_field_scores: pd.DataFrame,
) -> Iterator[dg.MaterializeResult[Any]]:
    """Write this run into the one history, beside the runs of the same agent that were made before this system.

    The audit log has one entry for it. Every run keeps its own file; materializing again adds nothing twice.
    """
    suite = world.files.suite_rules(str(evaluation_plan["suite"].iloc[0]))
    current = executed_run(
        evaluation_plan,
        executed_evaluations,
        evaluation_scores,
        evaluation_field_scores,
        world.files.evaluation_policy.digest_for(suite),
    )
    plan, policy = evaluation_plan.iloc[0], world.files.evaluation_policy.digest_for(suite)
    log_evaluation_run(
        world.audit,
        str(plan["run_id"]),
        context.partition_key,
        {**{name: str(plan[f"{name}_digest"]) for name in ("agent", "suite", "plan")}, "evaluation_policy": policy},
        {"evaluations": len(executed_evaluations), "passed": int(evaluation_scores["passed"].sum())},
    )
    record = combine([*_imported(world, VersionKey.parse(context.partition_key).agent), current])
    yield table_result(EvaluationRuns, record.runs)
    yield table_result(
        RunMetrics,
        record.metrics,
        # Of this run alone: Dagster draws numeric metadata over time.
        metadata={str(row.metric): row.value for row in current.metrics.dropna(subset="value").itertuples()},
    )
    yield table_result(
        ScenarioEvaluations,
        record.scenarios,
        preview=["run_id", "scenario_id", "trial", "passed", "overall_score", "failure_reason"],
    )


@dg.asset(deps=RECORDED, **_options(TrialReliability))
def trial_reliability(
    context: dg.AssetExecutionContext, world: World, evaluation_plan: pd.DataFrame, journey_scenarios: pd.DataFrame
) -> Iterator[dg.MaterializeResult[Any]]:
    """What the repeated trials of this run tell: pass@k, pass^k, flaky scenarios, and where the variance sits."""
    run_id = str(evaluation_plan["run_id"].iloc[0])
    cluster_by = world.files.release_policy.comparison.cluster_by
    frame = reliability_of_run(run_id, _history(context, world), cluster_by, scenarios=journey_scenarios)
    yield table_result(
        TrialReliability, frame, preview=["metric", "value", "low", "high", "scenarios", "left_out", "reason"]
    )


@dg.asset(deps=RECORDED, **_options(BaselineComparison))
def baseline_comparison(
    context: dg.AssetExecutionContext, world: World, evaluation_plan: pd.DataFrame, journey_scenarios: pd.DataFrame
) -> Iterator[dg.MaterializeResult[Any]]:
    """This run against the declared baseline: better, worse, not worse or inconclusive, and what would settle it."""
    run_id, baseline = _run_and_baseline(context, world, evaluation_plan)
    frame = compare_with_baseline(
        run_id, baseline, _history(context, world), world.files.release_policy, scenarios=journey_scenarios
    )
    row = frame.iloc[0]
    yield table_result(
        BaselineComparison,
        frame,
        preview=["version", "baseline_version", "current_pass_rate", "baseline_pass_rate", "improvement", "verdict"],
        metadata={"verdict": str(row["verdict"]), "details": str(row["details"])},
    )


@dg.asset(deps=RECORDED, **_options(SegmentComparison))
def segment_comparison(
    context: dg.AssetExecutionContext, world: World, evaluation_plan: pd.DataFrame, journey_scenarios: pd.DataFrame
) -> Iterator[dg.MaterializeResult[Any]]:
    """This run against the baseline in every segment of the suite: where harm could hide behind the average."""
    run_id, baseline = _run_and_baseline(context, world, evaluation_plan)
    frame = compare_segments(run_id, baseline, _history(context, world), world.files.release_policy, journey_scenarios)
    yield table_result(
        SegmentComparison,
        frame,
        preview=["segment", "value", "scenarios", "before", "after", "difference", "p_adjusted", "verdict", "forbids"],
    )


@dg.asset(deps=RECORDED, **_options(RegressionAnalysis))
def regression_analysis(
    context: dg.AssetExecutionContext, world: World, evaluation_plan: pd.DataFrame, journey_scenarios: pd.DataFrame
) -> Iterator[dg.MaterializeResult[Any]]:
    """What got worse and what got better since the previous run and since the baseline: by metric and by scenario."""
    run_id, baseline = _run_and_baseline(context, world, evaluation_plan)
    frame = analyse_regression(
        run_id, baseline, _history(context, world), world.files.release_policy, scenarios=journey_scenarios
    )
    counts = {verdict: int(rows) for verdict, rows in frame["verdict"].value_counts().items()}
    yield table_result(
        RegressionAnalysis,
        frame,
        preview=["against", "kind", "subject", "previous", "current", "change", "verdict", "statement"],
        metadata={verdict: counts.get(verdict, 0) for verdict in ("lost", "gained", "regression", "improvement")},
    )


@dg.asset_check(
    asset=regression_analysis,
    name="no_regression",
    partitions_def=agent_versions_partitions,
    additional_ins={"baseline_comparison": dg.AssetIn("baseline_comparison")},
    description="The version is not worse than its baseline, in no segment and by no rule about points, and no "
    "scenario was lost, except by what chance explains. What counts: `regression_gate` in the release policy; "
    "how loud: `gates.regression`.",
)
def no_regression(
    world: World, regression_analysis: pd.DataFrame, baseline_comparison: pd.DataFrame
) -> dg.AssetCheckResult:
    """The release gate: red with every regression and every lost scenario by name."""
    reasons = regression_found(regression_analysis, baseline_comparison)
    severity = world.files.release_policy.gates.regression
    row = baseline_comparison.iloc[0]
    tell_red(world, f"{row['agent']}@{row['version']}", reasons, str(row["details"]), str(row["run_id"]))
    return gate_result(reasons, severity, str(row["details"]))


@dg.asset(deps=RECORDED, **_options(TrendAnalysis))
def trend_analysis(
    context: dg.AssetExecutionContext, world: World, evaluation_plan: pd.DataFrame
) -> Iterator[dg.MaterializeResult[Any]]:
    """Where the agent's runs are heading: improving, declining or stable, with a robust slope and its interval."""
    run_id = str(evaluation_plan["run_id"].iloc[0])
    frame = analyse_trend(run_id, _history(context, world), world.files.release_policy)
    yield table_result(
        TrendAnalysis, frame, preview=["metric", "direction", "runs", "slope_per_run", "slope_low", "slope_high"]
    )


def _run_and_baseline(
    context: dg.AssetExecutionContext, world: World, evaluation_plan: pd.DataFrame
) -> tuple[str, str | None]:
    version = world.files.version(VersionKey.parse(context.partition_key)).version
    return str(evaluation_plan["run_id"].iloc[0]), version.baseline


def _history(context: dg.AssetExecutionContext, world: World) -> RunRecord:
    agent = VersionKey.parse(context.partition_key).agent
    return world.past(agent, lambda: _read_history(world, agent))


def _read_history(world: World, agent: str) -> RunRecord:
    """All runs of the agent: the imported ones as their files have them now, and every executed one that exists."""
    found = (world.tables.read_newest(table, agent) for table in RECORDED)
    tables = [table for table in found if table is not None]
    if len(tables) < len(RECORDED):
        raise dg.Failure(f"no run of {agent} is recorded yet; materialize {', '.join(RECORDED)} first")
    executed = RunRecord(*[table[_is_executed(table, tables[0])] for table in tables])
    return combine([*_imported(world, agent), executed])


def _is_executed(table: pd.DataFrame, runs: pd.DataFrame) -> pd.Series:
    return table["run_id"].isin(runs.loc[runs["source"] == "executed", "run_id"])


def _imported(world: World, agent: str) -> list[RunRecord]:
    history = world.files.history
    versions = history.runs.loc[history.runs["target_orchestrator"] == agent, "target_version"].unique()
    return [historical_runs(history, agent, version) for version in versions]
