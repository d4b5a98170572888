"""Randomised experiments through the table: published figures, and the estimator that each metric gets."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest

from eaas_assets.stats.experiments.moments import ArmMoments
from eaas_assets.stats.experiments.randomised import mean_difference
from eaas_assets.stats.experiments.sequential import anytime_effect
from eaas_assets_tests.experiments.impact.asking import asked, diagnostics, primary
from eaas_assets_tests.experiments.observations_by_hand import (
    SummaryByHand,
    UnitsByHand,
    experiment_by_hand,
    metric_by_hand,
    proportion_moments,
)

# Student 1908, hours of sleep gained with two drugs.
SLEEP_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
ARMS = ["control", "treatment"]


def e001():
    experiment = experiment_by_hand(
        experiment="E001",
        arms=("control", "ai_drafted"),
        metrics=[
            metric_by_hand("reply_rate", kind="proportion", minimum_effect=0.05),
            metric_by_hand("meeting_booked_rate", "secondary", "proportion"),
        ],
    )
    counts = {"reply_rate": (90, 135), "meeting_booked_rate": (25, 42)}
    by_metric = {
        name: {
            "control": proportion_moments(name, old, 500),
            "ai_drafted": proportion_moments(name, new, 520),
        }
        for name, (old, new) in counts.items()
    }
    return experiment, SummaryByHand({"control": 500, "ai_drafted": 520}, by_metric)


def e002(**changes):
    name = "avg_resolution_time_minutes"
    experiment = experiment_by_hand(
        experiment="E002",
        arms=("human_only", "llm_assisted"),
        metrics=[metric_by_hand(name, direction="decrease", minimum_effect=0.1, scale="relative", unit="min")],
        **changes,
    )
    arms = {
        arm: ArmMoments.from_aggregates(n, {name: mean}, {})
        for arm, n, mean in (("human_only", 300, 42.0), ("llm_assisted", 310, 29.0))
    }
    return experiment, SummaryByHand({"human_only": 300, "llm_assisted": 310}, {name: arms})


def two_arms(control, treatment, **metric):
    """One metric called spend of two arms."""
    experiment = experiment_by_hand(metrics=[metric_by_hand(**metric)])
    arm = np.repeat(ARMS, [len(control), len(treatment)])
    return experiment, UnitsByHand(arm, {"spend": np.concatenate([control, treatment])}, names=ARMS)


def test_e001_gives_the_published_figures_beside_the_interval_that_decides():
    row = primary(*e001())
    found = diagnostics(row)
    assert found["yates_chi2"] == pytest.approx(8.9403, abs=6e-5)
    assert found["yates_p"] == pytest.approx(0.002790, abs=1e-6)
    assert (found["wald_low"], found["wald_high"]) == pytest.approx((0.0291, 0.1302), abs=6e-5)
    assert row["estimate"] == pytest.approx(135 / 520 - 90 / 500)
    assert (row["verdict"], row["meets_minimum"], row["excludes_minimum"]) == ("improved", True, False)
    assert (row["strength"], row["inference"]) == ("randomised", "fixed_horizon")
    assert "26 % (135 of 520) in ai_drafted against 18 % (90 of 500) in control, +7.96 points" in row["statement"]
    assert "an improvement of at least the minimum of 5 points" in row["statement"]


def test_e002_is_refused_for_want_of_variance_and_keeps_its_means():
    row = primary(*e002())
    assert (row["verdict"], row["refusal_code"]) == ("refused", "no_variance")
    assert (row["treatment_value"], row["control_value"], row["estimate"]) == (29.0, 42.0, -13.0)
    assert (row["n_treatment"], row["n_control"]) == (310, 300)
    assert [row[name] for name in ("se", "low", "high", "p_value", "relative", "meets_minimum")] == [None] * 6
    assert "means were given without their spread" in row["statement"]
    assert "29 min in llm_assisted, 310 units; 42 min in human_only, 300 units" in row["statement"]


def test_students_sleep_data_as_two_groups():
    """R's sleep data, Welch: t −1.860813, p .0793941."""
    row = primary(*two_arms(SLEEP_2, SLEEP_1))
    assert row["estimate"] / row["se"] == pytest.approx(-1.860813, abs=1e-6)
    assert row["p_value"] == pytest.approx(0.0793941, abs=1e-7)
    assert row["df"] == pytest.approx(17.776474, abs=1e-6)


