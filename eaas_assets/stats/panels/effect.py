"""The one result of every quasi-experimental estimator, and how it becomes a relative effect.

Belongs here: the shape of the answer, Student-t intervals, relative effects.
Does not: estimators (their own modules), decisions on the answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Design = Literal["difference_in_differences", "staggered_rollout", "synthetic_control", "before_after"]


class Interval(NamedTuple):
    """Two-sided bounds; nan where the data give none."""

    low: float
    high: float


NO_INTERVAL = Interval(math.nan, math.nan)


@dataclass(frozen=True, slots=True, eq=False)
class PanelEffect:
    """The average effect on the treated units in their treated periods, in units of the outcome.

    Attributes:
        design: Strength of the design; it caps what may be decided on this result.
        method: The estimator and how its errors were found.
        estimate: Average effect on the treated.
        se: Standard error; nan where the inference has none (rank-based inference).
        ci: Interval at ``confidence``.
        p: Two-sided p-value of no effect.
        confidence: Nominal coverage of ``ci``.
        counterfactual: Estimated mean outcome of the treated cells without the treatment.
        relative: ``estimate / |counterfactual|``, so an improvement of a negative baseline stays positive.
        relative_ci: Its interval; nan with ``diagnostics["relative_reason"]`` where undefined.
        status: ``inconclusive`` when the data cannot carry a verdict, whatever ``p`` says.
        reason: Why it is inconclusive; empty otherwise.
        assumptions: What must be true and cannot be read from the data.
        n_units: Units (series) used.
        n_periods: Periods used.
        n_clusters: Independent clusters behind the errors.
        diagnostics: Named numbers and notes.
        paths: Arrays for pictures, by name; all arrays of one picture have one length.
    """

    design: Design
    method: str
    estimate: float
    se: float
    ci: Interval
    p: float
    confidence: float
    counterfactual: float
    relative: float
    relative_ci: Interval
    assumptions: tuple[str, ...]
    n_units: int
    n_periods: int
    n_clusters: int
    status: Literal["estimated", "inconclusive"] = "estimated"
    reason: str = ""
    diagnostics: Mapping[str, float | int | str | bool] = field(default_factory=dict)
    paths: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)

    @property
    def significant(self) -> bool:
        """Whether ``p`` is at most one minus ``confidence``."""
        return self.p <= 1.0 - self.confidence


def t_interval(estimate: float, se: float, df: float, confidence: float) -> tuple[Interval, float]:
    """Student-t interval and two-sided p-value of zero; both nan when ``se`` is not positive."""
    if not se > 0.0:
        return NO_INTERVAL, math.nan
    reach = float(stdtrit(df, 0.5 + confidence / 2.0)) * se
    return Interval(estimate - reach, estimate + reach), float(2.0 * stdtr(df, -abs(estimate / se)))


def relative_to_observed(effect: float, ci: Interval, treated_mean: float) -> tuple[float, float, Interval, str]:
    """Counterfactual and relative effect, the observed mean of the treated taken as the fact that it is.

    ``effect / (treated_mean − effect)`` grows with ``effect`` as long as the counterfactual keeps its sign, so the
    bounds of the effect map to the bounds of the ratio and the coverage carries over unchanged.

    Returns:
        Counterfactual, ratio to its absolute value, interval, and the reason where that interval is nan.
    """
    counterfactual = treated_mean - effect
    if counterfactual == 0.0:
        return counterfactual, math.nan, NO_INTERVAL, "counterfactual is zero"
    ratio = effect / abs(counterfactual)
    ends = (treated_mean - ci.low, treated_mean - ci.high)
    if math.isnan(ends[0]) or math.isnan(ends[1]):
        return counterfactual, ratio, NO_INTERVAL, "the effect has no interval"
    if min(ends) <= 0.0 <= max(ends):
        return counterfactual, ratio, NO_INTERVAL, "counterfactual cannot be told from zero"
    low, high = sorted((ci.low / abs(ends[0]), ci.high / abs(ends[1])))
    return counterfactual, ratio, Interval(low, high), ""
