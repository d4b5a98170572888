"""What forbids every estimate of an experiment: each by its code, with the units kept and no p-value."""

from __future__ import annotations

import numpy as np
import pytest

from eaas_assets.experiments.impact import refused_rows
from eaas_assets.experiments.observations.access import Integrity
from eaas_assets.stats.experiments.srm import anytime_srm
from eaas_assets_tests.experiments.impact.asking import EVIDENCE, asked, both_tables, by_segment, primary
from eaas_assets_tests.experiments.impact.test_randomised import e001, e002, two_arms
from eaas_assets_tests.experiments.observations_by_hand import (
    UnitsByHand,
    experiment_by_hand,
    metric_by_hand,
    panel_by_hand,
    policy_by_hand,
)

NUMBERS = ("estimate", "se", "low", "high", "p_value", "treatment_value", "control_value", "relative", "benefit")


def units(sizes=(400, 400), **fields):
    rng = np.random.default_rng(0)
    n = sum(sizes)
    arm = np.repeat(["control", "treatment"], sizes)
    columns = {"spend": rng.normal(0.0, 1.0, n)}
    return UnitsByHand(arm, columns, names=("control", "treatment"), **fields)


def assert_refused(row, code):
    assert (row["verdict"], row["refusal_code"], row["strength"]) == ("refused", code, "none")
    assert [row[name] for name in NUMBERS] == [None] * len(NUMBERS)
    assert row["refusal_reason"] in row["statement"]


def test_a_sample_ratio_mismatch_refuses_every_effect_and_names_the_counts():
    """600 against 400 where halves were planned: p 2.5396e-10."""
    experiment = experiment_by_hand(metrics=[metric_by_hand(), metric_by_hand("g", "guardrail", column="spend")])
    found = asked(experiment, units((600, 400)))
    for row in found.values():
        assert_refused(row, "sample_ratio_mismatch")
        assert (row["n_treatment"], row["n_control"]) == (400, 600)
    assert "600 : 400 units came where 500 : 500 were planned (p = 2.5e-10)" in found["treatment", "spend"]["statement"]


def test_the_policy_says_what_a_mismatch_is():
    """Cookie Cats' 44,700 against 45,489 has p .0086: a mismatch at 1 in 100, none at the policy's 1 in 1,000."""
    assert policy_by_hand().sample_ratio.threshold == 0.001
    assert primary(experiment_by_hand(), units((44_700, 45_489)))["verdict"] != "refused"
    assert primary(*e001())["verdict"] == "improved"  # 500 : 520, p .531
    assert primary(*e002())["refusal_code"] == "no_variance"  # 300 : 310, p .686


def test_a_planned_imbalance_is_none():
    experiment = experiment_by_hand(
        variants=[{"name": "control", "allocation": 0.6}, {"name": "treatment", "allocation": 0.4}]
    )
    assert primary(experiment, units((600, 400)))["refusal_code"] is None


def test_a_running_experiment_is_checked_by_the_test_that_may_be_looked_at_every_night():
    """A ratio that the fixed test calls a mismatch at one of many looks need not be one over all of them."""
    day = np.concatenate([np.repeat(np.arange(10), 56), np.repeat(np.arange(10), 44)])
    source = units((560, 440), day=day)
    assert primary(experiment_by_hand(), source)["refusal_code"] == "sample_ratio_mismatch"
    looks = [(56 * n, 44 * n) for n in range(1, 11)]
    mismatch = anytime_srm(looks, (0.5, 0.5), 0.001).mismatch
    running = primary(experiment_by_hand(status="running"), source)
    assert (running["refusal_code"] == "sample_ratio_mismatch") is mismatch
    # A loss that the prior weight of large experiments would not see, and monitoring of this plan does.
    lost = units((560, 370), day=np.concatenate([np.repeat(np.arange(10), 56), np.repeat(np.arange(10), 37)]))
    planned = experiment_by_hand(status="running", sample={"planned": 1_000})
    nights = [(56 * n, 37 * n) for n in range(1, 11)]
    assert not anytime_srm(nights, (0.5, 0.5), 0.001, concentration=10_000.0).mismatch
    assert primary(planned, lost)["refusal_code"] == "sample_ratio_mismatch"
    far = units((900, 500), day=np.concatenate([np.repeat(np.arange(10), 90), np.repeat(np.arange(10), 50)]))
    assert primary(experiment_by_hand(status="running"), far)["refusal_code"] == "sample_ratio_mismatch"


