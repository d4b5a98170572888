"""Stage *experiments*: what is registered, how sound it is designed, how it runs, and what it changed.

All experiments are one Dagster step: a thousand of them are a minute of work, and a step each would cost more. Rows
whose evidence has not changed are those of the last time.
"""

import json
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd

from eaas_assets.contracts.decisions import LearningSummaries
from eaas_assets.contracts.experiments import (
    CausalImpact,
    DesignValidation,
    ExperimentMonitoring,
    ExperimentRegistry,
    MetricCalibration,
    SegmentImpact,
)
from eaas_assets.contracts.tables import Table, table_name
from eaas_assets.decisions.portfolio.rates import win_shares
from eaas_assets.defs.checks import gate_result
from eaas_assets.defs.pictures import picture
from eaas_assets.defs.tables import asset_options, contract_specs, table_options, table_result
from eaas_assets.defs.telling import tell_red
from eaas_assets.defs.world import World
from eaas_assets.experiments.analysing import ExperimentTables, analyse_all
from eaas_assets.experiments.calibrating import calibrate_all
from eaas_assets.experiments.design.learned import Learned
from eaas_assets.experiments.observations.agent_runs import AgentRunTables
from eaas_assets.reporting.experiment.overview import effects_overview, looks_overview, paths_overview
from eaas_assets.storage.files import digest

GROUP = "experiments"
ANALYSED = (ExperimentRegistry, DesignValidation, ExperimentMonitoring, CausalImpact, SegmentImpact)
TOLD_EVERY = 50


def _out(contract: type[Table]) -> dg.AssetOut:
    return dg.AssetOut(description=contract.__doc__, **table_options(contract, GROUP, frozenset({"duckdb"})))


@dg.multi_asset(
    name="analyse_experiments",
    outs={table_name(contract): _out(contract) for contract in ANALYSED},
    check_specs=contract_specs(*ANALYSED),
)
def analyse_experiments(context: dg.AssetExecutionContext, world: World) -> Iterator[dg.MaterializeResult[Any]]:
    """Read, check, watch and estimate every experiment; one that is broken stops no other.

    Effects are estimated anew only where the document, the observations or the analysis policy have changed.
    """
    catalogue = world.files.experiments
    for problem in [problem for file in catalogue.files for problem in file.problems][:20]:
        context.log.warning(str(problem))
    done = 0

    def told(experiment: str) -> None:
        nonlocal done
        done += 1
        if done % TOLD_EVERY == 0 or done == len(catalogue.experiments):
            context.log.info(f"{done:,} of {len(catalogue.experiments):,} experiments, last {experiment}")

    tables = analyse_all(
        world.locations.data,
        catalogue,
        world.files.experiment_policy,
        runs=_evaluated_runs(world),
        earlier=_earlier(world),
        learned=_learned(world),
        progress=told,
    )
    yield from _results(tables)


def _results(tables: ExperimentTables) -> Iterator[dg.MaterializeResult[Any]]:
    registry, impact = tables.registry, tables.impact
    yield table_result(
        ExperimentRegistry,
        registry,
        preview=["experiment_id", "title", "type", "status", "risk_tier", "primary_metric", "observed_units", "usable"],
        metadata={"analysed anew": len(tables.renewed), "not usable": int((~registry["usable"]).sum())},
    )
    grades = tables.design.drop_duplicates("experiment_id")["grade"].value_counts()
    yield table_result(
        DesignValidation,
        tables.design,
        preview=["experiment_id", "area", "check", "outcome", "statement", "grade"],
        metadata={f"grade {grade}": int(count) for grade, count in grades.sort_index().items()},
    )
    raised = tables.monitoring["alarm"].fillna(False) & tables.monitoring["latest"]
    yield table_result(
        ExperimentMonitoring,
        tables.monitoring,
        preview=["experiment_id", "check", "metric", "look", "estimate", "low", "high", "alarm", "statement"],
        metadata={"alarms": int(raised.sum()), **picture(*looks_overview(tables.monitoring, impact))},
    )
    verdicts = impact.loc[impact["role"] == "primary", "verdict"].value_counts()
    yield table_result(
        CausalImpact,
        impact,
        preview=["experiment_id", "arm", "metric", "estimate", "low", "high", "p_value", "verdict", "statement"],
        metadata={
            **{f"primary {verdict}": int(count) for verdict, count in verdicts.items()},
            **picture(*effects_overview(impact)),
            **_over_time(impact),
        },
    )
    yield table_result(
        SegmentImpact,
        tables.segments,
        preview=["experiment_id", "metric", "dimension", "value", "estimate", "shrunk", "p_harm_adjusted", "harmed"],
        metadata={"harmed segments": int(tables.segments["harmed"].fillna(False).sum())},
    )


def _over_time(impact: pd.DataFrame) -> dict[str, dg.MarkdownMetadataValue]:
    """A metadata entry for one picture of each method over time, such as an event study."""
    entries: dict[str, dg.MarkdownMetadataValue] = {}
    for sheet, shown in paths_overview(impact).items():
        entries |= picture(*shown, entry=f"picture: {sheet.replace('_', ' ')}")
    return entries


