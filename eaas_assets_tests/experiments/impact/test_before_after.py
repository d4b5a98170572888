"""Series without a control group: a hint at most, and honest about what the past cannot tell."""

from __future__ import annotations

import json

import numpy as np
import pytest

from eaas_assets_tests.experiments.impact.asking import diagnostics, primary
from eaas_assets_tests.experiments.observations_by_hand import experiment_by_hand, metric_by_hand, panel_by_hand


def before_after(**changes):
    return experiment_by_hand(design="before_after", type="workflow_change", **changes)


def series(effect, seed=0, periods=80, after=20):
    values = np.random.default_rng(seed).normal(50.0, 1.0, periods)
    values[periods - after :] += effect
    return values


def test_a_clear_jump_is_shown_and_never_stronger_than_before_after():
    row = primary(before_after(), panel_by_hand({"spend": series(5.0)}, [60]))
    assert (row["strength"], row["verdict"]) == ("before_after", "improved")
    assert row["estimate"] == pytest.approx(5.0, abs=1.0)
    assert (row["n_treatment"], row["n_control"]) == (20, 60)
    curve = json.loads(row["paths_json"])["forecast"]
    assert len(curve["counterfactual"]) == 80
    assert curve["low"][0] is None
    assert "over 20 periods after the change" in row["statement"]
    assert "forecast from 60 periods before" in row["statement"]
    assert "a hint and no proof" in row["statement"]


def test_what_the_past_cannot_rule_out_asks_for_a_control_series():
    walk = 50.0 + np.cumsum(np.random.default_rng(3).normal(0.0, 1.0, 80))
    row = primary(before_after(metrics=[metric_by_hand(minimum_effect=1.0)]), panel_by_hand({"spend": walk}, [60]))
    assert row["verdict"] == "inconclusive"
    assert "inconclusive: add a control series" in row["statement"]


def test_a_control_series_takes_out_what_happened_to_everybody():
    shock = np.cumsum(np.random.default_rng(4).normal(0.0, 1.0, 80))
    values = 20.0 + shock + np.random.default_rng(5).normal(0.0, 0.3, 80)
    values[60:] += 2.0
    alone = primary(before_after(), panel_by_hand({"spend": values}, [60]))
    controlled = primary(before_after(), panel_by_hand({"spend": values}, [60], controls=shock))
    assert controlled["high"] - controlled["low"] < 0.2 * (alone["high"] - alone["low"])
    assert controlled["verdict"] == "improved"
    assert controlled["estimate"] == pytest.approx(2.0, abs=0.5)


def test_treated_units_are_averaged_and_units_that_come_and_go_are_refused():
    matrix = np.stack([series(5.0, seed) for seed in range(4)])
    row = primary(before_after(), panel_by_hand({"spend": matrix}, [60] * 4))
    alone = primary(before_after(), panel_by_hand({"spend": matrix.mean(axis=0)}, [60]))
    assert row["estimate"] == pytest.approx(alone["estimate"])
    two_dates = primary(before_after(), panel_by_hand({"spend": matrix}, [60, 60, 60, 50]))
    assert two_dates["refusal_code"] == "staggered_adoption"


def test_a_season_is_taken_out():
    weekly = 5.0 * np.sin(2.0 * np.pi * np.arange(84) / 7.0)
    values = series(2.0, periods=84, after=14) + weekly
    observations = {"kind": "panel", "file": "p.csv", "time": "t", "intervention": 70, "season": 7}
    panel = panel_by_hand({"spend": values}, [70])
    seasonal = primary(before_after(observations=observations), panel)
    assert seasonal["high"] - seasonal["low"] < 0.5 * ((plain := primary(before_after(), panel))["high"] - plain["low"])
    assert seasonal["verdict"] == "improved"


@pytest.mark.parametrize(
    ("values", "adoption", "code"),
    [
        (series(0.0), 0, "no_pre_period"),
        (series(0.0, periods=20, after=10), 10, "short_pre_period"),
        (series(0.0), 10**6, "no_treated"),
        (np.ones(80), 60, "no_variance"),
        (np.where(np.arange(80) == 5, np.nan, 1.0), 60, "not_finite"),
    ],
)
def test_series_that_carry_no_forecast_are_refused(values, adoption, code):
    row = primary(before_after(), panel_by_hand({"spend": values}, [adoption]))
    assert (row["verdict"], row["refusal_code"]) == ("refused", code)


def test_the_memory_of_the_series_stands_in_the_diagnostics():
    found = diagnostics(primary(before_after(), panel_by_hand({"spend": series(5.0)}, [60])))
    assert found["n_pre"] == 60
    assert found["placebo_in_time_p"] > 0.05
