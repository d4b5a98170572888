"""Roots are found to the last digits, also of functions that jump or are infinite."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import brentq

from eaas_assets.stats.roots import crossing, crossings


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


@given(st.integers(0, 10_000), st.floats(0.001, 0.999))
def test_quantiles_are_found_where_newton_alone_goes_round_in_circles(seed: int, probability: float) -> None:
    rng = np.random.default_rng(seed)
    weights, centre, scale = rng.dirichlet(np.ones(5)), rng.normal(0, 3, (4, 5)), rng.uniform(0.01, 2, (4, 5))
    members = centre + scale * stats.norm.ppf(probability)
    found = crossings(
        lambda x: stats.norm.cdf((x[:, None] - centre) / scale) @ weights - probability,
        lambda x: (stats.norm.pdf((x[:, None] - centre) / scale) / scale) @ weights,
        (members.min(axis=1), members.max(axis=1)),
        members @ weights,
        1e-12,
    )
    assert stats.norm.cdf((found[:, None] - centre) / scale) @ weights == pytest.approx(probability, abs=1e-9)
