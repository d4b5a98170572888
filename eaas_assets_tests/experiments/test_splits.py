"""Splits have their size and are fair; p-values of all splits at once are those of the estimators one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.contracts.experiment import Metric
from eaas_assets.experiments.impact.paired import paired_effect
from eaas_assets.experiments.impact.randomised import effect_of_units
from eaas_assets.experiments.observations.access import PairedData
from eaas_assets.experiments.splits import (
    moment_p_values,
    pair_p_values,
    quantile_p_values,
    some_families,
    splits,
    swapped_pairs,
)
from eaas_assets.stats.experiments.moments import ArmMoments
from eaas_assets.stats.experiments.proportions import proportion_difference
from eaas_assets.stats.experiments.quantile_metric import quantile_arm, quantile_difference
from eaas_assets_tests.experiments.observations_by_hand import metric_by_hand


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 300), st.floats(0.05, 0.95), st.integers(1, 120), st.integers(0, 2**32 - 1))
def test_every_split_has_exactly_its_size(n, share, replays, seed):
    size = min(max(1, round(n * share)), n - 1)
    blocks = list(splits(np.random.default_rng(seed), n, size, replays))
    assert sum(block.shape[0] for block in blocks) == replays
    assert all((block.sum(axis=1) == size).all() for block in blocks)


def test_every_unit_and_every_pair_of_units_is_equally_often_together():
    inside = np.concatenate(list(splits(np.random.default_rng(0), 6, 2, 15_000)))
    together = inside.T.astype(float) @ inside
    pairs = together[np.triu_indices(6, 1)]
    # 15 pairs, each expected 1,000 times: chi-squared with 14 degrees of freedom, 36.1 at one in a thousand.
    assert ((pairs - 1000) ** 2 / 1000).sum() < 36.1


@pytest.mark.parametrize("share", [0.5, 0.25])
@pytest.mark.parametrize(
    ("more", "names"),
    [
        ({}, ("m",)),
        ({"covariate": "x"}, ("m", "m.covariate")),
        ({"kind": "ratio", "numerator": "a", "denominator": "b"}, ("m.numerator", "m.denominator")),
        (
            {"kind": "ratio", "numerator": "a", "denominator": "b", "covariate": "x"},
            ("m.numerator", "m.denominator", "m.covariate"),
        ),
        ({"kind": "proportion", "covariate": "x"}, ("m", "m.covariate")),
    ],
    ids=["mean", "adjusted", "ratio", "adjusted ratio", "adjusted proportion"],
)
def test_p_values_are_those_of_the_estimators(more, names, share):
    metric = Metric(**metric_by_hand("m", **more))
    rng = np.random.default_rng(4)
    base = rng.lognormal(0, 1, 400)
    made = {"m": base, "m.covariate": base + rng.normal(size=400), "m.numerator": base, "m.denominator": base + 5}
    if metric.kind == "proportion":
        made["m"] = (base > 1.0).astype(float)
    columns = {name: made[name] for name in names}
    found = moment_p_values(metric, columns, share, 12, np.random.default_rng(9))
    expected = []
    for block in splits(np.random.default_rng(9), 400, round(400 * share), 12):
        for row in block:
            arms = [
                ArmMoments.from_arrays(**{name: column[side] for name, column in columns.items()})
                for side in (row, ~row)
            ]
            expected.append(effect_of_units(metric, arms[0], arms[1], 0.95).p_value)
    assert found == pytest.approx(expected, rel=1e-7)


def test_p_values_of_a_proportion_are_those_of_the_score_test():
    metric = Metric(**metric_by_hand("m", kind="proportion"))
    columns = {"m": np.repeat([1.0, 0.0], [4, 16])}
    found = set(np.round(moment_p_values(metric, columns, 0.5, 3_000, np.random.default_rng(0)), 9))
    every = {round(proportion_difference(a, 10, b, 10).p_value, 9) for a in range(11) for b in range(11)}
    assert found <= every
    assert round(proportion_difference(2, 10, 2, 10).p_value, 9) in found


@pytest.mark.parametrize(("units", "successes"), [(400, 4), (120, 10), (200, 30), (2_000, 8)])
def test_a_rare_or_small_proportion_is_not_accused(units, successes):
    """With fixed successes the score test finds 12.3, 9.5, 7.3, 7.0 % in these; over experiments it keeps to 5 %."""
    metric = Metric(**metric_by_hand("m", kind="proportion"))
    columns = {"m": np.repeat([1.0, 0.0], [successes, units - successes])}
    found = moment_p_values(metric, columns, 0.5, 4_000, np.random.default_rng(1))
    assert np.mean(found < 0.05) < 0.05 + 3.0 * np.sqrt(0.05 * 0.95 / 4_000)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_proportion_without_variation_finds_nothing(value):
    metric = Metric(**metric_by_hand("m", kind="proportion"))
    assert (moment_p_values(metric, {"m": np.full(300, value)}, 0.5, 50, np.random.default_rng(0)) == 1.0).all()


def test_quantile_p_values_are_those_of_the_estimator():
    metric = Metric(**metric_by_hand("m", kind="quantile", quantile=0.8))
    values = np.random.default_rng(0).exponential(1, 301)
    found = quantile_p_values(metric, values, 0.4, 0.95, 7, np.random.default_rng(3))
    ordered = np.sort(values)
    expected = [
        quantile_difference(quantile_arm(ordered[row], 0.8), quantile_arm(ordered[~row], 0.8), 0.8).p_value
        for block in splits(np.random.default_rng(3), 301, 120, 7)
        for row in block
    ]
    assert found == pytest.approx(expected, rel=1e-9)


def test_swaps_keep_every_pair_and_move_families_as_wholes():
    pairs = PairedData(("a", "b", "c"), np.array([1.0, 2, 3]), np.array([10.0, 20, 30]), np.array([7, 7, 9]), ())
    seen = set()
    for part in swapped_pairs(pairs, 50, np.random.default_rng(0)):
        assert (part.control + part.treatment).tolist() == [11.0, 22.0, 33.0]
        assert (part.control[0] > 9) == (part.control[1] > 19)
        seen.add(tuple(part.control))
    assert len(seen) == 4


def test_p_values_of_swapped_single_trials_are_those_of_the_estimator():
    """The exact test knows only how many pairs changed for the better and how many for the worse."""
    rng = np.random.default_rng(0)
    control, treatment = (rng.random(60) < 0.6) * 1.0, (rng.random(60) < 0.5) * 1.0
    pairs = PairedData(tuple(map(str, range(60))), control, treatment, np.arange(60), ())
    metric = Metric(**metric_by_hand("m", kind="proportion"))
    fast = set(np.round(pair_p_values(metric, pairs, 0.95, 100_000, np.random.default_rng(1)), 12))
    slow = {
        round(paired_effect(metric, part, 0.95).p_value, 12)
        for part in swapped_pairs(pairs, 60, np.random.default_rng(2))
    }
    assert slow <= fast


def test_families_are_drawn_as_wholes():
    family = np.arange(900) // 3
    pairs = PairedData(tuple(map(str, range(900))), np.arange(900.0), np.arange(900.0), family, ())
    some = some_families(pairs, 100, np.random.default_rng(0))
    assert 90 <= some.control.size <= 100
    assert (np.unique(some.clusters, return_counts=True)[1] == 3).all()
    assert some_families(pairs, 900, np.random.default_rng(0)) is pairs
