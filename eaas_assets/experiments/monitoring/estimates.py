"""Values of two arms with their errors at many looks at once.

Belongs here: the estimators of `stats.experiments` for means, proportions and ratios, with or without a covariate, over
arrays of looks. They are the same formulas, and a test holds them to the same digits; one look at a time they would
take a hundred times as long. Which limits follow from them is in ``boundary``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eaas_assets.contracts.experiment import Metric
from eaas_assets.experiments.monitoring.cumulative import Stacked
from eaas_assets.experiments.observations.access import FloatArray
from eaas_assets.stats.experiments.proportions import inner_proportion
from eaas_assets.stats.experiments.ratio_metric import MAX_DENOMINATOR_CV
from eaas_assets.stats.experiments.sequential import MIN_UNITS
from eaas_assets.stats.experiments.skewness import MAX_SKEWNESS

_BALANCED = 5e-4
_NEGLIGIBLE = 1e-12
_ROUNDING = 8.0 * float(np.finfo(np.float64).eps)


class Estimates(NamedTuple):
    """As :class:`ArmEstimates`, arrays of shape (looks,); besides why a look has no interval.

    Attributes:
        treatment_centre: Where limits of the treatment's value lie around: the value, of proportions a little inwards.
        control_centre: The same of the control.
        reason: Empty where there is an interval.
    """

    n_treatment: FloatArray
    n_control: FloatArray
    treatment: FloatArray
    control: FloatArray
    var_treatment: FloatArray
    var_control: FloatArray
    covariance: FloatArray
    df: FloatArray
    skewness: FloatArray
    treatment_centre: FloatArray
    control_centre: FloatArray
    reason: NDArray[np.object_]


class _Linear(NamedTuple):
    """One arm's value and the parts of its influence function."""

    n: FloatArray
    value: FloatArray
    weights: FloatArray
    variance: FloatArray
    slope: FloatArray
    residual: FloatArray
    x_mean: FloatArray
    x_variance: FloatArray


def arm_estimates(metric: Metric, treatment: Stacked, control: Stacked) -> Estimates:
    """Treatment and control at every look, adjusted for the metric's covariate where it has one.

    Raises:
        ValueError: For a quantile, which has no moments.
    """
    if metric.kind == "quantile":
        raise ValueError("a quantile has no moments")
    arms = (treatment, control)
    with np.errstate(all="ignore"):  # looks without units or variance are told by their reason
        adjusted = metric.covariate is not None
        used = np.ones(treatment.n.size, dtype=np.bool_) if adjusted else np.zeros(treatment.n.size, dtype=np.bool_)
        if adjusted:
            used &= np.all([_variance(arm, f"{metric.name}.covariate") > 0.0 for arm in arms], axis=0)
        t, c = (_linear(metric, arm, used) for arm in arms)
        found = _combined(metric, arms, t, c, used)
        return found._replace(reason=_reasons(metric, arms, found))


def _linear(metric: Metric, arm: Stacked, used: NDArray[np.bool_]) -> _Linear:
    weights = np.zeros_like(arm.mean)
    if metric.kind == "ratio":
        above, below = arm.column(f"{metric.name}.numerator"), arm.column(f"{metric.name}.denominator")
        value = arm.mean[:, above] / arm.mean[:, below]
        weights[:, above] = 1.0 / arm.mean[:, below]
        weights[:, below] = -value / arm.mean[:, below]
    else:
        column = arm.column(metric.name)
        value = arm.mean[:, column]
        weights[:, column] = 1.0
    variance = np.einsum("li,lij,lj->l", weights, arm.covariance, weights)
    floor = (_ROUNDING * value) ** 2 if metric.kind != "ratio" else 0.0
    variance = np.where(variance > floor, variance, np.where(np.isnan(variance), np.nan, 0.0))
    slope = x_mean = x_variance = np.zeros_like(value)
    if metric.covariate is not None:
        x = arm.column(f"{metric.name}.covariate")
        x_mean, x_variance = arm.mean[:, x], arm.covariance[:, x, x]
        slope = np.where(used, np.einsum("li,li->l", weights, arm.covariance[:, x, :]) / x_variance, 0.0)
        weights[:, x] = -slope
    residual = variance - slope * slope * np.where(used, x_variance, 0.0)
    residual = np.where(residual <= _NEGLIGIBLE * variance, 0.0, residual)
    residual = residual * (arm.n - 1.0) / (arm.n - 1.0 - used)
    return _Linear(arm.n, value, weights, variance, slope, residual, x_mean, x_variance)


