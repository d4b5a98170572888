import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eaas_assets.stats.experiments.quantile_metric import (
    QuantileArm,
    effective_size,
    quantile_arm,
    quantile_difference,
    quantile_probabilities,
)


@pytest.mark.parametrize(("n", "quantile"), [(50, 0.5), (200, 0.9), (1_000, 0.99)])
def test_limits_enclose_the_exact_order_statistic_interval(n, quantile):
    """The largest l and smallest u with binomial tails of at most 2.5 % are never more than one rank away."""
    probabilities = quantile_probabilities(n, quantile)
    low, high = (1 + p * (n - 1) for p in (probabilities.low, probabilities.high))
    exact_low = stats.binom.ppf(0.025, n, quantile)
    exact_high = stats.binom.ppf(0.975, n, quantile) + 1
    assert exact_low - 1e-9 <= low <= exact_low + 1
    assert exact_high - 1 <= high <= exact_high + 1e-9


def test_a_database_s_quantiles_give_the_same_effect_as_the_array():
    rng = np.random.default_rng(0)
    arrays = [rng.lognormal(size=n) for n in (300, 500)]
    arms = []
    for values in arrays:
        probabilities = quantile_probabilities(values.size, 0.9)
        low, value, high = np.quantile(values, probabilities)
        arms.append(QuantileArm(values.size, float(value), float(low), float(high)))
    from_arrays = [quantile_arm(values, 0.9) for values in arrays]
    assert quantile_difference(*arms, 0.9) == quantile_difference(*from_arrays, 0.9)


@given(st.integers(0, 10_000), st.sampled_from([0.25, 0.5, 0.9]))
@settings(max_examples=25, deadline=None)
def test_order_does_not_matter_swapped_labels_flip_the_sign_and_units_scale(seed, quantile):
    rng = np.random.default_rng(seed)
    first, second = rng.lognormal(0.3, 1, 80), rng.lognormal(0, 1, 60)
    effect = quantile_difference(quantile_arm(first, quantile), quantile_arm(second, quantile), quantile)
    swapped = quantile_difference(
        quantile_arm(second, quantile), quantile_arm(rng.permutation(first), quantile), quantile
    )
    assert (swapped.low, swapped.high) == pytest.approx((-effect.high, -effect.low), rel=1e-9)
    scaled = quantile_difference(quantile_arm(5 * first, quantile), quantile_arm(5 * second, quantile), quantile)
    assert scaled.low == pytest.approx(5 * effect.low, rel=1e-9)
    assert scaled.relative[:3] == pytest.approx(effect.relative[:3], rel=1e-9)
    assert scaled.p_value == pytest.approx(effect.p_value, rel=1e-9)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_interval_p_value_and_relative_effect_agree_about_zero(seed):
    rng = np.random.default_rng(seed)
    arms = [quantile_arm(rng.gamma(3, size=40) + shift, 0.5) for shift in (1.0, 0.2)]
    effect = quantile_difference(*arms, 0.5)
    significant = effect.p_value < 0.05
    assert (effect.low > 0 or effect.high < 0) == significant
    assert (effect.relative.low > 0 or effect.relative.high < 0) == significant


def test_symmetric_limits_give_zou_and_donner_s_root_of_squares():
    effect = quantile_difference(QuantileArm(99, 10.0, 7.0, 13.0), QuantileArm(99, 8.0, 4.0, 12.0), 0.5)
    assert (effect.low, effect.high) == pytest.approx((-3.0, 7.0))


def test_negative_quantiles_keep_the_sign_of_the_change():
    effect = quantile_difference(QuantileArm(99, -8.0, -8.5, -7.6), QuantileArm(99, -10.0, -10.2, -9.7), 0.5)
    assert effect.estimate > 0
    assert effect.relative.estimate == pytest.approx(0.2)
    assert 0 < effect.relative.low < 0.2 < effect.relative.high


def test_clustered_observations_count_for_less():
    rng = np.random.default_rng(1)
    users = np.repeat(np.arange(200), 20)
    latency = np.exp(rng.normal(size=200)[users] + 0.3 * rng.normal(size=users.size))
    size = effective_size(latency <= np.quantile(latency, 0.9), users)
    assert 150 < size < 800
    clustered, naive = quantile_arm(latency, 0.9, clusters=users), quantile_arm(latency, 0.9)
    assert clustered.n == 200
    assert clustered.high - clustered.low > 1.8 * (naive.high - naive.low)


def test_independent_observations_count_fully():
    rng = np.random.default_rng(2)
    values = rng.normal(size=3_000)
    assert effective_size(values <= 0.0, np.arange(3_000)) == pytest.approx(3_000, rel=0.01)


def test_ties_and_small_arms_are_refused():
    tied = quantile_arm(np.repeat([1.0, 5.0], [10, 190]), 0.5)
    assert quantile_difference(tied, tied, 0.5).codes == ("ties_at_quantile",)
    small = quantile_arm(np.arange(20.0), 0.99)
    large = quantile_arm(np.arange(5_000.0), 0.99)
    assert quantile_difference(small, large, 0.99).codes == ("too_few_units",)
    assert quantile_difference(quantile_arm([], 0.5), large, 0.5).codes == ("empty_arm",)
    assert quantile_difference(quantile_arm([1.0, math.inf], 0.5), large, 0.5).codes == ("not_finite",)
    few = quantile_arm(np.arange(100.0), 0.5, clusters=np.repeat(np.arange(10), 10))
    assert quantile_difference(few, large, 0.5).codes == ("too_few_units",)


def test_a_baseline_around_zero_has_no_relative_effect():
    effect = quantile_difference(QuantileArm(99, 3.0, 2.0, 4.0), QuantileArm(99, 0.1, -1.0, 1.0), 0.5)
    assert effect.answered
    assert effect.codes == ("baseline_near_zero",)


def test_wrong_calls_are_errors():
    with pytest.raises(ValueError, match="quantile"):
        quantile_probabilities(100, 95)
    with pytest.raises(ValueError, match="one-dimensional"):
        quantile_arm(np.ones((2, 2)), 0.5)
