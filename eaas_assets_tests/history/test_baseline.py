from __future__ import annotations

import json
import math

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eaas_assets.history.baseline import compare_with_baseline
from eaas_assets.history.imports import read_history
from eaas_assets.history.record import RunRecord, combine
from eaas_assets.history.runs import historical_runs
from eaas_assets_tests.history.runs_by_hand import (
    AGENT,
    DATA,
    SAMPLE_SCENARIOS,
    outcomes,
    release_policy,
    run,
    stated_run,
)

POLICY = release_policy()


def compared(history: RunRecord, run_id: str = "R2", baseline: str | None = "v1.0") -> pd.Series:
    frame = compare_with_baseline(run_id, baseline, history, POLICY)
    assert len(frame) == 1
    return frame.iloc[0]


def two_runs(before, after, **options) -> RunRecord:
    return combine([run("R1", "v1.0", before), run("R2", "v1.1", after, day=1, **options)])


def two_scored(now: int, scoring: str) -> RunRecord:
    before = run("R1", "v1.0", passing(9), scoring=scoring)
    return combine([before, run("R2", "v1.1", passing(now), day=1, scoring=scoring)])


def passing(n: int, of: int = 10) -> dict:
    every = [f"S{number:03d}" for number in range(1, of + 1)]
    return outcomes(every[:n], every[n:])


def test_losing_the_churn_scenarios_is_a_regression_named_by_scenario():
    lost = ["S006", "S008"]
    row = compared(
        two_runs(outcomes(SAMPLE_SCENARIOS, []), outcomes([s for s in SAMPLE_SCENARIOS if s not in lost], lost))
    )
    assert (row["current_pass_rate"], row["baseline_pass_rate"]) == (0.8, 1.0)
    assert (row["current_passed"], row["current_total"], row["baseline_passed"], row["baseline_total"]) == (
        8,
        10,
        10,
        10,
    )
    assert (row["improvement"], row["improvement_percentage"]) == (-0.2, -20.0)
    assert row["regression_detected"]
    assert json.loads(row["lost_scenarios_json"]) == lost
    assert json.loads(row["gained_scenarios_json"]) == []
    assert row["p_value"] == 0.5
    assert row["verdict"] == "inconclusive"
    assert row["improvement_low"] < -0.2 < row["improvement_high"]
    for told in ("S006, S008", "exceeds the 5 points", "cannot tell the difference from chance", "One scenario of 10"):
        assert told in row["details"]


def test_what_ten_scenarios_cannot_tell_is_said():
    """Exact McNemar rejects from six losses on; 80 % power for that takes a drop of 67 points (own enumeration)."""
    details = compared(two_runs(passing(9), passing(9)))["details"]
    assert "One scenario of 10 is 10 points, more than the limit of 5 points." in details
    assert "The smallest drop that it detects with 80 % power is 67.3 points" in details
    few = compared(two_runs(passing(4, of=4), passing(4, of=4)))["details"]
    assert "No drop whatever would be significant" in few
    many = compared(two_runs(passing(20, of=20), passing(20, of=20)))["details"]
    assert "One scenario of 20 is 5 points." in many


def test_six_lost_and_six_gained_are_not_hidden_by_an_equal_average():
    before = outcomes([f"A{i}" for i in range(6)] + [f"C{i}" for i in range(28)], [f"B{i}" for i in range(6)])
    after = outcomes([f"B{i}" for i in range(6)] + [f"C{i}" for i in range(28)], [f"A{i}" for i in range(6)])
    row = compared(two_runs(before, after))
    assert (row["improvement"], row["regression_detected"]) == (0.0, False)
    assert json.loads(row["lost_scenarios_json"]) == [f"A{i}" for i in range(6)]
    assert json.loads(row["gained_scenarios_json"]) == [f"B{i}" for i in range(6)]
    assert (row["p_value"], row["verdict"]) == (1.0, "inconclusive")


def test_identical_outcomes_are_not_worse_only_where_there_are_enough_of_them():
    """z² / (n + z²) falls below the margin of .05 from 73 identical scenarios on (Tango's interval; own arithmetic)."""
    few = compared(two_runs(passing(7), passing(7)))
    assert (few["verdict"], few["improvement"], few["regression_detected"]) == ("inconclusive", 0.0, False)
    assert "identical on all 10 scenarios, which rules out a drop of more than 27.8 points" in few["details"]
    assert (few["settle_claim"], few["settle_scenarios"]) == ("not_worse", 63)
    assert compared(two_runs(passing(70, of=72), passing(70, of=72)))["verdict"] == "inconclusive"
    many = compared(two_runs(passing(70, of=73), passing(70, of=73)))
    assert many["verdict"] == "not_worse"
    assert "a drop of more than 5 points is ruled out" in many["details"]
    assert many[["settle_claim", "settle_scenarios", "settle_trials"]].isna().all()


