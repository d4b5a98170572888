"""Two versions judged on the same scenarios: differences, their errors and the question "not worse?".

Belongs here: tests and intervals of paired results. Does not: two arms of different units (experiments)
and the planning of sizes (``power``). The sign is always new minus old: a negative difference is a loss
where higher is better.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from eaas_assets.stats.experiments.skewness import remove_skewness, restore_skewness
from eaas_assets.stats.intervals import (
    Interval,
    MeanEstimate,
    cluster_index,
    clustered_mean,
    effective_n,
    finite_values,
    two_sided_z,
    undefined,
)

Alternative = Literal["two-sided", "loss", "gain"]


FEWEST_FOR_SKEWNESS = 20
"""Clusters from which on a sample is asked for its own skewness. Fewer get Student's interval, which covers 89 to 91 %
at 8 to 12 exponential differences, and the skewness that these show is mostly chance."""


class ExactMcNemar(NamedTuple):
    """Exact McNemar test. ``mid_p`` keeps closer to its level, ``p_value`` never exceeds it."""

    p_value: float
    mid_p: float


class ChiSquared(NamedTuple):
    """A chi-squared statistic with 1 degree of freedom and its two-sided p-value; nan where undefined."""

    statistic: float
    p_value: float


class PairedDifference(NamedTuple):
    """Mean difference of paired results.

    Attributes:
        estimate: Mean of new minus old; nan without pairs.
        se: Cluster-robust standard error; 0 where all differences agree, nan with fewer than 2 clusters.
        interval: Confidence interval; nan where ``reason`` says why.
        p_value: Two-sided p-value of "no difference", by the method of the interval.
        n: Number of pairs.
        n_clusters: Number of clusters.
        df: Degrees of freedom of the error.
        method: ``t``, or ``score`` for metrics of known range.
        limit: Largest possible difference; nan for method ``t``.
        discordance: Mean absolute difference over ``limit``; nan for method ``t``.
        n_effective: Independent single-trial pairs that tell as much; nan for method ``t``.
        reason: Why something above is undefined; empty otherwise.
        critical: Lower and upper critical value of the t statistic; nan for method ``score`` and where undefined.
        skewness: Of the mean difference, where it was allowed for; 0 otherwise.
    """

    estimate: float
    se: float
    interval: Interval
    p_value: float
    n: int
    n_clusters: int
    df: float
    method: Literal["t", "score"]
    limit: float
    discordance: float
    n_effective: float
    reason: str
    critical: tuple[float, float] = (math.nan, math.nan)
    skewness: float = 0.0


class NonInferiority(NamedTuple):
    """Answer to "is the new version worse by less than the margin?".

    Attributes:
        verdict: ``non_inferior`` (the interval clears the margin), ``inferior`` (the whole interval lies
            beyond it) or ``inconclusive``.
        margin: The tolerated loss.
        bound: The bound of the interval on the side of loss, in units of the metric.
        p_value: One-sided p-value of "worse by the margin or more"; nan where undefined.
        alpha: One-sided error rate, (1 - level) / 2.
        reason: Why no answer is possible; empty otherwise.
    """

    verdict: Literal["non_inferior", "inferior", "inconclusive"]
    margin: float
    bound: float
    p_value: float
    alpha: float
    reason: str


def _check_discordant(lost: float, gained: float) -> None:
    if not (lost >= 0 and gained >= 0):
        raise ValueError(f"lost == {lost} and gained == {gained}, must not be negative")


def mcnemar_exact(lost: int, gained: int, alternative: Alternative = "two-sided") -> ExactMcNemar:
    """Exact conditional McNemar test of a paired 2×2 table, with its mid-p variant.

    McNemar 1947; mid-p as in Fagerland, Lydersen & Laake 2013 (BMC Med Res Methodol 13:91). Two-sided
    values are twice the smaller tail, at most 1. Without a discordant pair nothing speaks for a change.

    Args:
        lost: Scenarios that passed before and fail now.
        gained: Scenarios that failed before and pass now.
        alternative: ``loss`` asks whether more are lost than gained in truth, ``gain`` the reverse.
    """
    _check_discordant(lost, gained)
    n = lost + gained
    extreme = {"two-sided": max(lost, gained), "loss": lost, "gain": gained}[alternative]
    tail = float(special.betainc(extreme, n - extreme + 1, 0.5)) if extreme else 1.0  # P(X >= extreme)
    ways = special.gammaln(n + 1) - special.gammaln(extreme + 1) - special.gammaln(n - extreme + 1)
    point = math.exp(float(ways) - n * math.log(2))  # P(X = extreme)
    sides = 2 if alternative == "two-sided" else 1
    return ExactMcNemar(min(1.0, sides * tail), min(1.0, sides * (tail - point / 2)))


def mcnemar_chi2(lost: int, gained: int, *, correction: bool = False) -> ChiSquared:
    """Asymptotic McNemar test, with Edwards's continuity correction if asked for; nan if none changed."""
    _check_discordant(lost, gained)
    if lost + gained == 0:
        return ChiSquared(math.nan, math.nan)
    distance = max(0, abs(lost - gained) - int(correction))
    statistic = distance**2 / (lost + gained)
    return ChiSquared(statistic, float(special.chdtrc(1, statistic)))


