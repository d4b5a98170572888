"""Paired results between 0 and 1 that may be looked at after every pair: bets, exact in samples of any size.

A share has no normal look: one task in fifty that gains a whole point against many that lose a twentieth has a mean of
zero and a t statistic far below it, until the rare task comes. Bets need no such limit. Whoever stakes a share of their
money on "the new arm is better", pair by pair and at fair odds, cannot expect to gain if it is not; that their money
ever grows twentyfold has a probability of at most one in twenty (Ville's inequality), however often one looks. The
money is averaged over stakes from small to all, fixed before the first pair, so that the order of the pairs does not
matter. Of single 0/1 results this is a sequential test of the discordant pairs, the mixture version of McNemar's.

Sources: Waudby-Smith & Ramdas (2024), Estimating means of bounded random variables by betting, JRSS B 86, for the
bets; Robbins (1970), Statistical methods related to the law of the iterated logarithm, Ann. Math. Statist. 41, for the
mixture. Belongs here: bets. Means without bounds are in `paired_sequential`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eaas_assets.stats.intervals import cluster_index, finite_values

FloatArray = NDArray[np.float64]

_LEAST = 2.0
"""Smallest stake times the root of the planned pairs: what wins fastest there against a loud metric is 2.7."""
_APART = 1.6
"""Ratio of neighbouring stakes. The loss against the best stake between two of them is below a tenth."""
_DOUBLINGS = 60
_ROUNDING = 1e-9


class Rounds(NamedTuple):
    """What is bet on, one entry for each kind of family of pairs; sums over its pairs by the size of the largest.

    Attributes:
        treatment: Sum of the values under the treatment.
        control: Under the control.
        weight: Pairs of the family; 1 for pairs that stand alone.
        families: Families that are alike in all three.
    """

    treatment: FloatArray
    control: FloatArray
    weight: FloatArray
    families: FloatArray


class BettingSequence(NamedTuple):
    """A look at the difference and the ratio of two paired shares; everything holds at every look.

    Attributes:
        low: Lower limit of treatment minus control.
        high: Upper limit.
        p_value: Two-sided, of no difference; below one minus the level exactly when the limits exclude zero.
        ratio_low: Lower limit of treatment over control.
        ratio_high: Upper limit; infinite where nothing limits it.
    """

    low: float
    high: float
    p_value: float
    ratio_low: float
    ratio_high: float


def rounds(treatment: ArrayLike, control: ArrayLike, clusters: ArrayLike | None = None) -> Rounds:
    """The bets that pairs allow: families as wholes, as their pairs are not independent.

    A family stakes by its size, the largest all. A look that finds a larger one than before stakes less on the earlier
    ones, too, as if smaller stakes had been chosen from the start: no bet made beforehand, so that the bound is exact
    for pairs that stand alone and for families whose largest is among the first.

    Args:
        treatment: Shape (pairs,), between 0 and 1, at least one.
        control: The same under the control.
        clusters: Family of each pair; None: each is its own.

    Raises:
        ValueError: If a value lies outside 0 and 1, or there is none.
    """
    after, before = finite_values(treatment, "treatment"), finite_values(control, "control")
    if not after.size or after.size != before.size:
        raise ValueError(f"{after.size} and {before.size} values, must be as many pairs and not none")
    if min(after.min(), before.min()) < 0.0 or max(after.max(), before.max()) > 1.0:
        raise ValueError("values must lie within [0, 1]")
    family = cluster_index(clusters, after.size)
    size = np.bincount(family)
    sums = np.stack([np.bincount(family, after), np.bincount(family, before), size.astype(np.float64)])
    kinds, families = np.unique(sums / size.max(), axis=1, return_counts=True)
    return Rounds(kinds[0], kinds[1], kinds[2], families.astype(np.float64))


def stakes(planned: float) -> FloatArray:
    """Shares of the money that are staked, from what wins fastest at the planned number of pairs up to all of it.

    Args:
        planned: Pairs. The stakes must not depend on the data; any number fixed beforehand is valid.

    Raises:
        ValueError: If it is not positive.
    """
    if not planned > 0.0:
        raise ValueError(f"planned == {planned}, must be positive")
    least = min(0.5, _LEAST / math.sqrt(planned))
    return np.geomspace(least, 1.0, 1 + math.ceil(math.log(1.0 / least) / math.log(_APART)))


def better_p(data: Rounds, planned: float, difference: float = 0.0) -> float:
    """One-sided p-value of "treatment minus control is at most ``difference``" that holds at every look."""
    if difference <= -1.0:
        return 1.0
    return _p(_money((data.treatment - data.control - difference * data.weight) / (1.0 + difference), data, planned))


def worse_p(data: Rounds, planned: float, difference: float = 0.0) -> float:
    """One-sided p-value of "treatment minus control is at least ``difference``" that holds at every look."""
    return better_p(_swapped(data), planned, -difference)


def better_ratio_p(data: Rounds, planned: float, ratio: float) -> float:
    """One-sided p-value of "treatment is at most ``ratio`` (positive) times control" that holds at every look."""
    return _p(_money((data.treatment - ratio * data.control) / ratio, data, planned))


def worse_ratio_p(data: Rounds, planned: float, ratio: float) -> float:
    """One-sided p-value of "treatment is at least ``ratio`` times control" that holds at every look."""
    if ratio <= 0.0:
        return 1.0
    return _p(_money(ratio * data.control - data.treatment, data, planned))


def betting_sequence(data: Rounds, planned: float, level: float = 0.95) -> BettingSequence:
    """Limits and p-value at one look, each side at half of the error.

    Args:
        data: All pairs so far.
        planned: Planned pairs.
        level: Confidence level over all looks together.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level == {level}, must lie between 0 and 1")
    needed = math.log(2.0 / (1.0 - level))
    low = _lowest(data, planned, needed)
    high = -_lowest(_swapped(data), planned, needed)
    p_value = min(1.0, 2.0 * min(better_p(data, planned), worse_p(data, planned)))
    return BettingSequence(low, high, p_value, *_ratio_limits(data, planned, needed))


