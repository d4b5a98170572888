"""Estimates where nothing happened: the yardstick of designs without random assignment.

Belongs here: ranks of an effect among placebo effects, and placebo dates before the real one.
Does not: how a placebo effect is estimated (each design's module).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from eaas_assets.stats.panels.effect import NO_INTERVAL, FloatArray, IntArray, Interval


def rank_p_value(observed: float, placebos: FloatArray) -> float:
    """Two-sided permutation p-value: the share of |values| at least as large, the observed one counted.

    Exact when the observed unit was as likely treated as any placebo unit (Abadie, Diamond & Hainmueller 2010).
    """
    size = np.abs(placebos)
    # Relative tolerance: equal effects computed along two paths differ in the last bits and must tie.
    return float((1 + np.count_nonzero(size >= abs(observed) * (1.0 - 1e-9))) / (size.size + 1))


def rank_reach(placebos: FloatArray, confidence: float) -> float:
    """Half-width that inverts `rank_p_value`; nan when there are too few placebos for this confidence."""
    size = np.sort(np.abs(placebos))
    rank = math.ceil(round(confidence * (size.size + 1), 9))
    return float(size[rank - 1]) if rank <= size.size else math.nan


def interval_around(estimate: float, reach: float) -> Interval:
    """Symmetric interval; nan when the reach is."""
    return NO_INTERVAL if math.isnan(reach) else Interval(estimate - reach, estimate + reach)


class PlaceboInTime(NamedTuple):
    """The same estimator at dates on which nothing happened.

    Attributes:
        cutoffs: First pseudo-treated period of each placebo, as an index.
        estimates: Placebo effects.
        p_values: Their p-values.
        p: Smallest p-value times the number of placebos (Bonferroni), at most 1; nan without placebos.
    """

    cutoffs: IntArray
    estimates: FloatArray
    p_values: FloatArray
    p: float


def placebo_in_time(estimate: Callable[[int], tuple[float, float]], cutoffs: Sequence[int]) -> PlaceboInTime:
    """Run ``estimate(cutoff) -> (effect, p)`` at every cutoff and correct for their number."""
    results = [estimate(cutoff) for cutoff in cutoffs]
    p_values = np.array([p for _, p in results], dtype=np.float64)
    known = p_values[np.isfinite(p_values)]
    return PlaceboInTime(
        np.array(cutoffs, dtype=np.int64),
        np.array([effect for effect, _ in results], dtype=np.float64),
        p_values,
        min(1.0, float(known.min()) * known.size) if known.size else math.nan,
    )