@pytest.mark.parametrize(("before", "after", "verdict"), [(10, 4, "worse"), (4, 10, "better"), (10, 5, "inconclusive")])
def test_better_and_worse_are_said_only_where_the_paired_test_rejects(before, after, verdict):
    assert compared(two_runs(passing(before), passing(after)))["verdict"] == verdict


@pytest.mark.parametrize(("passed", "regression"), [(16, False), (15, False), (14, True)])
def test_a_fall_of_exactly_the_limit_is_allowed(passed, regression):
    """Of 20: 16 → 15 is five points, exactly the limit, although 0.8 − 0.75 > 0.05 in floating point."""
    row = compared(two_runs(passing(16, of=20), passing(passed, of=20)))
    assert bool(row["regression_detected"]) is regression


def test_a_version_without_baseline_has_nulls_and_a_reason():
    row = compared(run("R2", "v0.9", passing(4)), baseline=None)
    assert row["verdict"] == "no_baseline"
    assert row["current_pass_rate"] == 0.4
    nulls = [
        "baseline_version",
        "baseline_run_id",
        "baseline_pass_rate",
        "improvement",
        "p_value",
        "regression_detected",
    ]
    assert row[nulls].isna().all()
    assert "first version" in row["details"]


def test_a_baseline_that_never_ran_has_nulls_and_a_reason():
    row = compared(run("R2", "v1.1", passing(4)))
    assert (row["verdict"], row["baseline_version"]) == ("no_baseline", "v1.0")
    assert pd.isna(row["regression_detected"])
    assert "has no full run" in row["details"]


def test_a_baseline_of_zero_has_no_percentage():
    row = compared(two_runs(passing(0), passing(3)))
    assert (row["improvement"], row["baseline_pass_rate"]) == (0.3, 0.0)
    assert math.isnan(row["improvement_percentage"])
    assert not row["regression_detected"]


@pytest.fixture(scope="module")
def imported() -> RunRecord:
    history = read_history(DATA)
    return combine(historical_runs(history, AGENT, version) for version in ("v0.9", "v1.0", "v1.1"))


def test_an_imported_baseline_gives_the_published_numbers_but_no_test(imported):
    """The original compared 4 of 10 with the 0.88 of RUN_2026_01_10; the improvement is −0.48, −54.5 %."""
    row = compared(combine([imported, run("R2", "v1.1", passing(4))]))
    assert (row["baseline_run_id"], row["baseline_source"]) == ("RUN_2026_01_10", "historical")
    assert (row["baseline_pass_rate"], row["improvement"]) == (0.88, -0.48)
    assert row["improvement_percentage"] == pytest.approx(-54.545454545)
    assert row["regression_detected"]
    assert row["verdict"] == "inconclusive"
    assert pd.isna(row["baseline_passed"])
    assert row["baseline_total"] == 10
    assert row[["improvement_low", "improvement_high", "p_value"]].isna().all()
    assert "RUN_2026_01_10 is imported" in row["details"]
    assert "1 of 10 scenario rows" in row["details"]


def test_a_printed_comparison_of_the_original_comes_out():
    """Toy set of the original: 2 of 3 passed, against 0.88: −0.213."""
    history = combine([stated_run("R1", "v1.0", {"pass_rate": 0.88}), run("R2", "v1.1", passing(2, of=3), day=1)])
    assert compared(history)["improvement"] == pytest.approx(-0.213, abs=5e-4)


def test_executed_baselines_come_before_imported_ones(imported):
    history = combine([imported, run("R1", "v1.0", passing(9)), run("R2", "v1.1", passing(9), day=1)])
    row = compared(history)
    assert (row["baseline_run_id"], row["baseline_source"], row["verdict"]) == ("R1", "executed", "inconclusive")


def test_a_partial_run_is_compared_over_the_shared_scenarios_only():
    row = compared(two_runs(passing(5), outcomes(["S001"], ["S002"]), partial=True))
    assert (row["baseline_passed"], row["baseline_total"], row["current_passed"], row["current_total"]) == (2, 2, 1, 2)
    assert row["improvement"] == -0.5
    assert json.loads(row["lost_scenarios_json"]) == ["S002"]
    assert len(json.loads(row["unpaired_scenarios_json"])) == 8
    assert "Only the 2 scenarios that both runs share" in row["details"]


def test_added_scenarios_do_not_pass_for_a_regression():
    """The suite grew by five that fail: the agent did not change."""
    row = compared(two_runs(passing(10), passing(10, of=15)))
    assert (row["improvement"], row["verdict"], row["regression_detected"]) == (0.0, "inconclusive", False)
    assert row["paired_scenarios"] == 10
    assert json.loads(row["unpaired_scenarios_json"]) == [f"S{number:03d}" for number in range(11, 16)]


