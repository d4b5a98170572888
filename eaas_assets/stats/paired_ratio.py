"""Ratio of two rates of the same pairs: the relative change that goes with ``paired.paired_rate_interval``."""

from __future__ import annotations

import math
from collections.abc import Callable

from eaas_assets.stats.intervals import Interval, two_sided_z, undefined

_DOUBLINGS = 60
"""Of a ratio on the way to its bound; a bound beyond 2⁶⁰ times the estimate is none."""


def paired_ratio_z(both: float, lost: float, gained: float, ratio: float) -> float:
    """Score statistic of the hypothesis that the new rate of passes is ``ratio`` times the old one.

    At ratio 1 it is that of no difference, so intervals of the ratio and of the difference (Tango's) agree about a
    change. Tang, Tang & Chan 2003 (Statistics in Medicine 22), Nam & Blackwelder 2002 (Statistics in Medicine 21).

    Args:
        both: Pairs that pass in both versions. Fractions are allowed here and below: effective counts.
        lost: Pairs that passed before and fail now.
        gained: Pairs that failed before and pass now.
        ratio: Positive.
    """
    distance = gained + both - ratio * (lost + both)
    passed = both + lost + gained
    # Expected number lost under the ratio: the larger root of a w² − b w − c, the likelihood's stationary point.
    a = 1 + ratio
    b = lost + gained - (both + lost) * (ratio * ratio - 1)
    c = lost * passed * (ratio - 1)
    under = (b + math.sqrt(max(0.0, b * b + 4 * a * c))) / (2 * a)
    under = min(max(under, 0.0, passed * (1 - ratio)), passed / a)
    variance = passed * (ratio - 1) + (1 + ratio) * under
    if abs(distance) <= 1e-12 * passed:
        return 0.0
    return distance / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, distance)


def paired_ratio_interval(both: float, lost: float, gained: float, level: float = 0.95) -> Interval:
    """Score interval of a ratio of paired rates, new over old; the upper bound is infinite where nothing limits it.

    Without a pass before, the ratio is undefined and its interval nan. Arguments as of ``paired_ratio_z``.
    """
    z = two_sided_z(level)
    if not min(both, lost, gained) >= 0:
        raise ValueError(f"both == {both}, lost == {lost} and gained == {gained}, must not be negative")
    if not lost + both > 0:
        return undefined(level)
    estimate = (gained + both) / (lost + both)
    low = _ratio_bound(lambda ratio: paired_ratio_z(both, lost, gained, ratio) - z, estimate, 0.5)
    high = _ratio_bound(lambda ratio: paired_ratio_z(both, lost, gained, ratio) + z, estimate, 2.0)
    return Interval(low, high, level)


def _ratio_bound(excess: Callable[[float], float], estimate: float, factor: float) -> float:
    """Where a falling function of the ratio is 0, on the side of ``factor``; 0 or infinity where it is nowhere."""
    from scipy.optimize import brentq

    inside = estimate
    outside = (estimate if estimate > 0 else 1.0) * factor
    if estimate == 0 and factor < 1:
        return 0.0
    for _ in range(_DOUBLINGS):
        if excess(outside) * (1 if factor < 1 else -1) > 0:
            if inside == 0:
                inside = 1e-12
            return float(brentq(excess, min(inside, outside), max(inside, outside), xtol=1e-14, rtol=1e-12))
        inside, outside = outside, outside * factor
    return 0.0 if factor < 1 else math.inf
