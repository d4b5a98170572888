"""Rollouts through the table: which estimator the dates and units allow, and published figures of each."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from eaas_assets.experiments.impact.answers import MAX_POINTS
from eaas_assets.experiments.observations.access import Integrity, PanelData
from eaas_assets_tests.experiments.impact.asking import asked, both_tables, by_segment, diagnostics, primary
from eaas_assets_tests.experiments.observations_by_hand import experiment_by_hand, metric_by_hand, panel_by_hand

NEVER = 10**6


def rollout(**changes):
    return experiment_by_hand(design="rollout", type="phased_rollout", **changes)


def matrix(units, periods, seed=0):
    rng = np.random.default_rng(seed)
    level = rng.normal(10.0, 2.0, (units, 1)) + 0.1 * np.arange(periods)
    return level + rng.normal(0.0, 0.5, (units, periods))


def staggered(effect=2.0, units=24, periods=12):
    adoption = np.repeat([4, 7, NEVER], units // 3)
    treated = np.arange(periods)[None, :] >= adoption[:, None]
    return panel_by_hand({"spend": matrix(units, periods) + effect * treated}, adoption)


def rows_as_panel(unit, time, adoption, outcome):
    return PanelData(
        Integrity(),
        np.asarray(unit, dtype=str),
        np.asarray(time, dtype=np.int64),
        np.asarray(adoption, dtype=np.int64),
        {"spend": np.asarray(outcome, dtype=np.float64)},
        np.empty((len(unit), 0)),
        None,
        False,
    )


def read(path, delimiter=","):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


@pytest.mark.shared_data
def test_incinerator_of_kiel_and_mcclain(shared_data):
    """Wooldridge, Introductory Econometrics, example 13.3: −11,863.9 (7,456.65), not significant."""
    rows = read(shared_data / "kielmc" / "kielmc.csv")
    adoption = [1981 if float(row["nearinc"]) else NEVER for row in rows]
    prices = [float(row["rprice"]) for row in rows]
    panel = rows_as_panel([row["rownames"] for row in rows], [int(row["year"]) for row in rows], adoption, prices)
    row = primary(rollout(), panel)
    assert row["estimate"] == pytest.approx(-11_863.9, abs=0.1)
    assert diagnostics(row)["classical_se"] == pytest.approx(7_456.65, abs=0.1)
    assert row["method"].startswith("2×2 difference-in-differences")
    assert row["verdict"] == "inconclusive"


@pytest.mark.shared_data
def test_organ_donation_in_california(shared_data):
    """Kessler & Roth 2014: difference-in-differences −.02246. One state was treated, so placebos judge it."""
    rows = read(shared_data / "organ_donation" / "organ_donation.csv")
    quarter = [4 * int(row["Quarter"][2:]) + int(row["Quarter"][1]) for row in rows]
    adoption = [4 * 2011 + 3 if row["State"] == "California" else NEVER for row in rows]
    panel = rows_as_panel([row["State"] for row in rows], quarter, adoption, [float(row["Rate"]) for row in rows])
    row = primary(rollout(), panel)
    assert diagnostics(row)["difference_in_differences"] == pytest.approx(-0.02246, abs=1e-5)
    assert row["method"].startswith("synthetic control")
    assert row["verdict"] == "inconclusive"


@pytest.mark.shared_data
def test_proposition_99(shared_data):
    """Arkhangelsky et al. 2021, table 1: synthetic control −19.5 (exact optimum −19.51), DiD −27.349."""
    rows = read(shared_data / "prop99" / "california_prop99.csv", ";")
    packs = [float(row["PacksPerCapita"]) for row in rows]
    adoption = [1989 if row["State"] == "California" else NEVER for row in rows]
    panel = rows_as_panel([row["State"] for row in rows], [int(row["Year"]) for row in rows], adoption, packs)
    experiment = rollout(metrics=[metric_by_hand(direction="decrease", unit="packs")])
    row = primary(experiment, panel)
    assert row["estimate"] == pytest.approx(-19.51, abs=0.15)
    assert row["benefit"] == pytest.approx(19.51, abs=0.15)
    assert diagnostics(row)["difference_in_differences"] == pytest.approx(-27.349, abs=1e-3)
    assert diagnostics(row)["placebo_in_time_p"] > 0.05
    assert (row["n_treatment"], row["n_control"]) == (1, 38)
    curves = json.loads(row["paths_json"])
    assert curves["intervention"] == {"time": [1989]}
    assert len(curves["synthetic_control"]["time"]) == len(curves["synthetic_control"]["synthetic"]) == 31
    # Nothing happened before 1989: the average effect at an earlier date must not be significant.
    before = np.asarray(panel.time) < 1989
    for year in (1976, 1980, 1984):
        pseudo = np.where(panel.adoption == 1989, year, NEVER)
        early = rows_as_panel(panel.unit[before], panel.time[before], pseudo[before], panel.outcome["spend"][before])
        assert primary(experiment, early)["verdict"] == "inconclusive"


def test_several_dates_give_group_time_effects_with_an_event_study():
    row = primary(rollout(), staggered())
    assert row["estimate"] == pytest.approx(2.0, abs=3.0 * row["se"])
    assert row["method"].startswith("group-time effects")
    assert (row["strength"], row["verdict"]) == ("quasi_experiment", "improved")
    assert (row["n_treatment"], row["n_control"]) == (16, 8)
    assert diagnostics(row)["pretrend_p"] > 0.05
    curve = json.loads(row["paths_json"])["event_study"]
    assert 0 in curve["event"]
    assert min(curve["event"]) < 0
    assert len(curve["event"]) == len(curve["band_high"])
    assert row["detectable_effect"] == pytest.approx((1.959964 + 0.841621) * row["se"], rel=1e-6)
    assert "16 treated units" in row["statement"]


def test_one_date_and_enough_units_give_difference_in_differences():
    outcome = matrix(12, 10)
    outcome[:6, 5:] += 1.5
    row = primary(rollout(), panel_by_hand({"spend": outcome}, np.repeat([5, NEVER], 6)))
    assert row["method"].startswith("two-way difference-in-differences")
    change = outcome[:, 5:].mean(axis=1) - outcome[:, :5].mean(axis=1)
    assert row["estimate"] == pytest.approx(change[:6].mean() - change[6:].mean())
    assert row["verdict"] == "improved"
    assert len(json.loads(row["paths_json"])["difference_in_differences"]["counterfactual"]) == 10


def test_few_treated_units_give_a_synthetic_control():
    outcome = matrix(25, 20)
    row = primary(rollout(), panel_by_hand({"spend": outcome}, np.repeat([12, NEVER], [2, 23])))
    assert row["method"].startswith("synthetic control")
    assert (row["n_treatment"], row["n_control"]) == (2, 23)


def test_too_few_donors_to_rank_at_this_level_give_an_estimate_without_an_interval():
    outcome = matrix(9, 20)
    row = primary(rollout(), panel_by_hand({"spend": outcome}, np.repeat([12, NEVER], [1, 8])))
    assert (row["verdict"], row["refusal_code"]) == ("refused", "no_interval")
    assert row["estimate"] is not None
    assert (row["low"], row["net_value_usd"]) == (None, None)
    assert "8 placebos cannot rank" in row["statement"]


def test_units_that_moved_apart_before_the_change_allow_no_verdict():
    outcome = matrix(30, 12)
    outcome[:15] += 0.5 * np.arange(12)
    row = primary(rollout(), panel_by_hand({"spend": outcome}, np.repeat([6, NEVER], 15)))
    assert row["p_value"] < 0.001
    assert row["verdict"] == "inconclusive"
    assert "moved apart before the change" in row["statement"]


@pytest.mark.parametrize(
    ("panel", "code"),
    [
        (panel_by_hand({"spend": matrix(6, 10)}, [NEVER] * 6), "no_treated"),
        (panel_by_hand({"spend": matrix(6, 10)}, [5] * 6), "no_control"),
        (panel_by_hand({"spend": matrix(6, 10)}, [0] * 3 + [NEVER] * 3), "no_pre_period"),
        (panel_by_hand({"spend": matrix(3, 10)}, [5, NEVER, NEVER]), "too_few_donors"),
        (panel_by_hand({"spend": np.ones((12, 10))}, [5] * 6 + [NEVER] * 6), "no_variance"),
        (panel_by_hand({"spend": np.full((12, 10), np.nan)}, [5] * 6 + [NEVER] * 6), "not_finite"),
    ],
)
def test_panels_that_carry_no_estimate_are_refused(panel, code):
    row = primary(rollout(), panel)
    assert (row["verdict"], row["refusal_code"]) == ("refused", code)
    assert row["estimate"] is None


def test_gaps_are_named_and_never_filled():
    full = panel_by_hand({"spend": matrix(12, 10)}, [5] * 6 + [NEVER] * 6)
    kept = np.arange(full.unit.size) != 17
    holed = replace(
        full,
        unit=full.unit[kept],
        time=full.time[kept],
        adoption=full.adoption[kept],
        outcome={"spend": full.outcome["spend"][kept]},
        controls=full.controls[kept],
    )
    row = primary(rollout(), holed)
    assert row["refusal_code"] == "missing_cells"
    assert "1 of 120 rows of a unit and period are missing, the first of 'unit_001' in 7" in row["refusal_reason"]
    by_day = replace(holed, time=holed.time + 20_000, adoption=holed.adoption + 20_000, time_is_day=True)
    assert "'unit_001' in 2024-10-11" in primary(rollout(), by_day)["refusal_reason"]


def test_one_infinite_value_is_counted_as_one():
    full = panel_by_hand({"spend": matrix(12, 10)}, [5] * 6 + [NEVER] * 6)
    nothing = {"spend": np.full(full.unit.size, np.nan)}
    infinite = replace(full, outcome=nothing, integrity=Integrity(rows=120, infinite_values={"spend": 1}))
    for experiment in (rollout(), experiment_by_hand(design="before_after", type="workflow_change")):
        row = primary(experiment, infinite)
        assert (row["refusal_code"], row["refusal_reason"]) == ("not_finite", "1 row of 120 is infinite")


def test_a_panel_that_does_not_tell_arms_tells_only_the_first():
    experiment = rollout(arms=("control", "a", "b"))
    found = asked(experiment, staggered())
    assert found["a", "spend"]["verdict"] == "improved"
    assert found["b", "spend"]["refusal_code"] == "arm_not_in_panel"
    assert "without observations.variant" in found["b", "spend"]["statement"]


def with_arms(panel, arms):
    """The panel with an arm of each unit, as readers hand it over."""
    return replace(panel, arm=np.asarray(arms)[np.unique(panel.unit, return_inverse=True)[1]])


def three_arms():
    """Eight units each: a gains 2, b loses 2, from the same period on; and a panel of a and the control alone."""
    outcome = matrix(24, 12)
    outcome[:8, 5:] += 2.0
    outcome[8:16, 5:] -= 2.0
    adoption = np.repeat([5, 5, NEVER], 8)
    arms = np.repeat(["a", "b", "control"], 8)
    pair = np.repeat([True, False, True], 8)
    names = [f"unit_{i:03d}" for i in range(24)]
    whole = with_arms(panel_by_hand({"spend": outcome}, adoption, units=names), arms)
    alone = panel_by_hand({"spend": outcome[pair]}, adoption[pair], units=list(np.array(names)[pair]))
    return whole, alone


def test_every_arm_of_a_panel_is_told_against_units_of_the_control():
    whole, alone = three_arms()
    found = asked(rollout(arms=("control", "a", "b")), whole)
    single = primary(rollout(arms=("control", "a")), alone)
    assert found["a", "spend"]["estimate"] == pytest.approx(2.0, abs=0.5)
    assert found["b", "spend"]["estimate"] == pytest.approx(-2.0, abs=0.5)
    assert (found["a", "spend"]["estimate"], found["a", "spend"]["low"]) == (single["estimate"], single["low"])
    assert (found["a", "spend"]["verdict"], found["b", "spend"]["verdict"]) == ("improved", "harmed")
    assert [(found[arm, "spend"]["n_treatment"], found[arm, "spend"]["n_control"]) for arm in "ab"] == [(8, 8)] * 2


def test_arms_of_a_panel_are_corrected_as_those_of_a_randomised_experiment():
    found = asked(rollout(arms=("control", "a", "b")), three_arms()[0])
    p_values = sorted(found[arm, "spend"]["p_value"] for arm in "ab")
    adjusted = sorted(found[arm, "spend"]["p_adjusted"] for arm in "ab")
    assert adjusted == pytest.approx([2.0 * p_values[0], max(2.0 * p_values[0], p_values[1])])


def test_an_arm_without_a_unit_is_refused_and_the_others_are_told():
    found = asked(rollout(arms=("control", "a", "b", "c")), three_arms()[0])
    assert found["c", "spend"]["refusal_code"] == "empty_arm"
    assert found["a", "spend"]["verdict"] == "improved"


def test_segments_of_arms_are_told_by_arm():
    whole, _ = three_arms()
    whole = replace(whole, segments={"region": np.where(np.arange(288) % 24 < 12, "north", "south")})
    rows = both_tables(rollout(arms=("control", "a", "b"), segments=["region"]), whole)[1]
    assert {(row["arm"], row["value"]) for row in rows} == {(arm, part) for arm in "ab" for part in ("north", "south")}


def test_segments_of_a_rollout_are_estimated_among_their_own_units():
    outcome = matrix(24, 10)
    region = np.tile(["north", "south"], 12)
    adoption = np.repeat([5, NEVER], 12)
    outcome[:12, 5:] += np.where(region[:12] == "north", 3.0, -3.0)[:, None]
    panel = panel_by_hand({"spend": outcome}, adoption, segments={"region": region})
    found = by_segment(rollout(segments=["region"]), panel)
    assert (found["region", "north"]["harmed"], found["region", "south"]["harmed"]) == (False, True)
    assert found["region", "north"]["estimate"] == pytest.approx(3.0, abs=0.7)
    assert found["region", "south"]["n_treatment"] == 6


def test_pictures_stay_small_and_show_days_as_dates():
    outcome = matrix(25, 500)
    panel = replace(
        panel_by_hand({"spend": outcome}, np.repeat([20_400, NEVER], [1, 24]), first_period=20_000), time_is_day=True
    )
    curves = json.loads(primary(rollout(), panel)["paths_json"])
    assert all(len(series) <= MAX_POINTS for sheet in curves.values() for series in sheet.values())
    assert curves["synthetic_control"]["time"][0] == "2024-10-04"
    assert curves["intervention"] == {"time": ["2025-11-08"]}
