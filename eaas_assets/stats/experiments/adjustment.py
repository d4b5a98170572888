"""Regression adjustment of an experiment with covariates measured before treatment (CUPED).

Every arm gets its own slopes and is read at the covariate mean of both arms together (Lin 2013, Agnostic notes on
regression adjustments to experimental data, Annals of Applied Statistics 7). That never loses precision in large
samples, whatever the true relation. The superpopulation terms of Negi & Wooldridge (2021, Econometric Reviews 40)
are included: the common covariate mean is itself an estimate, which is nothing for an absolute effect with equal
slopes and decisive for a relative one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from eaas_assets.stats.experiments.contrast import satterthwaite, t_effect
from eaas_assets.stats.experiments.distributions import chi2_sf
from eaas_assets.stats.experiments.results import ArmEstimates, Effect, MetricKind, Refusal, refused
from eaas_assets.stats.experiments.skewness import allocation_skewness

if TYPE_CHECKING:
    from eaas_assets.stats.experiments.moments import ArmMoments, FloatArray

_NEGLIGIBLE = 1e-12
"""A residual variance below this share of the metric's variance is rounding: the covariates are the outcome."""
_ROUNDING = 1e-14
"""A variance of a sum below this share of its terms is what their cancelling leaves."""
_COLLINEAR = 1e-9
"""Directions of the covariates' correlation matrix with less than this share of it are dropped."""


class LinearValue(NamedTuple):
    """An arm's value and the weights of the columns whose mean varies as the value does (its influence function)."""

    value: float
    weights: FloatArray


class _Fit(NamedTuple):
    slopes: FloatArray
    residual_variance: float
    rank: int


def adjusted_mean_difference(
    treatment: ArmMoments,
    control: ArmMoments,
    covariates: Sequence[str],
    metric: str | None = None,
    level: float = 0.95,
) -> Effect:
    """Difference of means, adjusted for covariates by arm-specific regressions.

    Args:
        treatment: Moments of the metric and the covariates.
        control: The same columns of the control arm.
        covariates: Columns measured before treatment.
        metric: The metric's column; None for the first one.
        level: Confidence level.

    Returns:
        The effect. Arm values are adjusted means. Diagnostics: ``variance_reduction`` (share of the unadjusted
        variance removed), ``covariate_balance_p`` (small if the arms differed before treatment),
        ``covariates_without_variance``.
    """
    arms = (treatment, control)
    values = tuple(LinearValue(float(arm.mean[arm.column(metric)]), _unit(arm, arm.column(metric))) for arm in arms)
    for arm, name in zip(arms, ("treatment", "control"), strict=True):
        problem = arm.problem(name, [metric, *covariates])
        if problem is not None:
            means = tuple(value.value for value in values)
            return refused(
                "mean", _METHOD, (problem,), sizes=(treatment.n, control.n), level=level, values=(means[0], means[1])
            )
    return adjusted_effect("mean", _METHOD, arms, (values[0], values[1]), covariates, level)


_METHOD = "regression-adjusted difference of means (Lin, arm-specific slopes)"


def adjusted_effect(
    metric_kind: MetricKind,
    method: str,
    arms: tuple[ArmMoments, ArmMoments],
    values: tuple[LinearValue, LinearValue],
    covariates: Sequence[str],
    level: float,
    diagnostics: dict[str, float | str] | None = None,
) -> Effect:
    """Adjust any pair of asymptotically linear arm values. Moments must have been checked.

    Args:
        metric_kind: What is compared.
        method: How.
        arms: Moments of treatment and control.
        values: Their values with the weights of the columns.
        covariates: Columns measured before treatment; may be empty.
        level: Confidence level.
        diagnostics: Named side results to carry along.
    """
    sizes = (arms[0].n, arms[1].n)
    found: dict[str, float | str] = dict(diagnostics or {})
    used = [name for name in covariates if all(arm.variance_of(name) > 0.0 for arm in arms)]
    if len(used) < len(covariates):
        found["covariates_without_variance"] = ", ".join(name for name in covariates if name not in used)
    if min(sizes) < len(used) + 3:
        few = Refusal("too_few_units", f"{min(sizes)} units cannot carry {len(used)} covariates")
        return refused(metric_kind, method, (few,), sizes=sizes, level=level, values=(values[0].value, values[1].value))
    fits = [_fit(arm, value.weights, used) for arm, value in zip(arms, values, strict=True)]
    residuals = tuple(
        _residual_weights(arm, value, fit, used) for arm, value, fit in zip(arms, values, fits, strict=True)
    )
    estimates = _at_common_mean(arms, values, fits, used)._replace(
        skewness=allocation_skewness(arms, (residuals[0], residuals[1]))
    )
    raw = sum(_quadratic(arm, value.weights) / arm.n for arm, value in zip(arms, values, strict=True))
    if used and raw > 0.0:
        if estimates.contrast()[1] <= _NEGLIGIBLE * raw:
            copied = Refusal("no_variance", "the covariates determine the metric: it was measured before treatment")
            means = (values[0].value, values[1].value)
            return refused(metric_kind, method, (copied,), sizes=sizes, level=level, values=means, diagnostics=found)
        found["variance_reduction"] = 1.0 - estimates.contrast()[1] / raw
        found["covariate_balance_p"] = _balance_p(arms, used)
    assumptions: tuple[str, ...] = ("units are independent", "assignment was random")
    if used:
        assumptions += ("covariates were measured before treatment",)
    return t_effect(
        metric_kind, method, estimates, sizes=sizes, level=level, assumptions=assumptions, diagnostics=found
    )


