"""Intervals of one rate or one mean, with and without clusters of related observations.

Comparisons of two versions belong to ``paired``; intervals that may be read at every look belong to the
sequential methods. Only ``scipy.special`` is imported: ``scipy.stats`` costs most of a second.

Two rules hold everywhere. An error that cannot be estimated is nan with a reason, never 0. Observations
of one cluster (the repeats of a scenario, the scenarios of a family) are never counted as independent.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

NO_VALUES = "no values"
ONE_CLUSTER = "fewer than 2 clusters: nothing to estimate an error from"
NO_VARIATION = "every cluster has the same mean: nothing to estimate an error from"


class Interval(NamedTuple):
    """A two-sided confidence interval.

    Attributes:
        low: Lower bound; nan where the interval is undefined.
        high: Upper bound; nan where the interval is undefined.
        level: Nominal coverage, e.g. 0.95.
    """

    low: float
    high: float
    level: float


class MeanEstimate(NamedTuple):
    """A mean with its error.

    Attributes:
        estimate: The mean over observations; nan without any.
        se: Standard error; nan with fewer than 2 clusters.
        interval: Confidence interval; nan where ``reason`` says why.
        n: Number of observations.
        n_clusters: Number of clusters; equals ``n`` where none were given.
        df: Degrees of freedom of the error; nan where undefined.
        reason: Why something above is undefined; empty otherwise.
    """

    estimate: float
    se: float
    interval: Interval
    n: int
    n_clusters: int
    df: float
    reason: str


def undefined(level: float) -> Interval:
    """The interval that does not exist: nan bounds at the asked level."""
    return Interval(math.nan, math.nan, level)


def two_sided_z(level: float) -> float:
    """Normal quantile that leaves half of ``1 - level`` above it.

    Raises:
        ValueError: If ``level`` is not strictly between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level == {level}, must lie between 0 and 1")
    return float(special.ndtri((1 + level) / 2))


def _check_counts(successes: float, n: float) -> None:
    if not 0 <= successes <= n:
        raise ValueError(f"successes == {successes}, must lie between 0 and n == {n}")


def wilson(successes: float, n: float, level: float = 0.95) -> Interval:
    """Score interval of a rate (Wilson 1927; recommended for small n by Brown, Cai & DasGupta 2001).

    Args:
        successes: Number of successes. Fractions are allowed: effective counts of a clustered sample.
        n: Number of independent trials. With 0 trials the interval is nan.
        level: Nominal coverage.
    """
    z = two_sided_z(level)
    _check_counts(successes, n)
    if n == 0:
        return undefined(level)
    rate, shrink = successes / n, 1 + z * z / n
    centre = (rate + z * z / (2 * n)) / shrink
    half = z / shrink * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return Interval(low, high, level)


def clopper_pearson(successes: float, n: float, level: float = 0.95) -> Interval:
    """Exact interval of a rate: coverage is never below ``level`` (Clopper & Pearson 1934).

    Args:
        successes: Number of successes.
        n: Number of independent trials. With 0 trials the interval is nan.
        level: Nominal coverage.
    """
    two_sided_z(level)
    _check_counts(successes, n)
    if n == 0:
        return undefined(level)
    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else float(special.betaincinv(successes, n - successes + 1, tail))
    high = 1.0 if successes == n else float(special.betainccinv(successes + 1, n - successes, tail))
    return Interval(low, high, level)


