from __future__ import annotations

import json

import pandas as pd
import pytest

from eaas_assets.contracts.history import TrialReliability
from eaas_assets.contracts.tables import contract_problems
from eaas_assets.history.reliability import trial_reliability
from eaas_assets_tests.history.runs_by_hand import SUITE, run

FLAKY = {"A": [True] * 4, "B": [True, True, False, False], "C": [True, False, False, False], "D": [False] * 4}


def table(results, **more) -> pd.DataFrame:
    found = trial_reliability("R1", run("R1", "v1.0", results), **({"cluster_by": None} | more))
    assert contract_problems(TrialReliability, found) == []
    return found.set_index("metric")


def test_rates_over_trials_come_from_their_definitions():
    """Of 4 trials 4, 2, 1 and 0 passed: pass^2 is the mean of 1, 1/6, 0, 0; pass@2 of 1, 5/6, 1/2, 0."""
    found = table(FLAKY)
    assert found.loc["pass@1", "value"] == found.loc["pass^1", "value"] == pytest.approx(7 / 16)
    assert found.loc["pass^2", "value"] == pytest.approx((1 + 1 / 6) / 4)
    assert found.loc["pass@2", "value"] == pytest.approx((1 + 5 / 6 + 1 / 2) / 4)
    assert found.loc["pass^4", "value"] == pytest.approx(1 / 4)
    assert found.loc["pass@4", ["value", "k", "scenarios"]].tolist() == [0.75, 4, 4]


def test_more_trials_than_there_are_have_no_rate_and_a_reason():
    found = table(FLAKY)
    assert found.loc["pass^5", ["value", "low", "high"]].isna().all()
    assert "no scenario has 5 trials" in found.loc["pass^5", "reason"]
    assert found.loc["pass^4", ["reason"]].isna().all()
    assert "pass^16" not in found.index
    assert "pass^16" in table({"A": [True] * 16, "B": [False] * 16}).index


def test_a_run_of_single_trials_says_what_it_cannot_tell():
    found = table({"A": [True], "B": [False]})
    assert found.loc["pass@1", "value"] == 0.5
    unknown = found.loc[["pass@2", "pass^10", "flakiness", "scenario_variance_share"]]
    assert unknown["value"].isna().all()
    assert unknown["reason"].notna().all()
    assert "no scenario has two trials" in found.loc["flakiness", "reason"]


def test_flaky_scenarios_are_named_the_flakiest_first():
    """Unequal pairs among the six pairs of four trials: 4 of 6 for B, 3 of 6 for C."""
    row = table(FLAKY).loc["flakiness"]
    assert json.loads(row["flakiest_json"]) == {"B": pytest.approx(2 / 3), "C": pytest.approx(0.5)}
    assert row["value"] == pytest.approx((2 / 3 + 1 / 2) / 4)


def test_variance_is_split_into_scenarios_and_repeats():
    assert 0 < table(FLAKY).loc["scenario_variance_share", "value"] < 1
    stable = table({"A": [True] * 3, "B": [False] * 3}).loc["scenario_variance_share"]
    assert (stable["value"], stable["clipped"]) == (1.0, False)
    noise = table({"A": [True, False], "B": [True, False]}).loc["scenario_variance_share"]
    assert (noise["value"], noise["clipped"]) == (0.0, True)
    same = table({"A": [True, True], "B": [True, True]}).loc["scenario_variance_share"]
    assert pd.isna(same["value"])
    assert same["reason"] == "every result is the same: nothing varies"


def test_scenarios_with_fewer_trials_are_left_out_and_counted():
    found = table({"A": [True] * 3, "B": [True]})
    assert found.loc["pass^2", ["value", "scenarios", "left_out"]].tolist() == [1.0, 1, 1]


def test_trials_without_a_result_neither_pass_nor_fail():
    found = table({"A": [True, None], "B": [False, None, None]})
    assert found.loc["pass@1", ["value", "scenarios"]].tolist() == [0.5, 2]
    assert pd.isna(found.loc["pass@2", "value"])


def test_families_widen_the_error():
    results = {f"S{place}": [place < 4] * 2 for place in range(8)}
    scenarios = pd.DataFrame(
        {
            "suite": SUITE,
            "scenario_id": list(results),
            "segments_json": [json.dumps({"family": f"f{place // 2}"}) for place in range(8)],
        }
    )
    alone = table(results).loc["pass@1"]
    together = table(results, cluster_by="family", scenarios=scenarios).loc["pass@1"]
    assert alone["value"] == together["value"]
    assert together["standard_error"] > alone["standard_error"]
    assert together["low"] < alone["low"]


def test_a_run_without_results_has_nulls_and_reasons():
    found = table({"A": [None]})
    assert found["value"].isna().all()
    assert found["reason"].notna().all()