def _at_common_mean(
    arms: tuple[ArmMoments, ArmMoments],
    values: tuple[LinearValue, LinearValue],
    fits: list[_Fit],
    covariates: Sequence[str],
) -> ArmEstimates:
    """Both arms' values at the covariate mean of all units, with their joint variance."""
    treatment, control = arms
    n = treatment.n + control.n
    pooled = treatment.merge(control)
    index = [pooled.column(name) for name in covariates]
    spread = pooled.covariance[index][:, index]
    shifts = [arm.mean[index] - pooled.mean[index] for arm in arms]
    value, own, dfs = [], [], []
    for arm, linear, fit, shift in zip(arms, values, fits, shifts, strict=True):
        value.append(linear.value - float(fit.slopes @ shift))
        inverse, _ = _pseudo_inverse(arm.covariance[index][:, index])
        leverage = float(shift @ inverse @ shift) / (arm.n - 1)
        own.append(fit.residual_variance * (1.0 / arm.n + leverage))
        dfs.append(float(arm.n - 1 - fit.rank))
    common = [[float(a.slopes @ spread @ b.slopes) / n for b in fits] for a in fits]
    difference = fits[0].slopes - fits[1].slopes
    df = satterthwaite([(own[0], dfs[0]), (own[1], dfs[1]), (float(difference @ spread @ difference) / n, n - 1.0)])
    return ArmEstimates(value[0], value[1], own[0] + common[0][0], own[1] + common[1][1], common[0][1], df)


def _fit(arm: ArmMoments, weights: FloatArray, covariates: Sequence[str]) -> _Fit:
    """Slopes of the weighted columns on the covariates within one arm."""
    index = [arm.column(name) for name in covariates]
    variance = _quadratic(arm, weights)
    within = arm.covariance[index][:, index]
    inverse, rank = _pseudo_inverse(within)
    weighted = np.flatnonzero(weights)
    shared = arm.covariance[index][:, weighted] @ weights[weighted]
    slopes = inverse @ shared
    residual = variance - float(slopes @ shared)
    if residual <= _NEGLIGIBLE * variance:
        residual = 0.0
    return _Fit(slopes, residual * (arm.n - 1) / (arm.n - 1 - rank), rank)


def _residual_weights(arm: ArmMoments, value: LinearValue, fit: _Fit, covariates: Sequence[str]) -> FloatArray:
    weights = value.weights.copy()
    for name, slope in zip(covariates, fit.slopes, strict=True):
        weights[arm.column(name)] -= slope
    return weights


def _balance_p(arms: tuple[ArmMoments, ArmMoments], covariates: Sequence[str]) -> float:
    """P-value of equal covariate means in both arms (a Wald chi-squared test)."""
    index = [arms[0].column(name) for name in covariates]
    shift = arms[0].mean[index] - arms[1].mean[index]
    variance = sum(arm.covariance[index][:, index] / arm.n for arm in arms)
    inverse, rank = _pseudo_inverse(np.asarray(variance))
    return chi2_sf(float(shift @ inverse @ shift), rank)


def _pseudo_inverse(matrix: FloatArray) -> tuple[FloatArray, int]:
    """Inverse of a covariance matrix without its collinear directions, by its correlations; and how many are left."""
    if matrix.shape[0] == 0:
        return matrix, 0
    if matrix.shape[0] == 1:
        return 1.0 / matrix, 1
    scale = np.sqrt(np.diag(matrix))
    eigenvalues, vectors = np.linalg.eigh(matrix / np.outer(scale, scale))
    kept = eigenvalues > _COLLINEAR * matrix.shape[0]
    basis = vectors[:, kept] / scale[:, None]
    return (basis / eigenvalues[kept]) @ basis.T, int(kept.sum())


def _quadratic(arm: ArmMoments, weights: FloatArray) -> float:
    """Variance of a weighted sum of columns; columns of weight zero may be unknown."""
    index = np.flatnonzero(weights)
    part = weights[index]
    if index.size == 1:
        return arm.variance_of(arm.names[index[0]]) * float(part[0]) ** 2
    terms = np.outer(part, part) * arm.covariance[index][:, index]
    variance = float(terms.sum())
    return variance if variance > _ROUNDING * float(np.abs(terms).sum()) else 0.0


def _unit(arm: ArmMoments, column: int) -> FloatArray:
    weights = np.zeros(len(arm.names))
    weights[column] = 1.0
    return weights