@dg.asset_check(
    asset="experiment_registry",
    name="experiments_are_readable",
    description="Every experiment's document and observations could be read. Those that could not are named with file, "
    "row, field, what was found and what was expected; the others go on.",
)
def experiments_are_readable(experiment_registry: pd.DataFrame) -> dg.AssetCheckResult:
    """Red with every problem of every experiment that cannot be used."""
    broken = experiment_registry[~experiment_registry["usable"]]
    reasons = [
        f"{row.experiment_id}: {_sentence(problem)}"
        for row in broken.itertuples()
        for problem in json.loads(str(row.problems_json))
    ]
    return gate_result(reasons, "warn", f"All {len(experiment_registry):,} experiments could be read.")


@dg.asset_check(
    asset="experiment_monitoring",
    name="no_experiment_alarms",
    description="No experiment has a raised alarm: sample ratio, harm to a guardrail, drift, an anomalous segment or a "
    "fading effect. The probability of a false alarm holds however often one looks.",
)
def no_experiment_alarms(world: World, experiment_monitoring: pd.DataFrame) -> dg.AssetCheckResult:
    """Red with every alarm that stands at the last look."""
    latest = experiment_monitoring[experiment_monitoring["latest"]]
    raised = latest[latest["alarm"].fillna(False)]
    reasons = [f"{row.experiment_id}, {row.check}: {row.statement}" for row in raised.itertuples()]
    names = ["experiment_id", "check", "metric", "arm", "segment"]  # and not its numbers, which move every night
    named = digest(raised[names].astype("string").fillna("").sort_values(names).to_csv(index=False))
    tell_red(world, "experiments", reasons, f"Alarms of experiments that stand: {len(reasons):,}.", named)
    return gate_result(reasons, "warn", f"{latest['experiment_id'].nunique():,} experiments are watched, no alarm.")


@dg.asset(deps=["experiment_registry"], **asset_options(MetricCalibration, GROUP))
def metric_calibration(world: World) -> Iterator[dg.MaterializeResult[Any]]:
    """Whether each metric's test keeps its error rate on random splits of data in which nothing happened.

    A metric that fails loses its verdict: the decision rules ask for it.
    """
    frame = calibrate_all(
        world.locations.data,
        world.files.experiments,
        world.files.experiment_policy,
        runs=_evaluated_runs(world),
        earlier=world.snapshot(MetricCalibration),
    )
    yield table_result(
        MetricCalibration,
        frame,
        preview=["experiment_id", "metric", "replays", "rejected", "rate", "promised", "passed", "statement"],
        metadata={"failed": int((~frame["passed"].fillna(True)).sum())},
    )


@dg.asset_check(
    asset=metric_calibration,
    name="metrics_keep_their_error_rate",
    description="No metric's test finds effects in random splits more often than the policy promises.",
)
def metrics_keep_their_error_rate(metric_calibration: pd.DataFrame) -> dg.AssetCheckResult:
    """Red with every metric whose promise cannot be true."""
    failed = metric_calibration[~metric_calibration["passed"].fillna(True)]
    reasons = [f"{row.experiment_id}: {row.statement}" for row in failed.itertuples()]
    tried = int(metric_calibration["passed"].notna().sum())
    return gate_result(reasons, "warn", f"{tried:,} of {len(metric_calibration):,} metrics could be tried, none fails.")


def _evaluated_runs(world: World) -> AgentRunTables | None:
    """The runs of agent versions, for experiments on them; None where nothing was evaluated yet."""
    runs, results = (world.tables.read_newest(table) for table in ("evaluation_runs", "scenario_evaluations"))
    if runs is None or results is None:
        return None
    family = world.files.release_policy.comparison.cluster_by
    segments: dict[str, dict[str, str]] = {}
    for suite in world.files.suites:
        for scenario in suite.scenarios:
            for dimension, value in scenario.segments.items():
                segments.setdefault(dimension, {})[scenario.scenario_id] = str(value)
    return AgentRunTables(results, runs, segments.pop(family, {}) if family else {}, segments)


def _earlier(world: World) -> ExperimentTables | None:
    """The tables of the last time; None where one of them is missing."""
    if not all(map(world.has_snapshot, ANALYSED)):
        return None
    registry, design, monitoring, impact, segments = map(world.snapshot, ANALYSED)
    return ExperimentTables(registry, design, monitoring, impact, segments)


def _learned(world: World) -> Learned:
    """What the last learning summary lets expect of the next experiments."""
    summaries = world.snapshot(LearningSummaries)
    own = summaries[(summaries["prior_experiments"] > 0) & summaries["suggested_minimum_effect"].notna()]
    gains = dict(zip(own["effect_class"], own["suggested_minimum_effect"], strict=True))
    return Learned(win_shares(summaries, world.files.portfolio_policy.priors), gains)


def _sentence(problem: dict[str, Any]) -> str:
    place = problem["file"] + "".join(f", {key} {problem[key]}" for key in ("row", "field") if problem.get(key))
    return f"{place}: found {problem['found']}; expected {problem['expected']}"