def finite_values(values: ArrayLike, name: str = "values") -> NDArray[np.float64]:
    """The values as a flat float array.

    Raises:
        ValueError: If they are not one-dimensional or not all finite. An observation that does not exist
            is dropped by the caller, who knows the denominator that it leaves.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name} has {array.ndim} dimensions, must have 1")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite: drop what was not observed and report how many remain")
    return array


def cluster_index(clusters: ArrayLike | None, n: int) -> NDArray[np.intp]:
    """The cluster of each observation as 0..G-1; without clusters each observation is its own.

    Raises:
        ValueError: If there are not exactly ``n`` identifiers or one of them is missing.
    """
    if clusters is None:
        return np.arange(n)
    ids = np.asarray(clusters)
    if ids.shape != (n,):
        raise ValueError(f"clusters has shape {ids.shape}, must be ({n},)")
    if ids.dtype.kind in "fO" and any(i is None or i != i for i in ids.tolist()):  # nan != nan
        raise ValueError("clusters has a missing identifier: an observation of unknown origin has no error")
    return np.unique(ids, return_inverse=True)[1]


def clustered_error(values: NDArray[np.float64], index: NDArray[np.intp]) -> tuple[float, float, int]:
    """Cluster-robust standard error of the mean, its degrees of freedom and the number of clusters.

    The CR2 variance with Satterthwaite degrees of freedom (Bell & McCaffrey 2002; Imbens & Kolesár 2016)
    in the closed form it has for a mean. With clusters of equal size this is exactly the usual CR1
    variance, factor G/(G-1), with G-1 degrees of freedom; with unequal ones CR1 and t(G-1) cover too
    rarely (0.80 to 0.93 for a nominal 0.95), this does not.
    """
    n = values.size
    share = np.bincount(index) / n
    if share.size < 2:
        return math.nan, math.nan, share.size
    sums = np.bincount(index, weights=values - values.mean())
    se = math.sqrt(float(np.sum(sums**2 / (1 - share)))) / n
    leverage = share**2 / (1 - share)
    df = 1 / float(np.sum(share**2) + np.sum(leverage) ** 2 - np.sum(leverage**2))
    return se, df, share.size


def clustered_mean(values: ArrayLike, clusters: ArrayLike | None = None, level: float = 0.95) -> MeanEstimate:
    """Mean with a cluster-robust standard error and t interval.

    Clustering as in Miller 2024, "Adding Error Bars to Evals" (arXiv 2411.00640), section 2.2, with the
    correction for few and unequal clusters of ``clustered_error``. Each observation weighs the same.

    Args:
        values: Shape (n,), finite.
        clusters: Shape (n,), the cluster of each value; None: each value is its own.
        level: Nominal coverage.

    Returns:
        The estimate. Where all cluster means agree, ``se`` is 0 and the interval is nan: equal results
        do not show that the error is 0. For a rate see ``clustered_proportion``, which can answer.
    """
    two_sided_z(level)
    array = finite_values(values)
    index = cluster_index(clusters, array.size)
    if array.size == 0:
        return MeanEstimate(math.nan, math.nan, undefined(level), 0, 0, math.nan, NO_VALUES)
    estimate = float(array.mean())
    se, df, n_clusters = clustered_error(array, index)
    if n_clusters < 2:
        return MeanEstimate(estimate, se, undefined(level), array.size, n_clusters, df, ONE_CLUSTER)
    if se <= 1e-12 * float(np.abs(array).max()):  # rounding leaves a speck of what is 0
        return MeanEstimate(estimate, 0.0, undefined(level), array.size, n_clusters, df, NO_VARIATION)
    half = float(special.stdtrit(df, (1 + level) / 2)) * se
    interval = Interval(estimate - half, estimate + half, level)
    return MeanEstimate(estimate, se, interval, array.size, n_clusters, df, "")


def mean_t(values: ArrayLike, level: float = 0.95) -> Interval:
    """Student's t interval of the mean of independent values; nan with fewer than 2 or all equal ones."""
    return clustered_mean(values, None, level).interval


def effective_n(values: NDArray[np.float64], index: NDArray[np.intp], bernoulli_variance: float, level: float) -> float:
    """Independent trials that carry the information of a clustered sample of bounded values.

    Korn & Graubard 1998: the variance that single trials of the same mean would have, over the squared
    clustered error, times (z / t)² for the error being estimated. The design effect is taken as at least
    1. Values that are trials themselves and stand alone count as they are. Without any variation only
    whole clusters count.

    Args:
        values: Shape (n,), the observations.
        index: Shape (n,), cluster of each observation as 0..G-1.
        bernoulli_variance: Variance of one observation if it were a trial rather than a share.
        level: Nominal coverage of the interval it is for.
    """
    spread = float(np.var(values))
    se, df, n_clusters = clustered_error(values, index)
    if n_clusters < 2 or spread <= 1e-24:
        return float(n_clusters)
    alone = n_clusters == values.size
    if alone and bool(np.isin(values, (-1.0, 0.0, 1.0)).all()):
        return float(values.size)
    design = max(1.0, se**2 / (spread / (values.size - 1)))
    ratio = two_sided_z(level) / float(special.stdtrit(df, (1 + level) / 2))
    return values.size * bernoulli_variance / spread / design * ratio**2


def clustered_proportion(values: ArrayLike, clusters: ArrayLike | None = None, level: float = 0.95) -> MeanEstimate:
    """Rate of clustered passes, with a score interval that stays honest near 0 and 1.

    Wilson's interval at the effective sample size (Korn & Graubard 1998, with Wilson's limits in place of
    Clopper and Pearson's). It is Wilson's own interval where each value is one independent pass or fail,
    and has width where all passed: then each cluster counts as one trial.

    Args:
        values: Shape (n,), within [0, 1]: passes, or shares of passes per scenario.
        clusters: Shape (n,), the cluster of each value; None: each value is its own.
        level: Nominal coverage.

    Raises:
        ValueError: If a value lies outside [0, 1].
    """
    array = finite_values(values)
    if array.size and not (array.min() >= 0 and array.max() <= 1):
        raise ValueError("values must lie within [0, 1]")
    mean = clustered_mean(array, clusters, level)
    if mean.n_clusters < 2:
        return mean
    rate = mean.estimate
    trials = effective_n(array, cluster_index(clusters, array.size), rate * (1 - rate), level)
    interval = wilson(min(rate * trials, trials), trials, level)
    return mean._replace(interval=interval, reason="")
