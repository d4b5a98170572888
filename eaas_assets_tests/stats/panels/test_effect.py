"""The shared result shape: intervals and relative effects."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from eaas_assets.stats.panels.effect import Interval, relative_to_observed, t_interval


def test_t_interval_matches_scipy() -> None:
    ci, p = t_interval(1.5, 0.6, 9.0, 0.9)
    low, high = stats.t.interval(0.9, 9.0, loc=1.5, scale=0.6)
    assert ci == pytest.approx((low, high), rel=1e-12)
    assert p == pytest.approx(2 * stats.t.sf(2.5, 9.0), rel=1e-12)


def test_no_standard_error_gives_no_interval() -> None:
    ci, p = t_interval(1.0, 0.0, 9.0, 0.95)
    assert math.isnan(ci.low)
    assert math.isnan(p)


def test_relative_effect_of_a_positive_baseline() -> None:
    # 12 observed, effect 2: the counterfactual is 10. Bounds 1 and 3 leave 11 and 9.
    counterfactual, relative, ci, why = relative_to_observed(2.0, Interval(1.0, 3.0), 12.0)
    assert (counterfactual, relative, why) == (10.0, 0.2, "")
    assert ci == pytest.approx((1 / 11, 3 / 9))


def test_an_improvement_of_a_negative_baseline_is_positive() -> None:
    # -10 becomes -8: an improvement of 20 % of the baseline's size.
    _, relative, ci, _ = relative_to_observed(2.0, Interval(1.0, 3.0), -8.0)
    assert relative == pytest.approx(0.2)
    assert ci == pytest.approx((1 / 9, 3 / 11))


@pytest.mark.parametrize(
    ("ci", "mean", "why"),
    [
        (Interval(-1.0, 3.0), 2.0, "counterfactual cannot be told from zero"),
        (Interval(math.nan, math.nan), 2.0, "the effect has no interval"),
        (Interval(0.5, 1.5), 1.0, "counterfactual is zero"),
    ],
)
def test_undefined_relative_intervals_say_why(ci: Interval, mean: float, why: str) -> None:
    *_, relative_ci, reason = relative_to_observed(1.0, ci, mean)
    assert reason == why
    assert math.isnan(relative_ci.low)


@given(
    effect=st.floats(-5, 5),
    below=st.floats(0.01, 5),
    above=st.floats(0.01, 5),
    level=st.floats(11, 100),
    up=st.booleans(),
)
def test_relative_and_absolute_intervals_agree_on_zero(
    effect: float, below: float, above: float, level: float, up: bool
) -> None:
    ci = Interval(effect - below, effect + above)
    _, relative, relative_ci, why = relative_to_observed(effect, ci, level if up else -level)
    assert why == ""
    assert relative_ci.low <= relative <= relative_ci.high
    assert (relative_ci.low > 0) == (ci.low > 0)
    assert (relative_ci.high < 0) == (ci.high < 0)
