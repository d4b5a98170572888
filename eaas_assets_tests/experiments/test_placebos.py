"""Rollouts are tried on their own untreated units, some of them called treated."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from eaas_assets.errors import EstimateRefused
from eaas_assets.experiments import placebos
from eaas_assets.experiments.calibration import calibration_rows
from eaas_assets.experiments.placebos import placebo_p_values
from eaas_assets_tests.experiments.observations_by_hand import (
    experiment_by_hand,
    metric_by_hand,
    opened_by_hand,
    panel_by_hand,
    policy_by_hand,
)

NEVER = 10**6


def rollout(**changes):
    return experiment_by_hand(design="rollout", type="phased_rollout", **changes)


def panel(treated=20, untreated=40, periods=10, dates=(5,), seed=0, **more):
    rng = np.random.default_rng(seed)
    units = treated + untreated
    outcome = rng.normal(10.0, 2.0, (units, 1)) + rng.lognormal(0.0, 1.0, (units, periods))
    adoption = np.concatenate([np.resize(dates, treated), np.full(untreated, NEVER)])
    outcome += 50.0 * (np.arange(periods)[None, :] >= adoption[:, None])
    return panel_by_hand({"spend": outcome}, adoption, **more)


def tried(data, replays=40, **changes):
    experiment = rollout(**changes)
    rng = np.random.default_rng(3)
    return placebo_p_values(experiment, experiment.primary, data, 0.95, replays, rng)


@pytest.mark.parametrize("dates", [(5,), (4, 6, 7)])
def test_p_values_where_nothing_happened_are_spread_over_all_values(dates):
    """The effect of 50 is that of treated units, and these are left out."""
    found = tried(panel(treated=30, untreated=60, dates=dates), replays=60)
    assert 0.25 < np.median(found) < 0.75
    assert np.mean(found < 0.05) < 0.2


def test_repeated_cross_sections_are_tried_too():
    data = panel(treated=100, untreated=120, periods=2, dates=(1,))
    seen = np.arange(data.unit.size) % 4 < 2
    alone = replace(
        data,
        unit=np.array([f"person_{i}" for i in range(data.unit.size)])[seen],
        time=np.tile([0, 1], data.unit.size // 2)[seen],
        adoption=data.adoption[seen],
        outcome={"spend": data.outcome["spend"][seen]},
        controls=data.controls[seen],
    )
    found = tried(alone)
    assert np.isfinite(found).all()
    assert 0.2 < np.median(found) < 0.8


def test_too_few_untreated_units_give_way_to_all_units_before_the_rollout(monkeypatch):
    seen = []
    monkeypatch.setattr(placebos, "panel_effect", lambda pseudo, *_: seen.append(pseudo) or SimpleNamespace(p=0.5))
    tried(panel(treated=30, untreated=10, periods=20, dates=(10, 14, 18)), replays=1)
    (pseudo,) = seen
    assert (np.unique(pseudo.unit).size, pseudo.time.max()) == (40, 9)
    assert sorted(set(pseudo.adoption.tolist())) == [5, 7, 9, 10]
    assert pseudo.outcome["spend"].max() < 50.0


def test_p_values_before_the_rollout_are_spread_over_all_values_too():
    found = tried(panel(treated=30, untreated=10, periods=20, dates=(12, 16)), replays=60)
    assert 0.25 < np.median(found) < 0.75
    assert np.mean(found < 0.05) < 0.2


def test_groups_are_drawn_as_wholes():
    shared = np.repeat(np.arange(40), 2)
    data = panel(treated=20, untreated=60, cluster=shared)
    assert np.isfinite(tried(data, replays=5)).all()
    with pytest.raises(EstimateRefused, match="there are 15 units or groups, 20 are needed"):
        tried(panel(treated=12, untreated=18, cluster=np.repeat(np.arange(15), 2)))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (panel(treated=2, untreated=30), "its rank among placebos"),
        (panel(treated=9, untreated=10), "there are 19 units or groups, 20 are needed"),
        (panel(treated=20, untreated=12, dates=(3,)), "12 units or groups are never treated, .* there are 3"),
        (panel(dates=(NEVER,)), "no unit is treated yet"),
    ],
)
def test_rollouts_that_cannot_be_tried_say_why(data, reason):
    with pytest.raises(EstimateRefused, match=reason):
        tried(data)


def test_large_panels_are_tried_on_some_of_their_units(monkeypatch):
    monkeypatch.setattr(placebos, "MOST_ROWS", 300)
    sizes = []
    monkeypatch.setattr(
        placebos, "panel_effect", lambda pseudo, *_: sizes.append(pseudo.unit.size) or SimpleNamespace(p=0.5)
    )
    tried(panel(untreated=100), replays=2)
    assert sizes == [300, 300]


def rows(data):
    return calibration_rows(rollout(metrics=[metric_by_hand()]), opened_by_hand(data), policy_by_hand(), "e" * 16, 7)


def test_a_sound_metric_of_a_rollout_keeps_its_verdict_and_a_broken_one_loses_it(monkeypatch):
    kept = rows(panel())[0]
    assert (kept["passed"], kept["replays"]) == (True, placebos.MOST_PLACEBOS)
    assert rows(panel()) == [kept]
    draws = np.random.default_rng(0)
    monkeypatch.setattr(placebos, "panel_effect", lambda *_: SimpleNamespace(p=draws.random() / 4.0))
    broken = rows(panel())[0]
    assert broken["passed"] is False
    assert "the metric decides nothing" in broken["statement"]


def test_a_series_before_and_after_is_not_tried():
    series = panel_by_hand({"spend": np.arange(60.0)[None, :]}, [40])
    document = experiment_by_hand(design="before_after", type="workflow_change")
    row = calibration_rows(document, opened_by_hand(series), policy_by_hand(), "e" * 16, 7)[0]
    assert (row["passed"], row["replays"]) == (None, 0)
    assert "one series has hardly any dates" in row["reason"]
