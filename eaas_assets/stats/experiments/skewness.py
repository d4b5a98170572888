"""Skewness of the difference between two arms, and the correction of t intervals for it.

With arms of equal size the skewness of a metric cancels in the difference of its means. With unequal arms it does
not, and a t interval misses on the smaller arm's side: it covers 86 instead of 95 % at 30 against 300 lognormal units
(σ = 1.5). The small arm cannot tell its own skewness (samples that miss the tail look short-tailed and have too small
a variance), so it is estimated from both arms together, as the shape they share up to location and scale.

Source: P. Hall (1992), On the removal of skewness by transformation, JRSS B 54, for the transformation; the
two-sample use follows Zhou & Dinh (2005, Biostatistics 6), except for the pooling of the shape, which is ours and is
tested by simulation.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from eaas_assets.stats.experiments.moments import ArmMoments, FloatArray

MAX_SKEWNESS = 1.0
"""Largest skewness of a difference that the expansion is used for."""
_NEGLIGIBLE = 1e-6
_BALANCED = 5e-4
"""Imbalance of arm sizes at which a metric's skewness of a hundred would leave one of 0.05 in the difference."""


def allocation_skewness(arms: tuple[ArmMoments, ArmMoments], weights: tuple[FloatArray, FloatArray]) -> float:
    """Skewness of the standardised difference of two arm values, by their pooled shape and the arm sizes.

    Args:
        arms: Moments of treatment and control.
        weights: The columns' weights in each arm's value.

    Returns:
        Zero for arms of equal size, or so large that no skewness matters; nan where third moments are unknown.
    """
    sizes = tuple(arm.n for arm in arms)
    shares = (1.0 / sizes[0], 1.0 / sizes[1])
    imbalance = (shares[0] ** 2 - shares[1] ** 2) / sum(shares) ** 1.5
    if abs(imbalance) < _BALANCED:
        return 0.0
    n = sum(sizes)
    second = third = 0.0
    for arm, weight in zip(arms, weights, strict=True):
        used = np.flatnonzero(weight)
        part = weight[used]
        second += float(part @ arm.covariance[used][:, used] @ part) * (arm.n - 1) / n
        third += float(part @ (arm.third[used][:, used][:, :, used] @ part) @ part) * arm.n / n
    if not second > 0.0:
        return 0.0
    return third / second**1.5 * imbalance


def remove_skewness(t: float, skewness: float) -> float:
    """Hall's monotone transformation of a skewed t statistic to one that follows Student's t more closely."""
    if abs(skewness) < _NEGLIGIBLE:
        return t
    return ((1.0 + skewness * t / 3.0) ** 3 - 1.0) / skewness + skewness / 6.0


def restore_skewness(y: float, skewness: float) -> float:
    """The t statistic that ``remove_skewness`` turns into ``y``."""
    if abs(skewness) < _NEGLIGIBLE:
        return y
    return 3.0 / skewness * (math.cbrt(1.0 + skewness * (y - skewness / 6.0)) - 1.0)
