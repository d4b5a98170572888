"""The gate's own check: green for the shipped gate, red for one that cries wolf, as loud as the policy says."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from eaas_assets.defs.gate import gate_keeps_its_promise
from eaas_assets.defs.world import World, WorldFiles
from eaas_assets.history.gate_calibration import calibrate_gate
from eaas_assets_tests.history.runs_by_hand import release_policy, run
from eaas_assets_tests.history.test_gate_calibration import noisy
from eaas_assets_tests.history.test_gate_tallies import any_drop
from eaas_assets_tests.worlds import SAMPLE_DATA, sample_world, shipped_policy, write_policies


def asked(data: Path, table: pd.DataFrame) -> dg.AssetCheckResult:
    world = World(data_dir=str(data), output_dir=str(data / "output"))
    world._files = WorldFiles(world.locations)
    result = gate_keeps_its_promise(world=world, gate_calibration=table)
    assert isinstance(result, dg.AssetCheckResult)
    return result


@pytest.fixture(scope="module")
def broken() -> pd.DataFrame:
    version = run("RUN_2", "v1.1", noisy(), day=1, simulated=False)
    return calibrate_gate(version.runs.iloc[0], version.scenarios, None, release_policy(), rule=any_drop)


def test_a_gate_that_cries_wolf_turns_the_check_red_with_its_figures(broken: pd.DataFrame) -> None:
    result = asked(SAMPLE_DATA, broken)
    assert not result.passed
    assert result.severity == dg.AssetCheckSeverity.WARN
    assert "replays in which nothing changed" in str(result.metadata["explanation"].value)


def test_a_gate_without_false_alarms_is_green_and_says_what_it_can_see(broken: pd.DataFrame) -> None:
    kept = broken.assign(fail_low=0.01, better_low=0.01)
    result = asked(SAMPLE_DATA, kept)
    assert result.passed
    assert "power" in str(result.description)


def test_the_policy_says_how_loud_it_is(tmp_path: Path, broken: pd.DataFrame) -> None:
    data = sample_world(tmp_path / "data")
    write_policies(data, release={"gates": shipped_policy("release")["gates"] | {"gate_calibration": "error"}})
    assert asked(data, broken).severity == dg.AssetCheckSeverity.ERROR


def test_an_empty_calibration_is_not_green(broken: pd.DataFrame) -> None:
    assert not asked(SAMPLE_DATA, broken.iloc[:0]).passed