@pytest.mark.shared_data
def test_cookie_cats_gate_at_level_forty_harms_day_seven_retention(shared_data):
    """90,189 players: day 1 .448188/.442283, p .0744; day 7 .190201/.182000, −.820 points, p .00155; SRM p .0086."""
    import csv

    with (shared_data / "cookie_cats" / "cookie_cats.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = {name: np.array([row[name] == "TRUE" for row in rows]) for name in ("retention_1", "retention_7")}
    experiment = experiment_by_hand(
        arms=("gate_30", "gate_40"),
        metrics=[
            metric_by_hand("retention_7", kind="proportion"),
            metric_by_hand("retention_1", "secondary", "proportion"),
        ],
    )
    found = asked(experiment, UnitsByHand([row["version"] for row in rows], columns, names=("gate_30", "gate_40")))
    day_7, day_1 = found["gate_40", "retention_7"], found["gate_40", "retention_1"]
    assert (day_1["control_value"], day_1["treatment_value"]) == pytest.approx((0.448188, 0.442283), abs=1e-6)
    assert day_1["p_value"] == pytest.approx(0.0744, abs=1e-4)
    assert day_7["estimate"] == pytest.approx(-0.00820, abs=1e-5)
    assert day_7["p_value"] == pytest.approx(0.00155, abs=1e-4)
    assert (day_7["verdict"], day_1["verdict"]) == ("harmed", "inconclusive")


@pytest.mark.shared_data
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_national_supported_work_experiment(shared_data):
    """LaLonde 1986 (445 rows): 1,794.342 dollars with Student's error 632.853; Welch's differs a little."""
    import pandas as pd

    frame = pd.read_stata(shared_data / "nsw" / "nsw_mixtape.dta")
    arm = np.where(frame["treat"] == 1, "training", "control")
    experiment = experiment_by_hand(
        arms=("control", "training"),
        metrics=[metric_by_hand("earnings", column="re78", unit="USD")],
        variants=[{"name": "control", "allocation": 260 / 445}, {"name": "training", "allocation": 185 / 445}],
    )
    row = primary(experiment, UnitsByHand(arm, {"re78": frame["re78"]}, names=("control", "training")))
    assert row["estimate"] == pytest.approx(1_794.342, abs=1e-2)
    assert diagnostics(row)["pooled_se"] == pytest.approx(632.853, abs=1e-2)
    assert row["verdict"] == "improved"


def test_a_covariate_from_before_narrows_the_interval_and_a_copy_of_the_outcome_is_refused():
    rng = np.random.default_rng(0)
    before = rng.normal(50.0, 10.0, 800)
    arm = np.tile(ARMS, 400)
    spend = before + rng.normal(0.0, 3.0, 800) + (arm == "treatment")
    metric = metric_by_hand(covariate="before")
    columns = {"spend": spend, "before": before}
    row = primary(experiment_by_hand(metrics=[metric]), UnitsByHand(arm, columns))
    plain = primary(experiment_by_hand(), UnitsByHand(arm, columns))
    assert row["se"] < 0.4 * plain["se"]
    assert diagnostics(row)["variance_reduction"] > 0.8
    copied = primary(experiment_by_hand(metrics=[metric]), UnitsByHand(arm, {"spend": spend, "before": spend}))
    assert (copied["verdict"], copied["refusal_code"]) == ("refused", "no_variance")


def test_each_kind_of_metric_gets_its_estimator():
    rng = np.random.default_rng(1)
    arm = np.tile(ARMS, 300)
    columns = {
        "spend": rng.exponential(5.0, 600),
        "views": 1.0 + rng.poisson(4.0, 600),
        "bought": (rng.random(600) < 0.3).astype(float),
    }
    experiment = experiment_by_hand(
        metrics=[
            metric_by_hand(),
            metric_by_hand("bought", "secondary", "proportion"),
            metric_by_hand("per_view", "secondary", "ratio", numerator="spend", denominator="views"),
            metric_by_hand("slowest", "secondary", "quantile", column="spend", quantile=0.95),
        ]
    )
    found = {metric: row for (_, metric), row in asked(experiment, UnitsByHand(arm, columns)).items()}
    methods = {"spend": "Welch", "bought": "score", "per_view": "delta method", "slowest": "order statistics"}
    assert all(part in found[metric]["method"] for metric, part in methods.items())
    treated, control = (arm == name for name in reversed(ARMS))
    shares = [columns["spend"][part].sum() / columns["views"][part].sum() for part in (treated, control)]
    assert found["per_view"]["estimate"] == pytest.approx(shares[0] - shares[1])
    tops = [np.quantile(columns["spend"][part], 0.95) for part in (treated, control)]
    assert found["slowest"]["estimate"] == pytest.approx(tops[0] - tops[1])


def test_groups_that_were_randomised_count_as_one_and_too_few_are_refused():
    rng = np.random.default_rng(2)
    team = np.repeat(np.arange(40), 25)
    arm = np.where(team % 2 == 0, "control", "treatment")
    spend = rng.normal(0.0, 1.0, 40)[team] + rng.normal(0.0, 1.0, 1000)
    observations = {"kind": "units", "file": "u.csv", "unit": "u", "variant": "v", "cluster": "team"}
    experiment = experiment_by_hand(observations=observations)
    row = primary(experiment, UnitsByHand(arm, {"spend": spend}, cluster=team))
    naive = primary(experiment_by_hand(), UnitsByHand(arm, {"spend": spend}))
    assert (row["n_treatment"], row["n_control"]) == (20, 20)
    assert row["se"] > 3.0 * naive["se"]
    assert "20 clusters" in row["statement"]
    few = primary(experiment, UnitsByHand(arm[:200], {"spend": spend[:200]}, cluster=team[:200]))
    assert few["refusal_code"] == "too_few_clusters"


def test_three_arms_are_corrected_by_holm_and_each_shows_the_interval_that_holds_for_all():
    rng = np.random.default_rng(3)
    arm = np.repeat(["control", "a", "b", "c"], 400)
    shift = np.repeat([0.0, 0.14, 0.30, 0.0], 400)
    experiment = experiment_by_hand(arms=("control", "a", "b", "c"))
    found = asked(experiment, UnitsByHand(arm, {"spend": rng.normal(0.0, 1.0, 1600) + shift}))
    raw = {name: found[name, "spend"]["p_value"] for name in "abc"}
    first, second, third = sorted(raw, key=raw.__getitem__)
    # Holm 1979, by hand.
    by_hand = {first: 3 * raw[first], second: max(3 * raw[first], 2 * raw[second])}
    by_hand[third] = max(by_hand[second], raw[third])
    for name in "abc":
        row = found[name, "spend"]
        assert row["p_adjusted"] == pytest.approx(min(1.0, by_hand[name]))
        assert diagnostics(row)["simultaneous_low"] < row["low"] < row["high"] < diagnostics(row)["simultaneous_high"]
    assert found["b", "spend"]["verdict"] == "improved"


def test_an_arm_that_wins_alone_but_not_among_several_is_not_called_a_win():
    z = np.tile([-1.0, 1.0], 100)
    arms = ("control", "a", "b", "c", "d", "e")
    columns = np.concatenate([z, z + 0.22, z, z, z, z])
    experiment = experiment_by_hand(arms=arms)
    row = asked(experiment, UnitsByHand(np.repeat(arms, 200), {"spend": columns}))["a", "spend"]
    assert row["p_value"] < 0.05 < row["p_adjusted"]
    assert row["low"] > 0.0
    assert row["verdict"] == "inconclusive"
    assert "not after correction" in row["statement"]


def test_secondary_metrics_are_screened_together():
    """Benjamini & Hochberg 1995: two p-values p ≤ q become min(2p, q) and q."""
    rng = np.random.default_rng(4)
    arm = np.tile(ARMS, 500)
    columns = {name: rng.normal(0.0, 1.0, 1000) + 0.15 * (arm == "treatment") for name in ("spend", "x", "y")}
    metrics = [metric_by_hand(), metric_by_hand("x", "secondary"), metric_by_hand("y", "secondary")]
    found = asked(experiment_by_hand(metrics=metrics), UnitsByHand(arm, columns))
    small, large = sorted((found["treatment", name] for name in "xy"), key=lambda row: row["p_value"])
    assert large["p_adjusted"] == pytest.approx(large["p_value"])
    assert small["p_adjusted"] == pytest.approx(min(2 * small["p_value"], large["p_value"]))
    assert found["treatment", "spend"]["p_adjusted"] is None


def test_a_running_experiment_is_read_with_intervals_that_hold_at_every_look():
    rng = np.random.default_rng(5)
    control, treatment = rng.normal(0.0, 1.0, 200), rng.normal(0.1, 1.0, 200)
    experiment, source = two_arms(control, treatment)
    running = experiment.model_copy(update={"status": "running", "sample": None})
    planned = experiment_by_hand(status="running", sample={"planned": 1000})
    fixed, open_ended, row = (primary(one, source) for one in (experiment, running, planned))
    assert [one["inference"] for one in (fixed, open_ended, row)] == ["fixed_horizon", "anytime", "anytime"]
    moments = [ArmMoments.from_arrays(m=values) for values in (treatment, control)]
    by_hand = anytime_effect(mean_difference(*moments), 1000)
    assert (row["low"], row["high"], row["p_value"]) == pytest.approx((by_hand.low, by_hand.high, by_hand.p_value))
    assert row["low"] < fixed["low"] < fixed["high"] < row["high"]
    assert "valid at every look" in row["statement"]


@pytest.mark.parametrize(
    ("plan", "inference"),
    [
        ({}, "fixed_horizon"),
        ({"sample": {"planned": 400}}, "fixed_horizon"),
        ({"sample": {"planned": 401}}, "anytime"),
        ({"planned_end": date(2026, 1, 10)}, "fixed_horizon"),
        ({"planned_end": date(2026, 1, 30)}, "anytime"),
        ({"planned_end": date(2026, 1, 10), "sample": {"planned": 4000}}, "fixed_horizon"),
        ({"planned_end": date(2026, 1, 30), "sample": {"planned": 400}}, "fixed_horizon"),
    ],
)
def test_an_experiment_that_ended_short_of_every_plan_counts_as_read_early(plan, inference):
    rng = np.random.default_rng(6)
    source = UnitsByHand(np.tile(ARMS, 200), {"spend": rng.normal(0.0, 1.0, 400)}, day=np.repeat(np.arange(5), 80))
    plan = {key: value.isoformat() if isinstance(value, date) else value for key, value in plan.items()}
    assert primary(experiment_by_hand(**plan), source)["inference"] == inference


def test_a_negative_baseline_that_rises_is_a_positive_relative_effect():
    """From −10 to −8 is +20 %; most tools print −20.4 % (golden cases)."""
    noise = np.tile([-1.0, 1.0], 200)
    row = primary(*two_arms(-10.0 + noise, -8.0 + noise))
    assert row["relative"] == pytest.approx(0.2)
    assert 0.0 < row["relative_low"] < 0.2 < row["relative_high"]
    assert row["verdict"] == "improved"


def test_a_baseline_near_zero_has_no_relative_effect_and_keeps_the_absolute_one():
    noise = np.tile([-1.0, 1.0], 200)
    row = primary(*two_arms(noise, 0.5 + noise, minimum_effect=0.1, scale="relative"))
    assert (row["verdict"], row["refusal_code"], row["relative"]) == ("improved", None, None)
    assert list(json.loads(row["refusals_json"])) == ["baseline_near_zero"]
    assert (row["meets_minimum"], row["excludes_minimum"]) == (None, None)
