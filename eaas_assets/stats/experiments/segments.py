"""Effects in segments: do they differ, how large are they after shrinkage, and who was harmed although the average won?

Segments are disjoint groups of units with one effect each. Looking at many finds a lucky best and an unlucky worst
by chance, so estimates are shrunk towards their mean and harm is named only after correction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri, roots_legendre

from eaas_assets.stats.experiments.contrast import check_level
from eaas_assets.stats.experiments.distributions import chi2_sf
from eaas_assets.stats.experiments.equal_effects import equal_effects
from eaas_assets.stats.experiments.results import Effect
from eaas_assets.stats.multiplicity import holm
from eaas_assets.stats.roots import crossing, crossings

if TYPE_CHECKING:
    import numpy.typing as npt

    from eaas_assets.stats.experiments.moments import FloatArray

_NODES, _WEIGHTS = roots_legendre(80)
_SHRINKAGE = 0.5 * (_NODES + 1.0)  # integration nodes of the prior's shrinkage factor on (0, 1)
_ITERATIONS = 200
_QUANTILE_PRECISION = 1e-12
_SQRT_2PI = math.sqrt(2.0 * math.pi)


class Heterogeneity(NamedTuple):
    """How much effects differ beyond chance.

    Attributes:
        mean: Weighted mean effect, with weights by the Paule–Mandel variance.
        se: Its standard error.
        q: Cochran's Q.
        df: Its degrees of freedom.
        p_value: P-value of equal effects; nan for one segment. Of Q where errors are known, else of ``equal_effects``.
        tau2: Variance between true effects by Paule & Mandel (1982); 0 if the estimates vary no more than their errors.
        tau2_reml: The same by restricted maximum likelihood.
    """

    mean: float
    se: float
    q: float
    df: int
    p_value: float
    tau2: float
    tau2_reml: float


class Shrunk(NamedTuple):
    """Effects after shrinkage.

    Attributes:
        estimate: Posterior means, shape (segments,).
        low: Lower limits, shape (segments,).
        high: Upper limits, shape (segments,).
        p_negative: Posterior probabilities of an effect below zero, shape (segments,).
    """

    estimate: FloatArray
    low: FloatArray
    high: FloatArray
    p_negative: FloatArray


class SegmentFinding(NamedTuple):
    """One segment.

    Attributes:
        name: The segment.
        effect: Its own effect, unshrunk, with its own interval or refusal.
        shrunk: The effect after shrinkage; nan if refused.
        shrunk_low: Its lower limit.
        shrunk_high: Its upper limit.
        p_harm: One-sided p-value of no harm; nan if refused.
        p_harm_holm: The same after Holm's correction over all segments.
        harmed: Whether ``p_harm_holm`` is below alpha.
        harmed_although_average_won: Whether besides, the effect over all units is an improvement.
    """

    name: str
    effect: Effect
    shrunk: float
    shrunk_low: float
    shrunk_high: float
    p_harm: float
    p_harm_holm: float
    harmed: bool
    harmed_although_average_won: bool


class SegmentAnalysis(NamedTuple):
    """All segments with their heterogeneity; None if fewer than two could be estimated."""

    heterogeneity: Heterogeneity | None
    findings: tuple[SegmentFinding, ...]


def analyse_segments(
    effects: Mapping[str, Effect], average: Effect, higher_is_better: bool, alpha: float = 0.05
) -> SegmentAnalysis:
    """Heterogeneity, shrinkage and corrected harm over the segments of one metric.

    Args:
        effects: Effect by segment; segments must not share units for the heterogeneity to mean anything.
        average: Effect over all units.
        higher_is_better: Whether the metric should rise.
        alpha: Probability of naming any segment harmed when none is.
    """
    check_level(alpha)
    sign = 1.0 if higher_is_better else -1.0
    won = average.answered and average.p_value < 1.0 - average.level and sign * average.estimate > 0.0
    usable = [name for name, effect in effects.items() if effect.answered and effect.se > 0.0]
    estimates = np.array([effects[name].estimate for name in usable])
    errors = np.array([effects[name].se for name in usable])
    spread = heterogeneity(estimates, errors) if len(usable) > 1 else None
    if spread is not None:  # errors of small segments are no more than estimates themselves
        spread = spread._replace(p_value=equal_effects(list(effects.values())))
    shrunk = shrink(estimates, errors, average.level) if usable else None
    harm = {name: _p_harm(effect, sign) for name, effect in effects.items()}
    corrected = dict(zip(harm, holm(list(harm.values())), strict=True))
    findings = []
    for name, effect in effects.items():
        place = usable.index(name) if name in usable else None
        limits = (
            (math.nan, math.nan, math.nan)
            if shrunk is None or place is None
            else (float(shrunk.estimate[place]), float(shrunk.low[place]), float(shrunk.high[place]))
        )
        adjusted = float(corrected[name])
        harmed = adjusted < alpha
        findings.append(SegmentFinding(name, effect, *limits, harm[name], adjusted, harmed, harmed and won))
    return SegmentAnalysis(spread, tuple(findings))


def heterogeneity(estimates: npt.ArrayLike, errors: npt.ArrayLike) -> Heterogeneity:
    """Cochran's Q, the variance between effects, and their mean.

    Args:
        estimates: Effects, shape (segments,), at least one.
        errors: Their standard errors, positive, shape (segments,).

    Raises:
        ValueError: If the arrays do not fit or an error is not positive.

    Source: Paule & Mandel (1982), Journal of Research NBS 87; Viechtbauer (2005), Journal of Educational and
    Behavioral Statistics 30.
    """
    y, v = _checked(estimates, errors)
    df = y.size - 1
    q = _generalised_q(y, v, 0.0)
    tau2 = _paule_mandel(y, v)
    weights = 1.0 / (v + tau2)
    total = float(weights.sum())
    p_value = chi2_sf(q, df) if df else math.nan
    return Heterogeneity(float(weights @ y) / total, 1.0 / math.sqrt(total), q, df, p_value, tau2, _reml(y, v, tau2))


def shrink(estimates: npt.ArrayLike, errors: npt.ArrayLike, level: float = 0.95) -> Shrunk:
    """Effects shrunk towards their common mean, with the variance between them integrated out.

    Plugging in one estimated variance would make intervals far too short, above all when it is estimated as zero. Here
    the mean and the variance between effects have flat priors; with two or three segments, where that is not enough for
    a posterior, the prior of the variance falls as its inverse.

    Args:
        estimates: Effects, shape (segments,), at least one.
        errors: Their standard errors, positive, shape (segments,).
        level: Level of the limits. On average over the segments they cover at this rate.

    Source: Morris & Tang (2011), Estimating random effects via adjustment for density maximization, Statistical
    Science 26, for the flat prior and its coverage.
    """
    check_level(level)
    y, v = _checked(estimates, errors)
    harmonic = y.size / float(np.sum(1.0 / v))
    tau2 = harmonic * (1.0 - _SHRINKAGE) / _SHRINKAGE
    total = v[None, :] + tau2[:, None]
    precision = (1.0 / total).sum(axis=1)
    mean = (y / total).sum(axis=1) / precision
    log_likelihood = -0.5 * (
        np.log(total).sum(axis=1) + np.log(precision) + ((y - mean[:, None]) ** 2 / total).sum(axis=1)
    )
    # In the shrinkage factor B = s²/(s² + τ²) a flat prior of τ² is B⁻², and one that falls as the inverse is near B⁻¹.
    power = 2.0 if y.size > 3 else 1.0 if y.size > 1 else 0.0
    posterior = _WEIGHTS * np.exp(log_likelihood - log_likelihood.max()) / _SHRINKAGE**power
    posterior /= posterior.sum()
    factor = v[None, :] / total
    centre = factor * mean[:, None] + (1.0 - factor) * y
    width = np.sqrt((1.0 - factor) * v + factor**2 / precision[:, None])
    tail = (1.0 - level) / 2.0
    return Shrunk(
        posterior @ centre,
        _mixture_quantile(posterior, centre, width, tail),
        _mixture_quantile(posterior, centre, width, 1.0 - tail),
        posterior @ ndtr(-centre / width),
    )


def _mixture_quantile(posterior: FloatArray, centre: FloatArray, width: FloatArray, probability: float) -> FloatArray:
    """Quantiles of mixtures of normals, one per column."""

    def excess(place: FloatArray) -> FloatArray:
        return np.asarray(posterior @ ndtr((place - centre) / width) - probability)

    def density(place: FloatArray) -> FloatArray:
        z = (place - centre) / width
        return np.asarray(posterior @ (np.exp(-0.5 * z * z) / width) / _SQRT_2PI)

    members = centre + ndtri(probability) * width
    limits = (members.min(axis=0), members.max(axis=0))
    return crossings(excess, density, limits, posterior @ members, _QUANTILE_PRECISION * width.min(axis=0))


def _p_harm(effect: Effect, sign: float) -> float:
    """One-sided p-value of harm, by the test that gave the effect's two-sided one."""
    if not effect.answered:
        return math.nan
    half = effect.p_value / 2.0
    return half if sign * effect.estimate < 0.0 else 1.0 - half


