"""Relative effects with intervals that cover.

The ratio of two estimated values is not normal, and dividing an absolute interval by an estimated baseline ignores that the
baseline is uncertain and, after adjustment, correlated with the effect. Fieller's interval inverts the test of ``treatment = ratio × control``,
which is linear; at ratio 1 it is the test of the absolute effect, so both say the same about zero.
"""

from __future__ import annotations

import math

from eaas_assets.stats.experiments.results import NO_RELATIVE, ArmEstimates, Refusal, Relative

MIN_BASELINE_Z = 3.0
"""Smallest |control| in standard errors for a relative effect. At the mathematical limit (1.96 at 95 %) the interval is
bounded only for lucky samples, and those cover too seldom."""


def fieller(arms: ArmEstimates, critical: float) -> tuple[Relative, Refusal | None]:
    """Relative effect ``(treatment − control) / |control|`` with Fieller's interval.

    The sign is that of the change: from −10 to −8 is +0.2, an improvement of a metric to be raised.

    Args:
        arms: Arm values with their joint variance.
        critical: Critical value of the absolute test, e.g. the t quantile at 97.5 %.

    Returns:
        The relative effect, or all nan with a refusal if the baseline is not clearly away from zero.

    Source: E. C. Fieller (1954), Some problems in interval estimation, JRSS B 16.
    """
    t, c = arms.treatment, arms.control
    needed = max(critical, MIN_BASELINE_Z)
    if not c * c > needed * needed * arms.var_control:
        reason = f"the control's value {c:.6g} is less than {needed:.2f} standard errors from zero"
        return NO_RELATIVE, Refusal("baseline_near_zero", reason, "relative")
    q2 = critical * critical
    leading = c * c - q2 * arms.var_control
    middle = t * c - q2 * arms.covariance
    # The discriminant, expanded so that nothing large cancels.
    spread = (
        t * t * arms.var_control
        - 2.0 * t * c * arms.covariance
        + c * c * arms.var_treatment
        - q2 * (arms.var_treatment * arms.var_control - arms.covariance * arms.covariance)
    )
    half = critical * math.sqrt(max(spread, 0.0))
    return signed_relative(t / c, (middle - half) / leading, (middle + half) / leading, c, "Fieller"), None


def signed_relative(ratio: float, low: float, high: float, baseline: float, method: str) -> Relative:
    """Turn a ratio of treatment to control with its limits into a change relative to ``|baseline|``."""
    if baseline < 0.0:
        return Relative(1.0 - ratio, 1.0 - high, 1.0 - low, method)
    return Relative(ratio - 1.0, low - 1.0, high - 1.0, method)
