"""Averages, health and pass rates of sets of evaluations, exact where a threshold is near."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eaas_assets.contracts.conditions import exact
from eaas_assets.contracts.policies import HealthBands
from eaas_assets.stats.intervals import clustered_proportion, wilson

LEVEL = 0.95


class PassRate(NamedTuple):
    """A pass rate with its counts and its interval.

    Attributes:
        rate: Passed over total; None without evaluations.
        low: Lower bound of the 95 % interval; None where it is undefined.
        high: Upper bound; None where it is undefined.
    """

    passed: int
    total: int
    rate: float | None
    low: float | None
    high: float | None


def pass_rate(passed: NDArray[np.bool_], scenarios: ArrayLike) -> PassRate:
    """Pass rate of some evaluations.

    With one evaluation a scenario the interval is Wilson's. Repeats of a scenario are not independent: with them it is
    Wilson's at the effective sample size, clustered by scenario, and undefined where all are of one scenario.

    Args:
        passed: Shape (evaluations,).
        scenarios: Shape (evaluations,): the scenario of each.
    """
    total, count = len(passed), int(passed.sum())
    if total == 0:
        return PassRate(0, 0, None, None, None)
    if len(np.unique(scenarios)) == total:
        interval = wilson(count, total, LEVEL)
    else:
        interval = clustered_proportion(passed, scenarios, LEVEL).interval
    defined = not math.isnan(interval.low)
    return PassRate(count, total, count / total, interval.low if defined else None, interval.high if defined else None)


def exact_mean(scores: NDArray[np.float64], decimals: int) -> Fraction | None:
    """Mean of scores that have at most ``decimals`` decimals, without the drift of adding floats; None of none."""
    if len(scores) == 0:
        return None
    return Fraction(int(np.rint(scores * 10**decimals).sum()), len(scores) * 10**decimals)


def health_status(mean: Fraction | None, bands: HealthBands) -> str | None:
    """healthy, degraded or critical; None without a mean. A mean exactly on a limit has reached it."""
    if mean is None:
        return None
    if mean >= Fraction(exact(bands.healthy)):
        return "healthy"
    return "degraded" if mean >= Fraction(exact(bands.degraded)) else "critical"