def _score_variance(lost: float, gained: float, n: float, delta: float) -> float:
    """Variance of gained - lost where the true difference of rates is ``delta`` (Tango 1998)."""
    a = 2 * n
    b = (2 * n - gained + lost) * delta - gained - lost
    c = -lost * delta * (1 - delta)
    lost_rate = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)  # its ML estimate under delta
    return max(0.0, n * (2 * lost_rate + delta * (1 - delta)))


def _score_z(lost: float, gained: float, n: float, delta: float) -> float:
    """Score statistic of the hypothesis that the difference of rates is ``delta``."""
    distance = gained - lost - n * delta
    if abs(distance) <= 1e-12 * n:
        return 0.0
    variance = _score_variance(lost, gained, n, delta)
    return distance / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, distance)


def _score_lower(lost: float, gained: float, n: float, z: float) -> float:
    from scipy.optimize import brentq

    def excess(delta: float) -> float:
        return gained - lost - n * delta - z * math.sqrt(_score_variance(lost, gained, n, delta))

    top = (gained - lost) / n - 1e-12  # below the estimate itself, a second root without discordant pairs
    if top <= -1 or excess(-1.0) <= 0:
        return -1.0
    return float(brentq(excess, -1.0, top, xtol=1e-13))


def paired_rate_interval(lost: float, gained: float, n: float, level: float = 0.95) -> Interval:
    """Score interval of a difference of paired rates, new minus old (Tango 1998).

    Preferred to Newcombe's method 10 (1998) because that has no width where nothing changed and half
    passed; this then says plus or minus z² / (n + z²). Without pairs the interval is nan.

    Args:
        lost: Pairs that passed before and fail now. Fractions are allowed: effective counts.
        gained: Pairs that failed before and pass now.
        n: All pairs.
        level: Nominal coverage.
    """
    z = two_sided_z(level)
    _check_discordant(lost, gained)
    if lost + gained > n * (1 + 1e-12):
        raise ValueError(f"lost + gained == {lost + gained}, must not exceed n == {n}")
    if n == 0:
        return undefined(level)
    return Interval(_score_lower(lost, gained, n, z), -_score_lower(gained, lost, n, z), level)


def _discordant_counts(estimate: float, discordance: float, n: float) -> tuple[float, float]:
    """Lost and gained out of ``n`` with the given mean and mean absolute difference."""
    return max(0.0, discordance - estimate) / 2 * n, max(0.0, discordance + estimate) / 2 * n


def _assembled(
    mean: MeanEstimate, interval: Interval, p_value: float, limit: float, discordance: float, pairs: float
) -> PairedDifference:
    estimate, se, _, n, n_clusters, df, reason = mean
    method: Literal["t", "score"] = "t" if math.isnan(limit) else "score"
    return PairedDifference(
        estimate, se, interval, p_value, n, n_clusters, df, method, limit, discordance, pairs, reason
    )


def paired_difference(
    differences: ArrayLike,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    limit: float | None = None,
    *,
    skewed: bool = False,
) -> PairedDifference:
    """Mean paired difference with an error that respects families of scenarios.

    Average the repeats of a scenario first, one difference per scenario; then cluster scenarios that
    fail together. Errors as in ``intervals.clustered_mean`` (Miller 2024, arXiv 2411.00640, section 4).

    Without ``limit``: a t interval and test. With it: Tango's score interval and test at the effective
    number of pairs, which is Tango's own where each pair is one independent pass or fail. The t interval
    misleads where few scenarios change: with 100 scenarios and a true loss of 5 points it rules such a
    loss out in 12 % of comparisons, at a nominal 2.5 %. Where nothing changed at all it has no width; the
    score interval then counts each cluster as one unchanged pair.

    Args:
        differences: Shape (n,), new minus old per scenario, finite.
        clusters: Shape (n,), the family of each scenario; None: each is its own.
        level: Nominal coverage.
        limit: Largest difference that is possible, 1 for rates and scores in [0, 1]; None: unbounded.
        skewed: Whether an unbounded metric may be skewed, as times and costs are. The interval then also holds
            what Hall's transformation for skewness does not reject (``stats.experiments.skewness``). At 60
            exponential differences it covers 96 % where the t interval alone covers 94 %; at 60 normal ones
            95.3 %. Hall's interval alone covers 92 to 94 % where tails are long on both sides. Nothing changes below
            ``FEWEST_FOR_SKEWNESS`` clusters.

    Raises:
        ValueError: If a difference exceeds ``limit``.
    """
    array = finite_values(differences, "differences")
    mean = clustered_mean(array, clusters, level)
    if limit is None:
        return _unbounded(mean, _skewness(array, cluster_index(clusters, array.size)) if skewed else 0.0)
    if not limit > 0:
        raise ValueError(f"limit == {limit}, must be > 0")
    if array.size and np.abs(array).max() > limit * (1 + 1e-9):
        raise ValueError(f"differences reach {np.abs(array).max()}, beyond limit == {limit}")
    if mean.n_clusters < 2:
        return _assembled(mean, mean.interval, math.nan, limit, math.nan, math.nan)
    scaled = np.clip(array / limit, -1, 1)
    delta, discordance = float(scaled.mean()), float(np.abs(scaled).mean())
    pairs = effective_n(scaled, cluster_index(clusters, array.size), discordance - delta**2, level)
    lost, gained = _discordant_counts(delta, discordance, pairs)
    low, high, _ = paired_rate_interval(lost, gained, pairs, level)
    p_value = 2 * float(special.ndtr(-abs(_score_z(lost, gained, pairs, 0.0))))
    interval = Interval(low * limit, high * limit, level)
    return _assembled(mean._replace(reason=""), interval, p_value, limit, discordance, pairs)


