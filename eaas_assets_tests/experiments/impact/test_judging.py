"""Verdicts: the good direction, the minimum effect, guardrails, sizes and money."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student

from eaas_assets.stats.power import n_for_two_means
from eaas_assets_tests.experiments.impact.asking import asked, primary
from eaas_assets_tests.experiments.impact.test_randomised import two_arms
from eaas_assets_tests.experiments.observations_by_hand import (
    SummaryByHand,
    UnitsByHand,
    experiment_by_hand,
    metric_by_hand,
    panel_by_hand,
    proportion_moments,
)

UNIT = np.tile([-1.0, 1.0], 200)
"""400 units of mean 0 and (nearly) unit variance: the error of a difference is .0708."""


def shifted(by, **metric):
    return primary(*two_arms(10.0 + UNIT, 10.0 + by + UNIT, **metric))


def guardrail(by, **metric):
    """A guardrail that moved by so much."""
    metrics = [metric_by_hand("other"), metric_by_hand("spend", "guardrail", **metric)]
    columns = {"spend": np.concatenate([10.0 + UNIT, 10.0 + by + UNIT]), "other": np.tile(UNIT, 2)}
    source = UnitsByHand(np.repeat(["control", "treatment"], 400), columns)
    return asked(experiment_by_hand(metrics=metrics), source)["treatment", "spend"]


@pytest.mark.parametrize(
    ("by", "direction", "verdict", "benefit"),
    [(0.5, "increase", "improved", 0.5), (0.5, "decrease", "harmed", -0.5), (-0.5, "decrease", "improved", 0.5)],
)
def test_benefit_is_positive_where_the_metric_moved_its_good_way(by, direction, verdict, benefit):
    row = shifted(by, direction=direction)
    assert row["verdict"] == verdict
    assert row["estimate"] == pytest.approx(by)
    assert row["benefit"] == pytest.approx(benefit)
    assert row["benefit_low"] < row["benefit"] < row["benefit_high"]


@pytest.mark.parametrize(
    ("by", "minimum", "verdict", "meets", "excludes"),
    [
        (0.5, 0.5, "improved", True, False),
        (0.5, 0.55, "improved", False, False),
        (0.5, 0.8, "improved", False, True),
        (0.05, 0.3, "no_effect_shown", False, True),
        (0.05, 0.1, "inconclusive", False, False),
        (-0.5, 0.1, "harmed", False, True),
    ],
)
def test_the_minimum_effect_is_held_against_estimate_and_interval(by, minimum, verdict, meets, excludes):
    row = shifted(by, minimum_effect=minimum)
    assert (row["verdict"], row["meets_minimum"], row["excludes_minimum"]) == (verdict, meets, excludes)


def test_a_minimum_that_is_met_exactly_is_met_whatever_the_last_bits_say():
    """.23 − .18 is .05000000000000002 and .16 − .11 a little less than .05; both reach it."""
    name = "reply_rate"
    for old, new in ((90, 115), (115, 140), (55, 80)):
        arms = {"control": proportion_moments(name, old, 500), "treatment": proportion_moments(name, new, 500)}
        experiment = experiment_by_hand(metrics=[metric_by_hand(name, kind="proportion", minimum_effect=0.05)])
        row = primary(experiment, SummaryByHand({"control": 500, "treatment": 500}, {name: arms}))
        assert row["meets_minimum"] is True


def test_a_relative_minimum_is_a_share_of_the_controls_value():
    assert shifted(0.5, minimum_effect=0.05, scale="relative")["meets_minimum"] is True
    assert shifted(0.5, minimum_effect=0.051, scale="relative")["meets_minimum"] is False


@pytest.mark.parametrize(
    ("by", "margin", "verdict"),
    [
        (0.0, 0.3, "non_inferior"),
        (0.5, 0.3, "non_inferior"),
        (-0.2, 0.5, "non_inferior"),
        (0.0, 0.1, "inconclusive"),
        (-0.2, 0.3, "harmed"),
        (-0.8, 0.3, "harmed"),
        (0.0, None, "inconclusive"),
        (-0.5, None, "harmed"),
    ],
)
def test_a_guardrail_must_show_that_its_margin_holds(by, margin, verdict):
    assert guardrail(by, margin=margin)["verdict"] == verdict


def test_a_guardrail_that_got_worse_within_its_margin_is_told_so():
    assert "worse, but by less than the margin of 0.5" in guardrail(-0.2, margin=0.5)["statement"]
    assert "not worse by as much as the margin of 0.5" in guardrail(0.0, margin=0.5)["statement"]
    assert "better, so the margin of 0.5 holds" in guardrail(0.5, margin=0.5)["statement"]


def test_a_guardrail_without_a_margin_is_safe_only_where_it_got_better():
    better = guardrail(0.5)
    assert better["verdict"] == "non_inferior"
    assert "better, so that it holds any margin; none was registered" in better["statement"]
    assert guardrail(0.0)["verdict"] == "inconclusive"
    assert guardrail(-0.5)["verdict"] == "harmed"


def test_a_relative_margin_is_a_share_of_the_controls_value():
    assert guardrail(0.0, margin=0.02, scale="relative")["verdict"] == "non_inferior"
    assert guardrail(0.0, margin=0.01, scale="relative")["verdict"] == "inconclusive"


def test_margins_of_falling_metrics_are_on_their_own_side():
    assert guardrail(0.8, margin=0.3, direction="decrease")["verdict"] == "harmed"
    assert guardrail(-0.8, margin=0.3, direction="decrease")["verdict"] == "non_inferior"


def test_guardrails_of_a_rollout_are_held_to_their_margin():
    rng = np.random.default_rng(0)
    outcome = rng.normal(10.0, 0.3, (40, 10))
    metrics = [metric_by_hand("other"), metric_by_hand("spend", "guardrail", margin=0.5)]
    panel = panel_by_hand({"spend": outcome, "other": rng.normal(0.0, 1.0, (40, 10))}, np.repeat([5, 999], 20))
    found = asked(experiment_by_hand(design="rollout", metrics=metrics), panel)
    assert found["treatment", "spend"]["verdict"] == "non_inferior"


def test_units_needed_are_those_of_a_two_sample_t_test():
    """Textbook: n per arm by the noncentral t for one standard deviation of the units."""
    row = shifted(0.05, minimum_effect=0.1)
    sd = math.sqrt(400 / 399)
    assert row["units_needed"] == pytest.approx(2.0 * n_for_two_means(sd, 0.1, 0.8, 0.05), rel=1e-3)
    by_hand = (norm.ppf(0.975) + norm.ppf(0.8)) * sd * math.sqrt(2 / 400)
    assert row["detectable_effect"] == pytest.approx(by_hand, rel=5e-3)


def test_units_needed_by_a_guardrail_are_those_of_its_margin():
    assert guardrail(0.0, margin=0.1)["units_needed"] == pytest.approx(shifted(0.0, minimum_effect=0.1)["units_needed"])


def test_pairs_need_fewer_units_because_they_are_their_own_control():
    from eaas_assets.stats.power import n_for_paired
    from eaas_assets_tests.experiments.impact.test_paired import paired

    rng = np.random.default_rng(1)
    control = rng.normal(10.0, 5.0, 100)
    treatment = control + rng.normal(0.0, 1.0, 100)
    row = primary(*paired(control, treatment, minimum_effect=0.2))
    sd = float(np.std(treatment - control, ddof=1))
    assert row["units_needed"] == pytest.approx(n_for_paired(sd, 0.2, 0.8, 0.05))


VALUE = {"usd_per_unit": 10.0, "units_per_year": 1000.0}


def test_money_is_effect_times_price_times_units_less_the_cost_of_keeping_it():
    metrics = [metric_by_hand(), metric_by_hand("other", "secondary")]
    experiment = experiment_by_hand(metrics=metrics, value=VALUE, cost={"rollout_per_year_usd": 2000.0})
    columns = {"spend": np.concatenate([UNIT, 0.5 + UNIT]), "other": np.tile(UNIT, 2)}
    found = asked(experiment, UnitsByHand(np.repeat(["control", "treatment"], 400), columns))
    row, other = found["treatment", "spend"], found["treatment", "other"]
    assert row["net_value_usd"] == pytest.approx(0.5 * 10_000 - 2000)
    assert row["net_value_low_usd"] == pytest.approx(row["low"] * 10_000 - 2000)
    assert row["break_even"] == pytest.approx(0.2)
    assert row["p_loss"] == pytest.approx(student.sf((0.5 - 0.2) / row["se"], row["df"]))
    assert (row["value_reason"], other["net_value_usd"]) == (None, None)
    assert other["value_reason"] == "money is told for the primary metric only"


def test_minutes_that_cost_are_worth_saving():
    experiment = experiment_by_hand(
        metrics=[metric_by_hand(direction="decrease")], value={"usd_per_unit": -2.0, "units_per_year": 100.0}
    )
    row = primary(experiment, two_arms(10.0 + UNIT, 9.0 + UNIT)[1])
    assert row["net_value_usd"] == pytest.approx(200.0)
    assert row["net_value_low_usd"] < 200.0 < row["net_value_high_usd"]


def test_a_panel_is_valued_by_the_error_that_its_interval_implies():
    rng = np.random.default_rng(2)
    outcome = rng.normal(10.0, 0.5, (40, 10))
    outcome[:20, 5:] += 0.3
    experiment = experiment_by_hand(design="rollout", value=VALUE, cost={"rollout_per_year_usd": 1000.0})
    row = primary(experiment, panel_by_hand({"spend": outcome}, np.repeat([5, 999], 20)))
    half = (row["high"] - row["low"]) / 2
    assert row["net_value_usd"] == pytest.approx(10_000 * row["estimate"] - 1000)
    assert row["p_loss"] == pytest.approx(norm.sf((row["estimate"] - 0.1) / (half / norm.ppf(0.975))))


def test_a_loss_is_never_less_likely_than_placebos_can_rule_out():
    """25 placebos rank the effect first: p 1/26. However narrow the interval, a loss keeps half of that."""
    rng = np.random.default_rng(4)
    outcome = rng.normal(60.0, 3.0, (26, 1)) + rng.normal(0.0, 0.2, (26, 30))
    outcome[0, 20:] -= 9.0
    metric = metric_by_hand(direction="decrease")
    value = {"usd_per_unit": -1.0, "units_per_year": 1.0}
    experiment = experiment_by_hand(design="rollout", metrics=[metric], value=value)
    row = primary(experiment, panel_by_hand({"spend": outcome}, [20] + [999] * 25))
    assert row["p_value"] == pytest.approx(1 / 26)
    assert row["p_loss"] == pytest.approx(1 / 52)


def test_a_guardrail_wholly_beyond_its_margin_is_told_apart_from_one_that_may_be():
    assert "for the worse beyond the margin of 0.3" in guardrail(-0.8, margin=0.3)["statement"]
    assert "that may go beyond the margin of 0.3" in guardrail(-0.2, margin=0.3)["statement"]


@pytest.mark.parametrize(
    ("changes", "metric", "reason"),
    [
        ({}, {}, "does not say what one unit"),
        ({"value": VALUE}, {"kind": "quantile", "quantile": 0.5}, "total"),
        ({"value": VALUE, "conditions": {"interference": True}}, {}, "no effect to value"),
    ],
)
def test_value_that_cannot_be_told_has_a_reason(changes, metric, reason):
    rng = np.random.default_rng(3)
    source = two_arms(rng.normal(0.0, 1.0, 100), rng.normal(0.0, 1.0, 100))[1]
    row = primary(experiment_by_hand(metrics=[metric_by_hand(**metric)], **changes), source)
    assert reason in row["value_reason"]
    assert [row[name] for name in ("net_value_usd", "p_loss", "break_even")] == [None] * 3