def test_groups_that_were_randomised_are_counted_as_groups():
    """20 large against 20 small teams is no mismatch, although the units are 800 against 200."""
    team = np.concatenate([np.repeat(np.arange(20), 40), np.repeat(np.arange(20, 40), 10)])
    observations = {"kind": "units", "file": "u.csv", "unit": "u", "variant": "v", "cluster": "team"}
    source = units((800, 200), cluster=team)
    assert primary(experiment_by_hand(observations=observations), source)["refusal_code"] is None
    assert primary(experiment_by_hand(), source)["refusal_code"] == "sample_ratio_mismatch"


@pytest.mark.parametrize(
    ("conditions", "code"),
    [({"interference": True}, "interference"), ({"changed_mid_test": "a new prompt on day 3"}, "changed_mid_test")],
)
def test_declared_circumstances_forbid_an_estimate(conditions, code):
    assert_refused(primary(experiment_by_hand(conditions=conditions), units()), code)


def test_interference_is_no_obstacle_where_the_design_answers_it():
    team = np.repeat(np.arange(40), 20)
    observations = {"kind": "units", "file": "u.csv", "unit": "u", "variant": "v", "cluster": "team"}
    clustered = experiment_by_hand(observations=observations, conditions={"interference": True})
    assert primary(clustered, units(cluster=team))["verdict"] != "refused"
    series = experiment_by_hand(design="before_after", conditions={"interference": True})
    values = np.random.default_rng(0).normal(0.0, 1.0, 60)
    assert primary(series, panel_by_hand({"spend": values}, [40]))["verdict"] != "refused"
    rollout = experiment_by_hand(design="rollout", conditions={"interference": True})
    panel = panel_by_hand({"spend": np.random.default_rng(0).normal(0.0, 1.0, (12, 10))}, np.repeat([5, 99], 6))
    assert_refused(primary(rollout, panel), "interference")


def test_an_outcome_from_before_the_treatment_is_refused():
    row = primary(experiment_by_hand(), units(integrity=Integrity(measured_before_treatment=True)))
    assert_refused(row, "measured_before_treatment")


def test_no_observations_and_only_unknown_arms_are_different_things():
    assert_refused(primary(experiment_by_hand(status="proposed"), None), "no_observations")
    assert_refused(primary(experiment_by_hand(), units((0, 0))), "no_observations")
    row = primary(experiment_by_hand(), units((0, 0), integrity=Integrity(unknown_variants={"treatmnt": 812})))
    assert_refused(row, "unknown_variant_only")
    assert "'treatmnt'" in row["statement"]


def test_observations_that_could_not_be_opened_give_rows_with_their_reason():
    experiment = experiment_by_hand(metrics=[metric_by_hand(), metric_by_hand("g", "guardrail")])
    rows = refused_rows(experiment, policy_by_hand(), EVIDENCE, "unreadable", "the file is no table")
    assert [row["metric"] for row in rows] == ["spend", "g"]
    for row in rows:
        assert_refused(row, "unreadable")


def test_an_empty_arm_one_unit_and_no_spread_are_refused():
    mismatch = [{"name": "control", "allocation": 0.999}, {"name": "treatment", "allocation": 0.001}]
    lopsided = experiment_by_hand(variants=mismatch)
    assert primary(lopsided, units((400, 0)))["refusal_code"] == "empty_arm"
    assert primary(lopsided, units((400, 1)))["refusal_code"] == "too_few_units"
    assert primary(*two_arms(np.ones(50), np.ones(50)))["refusal_code"] == "no_variance"