def _unbounded(mean: MeanEstimate, skewness: float) -> PairedDifference:
    """The t test and interval, the wider on each side by what its skewness leaves possible."""
    if mean.reason:
        return _assembled(mean, mean.interval, math.nan, math.nan, math.nan, math.nan)
    level = mean.interval.level
    t, quantile = mean.estimate / mean.se, float(special.stdtrit(mean.df, (1 + level) / 2))
    lower, upper = (restore_skewness(value, skewness) for value in (-quantile, quantile))
    lower, upper = min(-quantile, lower), max(quantile, upper)
    nearest = min(abs(t), abs(remove_skewness(t, skewness)))
    p_value = 2 * float(special.stdtr(mean.df, -nearest))
    interval = Interval(mean.estimate - upper * mean.se, mean.estimate - lower * mean.se, level)
    found = _assembled(mean, interval if skewness else mean.interval, p_value, math.nan, math.nan, math.nan)
    return found._replace(critical=(lower, upper), skewness=skewness)


def _skewness(values: NDArray[np.float64], index: NDArray[np.intp]) -> float:
    """Skewness of the mean of clustered values, unbiased under normality; 0 where too few clusters tell it."""
    if values.size == 0:
        return 0.0
    sums = np.bincount(index, weights=values - values.mean())
    count, second = sums.size, float(np.sum(sums**2))
    if count < FEWEST_FOR_SKEWNESS or not second > 0:
        return 0.0
    scale = second**1.5
    if scale == 0.0:  # of values so near zero that their cubes cannot be held
        return 0.0
    return float(np.sum(sums**3)) / scale * math.sqrt(count * (count - 1)) / (count - 2)


def non_inferiority(
    difference: PairedDifference, margin: float, better: Literal["higher", "lower"] = "higher"
) -> NonInferiority:
    """Whether the new version is worse by less than a margin that was fixed beforehand.

    Non-inferior when the bound of the two-sided interval on the side of loss clears the margin. A 95 %
    interval is thereby a one-sided test at 2.5 %, the convention of ICH E9; for one at 5 % ask
    ``paired_difference`` for level 0.90. "No significant difference" is not this answer.

    Args:
        difference: From ``paired_difference``; its level sets alpha.
        margin: The loss that is tolerated, in units of the metric. 0 asks for a gain.
        better: Which direction of the metric is good.

    Raises:
        ValueError: If the margin is negative or not below the range of the metric.
    """
    if not margin >= 0 or margin >= difference.limit:
        raise ValueError(f"margin == {margin}, must be >= 0 and below the limit {difference.limit}")
    sign = 1 if better == "higher" else -1
    low, high, level = difference.interval
    loss, best = (low, high) if better == "higher" else (-high, -low)
    alpha = (1 - level) / 2
    if math.isnan(loss):
        return NonInferiority("inconclusive", margin, math.nan, math.nan, alpha, difference.reason)
    if difference.method == "t":
        p_value = float(special.stdtr(difference.df, -(sign * difference.estimate + margin) / difference.se))
    else:
        limit, pairs = difference.limit, difference.n_effective
        estimate = sign * difference.estimate / limit
        lost, gained = _discordant_counts(estimate, difference.discordance, pairs)
        p_value = float(special.ndtr(-_score_z(lost, gained, pairs, -margin / limit)))
    verdict: Literal["non_inferior", "inferior", "inconclusive"] = "inconclusive"
    if loss > -margin:
        verdict = "non_inferior"
    elif best < -margin:
        verdict = "inferior"
    return NonInferiority(verdict, margin, sign * loss, p_value, alpha, "")