def _combined(
    metric: Metric, arms: tuple[Stacked, Stacked], t: _Linear, c: _Linear, used: NDArray[np.bool_]
) -> Estimates:
    n = t.n + c.n
    centre = np.where(used, (t.n * t.x_mean + c.n * c.x_mean) / n, 0.0)
    between = t.n * c.n / n * (t.x_mean - c.x_mean) ** 2
    within = t.x_variance * (t.n - 1.0) + c.x_variance * (c.n - 1.0)
    spread = np.where(used, (within + between) / (n - 1.0), 0.0)
    values, own, freedom = [], [], []
    for arm in (t, c):
        shift = np.where(used, arm.x_mean - centre, 0.0)
        values.append(arm.value - arm.slope * shift)
        leverage = np.where(used, shift**2 / arm.x_variance / (arm.n - 1.0), 0.0)
        own.append(arm.residual * (1.0 / arm.n + leverage))
        freedom.append(arm.n - 1.0 - used)
    difference = (t.slope - c.slope) ** 2 * spread / n
    df = _satterthwaite((own[0], own[1], difference), (freedom[0], freedom[1], n - 1.0))
    skewness = _skewness(arms, (t.weights, c.weights))
    centres = values
    if metric.kind == "proportion" and metric.covariate is None:
        inwards = [inner_proportion(arm.value, arm.n) for arm in (t, c)]
        varies = (t.value != c.value) | ((t.value > 0.0) & (t.value < 1.0))
        centres, own = [value for value, _ in inwards], [np.where(varies, variance, 0.0) for _, variance in inwards]
        df, skewness = np.full_like(df, np.inf), np.zeros_like(skewness)
    return Estimates(
        t.n,
        c.n,
        values[0],
        values[1],
        own[0] + t.slope**2 * spread / n,
        own[1] + c.slope**2 * spread / n,
        t.slope * c.slope * spread / n,
        df,
        skewness,
        centres[0],
        centres[1],
        np.full(n.size, "", dtype=np.object_),
    )


def _satterthwaite(variances: tuple[FloatArray, ...], freedom: tuple[FloatArray, ...]) -> FloatArray:
    total = sum(variances)
    weight = sum(np.where(v > 0.0, v * v / df, 0.0) for v, df in zip(variances, freedom, strict=True))
    return np.where(weight > 0.0, total * total / weight, np.inf)


def _skewness(arms: tuple[Stacked, Stacked], weights: tuple[FloatArray, FloatArray]) -> FloatArray:
    """Skewness of the difference from the shape that both arms share (see ``stats.experiments.skewness``)."""
    shares = [1.0 / arm.n for arm in arms]
    imbalance = (shares[0] ** 2 - shares[1] ** 2) / (shares[0] + shares[1]) ** 1.5
    n = arms[0].n + arms[1].n
    second = third = np.zeros_like(n)
    for arm, w in zip(arms, weights, strict=True):
        second = second + np.einsum("li,lij,lj->l", w, arm.covariance, w) * (arm.n - 1.0) / n
        inner = np.einsum("lijk,lk->lij", arm.third, w)
        third = third + np.einsum("li,lij,lj->l", w, inner, w) * arm.n / n
    skewed = (np.abs(imbalance) >= _BALANCED) & (second > 0.0)
    skewness = np.where(skewed, third / second**1.5 * imbalance, 0.0)
    return np.where(np.isfinite(skewness), skewness, 0.0)


def _reasons(metric: Metric, arms: tuple[Stacked, Stacked], found: Estimates) -> NDArray[np.object_]:
    reason = np.full(found.df.size, "", dtype=np.object_)
    variance = found.var_treatment - 2.0 * found.covariance + found.var_control
    reason[np.abs(found.skewness) > MAX_SKEWNESS] = "the smaller arm is too small for so long a tail"
    reason[variance <= 0.0] = "the metric does not vary yet"
    if metric.kind == "ratio":
        for arm in arms:
            column = arm.column(f"{metric.name}.denominator")
            cv = np.sqrt(arm.covariance[:, column, column] / arm.n) / np.abs(arm.mean[:, column])
            reason[~(cv <= MAX_DENOMINATOR_CV)] = "an arm's denominator is too uncertain to divide by"
    reason[~np.isfinite(variance)] = "no variance is known"
    reason[~(np.isfinite(found.treatment) & np.isfinite(found.control))] = "an arm has missing or infinite values"
    smallest = np.minimum(found.n_treatment, found.n_control)
    early = smallest < MIN_UNITS
    reason[early] = [f"an arm has {int(n)} units, a look needs {MIN_UNITS}" for n in smallest[early]]
    return reason


def _variance(arm: Stacked, name: str) -> FloatArray:
    column = arm.column(name)
    variance = arm.covariance[:, column, column]
    return np.where(variance > (_ROUNDING * arm.mean[:, column]) ** 2, variance, 0.0)
