"""From the estimates of two arms to an Effect: the one place where a t test and its intervals are made.

Estimators of this package end here, so all share one convention of p-values, refusals and relative effects.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from eaas_assets.stats.experiments.distributions import t_quantile, t_two_sided
from eaas_assets.stats.experiments.relative import fieller
from eaas_assets.stats.experiments.results import ArmEstimates, Effect, MetricKind, Refusal, refused
from eaas_assets.stats.experiments.skewness import MAX_SKEWNESS, remove_skewness, restore_skewness


def check_level(level: float) -> None:
    """Refuse a confidence level outside (0, 1).

    Raises:
        ValueError: If it is.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level == {level}, must be between 0 and 1")


def satterthwaite(parts: Sequence[tuple[float, float]]) -> float:
    """Degrees of freedom of a sum of independent variance estimates, given as (estimate, degrees of freedom).

    Source: Satterthwaite (1946), Biometrics Bulletin 2; with two means it is Welch's test.
    """
    total = sum(variance for variance, _ in parts)
    weight = sum(variance * variance / df for variance, df in parts if variance > 0.0)
    return total * total / weight if weight > 0.0 else math.inf


def t_effect(
    metric_kind: MetricKind,
    method: str,
    arms: ArmEstimates,
    *,
    sizes: tuple[int, int],
    level: float,
    assumptions: tuple[str, ...],
    diagnostics: Mapping[str, float | str] | None = None,
) -> Effect:
    """Test of no difference, its interval and the relative effect by the same test.

    Args:
        metric_kind: What is compared.
        method: How, by the name of the field.
        arms: Arm values with their joint variance and degrees of freedom.
        sizes: Units in treatment and control.
        level: Confidence level.
        assumptions: What must hold.
        diagnostics: Named side results.

    Returns:
        The effect; refused with ``no_variance`` if the difference has none, with ``too_skewed`` if the smaller of two
        unequal arms is too small for the metric's tail.
    """
    check_level(level)
    estimate, variance = arms.contrast()
    problem = _problem(variance, arms.skewness)
    if problem is not None:
        values = (arms.treatment, arms.control)
        return refused(
            metric_kind, method, (problem,), sizes=sizes, level=level, values=values, diagnostics=diagnostics
        )
    if math.isnan(arms.skewness):
        assumptions += ("the metric is not strongly skewed (arms differ in size, third moments are unknown)",)
    se = math.sqrt(variance)
    critical = t_quantile(0.5 + level / 2.0, arms.df)
    skewness = arms.skewness if math.isfinite(arms.skewness) else 0.0
    lower, upper = restore_skewness(-critical, skewness), restore_skewness(critical, skewness)
    found: dict[str, float | str] = dict(diagnostics or {})
    if skewness:
        method += ", skewness removed (Hall)"
        found |= {
            "skewness_of_difference": skewness,
            "p_with_skewness": t_two_sided(estimate / se, arms.df),
            "low_with_skewness": estimate - critical * se,
            "high_with_skewness": estimate + critical * se,
        }
    relative, refusal = fieller(arms, lower, upper)
    return Effect(
        metric_kind=metric_kind,
        method=method,
        n_treatment=sizes[0],
        n_control=sizes[1],
        treatment=arms.treatment,
        control=arms.control,
        estimate=estimate,
        se=se,
        low=estimate - upper * se,
        high=estimate - lower * se,
        p_value=t_two_sided(remove_skewness(estimate / se, skewness), arms.df),
        df=arms.df,
        level=level,
        relative=relative,
        arms=arms,
        assumptions=assumptions,
        diagnostics=found,
        refusals=() if refusal is None else (refusal,),
    )


def _problem(variance: float, skewness: float) -> Refusal | None:
    if not variance > 0.0:
        return Refusal("no_variance", "the metric does not vary in either arm")
    if abs(skewness) > MAX_SKEWNESS:
        return Refusal("too_skewed", f"the smaller arm is too small for so long a tail (skewness {skewness:.2f})")
    return None
