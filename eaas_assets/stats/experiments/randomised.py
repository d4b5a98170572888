"""Difference of means between two randomised arms (Welch's test), from counts, means and variances.

Adjustment with covariates is in ``adjustment``; proportions, ratios, quantiles and clusters have their own modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eaas_assets.stats.experiments.contrast import check_level, satterthwaite, t_effect
from eaas_assets.stats.experiments.results import ArmEstimates, Effect, refused
from eaas_assets.stats.experiments.skewness import allocation_skewness

if TYPE_CHECKING:
    from eaas_assets.stats.experiments.moments import ArmMoments

_METHOD = "difference of means (Welch)"


def mean_difference(
    treatment: ArmMoments, control: ArmMoments, metric: str | None = None, level: float = 0.95
) -> Effect:
    """Difference of means, treatment minus control, by Welch's t test.

    Between arms of unequal size the interval is corrected for the metric's skewness, if third moments are known
    (see ``skewness``).

    Args:
        treatment: Moments by unit of randomisation.
        control: The same of the control arm.
        metric: The metric's column; None for the first one.
        level: Confidence level.

    Returns:
        The effect; refused with ``no_variance`` if no spread is known or there is none.

    Source: B. L. Welch (1947), Biometrika 34.
    """
    check_level(level)
    sizes = (treatment.n, control.n)
    columns = (treatment.column(metric), control.column(metric))
    values = (float(treatment.mean[columns[0]]), float(control.mean[columns[1]]))
    for arm, name in ((treatment, "treatment"), (control, "control")):
        problem = arm.problem(name, [metric])
        if problem is not None:
            return refused("mean", _METHOD, (problem,), sizes=sizes, level=level, values=values)
    variances = (treatment.variance_of(metric) / treatment.n, control.variance_of(metric) / control.n)
    df = satterthwaite([(variances[0], treatment.n - 1.0), (variances[1], control.n - 1.0)])
    units = (np.eye(len(treatment.names))[columns[0]], np.eye(len(control.names))[columns[1]])
    skewness = allocation_skewness((treatment, control), units)
    return t_effect(
        "mean",
        _METHOD,
        ArmEstimates(*values, *variances, df=df, skewness=skewness),
        sizes=sizes,
        level=level,
        assumptions=("units are independent", "assignment was random"),
    )
