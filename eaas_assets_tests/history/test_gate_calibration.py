from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from eaas_assets.contracts.history import GateCalibration
from eaas_assets.contracts.tables import build, contract_problems
from eaas_assets.history.gate_calibration import ability, broken_promises, calibrate_gate, read_recorded
from eaas_assets.history.record import RunRecord
from eaas_assets_tests.history.runs_by_hand import SCORING, SUITE, release_policy, run, stated_run
from eaas_assets_tests.history.test_gate_tallies import any_drop


def noisy(n: int = 30, trials: int = 3) -> dict[str, list[bool | None]]:
    """Scenarios of unequal difficulty, 85 % passes."""
    draw = np.random.default_rng(11)
    rates = draw.beta(3.4, 0.6, n)
    return {f"S{place:03d}": (draw.random(trials) < rate).tolist() for place, rate in enumerate(rates)}


@pytest.fixture(scope="module")
def version() -> RunRecord:
    return run("RUN_2", "v1.1", noisy(), day=1, simulated=False)


@pytest.fixture(scope="module")
def shipped(version: RunRecord) -> pd.DataFrame:
    """The shipped gate on this run."""
    return calibrate_gate(version.runs.iloc[0], version.scenarios, None, release_policy())


@pytest.fixture(scope="module")
def broken(version: RunRecord) -> pd.DataFrame:
    """A gate that calls any drop worse."""
    return calibrate_gate(version.runs.iloc[0], version.scenarios, None, release_policy(), rule=any_drop)


def test_the_shipped_gate_keeps_its_promise(shipped: pd.DataFrame) -> None:
    assert broken_promises(shipped) == []
    assert shipped.loc[shipped["situation"] == "same_agent", "keeps_promise"].tolist() == [True]
    assert shipped.loc[shipped["situation"] == "drop", "keeps_promise"].isna().all()


def test_a_gate_that_calls_any_drop_worse_is_found_out(broken: pd.DataFrame) -> None:
    first = broken.iloc[0]
    assert first["fail_low"] > 0.3
    assert not first["keeps_promise"]
    told = broken_promises(broken)
    assert len(told) == 1
    assert "of 200 replays in which nothing changed" in told[0]
    assert "promises at most 5 %" in told[0]


def test_a_gate_that_praises_nothing_is_found_out_too(shipped: pd.DataFrame) -> None:
    boasting = shipped.assign(better_rate=0.2, better_low=0.15)
    assert broken_promises(boasting)[0].startswith("The gate says better in 20 % of 200 replays")


def test_the_table_meets_its_contract(shipped: pd.DataFrame, broken: pd.DataFrame) -> None:
    assert contract_problems(GateCalibration, shipped) == []
    assert contract_problems(GateCalibration, broken) == []


def test_power_rises_with_the_drop_and_the_detected_one_is_told(shipped: pd.DataFrame) -> None:
    drops = shipped[shipped["situation"] == "drop"]
    assert drops["drop"].is_monotonic_increasing
    assert drops["fail_rate"].iloc[-1] >= 0.8 > drops["fail_rate"].iloc[0]
    assert shipped["detected_drop"].nunique() == 1
    assert f"a drop of {100 * shipped['detected_drop'].iloc[0]:.1f}".removesuffix(".0") in ability(shipped)
    assert ability(shipped).startswith("Where nothing changes, the gate fails in ")


def test_the_same_run_gives_the_same_rows_and_another_one_others(version: RunRecord, broken: pd.DataFrame) -> None:
    again = calibrate_gate(version.runs.iloc[0], version.scenarios, None, release_policy(), rule=any_drop)
    pd.testing.assert_frame_equal(broken, again)
    other = version.runs.iloc[0].copy()
    other["run_id"] = "RUN_3"
    renamed = calibrate_gate(other, version.scenarios, None, release_policy(), rule=any_drop)
    assert renamed["failed"].tolist() != broken["failed"].tolist()
    assert renamed["seed"].iloc[0] != broken["seed"].iloc[0]


def test_the_replays_have_the_design_of_the_comparison() -> None:
    """Only scenarios that both ran, with the trials that each has; results that are not known do not count."""
    now = run("RUN_2", "v1.1", {"A": [True, True], "B": [False, None], "C": [True, True], "D": [None, None]})
    before = run("RUN_1", "v1.0", {"A": [True] * 3, "B": [True, None, True], "E": [True], "D": [True] * 3})
    found = read_recorded(now.scenarios, before.scenarios, release_policy(), simulated=True)
    assert found is not None
    assert (found.passes.tolist(), found.trials.tolist()) == ([2, 0], [2, 1])
    assert found.reference_trials.tolist() == [3, 2]
    assert found.metrics["outcome_accuracy"].tolist() == [1, 1, 0]
    assert found.repeats
    alone = read_recorded(now.scenarios, None, release_policy())
    assert alone is not None
    assert alone.reference_trials.tolist() == alone.trials.tolist() == [2, 1, 2]


def test_families_and_segments_are_those_of_the_suite() -> None:
    now = run("RUN_2", "v1.1", {"A": [True], "B": [False], "C": [True]})
    scenarios = pd.DataFrame(
        {
            "suite": SUITE,
            "scenario_id": ["A", "B", "C"],
            "segments_json": ['{"family":"x","tier":"gold"}', '{"family":"y","tier":null}', '{"family":"x"}'],
        }
    )
    found = read_recorded(now.scenarios, None, release_policy(), scenarios, SUITE)
    assert found is not None
    assert found.families is not None
    assert found.families.tolist() == [0, 1, 0]
    assert found.segments["tier"].tolist() == ["gold", None, None]


def test_a_policy_that_takes_points_as_they_stand_does_not_keep_its_promise(version: RunRecord) -> None:
    """Thresholds alarm on nothing: the product says so of its own rules when a policy tells it to ignore chance."""
    policy = release_policy()
    naive = policy.model_copy(
        update={"regression_gate": policy.regression_gate.model_copy(update={"chance": "ignored"})}
    )
    table = calibrate_gate(version.runs.iloc[0], version.scenarios, None, naive)
    assert table["fail_low"].iloc[0] > 0.05
    assert broken_promises(table)


def test_of_a_very_large_suite_a_part_is_replayed_and_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eaas_assets.history.gate_calibration.MOST_SCENARIOS", 12)
    version = run("RUN_2", "v1.1", noisy(), simulated=False)
    table = calibrate_gate(version.runs.iloc[0], version.scenarios, None, release_policy(), rule=any_drop)
    assert set(table["scenarios"]) == {12}
    assert set(table["evaluations"]) == {36}
    assert "Replayed are 12 scenarios, drawn from 30" in ability(table)


@pytest.mark.parametrize(
    "empty", [run("RUN_9", "v1.1", {"A": [None]}), stated_run("RUN_9", "v1.1", {"pass_rate": 0.8})]
)
def test_without_results_nothing_speaks_for_the_gate(empty: RunRecord) -> None:
    table = calibrate_gate(empty.runs.iloc[0], empty.scenarios, None, release_policy())
    assert table.empty
    assert broken_promises(table) == ["No scenario has a result, so the gate could not be tried."]
    assert ability(table).startswith("The gate could not be tried")
    assert contract_problems(GateCalibration, build(GateCalibration, [])) == []


def test_every_row_names_the_policy_and_the_run(shipped: pd.DataFrame) -> None:
    assert set(shipped["policy_hash"]) == {release_policy().digest}
    assert set(shipped["run_id"]) == {"RUN_2"}
    assert SCORING not in set(shipped["policy_hash"])
