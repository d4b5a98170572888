"""Comparisons and repeated trials whose numbers are published, through the history as a release would read them."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pandas as pd
import pytest

from eaas_assets.history.baseline import compare_with_baseline
from eaas_assets.history.record import combine
from eaas_assets.history.regression import analyse_regression, regression_found
from eaas_assets.history.reliability import trial_reliability
from eaas_assets_tests.history.runs_by_hand import release_policy, run

POLICY = release_policy()
COST = 0.25


@pytest.fixture
def fine_tuned(shared_data: Path, request: pytest.FixtureRequest) -> tuple[pd.Series, list[str]]:
    """A model of tau2-bench before and after fine-tuning, at an assumed 25 cents a task: comparison and gate."""

    def results(model: str) -> dict[str, list[bool | None]]:
        file = shared_data / "tau2_finetune" / f"{model}_{request.param}.json"
        simulations = json.loads(file.read_text())["simulations"]
        return {str(one["task_id"]): [one["reward_info"]["reward"] == 1.0] for one in simulations}

    before = run("R1", "v1.0", results("base"), simulated=False, cost_usd=COST)
    history = combine([before, run("R2", "v1.1", results("finetuned"), day=1, simulated=False, cost_usd=COST)])
    comparison = compare_with_baseline("R2", "v1.0", history, POLICY)
    return comparison.iloc[0], regression_found(analyse_regression("R2", "v1.0", history, POLICY), comparison)


@pytest.mark.shared_data
@pytest.mark.parametrize("fine_tuned", ["airline"], indirect=True)
def test_a_gain_of_three_tasks_in_twenty_is_inconclusive_and_has_a_price(fine_tuned):
    """10 → 13 of 20, 3 lost and 6 gained, exact McNemar p = .51. Further tasks: the usual n = (sd (z + z) / effect)².

    sd² = 9/20 − .15² over n − 1, z + z = 1.96 + 0.84, effect = .15 + .05: 90 tasks in all by the normal formula, so 70
    further ones; the t quantiles ask for one more. Each takes an answer of both versions.
    """
    row, gate = fine_tuned
    assert (row["baseline_passed"], row["current_passed"], row["current_total"]) == (10, 13, 20)
    assert [len(json.loads(row[f"{kind}_scenarios_json"])) for kind in ("lost", "gained")] == [3, 6]
    assert row["p_value"] == pytest.approx(0.51, abs=0.005)
    assert row["verdict"] == "inconclusive"
    variance = (9 / 20 - 0.15**2) * 20 / 19
    by_hand = variance * ((1.959964 + 0.841621) / 0.2) ** 2 - 20
    assert (row["settle_claim"], row["settle_scenarios"]) == ("not_worse", pytest.approx(by_hand, abs=3))
    assert row["settle_scenarios_cost_usd"] == pytest.approx(row["settle_scenarios"] * 2 * COST)
    assert pd.isna(row["settle_trials"])
    assert "To show that it is better takes" in row["details"]
    assert gate == []


@pytest.mark.shared_data
@pytest.mark.parametrize("fine_tuned", ["retail"], indirect=True)
def test_equal_rates_hide_six_lost_and_six_gained_tasks_which_are_named(fine_tuned):
    """34 → 34 of 40: no difference to be seen, none to be ruled out either."""
    row, gate = fine_tuned
    assert (row["baseline_passed"], row["current_passed"], row["improvement"]) == (34, 34, 0.0)
    lost, gained = (json.loads(row[f"{kind}_scenarios_json"]) for kind in ("lost", "gained"))
    assert (len(lost), len(gained)) == (6, 6)
    assert all(name in row["details"] for name in lost + gained)
    assert (row["p_value"], row["verdict"]) == (1.0, "inconclusive")
    assert -0.19 < row["improvement_low"] == -row["improvement_high"] < -0.16
    assert gate == []  # one trial of a model that does not repeat itself: losses and gains are what chance makes


@pytest.mark.shared_data
def test_the_published_reliability_of_tau_bench_airline(shared_data):
    """gpt-4o, 50 tasks × 4 trials: pass^1..4 = .420, .273, .220, .200 and pass@4 = .72."""
    results = defaultdict(list)
    for row in json.loads((shared_data / "tau_bench_airline" / "gpt-4o-airline.json").read_text()):
        results[str(row["task_id"])].append(row["reward"] == 1.0)
    table = trial_reliability("R1", run("R1", "v1.0", results), None).set_index("metric")
    assert table.loc[["pass^1", "pass^2", "pass^3", "pass^4"], "value"].tolist() == pytest.approx(
        [0.420, 0.273, 0.220, 0.200], abs=5e-4
    )
    assert table.loc["pass@4", "value"] == pytest.approx(0.72)
    assert pd.isna(table.loc["pass^5", "value"])
    assert table.loc["pass^5", "reason"] == "no scenario has 5 trials; the most that one has is 4"
    assert table.loc["pass@1", "standard_error"] > (0.42 * 0.58 / 200) ** 0.5  # repeats of a task are not independent
