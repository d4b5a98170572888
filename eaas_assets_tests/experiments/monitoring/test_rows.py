"""The rows of a watched experiment: which there are, what they say, and when nothing is said."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from eaas_assets.contracts.experiments import ExperimentMonitoring
from eaas_assets.contracts.tables import build, contract_problems
from eaas_assets.experiments.monitoring.rows import monitoring_rows
from eaas_assets.experiments.observations.access import Integrity
from eaas_assets.stats.experiments.moments import ArmMoments
from eaas_assets_tests.experiments.observations_by_hand import (
    SummaryByHand,
    UnitsByHand,
    experiment_by_hand,
    metric_by_hand,
    opened_by_hand,
    panel_by_hand,
    policy_by_hand,
    proportion_moments,
)

POLICY = policy_by_hand()


def units(n=4000, days=28, effect=0.0, fades=False, share=0.5, seed=0, **more):
    rng = np.random.default_rng(seed)
    arm = np.where(rng.random(n) < share, "treatment", "control")
    day = rng.integers(0, days, n)
    treated = (arm == "treatment") * (np.where(day < days / 2, 1.0, 0.0) if fades else 1.0)
    columns = {
        "spend": rng.exponential(1.0, n) + effect * treated,
        "errors": rng.poisson(2, n) + more.pop("harm", 0.0) * treated,
        "won": rng.random(n) < 0.3,
    }
    segments = {"country": rng.choice(["de", "fr"], n)}
    return UnitsByHand(arm, columns, segments=segments, day=day, names=("control", "treatment"), **more)


def experiment(**changes):
    metrics = [
        metric_by_hand("spend", minimum_effect=0.1),
        metric_by_hand("errors", "guardrail", direction="decrease", margin=0.1),
        metric_by_hand("won", "secondary", "proportion"),
    ]
    return experiment_by_hand(**{"status": "running", "sample": {"planned": 4000}, "metrics": metrics, **changes})


def watch(source, **changes):
    return monitoring_rows(experiment(**changes), opened_by_hand(source), POLICY, "e" * 16)


def only(rows, check, metric=None, latest=True):
    found = [
        row for row in rows if row["check"] == check and row["latest"] is latest and metric in (None, row["metric"])
    ]
    assert found, f"no row of {check}"
    return found


def test_rows_keep_the_contract():
    rows = watch(units(effect=0.2), segments=["country"])
    assert contract_problems(ExperimentMonitoring, build(ExperimentMonitoring, rows)) == []
    assert {row["check"] for row in rows} == {
        "sample_ratio", "effect", "guardrail_harm", "metric_drift", "segment_anomaly", "novelty", "progress",
    }  # fmt: skip


def test_an_effect_that_lasts_is_shown_and_raises_no_alarm():
    rows = watch(units(effect=0.3))
    effect = only(rows, "effect", "spend")[0]
    assert 0.0 < effect["low"] < effect["estimate"] < effect["high"]
    assert "better" in effect["statement"]
    assert effect["alarm"] is None
    assert [row["check"] for row in rows if row["alarm"]] == []
    assert only(rows, "novelty")[0]["alarm"] is False


def test_a_fading_effect_raises_the_novelty_alarm():
    novelty = only(watch(units(effect=0.5, fades=True)), "novelty")[0]
    assert novelty["alarm"] is True
    assert novelty["estimate"] < 0.0
    assert "the effect fades" in novelty["statement"]


def test_fading_of_a_ratio_over_nothing_is_not_told_and_warns_nobody():
    source = units()
    source = replace(source, columns={**source.columns, "none": np.zeros(4000)})
    ratio = metric_by_hand("rate", kind="ratio", numerator="spend", denominator="none")
    novelty = only(watch(source, metrics=[ratio]), "novelty")[0]
    assert novelty["alarm"] is None
    assert "fading cannot be told, because" in novelty["statement"]


def test_harm_to_a_ratio_over_nothing_is_not_told_and_warns_nobody():
    source = units()
    source = replace(source, columns={**source.columns, "none": np.zeros(4000)})
    ratio = metric_by_hand("rate", "guardrail", "ratio", numerator="errors", denominator="none", margin=0.1)
    rows = watch(source, metrics=[metric_by_hand("spend"), ratio], segments=["country"])
    for check in ("guardrail_harm", "segment_anomaly"):
        for row in only(rows, check, "rate"):
            assert (row["alarm"], row["p_value"]) == (None, None)


def test_a_ratio_over_nothing_in_one_arm_has_no_estimate_and_no_infinite_one():
    source = units()
    below = np.where(np.asarray(source.arm) == "treatment", 0.0, 1.0)
    source = replace(source, columns={**source.columns, "below": below})
    rows = watch(source, metrics=[metric_by_hand("rate", kind="ratio", numerator="spend", denominator="below")])
    assert all(row["estimate"] is None for row in only(rows, "effect"))


def test_an_effect_that_grows_is_no_novelty():
    grown = units(effect=-0.5, fades=True)
    assert only(watch(grown), "novelty")[0]["alarm"] is False


def test_fading_of_a_metric_that_should_fall_is_told_by_its_direction():
    falling = [metric_by_hand("spend", direction="decrease")]
    assert only(watch(units(effect=-0.5, fades=True), metrics=falling), "novelty")[0]["alarm"] is True
    assert only(watch(units(effect=0.5, fades=True), metrics=falling), "novelty")[0]["alarm"] is False


def test_novelty_waits_for_the_second_half_of_the_plan():
    novelty = only(watch(units(), sample={"planned": 9000}), "novelty")[0]
    assert novelty["alarm"] is None
    assert "cannot be told before half of the plan, 4,500 units" in novelty["statement"]


def test_harm_of_a_guardrail_is_found_before_the_end():
    rows = [row for row in watch(units(harm=1)) if row["check"] == "guardrail_harm"]
    raised = [row["look"] for row in rows if row["alarm"]]
    assert raised
    assert raised[0] < 20
    assert raised == list(range(raised[0], 29)), "once raised it stays"
    assert f"since look {raised[0]}" in rows[-1]["statement"]


def test_harm_within_the_margin_is_none():
    metrics = [metric_by_hand("spend"), metric_by_hand("errors", "guardrail", direction="decrease", margin=2.0)]
    assert only(watch(units(harm=1), metrics=metrics), "guardrail_harm")[0]["alarm"] is False


def test_a_guardrail_without_margin_is_watched_for_any_harm():
    metrics = [metric_by_hand("spend"), metric_by_hand("errors", "guardrail", direction="decrease")]
    row = only(watch(units(harm=1), metrics=metrics), "guardrail_harm")[0]
    assert row["alarm"] is True
    assert "no margin is declared" in row["statement"]


def test_the_error_rate_of_harm_is_shared_by_guardrails_and_arms():
    metrics = [
        metric_by_hand("spend"),
        metric_by_hand("errors", "guardrail", direction="decrease", margin=0.1),
        metric_by_hand("won", "guardrail", "proportion", margin=0.1),
    ]
    assert only(watch(units(), metrics=metrics), "guardrail_harm")[0]["threshold"] == 0.025


def test_a_lost_tenth_of_an_arm_is_a_mismatch_and_no_effect_is_told():
    rows = watch(units(n=20_000, share=0.45))
    ratio = only(rows, "sample_ratio")[0]
    assert ratio["alarm"] is True
    assert ratio["p_value"] < POLICY.sample_ratio.threshold
    effect = only(rows, "effect", "spend")[0]
    assert effect["estimate"] is None
    assert "not told, because" in effect["statement"]
    assert not [row for row in rows if row["check"] in {"novelty", "segment_anomaly"}]


def test_the_smallest_p_value_of_all_looks_counts():
    p_values = [row["p_value"] for row in watch(units(share=0.47)) if row["check"] == "sample_ratio"]
    assert p_values == sorted(p_values, reverse=True)


def test_what_forbids_effects_forbids_them_here_too():
    rows = watch(units(), conditions={"changed_mid_test": "the prompt"})
    assert "the prompt" in only(rows, "effect", "spend")[0]["statement"]
    assert only(rows, "sample_ratio")[0]["alarm"] is False
    assert not [row for row in rows if row["check"] == "novelty"]


def test_a_harmed_segment_is_an_anomaly_after_correction():
    source = units(n=8000)
    hit = (np.asarray(source.segments["country"]) == "fr") & (np.asarray(source.arm) == "treatment")
    source = replace(source, columns={**source.columns, "spend": np.asarray(source.columns["spend"]) - 0.6 * hit})
    rows = {row["segment"]: row for row in watch(source, segments=["country"], sample={"planned": 8000})
            if row["check"] == "segment_anomaly" and row["metric"] == "spend"}  # fmt: skip
    assert rows["country = fr"]["alarm"] is True
    assert rows["country = de"]["alarm"] is False


def test_a_small_segment_is_not_told():
    source = units()
    country = np.asarray(source.segments["country"]).astype("U8")
    country[:20] = "tiny"
    source = replace(source, segments={"country": country})
    row = next(row for row in watch(source, segments=["country"]) if row["segment"] == "country = tiny")
    assert row["alarm"] is None
    assert "a look needs 50" in row["statement"]


def test_a_dimension_of_too_many_values_is_left_out():
    source = replace(units(), segments={"country": [f"c{i % 300}" for i in range(4000)]})
    assert not [row for row in watch(source, segments=["country"]) if row["check"] == "segment_anomaly"]


def test_a_metric_that_moves_in_the_control_arm_drifts():
    source = units(n=6000)
    day = np.asarray(source.day)
    moved = replace(source, columns={**source.columns, "spend": np.asarray(source.columns["spend"]) + 1.0 * (day > 9)})
    assert only(watch(moved), "metric_drift", "spend")[0]["alarm"] is True
    assert only(watch(source), "metric_drift", "spend")[0]["alarm"] is False


def test_a_weekly_rhythm_is_no_drift():
    source = units(n=6000)
    weekend = np.asarray(source.day) % 7 >= 5
    rhythm = replace(source, columns={**source.columns, "spend": np.asarray(source.columns["spend"]) + 1.0 * weekend})
    assert only(watch(rhythm), "metric_drift", "spend")[0]["alarm"] is False


def test_two_weeks_are_needed_to_tell_a_drift():
    row = only(watch(units(days=10)), "metric_drift", "spend")[0]
    assert row["alarm"] is None
    assert "14 are needed" in row["statement"]


def test_days_left_follow_from_the_last_week():
    row = only(watch(units(n=2800, days=28), sample={"planned": 3800}), "progress")[0]
    assert row["days_left"] == pytest.approx(10, abs=2)
    assert only(watch(units(n=4000)), "progress")[0]["days_left"] == 0
    assert "no sample is planned" in only(watch(units(), sample=None), "progress")[0]["statement"]


def test_looks_are_thinned_to_the_policys_number():
    thin = POLICY.model_copy(update={"monitoring": POLICY.monitoring.model_copy(update={"maximum_looks": 5})})
    rows = monitoring_rows(experiment(), opened_by_hand(units()), thin, "e" * 16)
    looks = [row for row in rows if row["check"] == "effect" and row["metric"] == "spend"]
    assert [row["look"] for row in looks] == [1, 2, 3, 4, 5]
    assert [row["latest"] for row in looks] == [False] * 4 + [True]


def test_statistics_per_arm_are_one_look_without_time():
    source = SummaryByHand(
        {"control": 500, "treatment": 520},
        {"won": {"control": proportion_moments("won", 90, 500), "treatment": proportion_moments("won", 135, 520)}},
    )
    rows = watch(source, metrics=[metric_by_hand("won", kind="proportion")], sample={"planned": 1020})
    assert {row["check"] for row in rows} == {"sample_ratio", "effect", "progress"}
    assert all(row["looked_at"] is None for row in rows)
    assert only(rows, "effect")[0]["estimate"] == pytest.approx(135 / 520 - 90 / 500)


def test_means_without_variance_get_no_interval():
    arms = {
        name: ArmMoments.from_aggregates(n, {"m": x}, {"m": None})
        for name, n, x in (("control", 300, 42.0), ("treatment", 310, 29.0))
    }
    source = SummaryByHand({"control": 300, "treatment": 310}, {"m": arms})
    row = only(watch(source, metrics=[metric_by_hand("m", direction="decrease")]), "effect")[0]
    assert row["low"] is None
    assert row["estimate"] == -13.0
    assert "no variance is known" in row["statement"]


def test_infinite_values_and_quantiles_are_told_as_such():
    rows = watch(units(integrity=Integrity(infinite_values={"spend": 2})))
    assert "infinite values" in only(rows, "effect", "spend")[0]["statement"]
    quantile = [metric_by_hand("spend", kind="quantile", quantile=0.9)]
    assert "at the end only" in only(watch(units(), metrics=quantile), "effect")[0]["statement"]


def test_three_arms_are_watched_against_the_control():
    rng = np.random.default_rng(0)
    arm = rng.choice(["control", "a", "b"], 6000)
    source = UnitsByHand(arm, {"spend": rng.exponential(1, 6000)}, day=rng.integers(0, 21, 6000))
    rows = watch(source, arms=("control", "a", "b"), metrics=[metric_by_hand("spend")], sample={"planned": 6000})
    assert {row["arm"] for row in rows if row["check"] == "effect"} == {"a", "b"}
    assert only(rows, "novelty")[0]["threshold"] == POLICY.monitoring.novelty_alpha / 2


def test_one_empty_arm_has_no_interval():
    source = units()
    empty = replace(source, arm=np.full(np.asarray(source.arm).size, "control"), names=("control", "treatment"))
    rows = watch(empty)
    assert only(rows, "sample_ratio")[0]["alarm"] is True
    assert only(rows, "effect", "spend")[0]["low"] is None


def test_nothing_has_no_rows():
    assert watch(None) == []


def test_the_same_evidence_gives_the_same_rows_and_every_number_is_finite():
    rows = watch(units(effect=0.2), segments=["country"])
    again = watch(units(effect=0.2), segments=["country"])
    assert json.dumps(rows, default=str) == json.dumps(again, default=str)
    assert all(not isinstance(value, float) or math.isfinite(value) for row in rows for value in row.values())


def panel(treated_periods):
    adoption = [5, 5, 10**6]
    return panel_by_hand({"spend": np.arange(3.0 * (5 + treated_periods)).reshape(3, -1)}, adoption)


@pytest.mark.parametrize(
    ("status", "periods", "told"),
    [
        ("running", 3, "3 of them since the change; effects are read after 2 treated periods of 3 so far"),
        ("running", 3, "Between looks nothing is followed: harm, drift and novelty are not watched."),
        ("running", 0, "none of them treated yet; effects are read after 1, 2, 4, … treated periods"),
        ("concluded", 3, "It has ended: its effects are read once."),
    ],
)
def test_of_panels_it_is_told_when_they_are_read_and_what_is_not_followed(status, periods, told):
    rows = watch(panel(periods), design="rollout", status=status, metrics=[metric_by_hand("spend")], sample=None)
    assert [(row["check"], row["units"], row["alarm"]) for row in rows] == [("progress", 3, None)]
    assert told in rows[0]["statement"]
