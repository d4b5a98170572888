"""Non-inferiority of guardrail metrics: is the treatment worse by less than a margin fixed beforehand?

Not being significant is no evidence of safety, so a guardrail passes only if its interval clears the margin. The
interval decides, on the absolute or the relative scale; the error of a false pass is half of 1 − level. With an
effect from ``sequential`` the verdict holds at every look.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from eaas_assets.stats.experiments.distributions import normal_quantile, normal_sf, t_sf
from eaas_assets.stats.experiments.proportions import Counts, score_z, score_z_ratio
from eaas_assets.stats.experiments.results import Effect, RefusalCode
from eaas_assets.stats.experiments.skewness import remove_skewness

Verdict = Literal["non_inferior", "inferior", "inconclusive"]
Scale = Literal["absolute", "relative"]


class NonInferiority(NamedTuple):
    """Answer to "is the treatment worse by less than the margin?".

    Attributes:
        verdict: ``non_inferior`` (the interval clears the margin), ``inferior`` (all of it lies beyond) or
            ``inconclusive``.
        scale: Scale of margin and bound.
        margin: The tolerated change to the worse, positive.
        bound: Worst change that the interval allows, as a loss: positive is worse.
        worse: Whether the interval shows a loss at all, whatever the margin.
        p_value: One-sided p-value of "worse by the margin or more"; nan for effects that hold at every look, and
            where undefined.
        alpha: One-sided error, (1 − level) / 2.
        code: Why there is no answer; None otherwise.
    """

    verdict: Verdict
    scale: Scale
    margin: float
    bound: float
    worse: bool
    p_value: float
    alpha: float
    code: RefusalCode | None


def noninferiority(effect: Effect, margin: float, higher_is_better: bool, scale: Scale = "absolute") -> NonInferiority:
    """Compare an effect's interval with a margin.

    Args:
        effect: Effect of any estimator.
        margin: Tolerated change to the worse: in the metric's unit, or as a fraction of the control's size.
        higher_is_better: Whether the metric should rise.
        scale: Scale of the margin.

    Raises:
        ValueError: If the margin is not positive and finite.

    Source: Schultzberg, Ankargren & Frånberg (2024), Risk-aware product decisions in A/B tests with multiple metrics
    (arXiv 2402.11609); for proportions the score test of Farrington & Manning (1990), Statistics in Medicine 9.
    """
    if not (margin > 0.0 and math.isfinite(margin)):
        raise ValueError(f"margin == {margin}, must be positive and finite")
    alpha = (1.0 - effect.level) / 2.0
    low, high = (effect.low, effect.high) if scale == "absolute" else (effect.relative.low, effect.relative.high)
    worst, best = (-low, -high) if higher_is_better else (high, low)
    if math.isnan(worst):
        missing: RefusalCode = effect.codes[0] if effect.codes else "no_variance"
        return NonInferiority("inconclusive", scale, margin, math.nan, False, math.nan, alpha, missing)
    verdict: Verdict = "non_inferior" if worst < margin else "inferior" if best > margin else "inconclusive"
    p_value = _p_value(effect, -margin if higher_is_better else margin, scale)
    return NonInferiority(verdict, scale, margin, worst, best > 0.0, p_value, alpha, None)


def _p_value(effect: Effect, change: float, scale: Scale) -> float:
    """One-sided p-value of a true change of ``change`` or beyond it, away from zero."""
    if effect.arms is None or effect.inference != "fixed_horizon":
        return math.nan
    away = math.copysign(1.0, change)
    if effect.metric_kind == "proportion":
        counts = Counts(
            round(effect.treatment * effect.n_treatment),
            effect.n_treatment,
            round(effect.control * effect.n_control),
            effect.n_control,
        )
        z = score_z(counts, change) if scale == "absolute" else score_z_ratio(counts, 1.0 + change)
        return normal_sf(-away * z)
    if effect.metric_kind == "quantile":
        return _quantile_p(effect, change, scale)
    if scale == "absolute":
        estimate, variance = effect.arms.contrast()
        estimate -= change
    else:
        estimate, variance = effect.arms.contrast(1.0 + math.copysign(change, change * effect.control))
    skewness = effect.arms.skewness if math.isfinite(effect.arms.skewness) else 0.0
    return t_sf(-away * remove_skewness(estimate / math.sqrt(variance), skewness), effect.df)


def _quantile_p(effect: Effect, change: float, scale: Scale) -> float:
    """The same from the interval's half-width on the side of the margin, as its limits are not symmetric."""
    estimate, low, high = (
        (effect.estimate, effect.low, effect.high)
        if scale == "absolute"
        else (effect.relative.estimate, effect.relative.low, effect.relative.high)
    )
    half = estimate - low if change < estimate else high - estimate
    if half <= 0.0:
        return math.nan
    z = (estimate - change) / half * normal_quantile(0.5 + effect.level / 2.0)
    return normal_sf(-math.copysign(1.0, change) * z)
