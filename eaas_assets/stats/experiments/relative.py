"""Relative effects with intervals that cover.

The ratio of two estimated values is not normal, and dividing an absolute interval by an estimated baseline ignores
that the baseline is uncertain and, after adjustment, correlated with the effect. Fieller's interval inverts the test
of ``treatment = ratio × control``, which is linear; at ratio 1 it is the test of the absolute effect, so both say
the same about zero.
"""

from __future__ import annotations

import math

from eaas_assets.stats.experiments.results import NO_RELATIVE, ArmEstimates, Refusal, Relative


def fieller(arms: ArmEstimates, lower: float, upper: float) -> tuple[Relative, Refusal | None]:
    """Relative effect ``(treatment − control) / |control|`` with Fieller's interval.

    The sign is that of the change: from −10 to −8 is +0.2, an improvement of a metric to be raised.

    Args:
        arms: Arm values with their joint variance.
        lower: Lower critical value of the absolute test's statistic, e.g. −1.96.
        upper: Upper critical value. The two differ in size when the statistic is skewed.

    Returns:
        The relative effect, or all nan with a refusal if the baseline's own interval covers zero (the ratio is then
        unbounded).

    Source: E. C. Fieller (1954), Some problems in interval estimation, JRSS B 16.
    """
    c = arms.control
    needed = max(-lower, upper)
    if not c * c > needed * needed * arms.var_control:
        reason = f"the control's value {c:.6g} is less than {needed:.2f} standard errors from zero"
        return NO_RELATIVE, Refusal("baseline_near_zero", reason, "relative")
    # With a negative control, treatment − ratio × control falls as the ratio falls.
    first, second = (upper, -lower) if c > 0.0 else (-lower, upper)
    low, high = _root(arms, -first), _root(arms, second)
    return signed_relative(arms.treatment / c, low, high, c, "Fieller"), None


def _root(arms: ArmEstimates, critical: float) -> float:
    """The ratio at which the test statistic is at a critical value, above the estimate for a positive one."""
    t, c = arms.treatment, arms.control
    q2 = critical * critical
    # The discriminant, expanded so that nothing large cancels.
    spread = (
        t * t * arms.var_control
        - 2.0 * t * c * arms.covariance
        + c * c * arms.var_treatment
        - q2 * (arms.var_treatment * arms.var_control - arms.covariance * arms.covariance)
    )
    middle = t * c - q2 * arms.covariance
    return (middle + critical * math.sqrt(max(spread, 0.0))) / (c * c - q2 * arms.var_control)


def signed_relative(ratio: float, low: float, high: float, baseline: float, method: str) -> Relative:
    """Turn a ratio of treatment to control with its limits into a change relative to ``|baseline|``."""
    if baseline < 0.0:
        return Relative(1.0 - ratio, 1.0 - high, 1.0 - low, method)
    return Relative(ratio - 1.0, low - 1.0, high - 1.0, method)
