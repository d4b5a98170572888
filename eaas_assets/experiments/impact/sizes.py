"""How large an effect these data could have shown, and how many units would show the smallest one worth having.

Belongs here: the plan that an observed effect implies. The formulas are in `stats.experiments.planning` and
`stats.power`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from eaas_assets.contracts.experiment import Metric
from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.experiments.impact.answers import Answer
from eaas_assets.stats.experiments.distributions import normal_quantile
from eaas_assets.stats.experiments.planning import MetricPlan, detectable_effect, proportion_plan, required_units
from eaas_assets.stats.experiments.results import Effect

_STEPS = 30
_TINY = 1e-3
"""Standardised effect that takes millions of pairs."""


class Sizes(NamedTuple):
    """What the number of units is good for; nan where it cannot be told.

    Attributes:
        detectable: Smallest absolute effect that so many units show with the policy's power.
        needed: Units (pairs, clusters) of both arms that would show the minimum effect, or the margin of a guardrail.
    """

    detectable: float
    needed: float


_UNKNOWN = Sizes(math.nan, math.nan)


def sizes(answer: Answer, policy: ExperimentPolicy) -> Sizes:
    """Detectable effect and units needed, from the error that was observed.

    Args:
        answer: The answer.
        policy: Power and level.
    """
    effect = answer.effect
    if not effect.answered or not effect.se > 0.0:
        return _UNKNOWN
    wanted = wanted_effect(answer.metric, effect)
    if answer.strength == "randomised":
        return _randomised(effect, wanted, policy)
    if answer.strength == "paired":
        return _paired(effect, wanted, policy)
    if answer.strength == "quasi_experiment" and effect.method.startswith(("two-way", "2×2", "group-time")):
        return Sizes((normal_quantile(1.0 - policy.estimate.alpha / 2.0) + _z_power(policy)) * effect.se, math.nan)
    return _UNKNOWN


def wanted_effect(metric: Metric, effect: Effect) -> float:
    """The smallest change that must not be missed, signed, in the metric's unit; nan if none was registered.

    It is the minimum effect, for a guardrail its margin.
    """
    guarded = metric.role == "guardrail" and metric.margin is not None
    size = metric.margin if guarded else metric.minimum_effect
    if size is None:
        return math.nan
    absolute = size if metric.scale == "absolute" else size * abs(effect.control)
    return absolute if metric.higher_is_better != guarded else -absolute


def _randomised(effect: Effect, wanted: float, policy: ExperimentPolicy) -> Sizes:
    units = effect.n_treatment + effect.n_control
    share = effect.n_treatment / units
    power, alpha = policy.estimate.power, policy.estimate.alpha
    if effect.metric_kind == "proportion":
        if not 0.0 < effect.control < 1.0:
            return _UNKNOWN
        plan = proportion_plan(effect.control)
        possible = math.isfinite(wanted) and wanted != 0.0 and 0.0 <= effect.control + wanted <= 1.0
        needed = required_units(plan, wanted, power, alpha, share).total if possible else math.nan
        return Sizes(detectable_effect(plan, units, power, alpha, share), needed)
    variance = effect.se**2 / (1.0 / effect.n_treatment + 1.0 / effect.n_control)
    plan = MetricPlan(effect.control, variance)
    detectable = detectable_effect(plan, units, power, alpha, share)
    return Sizes(detectable, _units_for(plan, abs(wanted), units, (power, alpha, share)))


def _units_for(plan: MetricPlan, wanted: float, units: int, rules: tuple[float, float, float]) -> float:
    """Units at which ``wanted`` is the detectable effect: it falls with the root of the units, so few steps do."""
    if not (math.isfinite(wanted) and wanted > 0.0):
        return math.nan
    needed = float(units)
    for _ in range(_STEPS):
        found = detectable_effect(plan, needed, *rules)
        if math.isnan(found):
            return required_units(plan, wanted, *rules).total
        step = needed * (found / wanted) ** 2
        if abs(step - needed) <= 1e-9 * needed:
            break
        needed = step
    return needed


def _paired(effect: Effect, wanted: float, policy: ExperimentPolicy) -> Sizes:
    from eaas_assets.stats.power import mde_paired, n_for_paired

    clusters = int(effect.diagnostics["n_clusters"])
    spread = effect.se * math.sqrt(clusters)
    power, alpha = policy.estimate.power, policy.estimate.alpha
    detectable = mde_paired(spread, clusters, power, alpha).effect
    if not math.isfinite(wanted) or wanted == 0.0:
        return Sizes(detectable, math.nan)
    if abs(wanted) < _TINY * spread:  # where the t distribution is the normal one
        root = (normal_quantile(1.0 - alpha / 2.0) + normal_quantile(power)) * (spread / wanted)
        return Sizes(detectable, root * root)
    return Sizes(detectable, n_for_paired(spread, abs(wanted), power, alpha))


def _z_power(policy: ExperimentPolicy) -> float:
    return normal_quantile(policy.estimate.power)
