"""What must hold for any data: nothing depends on names, order or unit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets_tests.experiments.impact.asking import both_tables
from eaas_assets_tests.experiments.observations_by_hand import UnitsByHand, experiment_by_hand, metric_by_hand

ARMS = ("control", "treatment")
seeds = st.integers(0, 10_000)
KINDS = {
    "mean": metric_by_hand(column="spend"),
    "ratio": metric_by_hand(kind="ratio", numerator="spend", denominator="views"),
    "quantile": metric_by_hand(kind="quantile", quantile=0.8, column="spend"),
    "proportion": metric_by_hand(kind="proportion", column="bought"),
    "adjusted": metric_by_hand(column="spend", covariate="views"),
}
values_of_any_size = st.floats(-1e9, 1e9) | st.sampled_from([0.0, 1.0, math.nan, 1e-300, 1e77, 1e101, -1e160, 1e300])
kinds = st.sampled_from(sorted(KINDS))


def drawn(seed, n=120):
    rng = np.random.default_rng(seed)
    arm = rng.permutation(np.repeat(ARMS, n // 2))
    views = 1.0 + rng.poisson(4.0, n)
    spend = rng.normal(5.0, 2.0, n) + 0.3 * views + rng.normal(0.0, 1.0) * (arm == "treatment")
    return arm, {"spend": spend, "views": views, "bought": (rng.random(n) < 0.4).astype(float)}


def row_of(kind, arm, columns, arms=ARMS):
    experiment = experiment_by_hand(metrics=[KINDS[kind]], arms=arms)
    return both_tables(experiment, UnitsByHand(arm, columns, names=arms))[0][0]


@settings(max_examples=25)
@given(seeds, kinds)
def test_swapping_the_arms_flips_the_signs(seed, kind):
    arm, columns = drawn(seed)
    one, other = row_of(kind, arm, columns), row_of(kind, arm, columns, ("treatment", "control"))
    assert one["estimate"] == pytest.approx(-other["estimate"], abs=1e-12)
    assert (one["low"], one["high"]) == pytest.approx((-other["high"], -other["low"]), abs=1e-9)
    assert one["p_value"] == pytest.approx(other["p_value"], abs=1e-9)
    swapped = {"improved": "harmed", "harmed": "improved"}
    assert one["verdict"] == swapped.get(other["verdict"], other["verdict"])


@settings(max_examples=25)
@given(seeds, st.sampled_from(["mean", "ratio", "quantile", "adjusted"]), st.floats(1e-3, 1e3))
def test_scaling_the_metric_scales_the_effect_and_nothing_else(seed, kind, factor):
    arm, columns = drawn(seed)
    one = row_of(kind, arm, columns)
    scaled = row_of(kind, arm, {**columns, "spend": columns["spend"] * factor})
    for name in ("estimate", "low", "high", "se", "detectable_effect"):
        assert scaled[name] == pytest.approx(factor * one[name], rel=1e-6, abs=1e-9 * factor)
    assert scaled["p_value"] == pytest.approx(one["p_value"], rel=1e-6)
    assert scaled["relative"] == pytest.approx(one["relative"], rel=1e-6, abs=1e-9)


@settings(max_examples=25)
@given(seeds, kinds)
def test_the_order_of_the_rows_does_not_matter(seed, kind):
    arm, columns = drawn(seed)
    order = np.random.default_rng(seed + 1).permutation(arm.size)
    one = row_of(kind, arm, columns)
    other = row_of(kind, arm[order], {name: column[order] for name, column in columns.items()})
    for name in ("estimate", "low", "high", "p_value"):
        assert other[name] == pytest.approx(one[name], rel=1e-9, abs=1e-12)


@settings(max_examples=25)
@given(seeds, kinds)
def test_interval_p_value_benefit_and_verdict_agree(seed, kind):
    row = row_of(kind, *drawn(seed))
    excludes_zero = row["low"] > 0.0 or row["high"] < 0.0
    assert (row["p_value"] < 0.05) is excludes_zero
    assert (row["verdict"] in ("improved", "harmed")) is excludes_zero
    assert row["benefit"] == row["estimate"]
    assert row["low"] <= row["estimate"] <= row["high"]


@settings(max_examples=10)
@given(seeds, st.integers(2, 5))
def test_corrected_p_values_are_never_smaller(seed, arms):
    rng = np.random.default_rng(seed)
    names = ("control", *(f"arm_{number}" for number in range(arms)))
    arm = np.tile(names, 40)
    labels = rng.choice(["a", "b", "c"], arm.size)
    metrics = [metric_by_hand(), metric_by_hand("x", "secondary"), metric_by_hand("y", "secondary")]
    columns = {name: rng.normal(0.0, 1.0, arm.size) for name in ("spend", "x", "y")}
    experiment = experiment_by_hand(arms=names, metrics=metrics, segments=["kind"])
    rows, segments = both_tables(experiment, UnitsByHand(arm, columns, {"kind": labels}, names=names))
    assert all(row["p_adjusted"] >= row["p_value"] - 1e-15 for row in rows)
    assert all(row["p_harm_adjusted"] >= row["p_harm"] - 1e-15 for row in segments)


@settings(max_examples=25)
@given(st.lists(values_of_any_size, max_size=12), seeds)
def test_whatever_the_values_there_is_a_row_with_an_interval_or_a_reason(values, seed):
    rng = np.random.default_rng(seed)
    arm = rng.choice(ARMS, len(values)) if values else np.array([], dtype=str)
    metrics = [metric_by_hand(), metric_by_hand("slow", "secondary", "quantile", quantile=0.9, column="spend")]
    rows, _ = both_tables(experiment_by_hand(metrics=metrics), UnitsByHand(arm, {"spend": values}, names=ARMS))
    for row in rows:
        assert (row["refusal_code"] is None) == (row["low"] is not None)
        assert all(row[name] is None or math.isfinite(row[name]) for name in ("estimate", "se", "p_value", "relative"))
        assert row["statement"].endswith(".")


def test_the_same_evidence_gives_the_same_rows():
    arm, columns = drawn(1)
    experiment = experiment_by_hand(metrics=[KINDS["mean"]], segments=["kind"])
    source = UnitsByHand(arm, columns, {"kind": np.tile(["a", "b"], 60)}, names=ARMS)
    assert both_tables(experiment, source) == both_tables(experiment, source)
