from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from scipy import stats

from eaas_assets.contracts.policies import ReleasePolicy
from eaas_assets.history.baseline import compare_with_baseline
from eaas_assets.history.gate import answers_the_same, chance_of, gate, scenario_chances
from eaas_assets.history.record import combine
from eaas_assets.history.regression import analyse_regression, regression_found
from eaas_assets.history.verdict import PairedOutcomes
from eaas_assets.stats.multiplicity import holm
from eaas_assets_tests.history.runs_by_hand import release_policy, run

POLICY = release_policy()


def policy(**changes: Any) -> ReleasePolicy:
    whole = POLICY.model_dump()
    return ReleasePolicy.model_validate(whole | {"regression_gate": whole["regression_gate"] | changes})


def counted(before, after, k: int, **more: Any) -> PairedOutcomes:
    n = len(before)
    return PairedOutcomes.from_counts(before, [k] * n, after, [k] * n, **more)


def test_what_a_simulated_agent_loses_is_a_fact():
    one_lost = counted([1] * 10, [0] + [1] * 9, 1)
    assert gate(one_lost, POLICY, simulated=True)[1] == ["points_rules", "lost_scenarios"]
    assert gate(one_lost, POLICY)[1] == []
    assert gate(one_lost, policy(chance="ignored"))[1] == ["points_rules", "lost_scenarios"]


def test_three_unanimous_trials_show_that_an_agent_repeats_itself():
    lost = counted([3] * 10, [0] + [3] * 9, 3)
    assert answers_the_same(lost)
    assert gate(lost, POLICY)[1] == ["points_rules", "lost_scenarios"]
    assert not answers_the_same(counted([2] * 10, [0] + [2] * 9, 2))
    assert not answers_the_same(counted([3] * 10, [0, 2] + [3] * 8, 3))


def test_of_a_flaky_agent_a_scenario_is_lost_only_beyond_chance():
    """Fisher's exact test, 5 of 5 against 0 of 5: p = 1/252; × 10 scenarios it is .040, × 20 it is .079."""
    flaky = [4] + [5] * 8
    assert gate(counted([5, *flaky], [0, *flaky], 5), POLICY)[1] == ["lost_scenarios"]
    many = [4] + [5] * 18
    assert gate(counted([5, *many], [0, *many], 5), POLICY)[1] == []
    assert gate(counted([3, *flaky], [2, *flaky], 5), POLICY)[1] == []  # a coin that fell otherwise


def test_chances_of_scenarios_are_fishers_exact_test():
    before, after, tried, again = [5, 3, 0, 7], [0, 2, 5, 1], [5, 5, 5, 8], [5, 4, 5, 3]
    found = scenario_chances(PairedOutcomes.from_counts(before, tried, after, again))
    expected = [
        stats.fisher_exact([[b, n - b], [a, m - a]], alternative="greater").pvalue
        for b, n, a, m in zip(before, tried, after, again, strict=True)
    ]
    assert found == pytest.approx(holm(expected))


def test_a_rule_about_points_counts_only_beyond_chance():
    """Six points lost over 20 flaky scenarios may be chance; the same six points spread over 500 are not."""
    before, after = [5, 4, 3, 5, 2] * 4, [4, 5, 3, 3, 2] * 3 + [5, 4, 3, 5, 2]
    few = counted(before, after, 5)
    assert few.after["pass_rate"].mean() - few.before["pass_rate"].mean() == pytest.approx(-0.06)
    assert gate(few, POLICY)[1] == []
    assert gate(few, policy(chance="ignored"))[1] == ["points_rules"]
    assert gate(counted(before * 25, after * 25, 5), POLICY)[1] == ["worse", "points_rules"]


def test_a_worse_segment_is_an_alarm_of_its_own():
    """20 e-mails of which 9 are lost, 40 other scenarios gained."""
    before, after = [1] * 20 + [0] * 40 + [1] * 140, [0] * 9 + [1] * 191
    labels = ["email"] * 20 + ["chat"] * 180
    outcomes = counted(before, after, 1, segments={"channel": labels})
    verdict, alarms = gate(outcomes, POLICY)
    assert (verdict.word, alarms) == ("inconclusive", ["worse_segment"])
    assert gate(outcomes, policy(fail_on=["worse"]))[1] == []


def test_chances_are_corrected_over_the_metrics_that_have_a_rule():
    outcomes = counted([4, 5, 3] * 10, [3, 5, 2] * 10, 5)
    alone = chance_of(outcomes, POLICY).metrics
    assert set(alone) == {"pass_rate"}
    both = PairedOutcomes(
        {**outcomes.before, "average_score": np.linspace(0, 1, 30), "without_rule": np.zeros(30)},
        {**outcomes.after, "average_score": np.linspace(1, 0, 30), "without_rule": np.ones(30)},
        outcomes.before_trials,
        outcomes.after_trials,
    )
    found = chance_of(both, POLICY).metrics
    assert set(found) == {"pass_rate", "average_score"}
    assert found["pass_rate"] == pytest.approx(2 * alone["pass_rate"])


def slower(seconds: float, simulated: bool) -> list[str]:
    """The gate on a run whose answers took so long, after one of half a second."""
    results = {f"S{place}": [True, True, place > 0] for place in range(10)}
    runs = [
        run("R1", "v1.0", results, simulated=simulated),
        run("R2", "v1.1", results, day=1, simulated=simulated, response_time_s=seconds),
    ]
    history = combine(runs)
    comparison = compare_with_baseline("R2", "v1.0", history, POLICY)
    return regression_found(analyse_regression("R2", "v1.0", history, POLICY), comparison)


@pytest.mark.parametrize("simulated", [True, False])
def test_a_slower_agent_is_found_whether_simulated_or_not(simulated):
    """All answers a second slower: nothing varies, and ten equal changes are hardly chance."""
    assert any("Average response time" in told for told in slower(1.5, simulated))
    assert slower(0.6, simulated) == []


def test_rows_that_chance_explains_say_so_and_are_no_alarm():
    before = {f"S{place}": [True, True, place % 2 == 0] for place in range(8)}
    after = {f"S{place}": [True, place % 3 == 0, place % 2 == 1] for place in range(8)}
    history = combine([run("R1", "v1.0", before, simulated=False), run("R2", "v1.1", after, day=1, simulated=False)])
    rows = analyse_regression("R2", "v1.0", history, POLICY)
    rate = rows[(rows["against"] == "baseline") & (rows["subject"] == "pass_rate")].iloc[0]
    assert (rate["verdict"], rate["alarm"]) == ("regression", False)
    assert 0.05 < rate["p_value"] <= 1
    assert "Chance explains it" in rate["statement"]
    assert not rows["alarm"].any()
    summary = rows[(rows["against"] == "baseline") & (rows["kind"] == "statement")].iloc[0]
    assert summary["verdict"] == "undetermined"
    assert "changed by no more than chance explains" in summary["statement"]
    comparison = compare_with_baseline("R2", "v1.0", history, POLICY)
    assert json.loads(comparison["alarms_json"].iloc[0]) == []
    assert regression_found(rows, comparison) == []
