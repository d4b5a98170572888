"""Quantile metrics, such as the 95th percentile of latency.

Every arm gives its quantile and a distribution-free interval for it from order statistics; the two intervals are
combined into one for the difference and one for the ratio. No density is estimated, skewness does no harm, and a
database needs three quantiles per arm, no more.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import betainc

from eaas_assets.stats.experiments.contrast import check_level
from eaas_assets.stats.experiments.distributions import normal_quantile, normal_sf
from eaas_assets.stats.experiments.relative import signed_relative
from eaas_assets.stats.experiments.results import NO_RELATIVE, ArmEstimates, Effect, Refusal, Relative, refused
from eaas_assets.stats.roots import crossing

if TYPE_CHECKING:
    import numpy.typing as npt

MIN_CLUSTERS = 30
"""Fewest clusters for the variance of a clustered share to be taken as known."""


class QuantileArm(NamedTuple):
    """One arm's quantile with the limits of its own interval.

    Attributes:
        n: Number of units that were randomised.
        value: The quantile.
        low: The quantile at the lower probability of ``quantile_probabilities``; nan if the arm is too small.
        high: The quantile at the upper one.
    """

    n: int
    value: float
    low: float
    high: float


class QuantileProbabilities(NamedTuple):
    """At which probabilities a database must read an arm's quantiles (``quantile_cont``, numpy's default)."""

    low: float
    middle: float
    high: float


def quantile_probabilities(
    n: int, quantile: float, level: float = 0.95, effective_n: float | None = None
) -> QuantileProbabilities:
    """Probabilities whose quantiles are the limits of an arm's interval.

    Args:
        n: Observations in the arm.
        quantile: The quantile asked about, between 0 and 1.
        level: Confidence level.
        effective_n: Observations that independent ones would need for the same precision (see ``effective_size``).

    Returns:
        Probabilities; ``low`` or ``high`` is nan where so few observations have no such order statistic.

    Source: A. D. Hutson (1999), Calculating nonparametric confidence intervals for quantiles using fractional order
    statistics, Journal of Applied Statistics 26.
    """
    check_level(level)
    if not 0.0 < quantile < 1.0:
        raise ValueError(f"quantile == {quantile}, must be between 0 and 1")
    effective = float(n) if effective_n is None else min(effective_n, float(n))
    if n < 2 or not effective > 0.0:
        return QuantileProbabilities(math.nan, quantile, math.nan)
    tail = (1.0 - level) / 2.0
    ranks = (_fractional_rank(effective, quantile, 1.0 - tail), _fractional_rank(effective, quantile, tail))
    # From rank r of n_eff to a share r / (n_eff + 1), to a rank among n, to numpy's (rank − 1) / (n − 1).
    low, high = ((rank / (effective + 1.0) * (n + 1.0) - 1.0) / (n - 1.0) for rank in ranks)
    known = [share if 0.0 <= share <= 1.0 else math.nan for share in (low, high)]
    return QuantileProbabilities(known[0], quantile, known[1])


def quantile_arm(
    values: npt.ArrayLike, quantile: float, level: float = 0.95, clusters: npt.ArrayLike | None = None
) -> QuantileArm:
    """An arm's quantile and its interval, from an array.

    Args:
        values: Observations, shape (n,).
        quantile: The quantile asked about.
        level: Confidence level.
        clusters: The randomised unit of each observation, if units have several, shape (n,).
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError("values must be a one-dimensional array")
    units = array.size if clusters is None else int(np.unique(np.asarray(clusters)).size)
    if array.size == 0 or not np.isfinite(array).all():
        return QuantileArm(units, math.nan, math.nan, math.nan)
    value = float(np.quantile(array, quantile))
    effective = None if clusters is None else effective_size(array <= value, clusters)
    probabilities = quantile_probabilities(array.size, quantile, level, effective)
    low, high = (
        math.nan if math.isnan(p) else float(np.quantile(array, p)) for p in (probabilities.low, probabilities.high)
    )
    return QuantileArm(units, value, low, high)


def effective_size(below: npt.ArrayLike, clusters: npt.ArrayLike) -> float:
    """Number of independent observations that would give the share ``below`` the variance it has between clusters.

    Args:
        below: Whether each observation is at most the quantile, shape (n,).
        clusters: The randomised unit of each, shape (n,).

    Returns:
        The effective size; nan with fewer than ``MIN_CLUSTERS`` clusters, or without any variance.

    Source: Deng, Knoblich & Lu (2018), Applying the delta method in metric analytics, KDD (percentiles).
    """
    flags = np.asarray(below, dtype=np.float64)
    _, index = np.unique(np.asarray(clusters), return_inverse=True)
    sizes = np.bincount(index).astype(np.float64)
    totals = np.bincount(index, weights=flags)
    groups = sizes.size
    share = float(flags.mean())
    residual = totals - share * sizes
    variance = (
        float(residual @ residual) * groups / (groups - 1) / flags.size**2 if groups >= MIN_CLUSTERS else math.nan
    )
    return share * (1.0 - share) / variance if variance > 0.0 else math.nan


