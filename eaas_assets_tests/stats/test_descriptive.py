"""Percentiles and decimal comparisons."""

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.stats.descriptive import at_least, difference_exact, falls_by, p95, percentile


@given(
    values=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60), percent=st.sampled_from([1, 10, 50, 90, 95, 99.9])
)
def test_percentile_is_the_smallest_value_that_enough_do_not_exceed(values, percent):
    found = percentile(values, percent)
    share = Decimal(str(percent)) / 100
    assert found in values
    assert sum(v <= found for v in values) >= share * len(values)
    below = [v for v in values if v < found]
    assert not below or sum(v <= max(below) for v in values) < share * len(values)


@pytest.mark.parametrize(("n", "expected"), [(1, 1), (19, 19), (20, 19), (40, 38), (100, 95), (140, 133), (1000, 950)])
def test_p95_counts_ranks_without_rounding_errors(n, expected):
    assert p95(np.arange(1, n + 1)) == expected


def test_percentile_of_nothing_is_nan_and_impossible_ranks_are_refused():
    assert math.isnan(p95([]))
    for percent in (0, 101, math.nan):
        with pytest.raises(ValueError, match="percent"):
            percentile([1.0], percent)


def test_a_fall_from_35_to_25_percent_triggers_a_rule_of_10_points():
    assert 0.35 - 0.25 < 0.10  # what binary floating point says
    assert falls_by(0.35, 0.25, 0.10) is True
    assert at_least(0.35 - 0.25, 0.10) is True
    assert difference_exact(0.35, 0.25) == 0.1
    assert falls_by(0.35, 0.2501, 0.10) is False


@given(before=st.integers(0, 1000), after=st.integers(0, 1000), points=st.integers(-1000, 1000))
def test_shares_of_a_thousand_compare_like_their_counts(before, after, points):
    assert falls_by(before / 1000, after / 1000, points / 1000) == (before - after >= points)
    assert difference_exact(before / 1000, after / 1000) == (before - after) / 1000
    assert at_least(before / 1000, after / 1000) == (before >= after)


@given(n=st.integers(1, 300), data=st.data())
def test_computed_shares_compare_like_their_counts(n, data):
    before, after = data.draw(st.integers(0, n)), data.draw(st.integers(0, n))
    assert falls_by(before / n, after / n, (before - after) / n) is True
    assert falls_by(before / n, after / n, (before - after + 1) / n) is False
    assert falls_by(before / n, after / n, (before - after) / n - 1e-9) is True


def test_means_that_carry_rounding_errors_still_reach_their_threshold():
    assert sum([0.1] * 3) / 3 != 0.1
    assert at_least(0.1, sum([0.1] * 3) / 3) is True
    assert at_least(sum([0.1] * 8) / 8, 0.1) is True


def test_integers_and_decimals_compare_exactly_at_any_size():
    assert at_least(10**20 + 1, 10**20 + 2) is False
    assert at_least(Decimal("0.1000000000000000000001"), Decimal("0.1")) is True
    assert at_least(Decimal("0.0999999999999999999999"), Decimal("0.1")) is False
    assert at_least(np.int64(5), 5) is True
    assert falls_by(Decimal("19.99"), Decimal("9.99"), 10) is True


def test_unknown_is_not_no():
    for unknown in (None, math.nan, Decimal("nan")):
        assert at_least(unknown, 1) is None
        assert falls_by(1, unknown, 0) is None
        assert math.isnan(difference_exact(1, unknown))


def test_infinities_compare_and_their_difference_is_undefined():
    assert at_least(math.inf, 1e300) is True
    assert at_least(0, -math.inf) is True
    assert falls_by(math.inf, 1, 5) is True
    assert falls_by(math.inf, math.inf, 0) is None
    assert math.isnan(difference_exact(math.inf, math.inf))
    assert difference_exact(1, -math.inf) == math.inf
