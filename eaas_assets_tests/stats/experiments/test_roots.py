"""Roots are found to the last digits, also of functions that jump or are infinite."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from eaas_assets.stats.experiments.roots import crossing


@given(st.floats(-5.0, 5.0), st.floats(0.1, 40.0), st.booleans())
def test_roots_of_smooth_functions_are_those_of_brent(root: float, steepness: float, reverse: bool) -> None:
    def function(x: float) -> float:
        return math.expm1(steepness * math.tanh(x - root))

    ends = (7.0, -6.0) if reverse else (-6.0, 7.0)
    assert crossing(function, *ends) == pytest.approx(brentq(function, -6.0, 7.0, xtol=1e-15), abs=1e-13)


@given(st.floats(-1.0, 1.0), st.floats(1e-12, 1e12))
def test_a_jump_is_found_where_it_is(place: float, height: float) -> None:
    found = crossing(lambda x: -1.0 if x < place else height, -2.0, 2.0)
    assert found == pytest.approx(place, abs=1e-15)


def test_infinite_values_lead_to_the_root_all_the_same() -> None:
    assert crossing(lambda x: math.inf if x > 0.9 else x - 0.5, 0.0, 1.0) == pytest.approx(0.5, abs=1e-15)


def test_a_root_where_the_function_is_flat_costs_no_endless_search() -> None:
    calls = 0

    def function(x: float) -> float:
        nonlocal calls
        calls += 1
        return float((x - 0.3) ** 13)

    assert crossing(function, 0.0, 1.0) == pytest.approx(0.3, abs=1e-13)
    assert calls < 200


def test_without_a_change_of_sign_the_far_end_is_the_answer() -> None:
    assert crossing(lambda x: -1.0 - x, 0.0, 1.0) == 1.0
    assert crossing(lambda x: x, 0.0, 1.0) == 0.0
    assert crossing(lambda x: x - 1.0, 0.0, 1.0) == 1.0
