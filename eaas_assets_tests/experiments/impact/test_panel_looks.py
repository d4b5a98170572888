"""Panels that are read before their end: at few treated periods, at a level for all of these looks together."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from eaas_assets.experiments.impact.panel_looks import MOST_LOOKS, level_of_a_look, look_at, unfinished
from eaas_assets.experiments.impact.panel_rows import rows_until
from eaas_assets_tests.experiments.impact.asking import (
    assert_contracts_hold,
    both_tables,
    by_segment,
    diagnostics,
    primary,
)
from eaas_assets_tests.experiments.observations_by_hand import experiment_by_hand, metric_by_hand, panel_by_hand

NEVER = 10**6
START = 10


def experiment(status="running", design="rollout", **more):
    kind = "phased_rollout" if design == "rollout" else "workflow_change"
    return experiment_by_hand(design=design, type=kind, status=status, **more)


def panel(treated_periods, effect=0.0, units=(20, 20), seed=0, memory=0.5):
    """Treated units first; errors remember the period before."""
    rng = np.random.default_rng(seed)
    n, periods = sum(units), START + treated_periods
    errors = np.empty((n, periods))
    errors[:, 0] = rng.normal(0.0, 1.0, n)
    for t in range(1, periods):
        errors[:, t] = memory * errors[:, t - 1] + math.sqrt(1.0 - memory**2) * rng.normal(0.0, 1.0, n)
    outcome = 10.0 + rng.normal(0.0, 2.0, (n, 1)) + np.cumsum(rng.normal(0.0, 0.3, periods)) + errors
    adoption = np.repeat([START, NEVER], units)
    outcome += effect * (np.arange(periods)[None, :] >= adoption[:, None])
    return panel_by_hand({"spend": outcome}, adoption)


@pytest.mark.parametrize(("so_far", "used"), [(1, 1), (2, 2), (3, 2), (4, 4), (7, 4), (8, 8), (127, 64), (300, 128)])
def test_looks_are_at_doubling_numbers_of_treated_periods(so_far, used):
    look = look_at(panel(so_far))
    assert (look.used, look.so_far, look.last) == (used, so_far, START + used - 1)
    then = "at the end" if used == 128 else f"at {2 * used}"
    assert look.told.endswith(f"of {so_far} so far, the next look is {then}")


def test_before_the_first_treated_period_there_is_no_look():
    assert look_at(panel_by_hand({"spend": np.ones((4, 5))}, [7, 7, NEVER, NEVER])) is None


def test_a_running_rollout_says_between_looks_what_it_said_at_the_last():
    whole = panel(7, effect=3.0)
    until = replace(
        whole,
        unit=whole.unit[whole.time < START + 4],
        time=whole.time[whole.time < START + 4],
        adoption=whole.adoption[whole.time < START + 4],
        outcome={"spend": whole.outcome["spend"][whole.time < START + 4]},
        controls=whole.controls[whole.time < START + 4],
    )
    row, ended = primary(experiment(), whole), primary(experiment("concluded"), until)
    assert row["estimate"] == ended["estimate"]
    assert row["low"] < ended["low"] < ended["high"] < row["high"]
    assert row["p_value"] == pytest.approx(min(1.0, MOST_LOOKS * ended["p_value"]))
    assert (row["inference"], ended["inference"]) == ("group_sequential", "fixed_horizon")
    assert "read after 4 treated periods of 7 so far, the next look is at 8" in row["statement"]
    assert "valid at all its looks" in row["statement"]
    assert (row["verdict"], row["level"]) == ("improved", 0.95)
    assert diagnostics(row)["treated_periods_used"] == 4
    assert_contracts_hold(*both_tables(experiment(), whole))


def test_a_running_before_after_is_read_by_looks_too():
    rng = np.random.default_rng(1)
    series = 50.0 + rng.normal(0.0, 1.0, 66)
    series[60:] += 12.0
    panel_of_one = panel_by_hand({"spend": series[None, :]}, [60])
    row = primary(experiment(design="before_after"), panel_of_one)
    assert (row["inference"], row["n_treatment"]) == ("group_sequential", 4)
    assert "read after 4 treated periods of 6 so far" in row["statement"]
    assert primary(experiment("concluded", "before_after"), panel_of_one)["n_treatment"] == 6


def test_too_few_placebos_cannot_reach_the_level_of_a_look():
    row = primary(experiment(), panel(8, units=(1, 24)))
    assert (row["verdict"], row["refusal_code"], row["inference"]) == ("refused", "no_interval", "group_sequential")
    assert row["estimate"] is not None
    assert primary(experiment("concluded"), panel(8, units=(1, 24)))["low"] is not None


def test_units_that_moved_apart_before_the_change_are_doubted_at_a_look_too():
    """The level of a look is strict on effects; it must not be lenient on what speaks against the design."""
    data = panel(8, effect=3.0, seed=3)
    drift = 0.25 * data.time * (data.adoption < NEVER)
    data = replace(data, outcome={"spend": data.outcome["spend"] + drift})
    row = primary(experiment(), data)
    assert 1.0 - level_of_a_look(0.95) < diagnostics(row)["pretrend_p"] < 0.05
    assert row["verdict"] == "inconclusive"
    assert "moved apart before the change" in row["statement"]


def test_segments_of_a_running_rollout_are_read_at_the_same_look():
    data = panel(6, effect=2.0)
    labels = np.repeat(np.tile(["north", "south"], 20), START + 6)
    data = replace(data, segments={"region": labels})
    found = by_segment(experiment(segments=["region"]), data)
    ended = by_segment(experiment("concluded", segments=["region"]), data)
    north = found["region", "north"], ended["region", "north"]
    assert north[0]["high"] - north[0]["low"] > north[1]["high"] - north[1]["low"]


@pytest.mark.parametrize(("end", "early"), [(15, False), (16, False), (17, True), (30, True)])
def test_a_rollout_that_ended_a_period_before_its_plan_was_looked_at(end, early):
    days = replace(panel(6), time_is_day=True)
    planned = date(1970, 1, 1) + timedelta(days=end)
    assert unfinished(experiment("concluded", planned_end=planned), days) is early


def test_weeks_may_end_within_the_last_one():
    days = panel(6)
    weekly = replace(days, time=7 * days.time, adoption=7 * days.adoption, time_is_day=True)
    last = date(1970, 1, 1) + timedelta(days=7 * 15)
    assert not unfinished(experiment("concluded", planned_end=last + timedelta(days=6)), weekly)
    assert unfinished(experiment("concluded", planned_end=last + timedelta(days=13)), weekly)


def test_refusals_of_what_has_not_ended_are_labelled_as_such():
    assert primary(experiment(), panel_by_hand({"spend": np.ones((6, 12))}, [5] * 3 + [NEVER] * 3))["inference"] == (
        "group_sequential"
    )
    for design, label in (("randomised", "anytime"), ("paired", "anytime"), ("rollout", "group_sequential")):
        document = experiment_by_hand(design=design, status="running", metrics=[metric_by_hand()])
        assert primary(document, None)["inference"] == label
    assert primary(experiment_by_hand(), None)["inference"] == "fixed_horizon"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("units", "replays"), [((25, 25), 600), ((6, 10), 200)])
def test_looks_at_a_rollout_in_which_nothing_happens_find_nothing_as_often_as_promised(units, replays):
    found = 0
    for seed in range(replays):
        whole = panel(16, units=units, seed=seed)
        nights = (rows_until(whole, START + used - 1) for used in (1, 2, 4, 8, 16))
        found += any(primary(experiment(), night)["p_value"] < 0.05 for night in nights)
    assert found <= 0.05 * replays + 3.09 * math.sqrt(replays * 0.05 * 0.95) + 1