def test_changed_expectations_do_not_pass_for_a_regression():
    after = outcomes(SAMPLE_SCENARIOS[1:], SAMPLE_SCENARIOS[:1])
    row = compared(two_runs(passing(10), after, expected={"S001": "relabelled"}))
    assert (row["current_total"], row["improvement"]) == (9, 0.0)
    assert json.loads(row["lost_scenarios_json"]) == []
    assert "expected values changed: S001" in row["details"]


def test_a_partial_run_against_an_imported_baseline_cannot_be_told(imported):
    row = compared(combine([imported, run("R2", "v1.1", outcomes(["S001"], []), partial=True)]))
    assert row["baseline_run_id"] == "RUN_2026_01_10"
    assert row["verdict"] == "inconclusive"
    assert row[["current_pass_rate", "baseline_pass_rate", "improvement", "regression_detected"]].isna().all()
    assert "no common ground" in row["details"]


def test_several_trials_are_compared_by_scenario():
    before = {name: [True] * 5 for name in SAMPLE_SCENARIOS}
    after = before | {"S001": [False] * 5, "S002": [True, True, True, True, False]}
    row = compared(two_runs(before, after))
    assert (row["current_passed"], row["current_total"]) == (44, 50)
    assert row["improvement"] == -0.12
    assert json.loads(row["lost_scenarios_json"]) == ["S001"]
    assert "without changing sides: S002" in row["details"]
    assert "paired t test" in row["details"]
    assert row["verdict"] == "inconclusive"


def test_what_would_settle_it_has_the_measured_price():
    """Both versions answer every further scenario: at 2 and 3 cents and half a second each, as measured."""
    before = run("R1", "v1.0", passing(10), simulated=False, cost_usd=0.02)
    after = run("R2", "v1.1", passing(9), day=1, simulated=False, cost_usd=0.03)
    row = compared(combine([before, after]))
    further = row["settle_scenarios"]
    assert row["settle_claim"] == "worse"
    assert row["settle_scenarios_cost_usd"] == pytest.approx(further * 0.05)
    assert row["settle_scenarios_seconds"] == pytest.approx(further * 1.0)
    assert pd.isna(row["settle_trials"])
    assert "one trial of each scenario does not show how trials differ" in row["details"]
    unknown = compared(combine([before, run("R2", "v1.1", passing(9), day=1, simulated=False)]))
    assert pd.isna(unknown["settle_scenarios_cost_usd"])
    assert "their cost is not known" in unknown["details"]


@pytest.mark.parametrize(("simulated", "alarms"), [(True, ["points_rules", "lost_scenarios"]), (False, [])])
def test_a_lost_scenario_is_a_fact_only_for_agents_that_answer_the_same_every_time(simulated, alarms):
    before = run("R1", "v1.0", passing(10), simulated=simulated)
    row = compared(combine([before, run("R2", "v1.1", passing(9), day=1, simulated=simulated)]))
    assert (row["regression_detected"], json.loads(row["lost_scenarios_json"])) == (True, ["S010"])
    assert json.loads(row["alarms_json"]) == alarms
    assert ("no further than chance explains" in row["details"]) is not simulated


def test_scores_of_different_policies_are_pointed_out():
    row = compared(two_runs(passing(9), passing(8), scoring="b" * 64))
    assert "scored under different policies" in row["details"]
    assert "scored under different policies" not in compared(two_runs(passing(9), passing(8)))["details"]


def test_a_wanted_scoring_is_used_on_both_sides():
    lenient, strict = (two_scored(now, scoring) for now, scoring in ((9, "a" * 64), (3, "b" * 64)))
    history = RunRecord(lenient.runs, *combine([lenient, strict])[1:])
    assert compare_with_baseline("R2", "v1.0", history, POLICY, "a" * 64)["current_pass_rate"].iloc[0] == 0.9
    assert compare_with_baseline("R2", "v1.0", history, POLICY)["current_pass_rate"].iloc[0] == 0.3


def test_every_row_carries_the_policy():
    assert compared(run("R2", "v1.1", passing(4)))["policy_hash"] == POLICY.digest


@settings(max_examples=5, deadline=None)
@example([(False, True), (True, False)], 0)  # every scenario changed
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=12), st.integers(0, 2**31))
def test_the_order_of_rows_does_not_matter(results, seed):
    before, after = ({f"S{i}": [pair[side]] for i, pair in enumerate(results)} for side in (0, 1))
    history = two_runs(before, after)
    shuffled = RunRecord(*(table.sample(frac=1, random_state=seed) for table in history))
    row = compared(history)
    pd.testing.assert_series_equal(row, compared(shuffled))
    now, then = (sum(pair[side] for pair in results) for side in (1, 0))
    assert row["improvement"] == pytest.approx((now - then) / len(results), abs=1e-10)
    assert bool(row["regression_detected"]) == (100 * (then - now) > 5 * len(results))
