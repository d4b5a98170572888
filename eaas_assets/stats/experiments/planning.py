"""How many units an experiment needs, which effect it can show, how long it takes, and how often a win is luck.

Planning only: no function here sees results. Equal-arm textbook sizes are in ``stats.power``; here are allocation,
ratio metrics, covariates and time.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from eaas_assets.stats.experiments.distributions import normal_quantile, t_quantile
from eaas_assets.stats.roots import crossing

_DAYS_PER_WEEK = 7
_SMALLEST_ARM = 3.0


class MetricPlan(NamedTuple):
    """What must be known of a metric before an experiment.

    Attributes:
        baseline: The control's expected value.
        unit_variance: Variance of the metric per unit of randomisation; for a ratio that of ``ratio_unit_variance``.
        variance_left: Share of the variance left by adjustment, 1 − R² with the covariates (1 without).
        proportion: Whether the metric is a proportion, whose variance follows from its value.
    """

    baseline: float
    unit_variance: float
    variance_left: float = 1.0
    proportion: bool = False


class RequiredUnits(NamedTuple):
    """Units needed, as real numbers: round up to book them."""

    treatment: float
    control: float

    @property
    def total(self) -> float:
        """Units of both arms."""
        return self.treatment + self.control


def proportion_plan(baseline: float, variance_left: float = 1.0) -> MetricPlan:
    """Plan of a proportion.

    Raises:
        ValueError: If ``baseline`` is not between 0 and 1.
    """
    if not 0.0 < baseline < 1.0:
        raise ValueError(f"baseline == {baseline}, must be between 0 and 1")
    return MetricPlan(baseline, baseline * (1.0 - baseline), variance_left, proportion=True)


def ratio_unit_variance(
    mean_numerator: float, mean_denominator: float, var_numerator: float, var_denominator: float, covariance: float
) -> float:
    """Variance per unit of the linearised ratio of two means (delta method)."""
    ratio = mean_numerator / mean_denominator
    return (var_numerator - 2.0 * ratio * covariance + ratio**2 * var_denominator) / mean_denominator**2


def required_units(
    plan: MetricPlan, effect: float, power: float = 0.8, alpha: float = 0.05, treatment_share: float = 0.5
) -> RequiredUnits:
    """Units with which a two-sided test detects an absolute effect.

    For a non-inferiority margin pass the margin as the effect: its one-sided test at alpha / 2 needs the same number.

    Args:
        plan: The metric.
        effect: Absolute effect to detect, not zero.
        power: Probability of detecting it.
        alpha: Two-sided error.
        treatment_share: Share of units in the treatment arm.

    Source: for proportions Fleiss, Levin & Paik (2003), Statistical Methods for Rates and Proportions, ch. 4, without
    continuity correction; otherwise the noncentral t.
    """
    _check(plan, power, alpha, treatment_share)
    if effect == 0.0 or not math.isfinite(effect):
        raise ValueError(f"effect == {effect}, must be finite and not zero")
    shares = (treatment_share, 1.0 - treatment_share)
    if plan.proportion:
        total = _proportion_total(plan, effect, power, alpha, shares)
    else:
        from eaas_assets.stats.power import n_for_two_means

        sd = math.sqrt(plan.unit_variance * plan.variance_left)
        # An unequal split has the precision of an equal one of this size per arm: 2 / (1/n_t + 1/n_c).
        total = n_for_two_means(sd, abs(effect), power, alpha) * (1.0 / shares[0] + 1.0 / shares[1]) / 2.0
    return RequiredUnits(total * shares[0], total * shares[1])


def detectable_effect(
    plan: MetricPlan, units: float, power: float = 0.8, alpha: float = 0.05, treatment_share: float = 0.5
) -> float:
    """Smallest absolute increase that ``units`` in both arms together detect; nan if none can be.

    Args:
        plan: The metric.
        units: Units of both arms.
        power: Probability of detecting it.
        alpha: Two-sided error.
        treatment_share: Share of units in the treatment arm.
    """
    _check(plan, power, alpha, treatment_share)
    shares = (treatment_share, 1.0 - treatment_share)
    arm = 2.0 * units / (1.0 / shares[0] + 1.0 / shares[1])  # of two equal arms with the same precision
    if arm < _SMALLEST_ARM:
        return math.nan
    if plan.proportion:
        return _detectable_proportion(plan, units, power, alpha, shares)
    return math.sqrt(plan.unit_variance * plan.variance_left) * _detectable_shift(arm, power, alpha)


def duration_days(units: float, units_per_day: float, whole_weeks: bool = True) -> int | None:
    """Days until so many units have entered; None if none enter.

    Args:
        units: Units of all arms.
        units_per_day: Units entering per day, all arms together.
        whole_weeks: Whether to round up to whole weeks, so that every weekday counts the same.
    """
    if not units_per_day > 0.0:
        return None
    days = max(1, math.ceil(units / units_per_day))
    return math.ceil(days / _DAYS_PER_WEEK) * _DAYS_PER_WEEK if whole_weeks else days


def false_positive_risk(success_rate: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """Probability that a significant improvement is no improvement.

    Args:
        success_rate: Share of experiments of this kind that truly improve the metric.
        alpha: Two-sided error of the test; half of it is on the side of improvements.
        power: Probability of detecting a true improvement.

    Source: Kohavi, Deng & Vermeer (2022), A/B testing intuition busters, KDD.
    """
    for name, value in (("success_rate", success_rate), ("alpha", alpha), ("power", power)):
        if not 0.0 < value < 1.0:
            raise ValueError(f"{name} == {value}, must be between 0 and 1")
    false = alpha / 2.0 * (1.0 - success_rate)
    return false / (false + power * success_rate)


def _proportion_total(
    plan: MetricPlan, effect: float, power: float, alpha: float, shares: tuple[float, float]
) -> float:
    other = plan.baseline + effect
    if not 0.0 <= other <= 1.0:
        raise ValueError(f"baseline {plan.baseline} with effect {effect} is no proportion")
    pooled = shares[0] * other + shares[1] * plan.baseline
    null = pooled * (1.0 - pooled) * (1.0 / shares[0] + 1.0 / shares[1])
    alternative = other * (1.0 - other) / shares[0] + plan.baseline * (1.0 - plan.baseline) / shares[1]
    reach = normal_quantile(1.0 - alpha / 2.0) * math.sqrt(null) + normal_quantile(power) * math.sqrt(alternative)
    return plan.variance_left * (reach / effect) ** 2


def _detectable_proportion(
    plan: MetricPlan, units: float, power: float, alpha: float, shares: tuple[float, float]
) -> float:
    largest = 1.0 - plan.baseline
    if _proportion_total(plan, largest, power, alpha, shares) > units:
        return math.nan

    def missing(effect: float) -> float:
        return _proportion_total(plan, effect, power, alpha, shares) - units if effect > 0.0 else math.inf

    return crossing(missing, 0.0, largest)


def _detectable_shift(arm: float, power: float, alpha: float) -> float:
    """Standardised effect that a t test of two equal arms detects.

    The noncentral t by its normal approximation (Abramowitz & Stegun 1964, 26.7.10), to 0.04 % from ten units an arm.
    """
    df = 2.0 * arm - 2.0
    critical = t_quantile(1.0 - alpha / 2.0, df)
    spread = math.sqrt(1.0 + critical * critical / (2.0 * df))
    return (critical * (1.0 - 0.25 / df) + normal_quantile(power) * spread) * math.sqrt(2.0 / arm)


def _check(plan: MetricPlan, power: float, alpha: float, treatment_share: float) -> None:
    if not 0.0 < alpha < power < 1.0:
        raise ValueError(f"power == {power} and alpha == {alpha}, must satisfy 0 < alpha < power < 1")
    if not 0.0 < treatment_share < 1.0:
        raise ValueError(f"treatment_share == {treatment_share}, must be between 0 and 1")
    if not (plan.unit_variance > 0.0 and 0.0 < plan.variance_left <= 1.0):
        raise ValueError("unit_variance must be positive and variance_left in (0, 1]")
