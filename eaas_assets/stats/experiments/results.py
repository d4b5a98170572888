"""The shapes that every experiment estimator returns.

Only shapes: no arithmetic beyond reading them. A quantity that is undefined is nan, and a ``Refusal`` says why.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

MetricKind = Literal["mean", "proportion", "ratio", "quantile"]
Inference = Literal["fixed_horizon", "anytime", "group_sequential"]
RefusalCode = Literal[
    "empty_arm",  # an arm has no unit
    "too_few_units",  # an arm is too small for a variance, or for the quantile asked about
    "not_finite",  # a mean or variance is nan or infinite
    "invalid_moments",  # a negative variance or a correlation above one: the aggregates are wrong
    "no_variance",  # no spread was given, or there is none
    "denominator_near_zero",  # a ratio's denominator is too uncertain to divide by
    "baseline_near_zero",  # the control's value is too near zero for a relative effect
    "too_few_clusters",  # randomised groups are too few for an interval that covers
    "too_skewed",  # the smaller arm is too small for a metric with such a tail
    "ties_at_quantile",  # so many equal values at the quantile that its interval has no width
    "too_early",  # too few units for an asymptotic look
]


class Refusal(NamedTuple):
    """Why a number is not given.

    Attributes:
        code: Stable kind.
        reason: One sentence for people.
        scope: ``effect`` if there is no interval at all, ``relative`` if only the relative effect is missing.
    """

    code: RefusalCode
    reason: str
    scope: Literal["effect", "relative"] = "effect"


class ArmEstimates(NamedTuple):
    """The two arms' values on the metric's scale with their joint sampling variance.

    Attributes:
        treatment: Estimate of the treatment arm.
        control: Estimate of the control arm, the baseline of relative effects.
        var_treatment: Sampling variance of ``treatment`` (a squared standard error).
        var_control: Sampling variance of ``control``.
        covariance: Sampling covariance of the two; not zero once both are adjusted to one covariate mean.
        df: Degrees of freedom of the difference's variance; infinite for asymptotic methods.
        skewness: Standardised skewness of the difference's sampling distribution that comes from unequal arm sizes.
    """

    treatment: float
    control: float
    var_treatment: float
    var_control: float
    covariance: float = 0.0
    df: float = math.inf
    skewness: float = 0.0

    def contrast(self, ratio: float = 1.0) -> tuple[float, float]:
        """Estimate and sampling variance of ``treatment − ratio × control``."""
        variance = self.var_treatment - 2.0 * ratio * self.covariance + ratio * ratio * self.var_control
        return self.treatment - ratio * self.control, max(variance, 0.0)


class Relative(NamedTuple):
    """A relative effect as a fraction of the baseline's size: +0.1 is ten percent up, whatever the baseline's sign."""

    estimate: float
    low: float
    high: float
    method: str


NO_RELATIVE = Relative(math.nan, math.nan, math.nan, "refused")


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of a treatment against a control on one metric.

    Attributes:
        metric_kind: What is compared.
        method: How, by the name of the field.
        n_treatment: Units (for clustered designs: clusters) in the treatment arm.
        n_control: The same for the control arm.
        treatment: The treatment arm's value, adjusted if the method adjusts.
        control: The control arm's value.
        estimate: Treatment minus control, in the metric's unit.
        se: Standard error of ``estimate``.
        low: Lower limit of the two-sided interval at ``level``. The interval decides: it excludes zero exactly when
            ``p_value < 1 − level``.
        high: Upper limit.
        p_value: Two-sided p-value of no effect; nan for group-sequential looks, whose interval is the test.
        df: Degrees of freedom of the reference distribution; infinite for the normal.
        level: Confidence level, for example 0.95.
        relative: Relative effect with its interval. It inverts the same test as the absolute one, so the two cannot
            disagree about zero.
        inference: ``fixed_horizon`` is valid at one look at the planned end only, ``group_sequential`` at the looks
            that its boundary counts, ``anytime`` at every look.
        arms: What later steps need to ask other questions of the same estimate; None if refused.
        assumptions: What must hold for the interval to cover, in words.
        diagnostics: Named side results; numbers, or short text.
        refusals: What is not answered, and why.
    """

    metric_kind: MetricKind
    method: str
    n_treatment: int
    n_control: int
    treatment: float
    control: float
    estimate: float
    se: float
    low: float
    high: float
    p_value: float
    df: float
    level: float
    relative: Relative
    inference: Inference = "fixed_horizon"
    arms: ArmEstimates | None = None
    assumptions: tuple[str, ...] = ()
    diagnostics: Mapping[str, float | str] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()

    @property
    def answered(self) -> bool:
        """Whether there is an interval for the absolute effect."""
        return not any(refusal.scope == "effect" for refusal in self.refusals)

    @property
    def codes(self) -> tuple[RefusalCode, ...]:
        """The codes of the refusals."""
        return tuple(refusal.code for refusal in self.refusals)


def refused(
    metric_kind: MetricKind,
    method: str,
    refusals: tuple[Refusal, ...],
    *,
    sizes: tuple[int, int],
    level: float,
    values: tuple[float, float] = (math.nan, math.nan),
    diagnostics: Mapping[str, float | str] | None = None,
) -> Effect:
    """An effect without interval. Arm values and their difference are kept where they are finite.

    Args:
        metric_kind: What was to be compared.
        method: How.
        refusals: Why not.
        sizes: Units in treatment and control.
        level: Confidence level that was asked for.
        values: The arms' values, treatment first, as far as they are known.
        diagnostics: Named side results.
    """
    treatment, control = (value if math.isfinite(value) else math.nan for value in values)
    return Effect(
        metric_kind=metric_kind,
        method=method,
        n_treatment=sizes[0],
        n_control=sizes[1],
        treatment=treatment,
        control=control,
        estimate=treatment - control,
        se=math.nan,
        low=math.nan,
        high=math.nan,
        p_value=math.nan,
        df=math.nan,
        level=level,
        relative=NO_RELATIVE,
        diagnostics=dict(diagnostics or {}),
        refusals=refusals,
    )