def _swapped(data: Rounds) -> Rounds:
    return data._replace(treatment=data.control, control=data.treatment)


def _money(gains: FloatArray, data: Rounds, planned: float) -> float:
    """Logarithm of the money, from 1, averaged over the stakes. Gains are at least −1, that is: the stake is lost."""
    staked = stakes(planned)[:, None] * np.maximum(gains, -1.0)
    with np.errstate(divide="ignore"):
        logs = np.log1p(staked) @ data.families
    most = float(logs.max())
    return most + math.log(float(np.mean(np.exp(logs - most))))


def _p(money: float) -> float:
    return min(1.0, math.exp(-money)) if money > 0.0 else 1.0


def _lowest(data: Rounds, planned: float, needed: float) -> float:
    """The smallest difference that the bets leave possible: their money falls as the difference grows."""
    mean = float((data.treatment - data.control) @ data.families) / float(data.weight @ data.families)

    def excess(difference: float) -> float:
        gains = (data.treatment - data.control - difference * data.weight) / (1.0 + difference)
        return _money(gains, data, planned) - needed

    least = -1.0 + _ROUNDING
    if mean <= least or excess(least) <= 0.0:
        return -1.0
    return _root(excess, least, mean)


def _ratio_limits(data: Rounds, planned: float, needed: float) -> tuple[float, float]:
    after, before = float(data.treatment @ data.families), float(data.control @ data.families)
    if not before > 0.0:
        return math.nan, math.nan
    ratio = after / before

    def below(value: float) -> float:
        return _money((data.treatment - value * data.control) / value, data, planned) - needed

    def above(value: float) -> float:
        return _money(value * data.control - data.treatment, data, planned) - needed

    low = _log_root(below, _ROUNDING, ratio) if ratio > _ROUNDING and below(_ROUNDING) > 0.0 else 0.0
    high = max(1.0, ratio)
    for _ in range(_DOUBLINGS):
        if not math.isfinite(high):
            break
        if above(high) > 0.0:
            return low, _log_root(above, max(ratio, _ROUNDING), high)
        high *= 2.0
    return low, math.inf


def _log_root(excess: Callable[[float], float], left: float, right: float) -> float:
    """The root between two positive values that may be many orders of magnitude apart."""
    return math.exp(_root(lambda value: excess(math.exp(value)), math.log(left), math.log(right)))


def _root(excess: Callable[[float], float], left: float, right: float) -> float:
    from scipy.optimize import brentq

    return float(brentq(excess, left, right, xtol=1e-13, rtol=1e-12, maxiter=1000))
