"""How large a suite or experiment must be, and how small an effect a given one can show.

Planning only: no function here sees results. Sizes are returned as real numbers, as the textbooks print
them; whoever books scenarios rounds up. An effect that no size of drop can reach is nan with a reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

Sides = Literal["one-sided", "two-sided"]


class Detectable(NamedTuple):
    """The smallest detectable effect.

    Attributes:
        effect: Positive size of the effect; nan where none can be detected.
        reason: Why none can be detected; empty otherwise.
    """

    effect: float
    reason: str


def _check_rates(power: float, alpha: float) -> None:
    if not 0 < alpha < power < 1:
        raise ValueError(f"power == {power} and alpha == {alpha}, must satisfy 0 < alpha < power < 1")


def _check_positive(**quantities: float) -> None:
    for name, value in quantities.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} == {value}, must be positive and finite")


def _tail(alpha: float, sides: Sides) -> float:
    return alpha / 2 if sides == "two-sided" else alpha


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    from scipy.optimize import brentq

    return float(brentq(function, low, high, xtol=1e-12))


def resolution(n: int) -> float:
    """The step of a pass rate over ``n`` scenarios: no smaller change can appear at all. nan without any."""
    if n < 0:
        raise ValueError(f"n == {n}, must not be negative")
    return 1 / n if n else math.nan


def mde_one_sample_proportion(p0: float, n: int, power: float = 0.8, alpha: float = 0.05) -> Detectable:
    """Smallest drop below a known rate that ``n`` independent trials detect.

    Exact one-sided binomial test: alarm at the largest count whose probability under ``p0`` is at most
    ``alpha``; the drop is where that alarm has the asked power (a beta quantile, no approximation).

    Args:
        p0: The rate that is promised or known, 0 < p0 <= 1.
        n: Number of trials.
        power: Probability of detecting the drop.
        alpha: One-sided error rate.
    """
    _check_rates(power, alpha)
    if not 0 < p0 <= 1:
        raise ValueError(f"p0 == {p0}, must lie in (0, 1]")
    if n < 1:
        return Detectable(math.nan, "no trials")
    counts = np.arange(n)
    alarms = counts[special.bdtr(counts, n, p0) <= alpha]
    if alarms.size == 0:
        return Detectable(math.nan, f"even 0 of {n} would not be unusual at a rate of {p0:g}")
    most = int(alarms[-1])
    detected = float(special.betaincinv(most + 1, n - most, 1 - power))
    return Detectable(p0 - detected, "")


@cache
def _legendre() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    nodes, weights = np.polynomial.legendre.leggauss(200)
    return nodes, weights


def _t_power(shift: float, df: float, alpha: float, sides: Sides) -> float:
    """Power of a t test whose statistic has noncentrality ``shift``; both tails count if two-sided.

    Given the ratio s of estimated to true standard deviation the statistic is normal, so the power is its
    normal tail averaged over s. ``special.nctdtr`` says the same where it answers, but is nan at scattered
    points that a root search steps on.
    """
    critical = float(special.stdtrit(df, 1 - _tail(alpha, sides)))
    nodes, weights = _legendre()
    normal = 9 * nodes  # s at the quantiles of a normal variate: smooth at every df
    ratio = np.sqrt(2 * special.gammaincinv(df / 2, special.ndtr(normal)) / df)
    found = special.ndtr(shift - critical * ratio)
    if sides == "two-sided":
        found = found + special.ndtr(-shift - critical * ratio)
    return float(np.sum(9 * weights * np.exp(-(normal**2) / 2) / math.sqrt(2 * math.pi) * found))


def mde_paired(
    sd_diff: float, n: int, power: float = 0.8, alpha: float = 0.05, sides: Sides = "two-sided"
) -> Detectable:
    """Smallest mean difference that a paired t test over ``n`` pairs detects.

    Args:
        sd_diff: Standard deviation of the differences between pairs (``sd_of_paired_differences``).
        n: Number of pairs; of families, with ``sd_diff`` between their means, where scenarios cluster.
        power: Probability of detecting the difference.
        alpha: Error rate.
        sides: One-sided with half of alpha for a non-inferiority question.
    """
    _check_rates(power, alpha)
    _check_positive(sd_diff=sd_diff)
    if n < 2:
        return Detectable(math.nan, "fewer than 2 pairs")
    critical = float(special.stdtrit(n - 1, 1 - _tail(alpha, sides)))
    most = 10 * (critical + float(special.ndtri(power)) + 5)  # heavy tails of very few pairs included
    shift = _root(lambda shift: _t_power(shift, n - 1, alpha, sides) - power, 0.0, most)
    return Detectable(shift * sd_diff / math.sqrt(n), "")


def _n_for_t(effect: float, arms: int, power: float, alpha: float, sides: Sides) -> float:
    """Units per arm (pairs, with one arm) for a standardized effect, at least 2."""

    def missing(n: float) -> float:
        return _t_power(effect * math.sqrt(n / arms), arms * (n - 1), alpha, sides) - power

    if missing(2.0) >= 0:
        return 2.0
    most = 4.0
    while missing(most) < 0:
        most *= 2
    return _root(missing, 2.0, most)


def n_for_paired(
    sd_diff: float, delta: float, power: float = 0.8, alpha: float = 0.05, sides: Sides = "two-sided"
) -> float:
    """Number of pairs with which a paired t test detects a mean difference ``delta``; at least 2."""
    _check_rates(power, alpha)
    _check_positive(sd_diff=sd_diff, delta=delta)
    return _n_for_t(delta / sd_diff, 1, power, alpha, sides)


def n_for_two_means(
    sd: float, delta: float, power: float = 0.8, alpha: float = 0.05, sides: Sides = "two-sided"
) -> float:
    """Units per arm with which a two-sample t test of equal arms detects ``delta``; at least 2."""
    _check_rates(power, alpha)
    _check_positive(sd=sd, delta=delta)
    return _n_for_t(delta / sd, 2, power, alpha, sides)


def n_for_two_proportions(
    p1: float, p2: float, power: float = 0.8, alpha: float = 0.05, sides: Sides = "two-sided"
) -> float:
    """Units per arm with which a two-sample test tells two rates apart.

    Normal approximation, pooled variance under the hypothesis and unpooled under the alternative
    (Fleiss, Levin & Paik 2003, chapter 4, without continuity correction).
    """
    _check_rates(power, alpha)
    if not (0 <= p1 <= 1 and 0 <= p2 <= 1 and p1 != p2):
        raise ValueError(f"p1 == {p1} and p2 == {p2}, must be different rates in [0, 1]")
    mean = (p1 + p2) / 2
    null = -float(special.ndtri(_tail(alpha, sides))) * math.sqrt(2 * mean * (1 - mean))
    alternative = float(special.ndtri(power)) * math.sqrt(p1 * (1 - p1) + p2 * (1 - p2))
    return ((null + alternative) / (p1 - p2)) ** 2


def sd_of_paired_differences(change_variance: float, repeat_variance: float, repeats: int) -> float:
    """Standard deviation of a scenario's difference of mean results between two versions.

    Args:
        change_variance: Variance over scenarios of the true change; 0 if all change alike.
        repeat_variance: Variance between repeats of one scenario (``trials.variance_components``).
        repeats: Repeats of each scenario in each version.
    """
    if not (change_variance >= 0 and repeat_variance >= 0 and repeats >= 1):
        raise ValueError(f"repeats == {repeats}, must be >= 1, and variances must be >= 0")
    return math.sqrt(change_variance + 2 * repeat_variance / repeats)


def _least_lost(n: int, alpha: float, sides: Sides) -> NDArray[np.int64]:
    """For 0..n discordant pairs, the least number lost at which exact McNemar rejects; n + 1 if none."""
    level = _tail(alpha, sides)
    least = np.full(n + 1, n + 1, dtype=np.int64)
    lost = 1
    for discordant in range(n + 1):  # the boundary never falls as pairs are added
        while lost <= discordant and special.betainc(lost, discordant - lost + 1, 0.5) > level:
            lost += 1
        if lost <= discordant:
            least[discordant] = lost
    return least


def power_paired_proportions(
    n: int, discordance: float, drop: float, alpha: float = 0.05, sides: Sides = "two-sided"
) -> float:
    """Probability that the exact McNemar test reports a loss, by enumeration of the discordant pairs.

    Args:
        n: Number of scenarios, one trial each in each version.
        discordance: Share of scenarios whose result differs between two runs of an unchanged agent, half
            of them each way: the mean flakiness (``trials.flakiness``). 0 for a deterministic agent.
        drop: Share of scenarios lost on top of that.
        alpha: Error rate.
        sides: Of the test. Only rejections towards a loss count as detection.
    """
    return _mcnemar_power(_least_lost(n, alpha, sides), discordance, drop)


def _mcnemar_power(least: NDArray[np.int64], discordance: float, drop: float) -> float:
    changed = discordance + drop
    if changed <= 0:
        return 0.0
    n = least.size - 1
    total = np.arange(n + 1)
    ways = special.gammaln(n + 1) - special.gammaln(total + 1) - special.gammaln(n - total + 1)
    weight = np.exp(ways + special.xlogy(total, changed) + special.xlog1py(n - total, -min(1.0, changed)))
    can = least <= total
    share = min(1.0, (discordance / 2 + drop) / changed)
    return float(np.sum(weight[can] * special.betainc(least[can], (total - least + 1)[can], share)))


def mde_paired_proportions(
    n: int, discordance: float, power: float = 0.8, alpha: float = 0.05, sides: Sides = "two-sided"
) -> Detectable:
    """Smallest drop of a pass rate that the exact McNemar test over ``n`` paired scenarios detects.

    Args:
        n: Number of scenarios, one trial each in each version.
        discordance: As in ``power_paired_proportions``; at rate p and without stable scenarios 2p(1 - p).
        power: Probability of detecting the drop.
        alpha: Error rate.
        sides: Of the test.
    """
    _check_rates(power, alpha)
    if n < 0 or not 0 <= discordance <= 1:
        raise ValueError(f"n == {n} and discordance == {discordance}, must be >= 0 and in [0, 1]")
    if discordance == 1:
        return Detectable(math.nan, f"all {n} scenarios change from run to run: none is left to lose")
    least = _least_lost(n, alpha, sides)
    most = 1 - discordance
    if _mcnemar_power(least, discordance, most) < power:
        return Detectable(math.nan, f"even losing every stable one of {n} scenarios would not show")
    return Detectable(_root(lambda drop: _mcnemar_power(least, discordance, drop) - power, 0.0, most), "")
