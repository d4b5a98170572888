"""Trends of short series, against published examples, enumeration and the exact Kendall distribution."""

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eaas_assets.stats.intervals import Interval, undefined
from eaas_assets.stats.trend import direction, theil_sen


def score(times, values):
    n = len(values)
    return sum(np.sign(times[j] - times[i]) * np.sign(values[j] - values[i]) for i in range(n) for j in range(i + 1, n))


def test_sens_own_example():
    """Sen 1968, his example: slope 4, interval 26/7 to 35/8, between the 4th slope from either end.

    Sen calls it a 93 % interval, which is cautious: of the 5,040 orders of 7 errors 76 leave at most 3 of
    the 21 slopes below the truth, so it covers 97.0 %. One slope further in, 174 do: 93.1 %.
    """
    values, times = [9, 15, 19, 20, 45, 55, 78], [1, 2, 3, 4, 10, 12, 18]
    assert theil_sen(values, times).slope == pytest.approx(4)
    for level in (1 - 2 * 76 / 5040 - 1e-9, 0.94):
        assert theil_sen(values, times, level).interval[:2] == pytest.approx((26 / 7, 35 / 8))
    assert theil_sen(values, times, 0.93).interval[:2] == pytest.approx((15 / 4, 46 / 11))


@pytest.mark.parametrize("n", [4, 9, 25])
def test_p_value_matches_the_exact_kendall_distribution(n):
    values = np.random.default_rng(n).normal(size=n)
    trend = theil_sen(values)
    assert trend.p_value == pytest.approx(stats.kendalltau(np.arange(n), values, method="exact").pvalue)
    assert trend.exact


@settings(deadline=None, max_examples=50)
@given(values=st.lists(st.integers(0, 3), min_size=4, max_size=6), data=st.data())
def test_p_value_with_ties_is_the_share_of_all_orders(values, data):
    times = data.draw(st.lists(st.integers(0, 3), min_size=len(values), max_size=len(values)))
    for when in (list(range(len(values))), times):
        if len(set(when)) == 1:
            continue
        observed = abs(score(when, values))
        scores = [abs(score(when, order)) for order in permutations(values)]
        assert theil_sen(values, when).p_value == pytest.approx(np.mean(np.array(scores) >= observed))


def test_long_series_with_ties_on_both_sides_approach_their_permutation_distribution():
    rng = np.random.default_rng(4)
    times, values = np.repeat(np.arange(10), 2), rng.integers(0, 4, size=20)
    trend = theil_sen(values, times)
    observed = abs(score(times, values))
    later, earlier = np.triu_indices(20, 1)
    signs = np.sign(times[later] - times[earlier])
    orders = rng.permuted(np.tile(values, (20_000, 1)), axis=1)
    shuffled = (signs * np.sign(orders[:, later] - orders[:, earlier])).sum(axis=1)
    assert trend.p_value == pytest.approx(np.mean(np.abs(shuffled) >= observed), abs=0.02)
    assert not trend.exact


def test_long_series_agree_with_scipys_normal_approximation():
    values = np.random.default_rng(6).normal(size=200) + 0.002 * np.arange(200)
    trend, theirs = theil_sen(values), stats.theilslopes(values)
    assert trend.slope == pytest.approx(theirs.slope)
    assert trend.interval[:2] == pytest.approx((theirs.low_slope, theirs.high_slope), abs=1e-4)


def test_exact_and_normal_ranks_meet_where_the_method_changes():
    values = np.random.default_rng(10).normal(size=61)
    widths = [theil_sen(values[:n]).interval.high - theil_sen(values[:n]).interval.low for n in (60, 61)]
    assert widths[0] == pytest.approx(widths[1], rel=0.1)


def test_too_few_points_are_refused_and_four_have_no_interval():
    assert "at least 4" in theil_sen([1, 2, 3]).reason
    assert math.isnan(theil_sen([1, 2, 3]).slope)
    four = theil_sen([1, 2, 3, 4])
    assert four.slope == 1
    assert four.p_value == pytest.approx(2 / 24)
    assert math.isnan(four.interval.low)
    assert "95%" in four.reason
    assert direction(four.interval).call == "undetermined"
    assert theil_sen([1, 2, 3, 4], level=0.9).interval[:2] == (1, 1)
    assert "same time" in theil_sen([1, 2, 3, 4], [7, 7, 7, 7]).reason


