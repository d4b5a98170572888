"""Stage *history*, its last step: the release gate is tried on replays of the results that it has just judged."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd

from eaas_assets.contracts.history import GateCalibration
from eaas_assets.contracts.identifiers import VersionKey
from eaas_assets.defs.checks import gate_result
from eaas_assets.defs.partitions import agent_versions_partitions
from eaas_assets.defs.tables import asset_options, table_result
from eaas_assets.defs.world import World
from eaas_assets.history.gate_calibration import ability, broken_promises, calibrate_gate

GROUP = "history"
PREVIEW = ["situation", "drop", "replays", "fail_rate", "fail_low", "fail_high", "better_rate", "inconclusive_rate"]


@dg.asset(partitions_def=agent_versions_partitions, **asset_options(GateCalibration, GROUP))
def gate_calibration(
    context: dg.AssetExecutionContext,
    world: World,
    evaluation_runs: pd.DataFrame,
    scenario_evaluations: pd.DataFrame,
    baseline_comparison: pd.DataFrame,
    journey_scenarios: pd.DataFrame,
) -> Iterator[dg.MaterializeResult[Any]]:
    """How often the release gate cries wolf on this suite, and what drop it can see: replays of this run's own results.

    Pairs of runs are drawn from the recorded results: of the same agent twice, and of an agent that lost a known share.
    """
    frame = calibrate_gate(
        evaluation_runs.iloc[-1],
        scenario_evaluations,
        _baseline_rows(world, VersionKey.parse(context.partition_key).agent, baseline_comparison.iloc[-1]),
        world.files.release_policy,
        journey_scenarios,
    )
    # Dagster draws numeric metadata over time.
    numbers = {
        name: float(frame[name].iloc[0])
        for name in ("fail_rate", "detected_drop")
        if len(frame) and pd.notna(frame[name].iloc[0])
    }
    yield table_result(GateCalibration, frame, PREVIEW, numbers | {"statement": ability(frame)})


@dg.asset_check(
    asset=gate_calibration,
    name="gate_keeps_its_promise",
    partitions_def=agent_versions_partitions,
    description="Where nothing changed, the gate fails no more often than the release policy promises "
    "(1 - `comparison.level`), within Monte-Carlo error. How loud: `gates.gate_calibration` in the release policy.",
)
def gate_keeps_its_promise(world: World, gate_calibration: pd.DataFrame) -> dg.AssetCheckResult:
    """Red where the rate of false alarms, or of false praise, is surely above the promise."""
    severity = world.files.release_policy.gates.gate_calibration
    return gate_result(broken_promises(gate_calibration), severity, ability(gate_calibration))


def _baseline_rows(world: World, agent: str, comparison: pd.Series) -> pd.DataFrame | None:
    """Scenario results of the baseline's run; None where it has none that was executed here."""
    if comparison["baseline_source"] != "executed":
        return None
    partition = f"{agent}@{comparison['baseline_version']}"
    return world.tables.read_run("scenario_evaluations", partition, str(comparison["baseline_run_id"]))
