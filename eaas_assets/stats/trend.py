"""Direction of a short series of runs: Theil–Sen slope, its rank interval, the Mann–Kendall test.

Belongs here: one value per run against time or order. Does not: daily series with seasons or memory,
which need a model, and the comparison of two runs (``paired``). Both methods assume that the noise of
one run says nothing about the next. That holds for fresh runs of a suite: slow drift then is a change of
the agent, not noise. It does not hold for values that overlap, such as moving averages.
"""

from __future__ import annotations

import math
from itertools import permutations
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from eaas_assets.stats.intervals import Interval, finite_values, two_sided_z, undefined

MIN_POINTS = 4
"""Three points rise or fall in a row by chance one time in three."""

_EXACT_MAX = 60
"""Points up to which the null distribution is exact where times are distinct or values are."""

_PERMUTED_MAX = 8
"""Points up to which it is enumerated where times and values both repeat."""

Call = Literal["improving", "declining", "stable", "undetermined"]


class Trend(NamedTuple):
    """Slope of a series.

    Attributes:
        slope: Theil–Sen slope per unit of time; nan where ``reason`` refuses.
        interval: Rank interval of the slope; nan where no interval reaches the level.
        p_value: Two-sided Mann–Kendall p-value of "no monotone trend"; nan where refused.
        n: Number of points.
        exact: Whether interval and p-value come from the exact null distribution.
        reason: Why something above is undefined; empty otherwise.
    """

    slope: float
    interval: Interval
    p_value: float
    n: int
    exact: bool
    reason: str


class Direction(NamedTuple):
    """What a series does, in one word, and why."""

    call: Call
    reason: str


def _tie_sizes(values: NDArray[np.float64]) -> list[int]:
    return [int(size) for size in np.unique(values, return_counts=True)[1]]


def _discordance_pmf(n: int, ties: list[int]) -> NDArray[np.float64]:
    """Null distribution of the number of discordant pairs between a strict ranking and one with ties.

    The coefficients of the q-multinomial [n]! / ([t1]! [t2]! ...) (MacMahon 1915), over their sum; without
    ties this is Kendall's exact distribution.
    """
    coefficients = [1]
    for size in range(1, n + 1):
        coefficients = _times_geometric(coefficients, size)
    for tie in ties:
        for size in range(2, tie + 1):
            coefficients = _over_geometric(coefficients, size)
    total = sum(coefficients)
    return np.array([count / total for count in coefficients])


def _times_geometric(coefficients: list[int], size: int) -> list[int]:
    """Product with 1 + q + ... + q^(size - 1), in integers: a running sum over a window."""
    product, window = [], 0
    for power in range(len(coefficients) + size - 1):
        window += coefficients[power] if power < len(coefficients) else 0
        window -= coefficients[power - size] if power >= size else 0
        product.append(window)
    return product


def _over_geometric(coefficients: list[int], size: int) -> list[int]:
    """The exact quotient by the same polynomial."""
    quotient: list[int] = []
    for power in range(len(coefficients) - size + 1):
        quotient.append(coefficients[power] - sum(quotient[max(0, power - size + 1) : power]))
    return quotient


def _variance(n: int, first: list[int], second: list[int]) -> float:
    """Null variance of Kendall's S with ties in both rankings (Kendall 1970, chapter 4)."""
    a, b = np.array(first, dtype=float), np.array(second, dtype=float)
    alone = n * (n - 1) * (2 * n + 5) - sum(float(np.sum(t * (t - 1) * (2 * t + 5))) for t in (a, b))
    pairs = float(np.sum(a * (a - 1)) * np.sum(b * (b - 1))) / (2 * n * (n - 1))
    triples = float(np.sum(a * (a - 1) * (a - 2)) * np.sum(b * (b - 1) * (b - 2)))
    return alone / 18 + pairs + triples / (9 * n * (n - 1) * (n - 2))


def _score(signs: NDArray[np.float64], values: NDArray[np.float64], pairs: tuple[NDArray[np.intp], ...]) -> float:
    return float(np.sum(signs * np.sign(values[pairs[1]] - values[pairs[0]])))


