"""Segments through the table: corrected harm, shrinkage, and what is not told by segment."""

from __future__ import annotations

import numpy as np
import pytest

from eaas_assets.stats.experiments.segments import heterogeneity, shrink
from eaas_assets.stats.multiplicity import holm
from eaas_assets_tests.experiments.impact.asking import both_tables, by_segment, primary
from eaas_assets_tests.experiments.observations_by_hand import UnitsByHand, experiment_by_hand, metric_by_hand

ARMS = ("control", "treatment")


def store(n=4000, harm=0.8, **fields):
    """A win on average that harms one tier; channels do not matter."""
    rng = np.random.default_rng(0)
    arm = np.tile(ARMS, n // 2)
    tier = rng.choice(["gold", "silver", "bronze"], n, p=[0.2, 0.4, 0.4])
    channel = rng.choice(["web", "app"], n)
    effect = np.where(tier == "gold", -harm, 0.5) * (arm == "treatment")
    spend = rng.normal(10.0, 1.5, n) + effect
    return UnitsByHand(arm, {"spend": spend}, {"tier": tier, "channel": channel}, names=ARMS, **fields)


def test_who_is_harmed_although_the_average_won_is_named_after_correction_over_all_segments():
    experiment = experiment_by_hand(segments=["tier", "channel"])
    assert primary(experiment, store())["verdict"] == "improved"
    found = by_segment(experiment, store())
    assert set(found) == {("tier", tier) for tier in ("gold", "silver", "bronze")} | {
        ("channel", "web"),
        ("channel", "app"),
    }
    gold = found["tier", "gold"]
    assert (gold["harmed"], gold["harmed_although_average_won"]) == (True, True)
    assert "tier = 'gold'" in gold["statement"]
    assert "harmed, although the average improved" in gold["statement"]
    assert [row["harmed"] for key, row in found.items() if key != ("tier", "gold")] == [False] * 4
    raw = [row["p_harm"] for row in found.values()]
    assert [row["p_harm_adjusted"] for row in found.values()] == pytest.approx(holm(raw))


def test_dimensions_are_shrunk_and_compared_each_by_itself():
    found = by_segment(experiment_by_hand(segments=["tier", "channel"]), store())
    for dimension, differs in (("tier", True), ("channel", False)):
        rows = [row for (name, _), row in found.items() if name == dimension]
        estimates = [row["estimate"] for row in rows]
        errors = [(row["high"] - row["low"]) / 2 / 1.96 for row in rows]
        by_hand = heterogeneity(estimates, errors)
        assert rows[0]["heterogeneity_p"] == pytest.approx(by_hand.p_value, rel=0.05, abs=1e-12)
        assert (rows[0]["heterogeneity_p"] < 0.001) is differs
        assert [row["shrunk"] for row in rows] == pytest.approx(shrink(estimates, errors).estimate, abs=2e-3)


def test_holm_counts_the_segments_of_every_arm():
    source = store()
    arm = np.where(np.arange(4000) % 4 == 3, "other", np.where(np.arange(4000) % 2 == 0, "control", "treatment"))
    experiment = experiment_by_hand(
        segments=["tier"],
        variants=[
            {"name": "control", "allocation": 0.5},
            {"name": "treatment", "allocation": 0.25},
            {"name": "other", "allocation": 0.25},
        ],
    )
    several = UnitsByHand(arm, source.columns, source.segments, names=("control", "treatment", "other"))
    rows = both_tables(experiment, several)[1]
    assert len(rows) == 6
    assert [row["p_harm_adjusted"] for row in rows] == pytest.approx(holm([row["p_harm"] for row in rows]))


def test_a_falling_metric_is_harmed_where_it_rises():
    experiment = experiment_by_hand(segments=["tier"], metrics=[metric_by_hand(direction="decrease")])
    found = by_segment(experiment, store())
    assert {key[1]: row["harmed"] for key, row in found.items()} == {"gold": False, "silver": True, "bronze": True}
    assert found["tier", "gold"]["benefit"] == pytest.approx(-found["tier", "gold"]["estimate"])


def test_a_segment_that_cannot_be_estimated_does_not_count_and_says_why():
    source = store()
    tier = np.where(np.arange(4000) == 1, "platinum", source.segments["tier"])
    found = by_segment(
        experiment_by_hand(segments=["tier"]), UnitsByHand(source.arm, source.columns, {"tier": tier}, names=ARMS)
    )
    lone = found["tier", "platinum"]
    assert (lone["refusal_code"], lone["harmed"], lone["p_harm_adjusted"]) == ("too_few_units", None, None)
    others = [row for (_, value), row in found.items() if value != "platinum"]
    assert [row["p_harm_adjusted"] for row in others] == pytest.approx(holm([row["p_harm"] for row in others]))


def test_quantiles_and_randomised_groups_are_not_told_by_segment():
    quantile = experiment_by_hand(segments=["tier"], metrics=[metric_by_hand(kind="quantile", quantile=0.9)])
    assert {row["refusal_code"] for row in by_segment(quantile, store()).values()} == {"not_by_segment"}
    observations = {"kind": "units", "file": "u.csv", "unit": "u", "variant": "v", "cluster": "team"}
    clustered = experiment_by_hand(segments=["tier"], observations=observations)
    team = np.arange(4000) % 40
    assert {row["refusal_code"] for row in by_segment(clustered, store(cluster=team)).values()} == {"not_by_segment"}


def test_a_dimension_of_hundreds_of_values_is_refused_as_a_whole():
    source = store()
    postcode = np.array([f"P{number % 201}" for number in range(4000)])
    found = by_segment(
        experiment_by_hand(segments=["postcode"]),
        UnitsByHand(source.arm, source.columns, {"postcode": postcode}, names=ARMS),
    )
    assert list(found) == [("postcode", "(all)")]
    assert found["postcode", "(all)"]["refusal_code"] == "too_many_segments"


def test_segments_of_a_running_experiment_hold_at_every_look():
    experiment = experiment_by_hand(segments=["tier"], sample={"planned": 8000})
    fixed = by_segment(experiment.model_copy(update={"sample": None}), store())["tier", "gold"]
    running = by_segment(experiment.model_copy(update={"status": "running"}), store())["tier", "gold"]
    assert running["low"] < fixed["low"] < fixed["high"] < running["high"]


def test_values_of_segments_are_foreign_text_and_cannot_break_a_line():
    source = store()
    tier = np.where(source.segments["tier"] == "gold", "go\nld|<b>\u202e" + "x" * 200, source.segments["tier"])
    found = by_segment(
        experiment_by_hand(segments=["tier"]), UnitsByHand(source.arm, source.columns, {"tier": tier}, names=ARMS)
    )
    statement = next(row["statement"] for row in found.values() if "<b>" in row["statement"])
    assert "\n" not in statement
    assert "\u202e" not in statement
    assert "x" * 41 not in statement