def test_units_without_a_value_are_left_out_and_infinite_ones_refused():
    values = np.tile([1.0, 2.0, np.nan], 50)
    row = primary(*two_arms(values, values + 1.0))
    assert (row["n_treatment"], row["n_control"], row["estimate"]) == (100, 100, pytest.approx(1.0))
    infinite = units(integrity=Integrity(infinite_values={"spend": 3}))
    row = primary(experiment_by_hand(), infinite)
    assert (row["refusal_code"], row["n_treatment"]) == ("not_finite", 400)
    assert "3 units have an infinite value" in row["statement"]
    one = units(integrity=Integrity(infinite_values={"spend": 1}))
    assert "1 unit has an infinite value" in primary(experiment_by_hand(), one)["statement"]


def test_an_arm_whose_units_have_no_value_is_not_called_empty():
    row = primary(*two_arms(np.array([1.0, 2.0, 3.0]), np.full(3, np.nan)))
    assert row["refusal_code"] == "empty_arm"
    assert row["refusal_reason"] == "the treatment arm has no unit with a value"


def test_values_that_double_precision_cannot_square_are_refused_and_stop_nothing():
    arm = np.tile(["control", "treatment"], 100)
    rng = np.random.default_rng(2)
    metrics = [metric_by_hand(), metric_by_hand("slow", "secondary", "quantile", quantile=0.9)]
    columns = {"spend": rng.normal(0.0, 1.0, 200), "slow": 1e-200 * rng.integers(1, 9, 200)}
    found = asked(experiment_by_hand(metrics=metrics), UnitsByHand(arm, columns))
    assert found["treatment", "slow"]["refusal_code"] == "not_finite"
    assert found["treatment", "spend"]["refusal_code"] is None


def test_a_proportion_of_other_values_than_0_and_1_is_refused():
    row = primary(*two_arms(np.full(50, 3.0), np.full(50, 2.0), kind="proportion"))
    assert row["refusal_code"] == "not_a_proportion"
    halves = primary(*two_arms(np.tile([0.25, 0.75], 25), np.tile([0.3, 0.9], 25), kind="proportion"))
    assert halves["refusal_code"] == "not_a_proportion"


def test_a_ratio_with_an_uncertain_denominator_is_refused():
    rng = np.random.default_rng(1)
    experiment = experiment_by_hand(metrics=[metric_by_hand("r", kind="ratio", numerator="a", denominator="b")])
    columns = {"a": rng.normal(1.0, 1.0, 200), "b": rng.normal(0.01, 1.0, 200)}
    row = primary(experiment, UnitsByHand(np.tile(["control", "treatment"], 100), columns))
    assert row["refusal_code"] == "denominator_near_zero"


@pytest.mark.parametrize("quantile", [0.01, 0.5, 0.99])
@pytest.mark.parametrize("n", [2, 3, 5])
def test_a_quantile_of_a_handful_of_units_is_refused(n, quantile):
    values = np.arange(float(n))
    row = primary(*two_arms(values, values + 1.0, kind="quantile", quantile=quantile))
    assert row["refusal_code"] == "too_few_units"


def test_a_quantile_of_summary_statistics_is_refused():
    experiment = experiment_by_hand(metrics=[metric_by_hand(kind="quantile", quantile=0.9)])
    assert primary(experiment, units(granular=False))["refusal_code"] == "no_variance"


def test_a_first_look_before_fifty_units_is_too_early():
    assert primary(experiment_by_hand(status="running"), units((40, 40)))["refusal_code"] == "too_early"


def test_segments_of_a_refused_experiment_are_refused_with_the_same_code():
    tier = np.tile(["gold", "silver"], 500)
    found = by_segment(experiment_by_hand(segments=["tier"]), units((600, 400), segments={"tier": tier}))
    assert {row["refusal_code"] for row in found.values()} == {"sample_ratio_mismatch"}
    assert found["tier", "gold"]["n_treatment"] == 200
    assert found["tier", "gold"]["harmed"] is None
    assert both_tables(experiment_by_hand(segments=["tier"]), None)[1] == []
