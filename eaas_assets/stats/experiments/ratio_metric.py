"""Ratio metrics: sums of a numerator over sums of a denominator, such as clicks per view, randomised by user.

The unit of randomisation is the row; the denominator varies by row and is not fixed by design. The variance is that
of the linearised ratio (delta method; Deng, Knoblich & Lu 2018, Applying the delta method in metric analytics, KDD).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from eaas_assets.stats.experiments.adjustment import LinearValue, adjusted_effect
from eaas_assets.stats.experiments.results import Effect, Refusal, refused

if TYPE_CHECKING:
    from eaas_assets.stats.experiments.moments import ArmMoments

MAX_DENOMINATOR_CV = 0.1
"""Largest standard error of an arm's mean denominator, as a share of that mean. Cochran (1977, Sampling Techniques,
ch. 6) asks for it before the linearised variance may be trusted; in simulation intervals above it are too short."""
_METHOD = "difference of ratios (delta method)"


def ratio_difference(
    treatment: ArmMoments,
    control: ArmMoments,
    numerator: str,
    denominator: str,
    covariates: Sequence[str] = (),
    level: float = 0.95,
) -> Effect:
    """Difference of two ratios of means, treatment minus control.

    Args:
        treatment: Moments by unit of randomisation, with the covariance of numerator and denominator.
        control: The same of the control arm.
        numerator: Column summed above the line.
        denominator: Column summed below it.
        covariates: Columns measured before treatment, to adjust for (see ``adjustment``).
        level: Confidence level.

    Returns:
        The effect; refused with ``denominator_near_zero`` where a mean denominator is too uncertain.
    """
    sizes = (treatment.n, control.n)
    arms = (treatment, control)
    method = _METHOD + (", regression-adjusted" if covariates else "")
    for arm, name in zip(arms, ("treatment", "control"), strict=True):
        problem = arm.problem(name, [numerator, denominator, *covariates]) or _denominator_problem(
            arm, name, denominator
        )
        if problem is not None:
            return refused("ratio", method, (problem,), sizes=sizes, level=level)
    values = (_linearised(treatment, numerator, denominator), _linearised(control, numerator, denominator))
    diagnostics: dict[str, float | str] = {
        "denominator_cv": max(_denominator_cv(arm, denominator) for arm in arms),
    }
    return adjusted_effect("ratio", method, arms, values, covariates, level, diagnostics)


def _linearised(arm: ArmMoments, numerator: str, denominator: str) -> LinearValue:
    above, below = arm.column(numerator), arm.column(denominator)
    ratio = float(arm.mean[above] / arm.mean[below])
    weights = np.zeros(len(arm.names))
    weights[above] += 1.0 / arm.mean[below]
    weights[below] -= ratio / arm.mean[below]
    return LinearValue(ratio, weights)


def _denominator_cv(arm: ArmMoments, denominator: str) -> float:
    mean = float(arm.mean[arm.column(denominator)])
    return math.inf if mean == 0.0 else math.sqrt(arm.variance_of(denominator) / arm.n) / abs(mean)


def _denominator_problem(arm: ArmMoments, name: str, denominator: str) -> Refusal | None:
    cv = _denominator_cv(arm, denominator)
    if cv <= MAX_DENOMINATOR_CV:
        return None
    reason = (
        f"the {name} arm's mean {denominator} has a relative standard error of {cv:.3g}, above {MAX_DENOMINATOR_CV:g}"
    )
    return Refusal("denominator_near_zero", reason)