@given(
    values=st.lists(st.integers(-50, 50), min_size=5, max_size=15, unique=True),
    shift=st.integers(-9, 9),
    factor=st.sampled_from([-3.0, 0.5, 7.0]),
)
def test_slope_follows_the_scale_of_values_and_times(values, shift, factor):
    plain = theil_sen(values)
    scaled = theil_sen([factor * v + shift for v in values], [2.0 * t + 100 for t in range(len(values))])
    bounds = sorted(factor / 2 * bound for bound in plain.interval[:2])
    assert scaled.slope == pytest.approx(factor / 2 * plain.slope, abs=1e-9)
    assert scaled.interval[:2] == pytest.approx(bounds, abs=1e-9)
    assert scaled.p_value == pytest.approx(plain.p_value)


def test_the_order_of_rows_does_not_matter():
    times, values = np.array([5.0, 1.0, 3.0, 9.0, 7.0, 2.0]), np.array([0.2, 0.9, 0.5, 0.1, 0.4, 0.6])
    order = np.argsort(times)
    shuffled, sorted_rows = theil_sen(values, times), theil_sen(values[order], times[order])
    assert shuffled[0:1] + shuffled[2:] == sorted_rows[0:1] + sorted_rows[2:]
    assert shuffled.interval == sorted_rows.interval


def test_directions_respect_what_is_better():
    up, down, flat = Interval(0.1, 0.3, 0.95), Interval(-0.3, -0.1, 0.95), Interval(-0.1, 0.2, 0.95)
    assert [direction(i).call for i in (up, down, flat)] == ["improving", "declining", "stable"]
    assert [direction(i, "lower").call for i in (up, down, flat)] == ["declining", "improving", "stable"]
    assert direction(undefined(0.95)).reason == "too few runs: the slope has no interval"


def test_stable_within_a_tolerance_must_be_shown():
    assert direction(Interval(-0.01, 0.02, 0.95), tolerance=0.05).call == "stable"
    assert direction(Interval(-0.1, 0.2, 0.95), tolerance=0.05).call == "undetermined"
    assert direction(Interval(0.01, 0.02, 0.95), tolerance=0.05).call == "stable"
    assert direction(Interval(0.01, 0.2, 0.95), tolerance=0.05).call == "improving"


def test_pass_rates_of_few_scenarios_that_rise_in_steps_are_called_improving():
    trend = theil_sen([0.8, 0.8, 0.8, 0.9, 0.9, 0.9, 1.0, 1.0])
    assert trend.interval.low == 0  # repeated values: the interval alone ends at 0
    assert direction(trend.interval, p_value=trend.p_value).call == "improving"
    assert direction(trend.interval, "lower", p_value=trend.p_value).call == "declining"
    falling = theil_sen([1.0, 1.0, 0.9, 0.9, 0.9, 0.8, 0.8, 0.8])
    assert direction(falling.interval, p_value=falling.p_value).call == "declining"


def test_a_series_that_never_changes_is_stable():
    trend = theil_sen([1.0] * 6)
    assert (trend.slope, trend.interval[:2], trend.p_value) == (0, (0, 0), 1)
    assert direction(trend.interval, p_value=trend.p_value).call == "stable"


@pytest.mark.parametrize(("n", "level"), [(4, 0.9), (5, 0.95), (6, 0.95), (6, 0.8)])
def test_interval_covers_at_its_level_over_all_orders_of_the_errors(n, level):
    """Every order of the errors is equally likely, so coverage of the true slope 0 is a count, not a simulation."""
    errors = np.cumsum(np.sqrt(np.arange(1, n + 1)))
    orders = list(permutations(errors))
    covered = sum(low <= 0 <= high for low, high, _ in (theil_sen(order, level=level).interval for order in orders))
    assert level <= covered / len(orders) < 1


def test_unequal_lengths_and_missing_values_are_refused():
    with pytest.raises(ValueError, match="must be equal"):
        theil_sen([1, 2, 3, 4], [1, 2, 3])
    with pytest.raises(ValueError, match="finite"):
        theil_sen([1, 2, math.nan, 4])


@pytest.mark.parametrize("n", [5, 7, 12])
def test_noise_is_called_a_trend_no_more_often_than_the_level_allows(n):
    rng = np.random.default_rng(30 + n)
    calls = 0
    for _ in range(800):
        trend = theil_sen(rng.binomial(10, 0.85, size=n) / 10)
        calls += direction(trend.interval, p_value=trend.p_value).call != "stable"
    assert calls / 800 < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 800)


@pytest.mark.slow
@pytest.mark.parametrize("n", [5, 6, 8, 12, 20])
def test_slope_interval_covers(n):
    rng = np.random.default_rng(40 + n)
    times = np.cumsum(rng.exponential(size=n))
    hits = 0
    for _ in range(3000):
        low, high, _ = theil_sen(0.3 * times + rng.standard_t(3, size=n), times).interval
        hits += low <= 0.3 <= high
    assert hits / 3000 > 0.95 - 3 * math.sqrt(0.05 * 0.95 / 3000)