def quantile_difference(treatment: QuantileArm, control: QuantileArm, quantile: float, level: float = 0.95) -> Effect:
    """Difference of one quantile between two arms, treatment minus control.

    Args:
        treatment: The treatment arm's quantile with its own interval at ``level``.
        control: The same of the control arm.
        quantile: Which quantile, for the record.
        level: Confidence level of the arms' intervals and of the result.

    Returns:
        The effect. Limits combine the arms' limits (MOVER); they need not lie symmetrically. Refused with
        ``ties_at_quantile`` where both arms' intervals have no width, with ``too_few_units`` where one does not exist.

    Source: Zou & Donner (2008), Statistics in Medicine 27, for the difference; Donner & Zou (2012), Statistical
    Methods in Medical Research 21, for the ratio.
    """
    check_level(level)
    method = f"difference of quantiles at {quantile:g} (order statistics, MOVER)"
    sizes = (treatment.n, control.n)
    values = (treatment.value, control.value)
    problem = _problem(treatment, "treatment") or _problem(control, "control")
    if problem is None and treatment.high == treatment.low and control.high == control.low:
        problem = Refusal(
            "ties_at_quantile", "so many values are equal that neither arm's quantile can be told from its neighbours"
        )
    if problem is not None:
        return refused("quantile", method, (problem,), sizes=sizes, level=level, values=values)
    z = normal_quantile(0.5 + level / 2.0)
    estimate = treatment.value - control.value
    below = math.hypot(treatment.value - treatment.low, control.high - control.value)
    above = math.hypot(treatment.high - treatment.value, control.value - control.low)
    toward_zero = below if estimate > 0.0 else above
    statistic = estimate / (toward_zero / z) if toward_zero > 0.0 else math.copysign(math.inf, estimate)
    spreads = tuple(((arm.high - arm.low) / (2.0 * z)) ** 2 for arm in (treatment, control))
    relative, refusal = _relative(treatment, control)
    return Effect(
        metric_kind="quantile",
        method=method,
        n_treatment=treatment.n,
        n_control=control.n,
        treatment=treatment.value,
        control=control.value,
        estimate=estimate,
        se=math.sqrt(sum(spreads)),
        low=estimate - below,
        high=estimate + above,
        p_value=1.0 if estimate == 0.0 else 2.0 * normal_sf(abs(statistic)),
        df=math.inf,
        level=level,
        relative=relative,
        arms=ArmEstimates(treatment.value, control.value, *spreads),
        assumptions=("units are independent", "assignment was random"),
        refusals=() if refusal is None else (refusal,),
    )


def _problem(arm: QuantileArm, name: str) -> Refusal | None:
    if arm.n == 0:
        return Refusal("empty_arm", f"the {name} arm has no unit with a value")
    if not math.isfinite(arm.value):
        return Refusal("not_finite", f"the {name} arm has missing or infinite values")
    if math.isnan(arm.low) or math.isnan(arm.high):
        return Refusal("too_few_units", f"the {name} arm with {arm.n} units has no interval for this quantile")
    return None


def _relative(treatment: QuantileArm, control: QuantileArm) -> tuple[Relative, Refusal | None]:
    """Change relative to the control's quantile: the ratios for which the interval of t − ratio × c covers zero."""
    if control.low <= 0.0 <= control.high:
        reason = f"the control's quantile lies between {control.low:.6g} and {control.high:.6g}"
        return NO_RELATIVE, Refusal("baseline_near_zero", reason, "relative")
    sign = math.copysign(1.0, control.value)
    # With a negative control, mirror both arms: the ratio stays the same.
    t = treatment if sign > 0.0 else QuantileArm(treatment.n, -treatment.value, -treatment.high, -treatment.low)
    c = control if sign > 0.0 else QuantileArm(control.n, -control.value, -control.high, -control.low)
    low = _ratio_limit(t.value, t.value - t.low, c.value, (c.high - c.value, c.value - c.low), -1.0)
    high = _ratio_limit(t.value, t.high - t.value, c.value, (c.value - c.low, c.high - c.value), 1.0)
    return signed_relative(t.value / c.value, low, high, control.value, "MOVER"), None


def _ratio_limit(t: float, t_half: float, c: float, halves: tuple[float, float], side: float) -> float:
    """The r beside t / c with (t − r c)² = t_half² + r² c_half². A negative r needs the control's other half."""
    ratio = math.nan
    for c_half in halves:
        spread = t * t * c_half**2 + c * c * t_half**2 - t_half**2 * c_half**2
        ratio = (t * c + side * math.sqrt(max(spread, 0.0))) / (c * c - c_half * c_half)
        if ratio >= 0.0:
            break
    return ratio


def _fractional_rank(n: float, quantile: float, probability: float) -> float:
    """The real rank r with P(U_(r) ≤ quantile) = probability, where U_(r) ~ Beta(r, n + 1 − r)."""

    def excess(rank: float) -> float:
        inside = 0.0 < rank < n + 1.0
        return (float(betainc(rank, n + 1.0 - rank, quantile)) if inside else float(rank <= 0.0)) - probability

    return crossing(excess, 0.0, n + 1.0)