def _generalised_q(y: FloatArray, v: FloatArray, tau2: float) -> float:
    weights = 1.0 / (v + tau2)
    return float(weights @ (y - weights @ y / weights.sum()) ** 2)


def _paule_mandel(y: FloatArray, v: FloatArray) -> float:
    """The variance at which the generalised Q equals its expectation, k − 1; 0 if it is smaller already."""
    df = y.size - 1
    if df == 0 or _generalised_q(y, v, 0.0) <= df:
        return 0.0
    high = float(np.var(y, ddof=1) + v.max())
    while _generalised_q(y, v, high) > df:
        high *= 2.0
    return crossing(lambda tau2: _generalised_q(y, v, tau2) - df, 0.0, high)


def _reml(y: FloatArray, v: FloatArray, start: float) -> float:
    """Fisher scoring of the restricted likelihood from a first estimate, kept at or above zero."""
    if y.size == 1:
        return 0.0
    tau2 = start
    for _ in range(_ITERATIONS):
        weights = 1.0 / (v + tau2)
        squares = float(weights @ weights)
        residual = y - weights @ y / weights.sum()
        step = max(0.0, float(weights**2 @ (residual**2 - v)) / squares + 1.0 / float(weights.sum()))
        if abs(step - tau2) <= 1e-12 * (step + float(v.min())):
            return step
        tau2 = step
    return tau2


def _checked(estimates: npt.ArrayLike, errors: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    y = np.asarray(estimates, dtype=np.float64)
    s = np.asarray(errors, dtype=np.float64)
    if y.ndim != 1 or y.shape != s.shape or y.size == 0:
        raise ValueError("estimates and errors must be one-dimensional arrays of one length, at least one")
    if not (np.isfinite(y).all() and np.isfinite(s).all() and (s > 0.0).all()):
        raise ValueError("estimates must be finite and errors positive")
    return y, s**2
