"""Ranks among placebos, and placebo dates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.stats.panels.placebo import interval_around, placebo_in_time, rank_p_value, rank_reach


def test_the_largest_of_twenty_has_p_one_in_twenty() -> None:
    placebos = np.linspace(-1.0, 1.0, 19)
    assert rank_p_value(2.0, placebos) == pytest.approx(1 / 20)
    assert rank_p_value(0.0, placebos) == 1.0


def test_ties_count_against_the_finding() -> None:
    assert rank_p_value(1.0, np.array([1.0, -1.0, 0.5])) == pytest.approx(3 / 4)


def test_too_few_placebos_give_no_interval() -> None:
    assert math.isnan(rank_reach(np.ones(18), 0.95))
    assert math.isnan(interval_around(1.0, math.nan).low)
    assert rank_reach(np.arange(19.0), 0.95) == 18.0


@given(
    placebos=st.lists(st.floats(-10, 10), min_size=19, max_size=60),
    observed=st.floats(-20, 20),
    confidence=st.sampled_from([0.8, 0.9, 0.95]),
)
def test_interval_leaves_zero_out_exactly_when_the_test_rejects(
    placebos: list[float], observed: float, confidence: float
) -> None:
    values = np.array(placebos)
    low, high = interval_around(observed, rank_reach(values, confidence))
    rejected = rank_p_value(observed, values) <= 1 - confidence + 1e-12
    if not np.isclose(np.abs(values), abs(observed), rtol=1e-6, atol=1e-6).any():
        assert (low > 0 or high < 0) == rejected


def test_placebo_dates_are_corrected_for_their_number() -> None:
    found = placebo_in_time(lambda cut: (cut / 10, 0.02 * cut), [1, 2, 3])
    assert found.p == pytest.approx(0.06)
    assert found.estimates.tolist() == pytest.approx([0.1, 0.2, 0.3])


def test_no_placebo_date_is_unknown_not_passed() -> None:
    assert math.isnan(placebo_in_time(lambda cut: (0.0, 1.0), []).p)
    assert math.isnan(placebo_in_time(lambda cut: (math.nan, math.nan), [1]).p)
