from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from eaas_assets.contracts.policies import HealthBands
from eaas_assets.evaluation.measures import exact_mean, health_status, pass_rate
from eaas_assets.stats.intervals import clustered_proportion

BANDS = HealthBands(healthy=0.85, degraded=0.70)


@pytest.mark.parametrize(
    ("passed", "low", "high"),
    [(3, 0.108, 0.603), (4, 0.168, 0.687), (8, 0.490, 0.943), (9, 0.596, 0.982), (10, 0.722, 1.000)],
)
def test_one_trial_a_scenario_has_the_published_wilson_interval(passed, low, high):
    """Wilson 95 % for n = 10, as listed in the reference of the sample world."""
    rate = pass_rate(np.arange(10) < passed, np.arange(10))
    assert (rate.passed, rate.total, rate.rate) == (passed, 10, passed / 10)
    assert (rate.low, rate.high) == (pytest.approx(low, abs=5e-4), pytest.approx(high, abs=5e-4))


def test_repeats_of_a_scenario_do_not_narrow_the_interval_as_independent_trials_would():
    once = pass_rate(np.array([True, False] * 5), np.arange(10))
    passed, scenarios = np.repeat([True, False] * 5, 20), np.repeat(np.arange(10), 20)
    repeated = pass_rate(passed, scenarios)
    assert repeated.high - repeated.low == pytest.approx(once.high - once.low, rel=0.15)
    assert (repeated.low, repeated.high) == clustered_proportion(passed, scenarios).interval[:2]


def test_an_interval_that_cannot_be_estimated_is_none():
    rate = pass_rate(np.array([True, False]), np.array([0, 0]))
    assert (rate.rate, rate.low, rate.high) == (0.5, None, None)
    assert pass_rate(np.array([], dtype=bool), np.array([])) == (0, 0, None, None, None)


def test_a_mean_is_exact_where_floats_drift():
    scores = np.full(10, 0.1) + 0.75  # 0.85 ten times
    assert exact_mean(np.round(scores, 3), 3) == Fraction(85, 100)
    assert sum([0.1] * 10) / 10 != 0.1
    assert exact_mean(np.full(10, 0.1), 3) == Fraction(1, 10)
    assert exact_mean(np.array([]), 3) is None


@pytest.mark.parametrize(
    ("mean", "status"),
    [
        (Fraction(85, 100), "healthy"),
        (Fraction(85, 100) - Fraction(1, 10**9), "degraded"),
        (Fraction(70, 100), "degraded"),
        (Fraction(70, 100) - Fraction(1, 10**9), "critical"),
        (Fraction(1), "healthy"),
        (Fraction(0), "critical"),
        (None, None),
    ],
)
def test_a_mean_on_a_limit_has_reached_it(mean, status):
    assert health_status(mean, BANDS) == status