def _mann_kendall(times: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[float, bool]:
    """Two-sided p-value (Mann 1945; Kendall 1970) and whether it is exact."""
    n = values.size
    pairs = np.triu_indices(n, 1)
    signs = np.sign(times[pairs[1]] - times[pairs[0]])
    score = abs(_score(signs, values, pairs))
    time_ties, value_ties = _tie_sizes(times), _tie_sizes(values)
    if n <= _EXACT_MAX and (max(time_ties) == 1 or max(value_ties) == 1):
        pmf = _discordance_pmf(n, value_ties if max(time_ties) == 1 else time_ties)
        scores = pmf.size - 1 - 2 * np.arange(pmf.size)
        return min(1.0, float(pmf[np.abs(scores) >= score].sum())), True
    if n <= _PERMUTED_MAX:
        orders = values[np.array(list(permutations(range(n))))]
        all_scores = (signs * np.sign(orders[:, pairs[1]] - orders[:, pairs[0]])).sum(axis=1)
        return float(np.mean(np.abs(all_scores) >= score)), True
    deviation = math.sqrt(_variance(n, time_ties, value_ties))
    if deviation == 0:
        return 1.0, False
    return min(1.0, 2 * float(special.ndtr(-max(0.0, score - 1) / deviation))), False


def _rank(n: int, time_ties: list[int], n_slopes: int, level: float) -> int:
    """How many slopes may be cut off at each end: the rank of the lower bound; 0 if none reaches the level."""
    z = two_sided_z(level)
    if n <= _EXACT_MAX:
        below = np.cumsum(_discordance_pmf(n, time_ties))
        return int(np.sum(below <= (1 - level) / 2))
    return math.floor((n_slopes - z * math.sqrt(_variance(n, time_ties, [1] * n)) + 1) / 2)


def theil_sen(values: ArrayLike, times: ArrayLike | None = None, level: float = 0.95) -> Trend:
    """Median slope of all pairs of points, its rank interval and the Mann–Kendall p-value.

    Theil 1950; interval of Sen 1968, from the exact null distribution up to 60 points. (The normal
    approximation of ``scipy.stats.theilslopes`` returns an interval for 4 points at 95 % that covers
    92 %; exactly, none exists below 5 points.) Repeated values make the interval cautious: it may end at 0
    where the p-value excludes 0; ``direction`` takes both. A series that never changes has slope 0 and
    interval [0, 0].

    Args:
        values: Shape (n,), finite, one value per run.
        times: Shape (n,), when each run took place, e.g. in days; None: their order, 0, 1, 2, ...
        level: Nominal coverage of the interval.

    Returns:
        The trend. Fewer than 4 points or a single time are refused; 4 points have a slope and a p-value
        but no 95 % interval.
    """
    two_sided_z(level)
    y = finite_values(values)
    x = np.arange(float(y.size)) if times is None else finite_values(times, "times")
    if x.size != y.size:
        raise ValueError(f"times has {x.size} entries, values {y.size}; must be equal")
    if y.size < MIN_POINTS:
        reason = f"{y.size} points: a trend needs at least {MIN_POINTS}"
        return Trend(math.nan, undefined(level), math.nan, y.size, False, reason)
    later, earlier = np.triu_indices(y.size, 1)
    gaps = x[later] - x[earlier]
    apart = gaps != 0
    if not apart.any():
        return Trend(math.nan, undefined(level), math.nan, y.size, False, "all points have the same time")
    slopes = np.sort((y[later] - y[earlier])[apart] / gaps[apart]) + 0.0  # no -0.0
    slope = float(np.median(slopes))
    p_value, exact = _mann_kendall(x, y)
    rank = _rank(y.size, _tie_sizes(x), slopes.size, level)
    if rank < 1:
        reason = f"{y.size} points: no interval of the slope reaches {level:.0%}"
        return Trend(slope, undefined(level), p_value, y.size, exact, reason)
    interval = Interval(float(slopes[rank - 1]), float(slopes[-rank]), level)
    return Trend(slope, interval, p_value, y.size, exact, "")


def direction(
    slope_interval: Interval,
    better: Literal["higher", "lower"] = "higher",
    *,
    p_value: float = math.nan,
    tolerance: float | None = None,
) -> Direction:
    """One word for a slope: improving, declining, stable or undetermined.

    Args:
        slope_interval: Interval of the slope, from ``theil_sen`` or any other method.
        better: Which direction of the metric is good.
        p_value: Of "no trend", e.g. ``Trend.p_value``. It settles an interval that ends exactly at 0, as
            those of series with repeated values do.
        tolerance: Slope, per the same unit of time, too small to matter. With it "stable" means shown to
            be that flat; without it only that no trend was shown.
    """
    low, high, level = slope_interval
    if math.isnan(low) or math.isnan(high):
        return Direction("undetermined", "too few runs: the slope has no interval")
    if tolerance is not None and -tolerance <= low and high <= tolerance:
        return Direction("stable", f"the slope lies within ±{tolerance:g} at {level:.0%}")
    excluded = p_value <= 1 - level
    rises = low > 0 or (low == 0 < high and excluded)
    falls = high < 0 or (low < 0 == high and excluded)
    if rises or falls:
        call: Call = "improving" if rises == (better == "higher") else "declining"
        return Direction(call, f"the slope is {'above' if rises else 'below'} 0 at {level:.0%}")
    if tolerance is None:
        return Direction("stable", f"no trend shown at {level:.0%}")
    return Direction("undetermined", f"no trend shown, nor a slope within ±{tolerance:g}, at {level:.0%}")
