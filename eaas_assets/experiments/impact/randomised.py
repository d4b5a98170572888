"""Effects of a randomised experiment: which estimator fits a metric, and whether it may be read before the end.

Belongs here: the choice. The estimators are in `stats.experiments`.

* proportion: score interval; mean: Welch; ratio: delta method; quantile: order statistics;
* a covariate from before the treatment adjusts means, proportions and ratios;
* where groups were randomised, the group is the unit;
* a running experiment, and one that ended short of its plan, gets intervals that hold at every look.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from eaas_assets.contracts.experiment import Experiment, Metric
from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.experiments.impact.answers import Answer, refusal, refused_effect
from eaas_assets.experiments.impact.wording import counted
from eaas_assets.experiments.observations.access import Arms, Opened, RandomisedData
from eaas_assets.stats.experiments.adjustment import adjusted_mean_difference
from eaas_assets.stats.experiments.clusters import cluster_difference
from eaas_assets.stats.experiments.moments import ArmMoments
from eaas_assets.stats.experiments.proportions import proportion_difference
from eaas_assets.stats.experiments.randomised import mean_difference
from eaas_assets.stats.experiments.ratio_metric import ratio_difference
from eaas_assets.stats.experiments.results import Effect
from eaas_assets.stats.experiments.sequential import anytime_effect

UNPLANNED_UNITS = 10_000
"""Units that confidence sequences are tuned to where no sample was planned. Any number fixed beforehand is valid."""


class RandomisedEstimator:
    """Compares each arm with the control."""

    def __init__(self, experiment: Experiment, opened: Opened, data: RandomisedData, policy: ExperimentPolicy) -> None:
        self._experiment, self._data = experiment, data
        self._level = policy.estimate.level
        self._control = experiment.control.name
        self._counts = data.counts()
        self._anytime = read_before_its_end(experiment, opened)
        self._moments: dict[str, Arms] = {}
        self._clustered = getattr(experiment.observations, "cluster", None) is not None

    def answer(self, metric: Metric, arm: str) -> Answer:
        """Effect of an arm on a metric."""
        return Answer(arm, metric, self._effect(metric, arm), "randomised")

    def by_segment(self, metric: Metric, arm: str, dimension: str) -> Mapping[str, Effect]:
        """The same by value of a segment; quantiles and groups that were randomised are not told by segment."""
        found = {}
        for value, arms in self._data.moments_by_segment(metric, dimension).items():
            sizes = (arms[arm].n, arms[self._control].n)
            if metric.kind == "quantile" or self._clustered:
                effect = refused_effect(metric, "not_by_segment", _not_by_segment(metric), self._level, sizes=sizes)
            else:
                effect = effect_of_units(metric, arms[arm], arms[self._control], self._level, self._data.granular)
            found[value] = self._at_this_look(effect, arm, sum(sizes))
        return found

    def simultaneous(self, metric: Metric, arms: list[str]) -> dict[str, Effect]:
        """Intervals of all arms that hold together (Dunnett), for the record; empty while the experiment is running."""
        if self._anytime or len(arms) < 2:
            return {}
        from eaas_assets.stats.experiments.many_arms import compare_with_control

        return compare_with_control(lambda arm, level: self._at_the_end(metric, arm, level), arms, self._level)

    def _effect(self, metric: Metric, arm: str) -> Effect:
        effect = self._at_the_end(metric, arm, self._level)
        return self._at_this_look(effect, arm, self._counts[arm] + self._counts[self._control])

    def _at_the_end(self, metric: Metric, arm: str, level: float) -> Effect:
        sizes = (self._counts[arm], self._counts[self._control])
        infinite = self._data.integrity.infinite_values.get(metric.name, 0)
        if infinite:
            reason = f"{counted(infinite, 'unit')} {'has' if infinite == 1 else 'have'} an infinite value"
            return refused_effect(metric, "not_finite", reason, level, sizes=sizes)
        if metric.kind == "quantile":
            return self._quantile(metric, arm, level, sizes)
        if self._clustered:
            return self._of_clusters(metric, arm, level, sizes)
        moments = self._moments_of(metric)
        return effect_of_units(metric, moments[arm], moments[self._control], level, self._data.granular)

    def _moments_of(self, metric: Metric) -> Arms:
        if metric.name not in self._moments:
            self._moments[metric.name] = self._data.moments(metric)
        return self._moments[metric.name]

    def _quantile(self, metric: Metric, arm: str, level: float, sizes: tuple[int, int]) -> Effect:
        if self._clustered:
            reason = "where groups were randomised, a quantile has no interval here"
            return refused_effect(metric, "clustered_quantile", reason, level, sizes=sizes)
        from eaas_assets.stats.experiments.quantile_metric import quantile_arm, quantile_difference

        values = [self._data.values(metric, name) for name in (arm, self._control)]
        if values[0] is None or values[1] is None or metric.quantile is None:
            reason = "a quantile needs single values, and there are only statistics of the arms"
            return refused_effect(metric, "no_variance", reason, level, sizes=sizes)
        treatment, control = (quantile_arm(array, metric.quantile, level) for array in (values[0], values[1]))
        return quantile_difference(treatment, control, metric.quantile, level)

    def _of_clusters(self, metric: Metric, arm: str, level: float, sizes: tuple[int, int]) -> Effect:
        treatment, control = (self._data.clusters(metric, name) for name in (arm, self._control))
        if treatment is None or control is None:
            reason = "the groups that were randomised are not known"
            return refused_effect(metric, "too_few_clusters", reason, level, sizes=sizes)
        if not (np.all(treatment.sizes > 0.0) and np.all(control.sizes > 0.0)):
            reason = f"the denominator of {metric.name} is not positive in every group"
            return refused_effect(metric, "denominator_near_zero", reason, level, sizes=sizes)
        return cluster_difference(treatment.totals, treatment.sizes, control.totals, control.sizes, level=level)

    def _at_this_look(self, effect: Effect, arm: str, units: int) -> Effect:
        """The effect as it may be read now: at every look, unless the experiment has come to its end."""
        if not self._anytime:
            return effect
        return anytime_effect(effect, self._planned(effect, arm, units))

    def _planned(self, effect: Effect, arm: str, units: int) -> int:
        """Planned units of the two arms, in the units of the effect: a segment's or the clusters' share of them."""
        used = effect.n_treatment + effect.n_control
        if self._experiment.sample is None:
            planned = float(UNPLANNED_UNITS)
        else:
            shares = {variant.name: variant.allocation for variant in self._experiment.variants}
            planned = self._experiment.sample.planned * (shares[arm] + shares[self._control])
        everybody = self._counts[arm] + self._counts[self._control]
        share = units / everybody if everybody else 1.0
        in_units = used / units if self._clustered and units else 1.0
        return max(1, round(planned * share * in_units))


def _not_by_segment(metric: Metric) -> str:
    if metric.kind == "quantile":
        return "a quantile needs single values, and segments have only totals"
    return "groups were randomised as wholes, and segments cut through them"


def effect_of_units(
    metric: Metric, treatment: ArmMoments, control: ArmMoments, level: float, single_values: bool = True
) -> Effect:
    """Effect on a mean, proportion or ratio from the moments of two arms, adjusted where there is a covariate.

    Args:
        metric: Metric.
        treatment: Moments of the treatment arm, columns as in `access.Arms`.
        control: Of the control arm.
        level: Confidence level.
        single_values: Whether the moments come from single values, so that those of a proportion must fit 0 and 1.
    """
    covariate = f"{metric.name}.covariate"
    covariates = [covariate] if metric.covariate is not None and covariate in treatment.names else []
    if metric.kind == "ratio":
        above, below = f"{metric.name}.numerator", f"{metric.name}.denominator"
        return ratio_difference(treatment, control, above, below, covariates, level)
    if covariates and min(treatment.n, control.n) > 0:
        return adjusted_mean_difference(treatment, control, covariates, metric.name, level)
    if metric.kind == "proportion":
        return _proportion(metric, treatment, control, level, single_values)
    effect = mean_difference(treatment, control, metric.name, level)
    if not effect.answered:
        return _plainly(effect, treatment, control, metric)
    return _with_classical_error(effect, treatment, control, metric)


def _proportion(
    metric: Metric, treatment: ArmMoments, control: ArmMoments, level: float, single_values: bool
) -> Effect:
    counts = []
    for arm in (treatment, control):
        successes = float(arm.mean[arm.column(metric.name)]) * arm.n if arm.n else 0.0
        if not _are_successes(arm, metric, successes, single_values):
            reason = "values are missing, or not 0 and 1 (a share per unit is a metric of kind mean)"
            sizes = (treatment.n, control.n)
            return refused_effect(metric, "not_a_proportion", reason, level, sizes=sizes)
        counts += [round(successes), arm.n]
    return proportion_difference(counts[0], counts[1], counts[2], counts[3], level)


def _are_successes(arm: ArmMoments, metric: Metric, successes: float, single_values: bool) -> bool:
    """Whether a mean is a count of 0/1 values: between none and all, with the variance that these must have."""
    if not (math.isfinite(successes) and 0.0 <= successes <= arm.n * (1.0 + 1e-9)):
        return False
    if not single_values or arm.n < 2:
        return True
    rate = successes / arm.n
    variance = rate * (1.0 - rate) * arm.n / (arm.n - 1)
    return abs(arm.variance_of(metric.name) - variance) <= 1e-6


def _plainly(effect: Effect, treatment: ArmMoments, control: ArmMoments, metric: Metric) -> Effect:
    """A refusal for want of any spread in words for those who gave means only."""
    spreads = [arm.variance_of(metric.name) for arm in (treatment, control) if arm.n > 1]
    if effect.codes != ("no_variance",) or not any(math.isnan(spread) for spread in spreads):
        return effect
    reason = "means were given without their spread, so that an effect cannot be told from chance"
    return replace(effect, refusals=(refusal("no_variance", reason),))


def _with_classical_error(effect: Effect, treatment: ArmMoments, control: ArmMoments, metric: Metric) -> Effect:
    """The effect with the error of Student's test (one variance for both arms) beside it, for comparison."""
    parts = [(arm.variance_of(metric.name), arm.n) for arm in (treatment, control)]
    pooled = sum(variance * (n - 1) for variance, n in parts) / (sum(n for _, n in parts) - 2)
    error = math.sqrt(pooled * sum(1.0 / n for _, n in parts))
    return replace(effect, diagnostics={**effect.diagnostics, "pooled_se": error})


def read_before_its_end(experiment: Experiment, opened: Opened) -> bool:
    """Whether results are read at a look that was not planned: it is still running, or ended short of every plan."""
    if experiment.status not in ("concluded", "archived"):
        return True
    reached = []
    if experiment.planned_end is not None and opened.observed_to is not None:
        reached.append((experiment.planned_end - opened.observed_to.date()).days <= 1)
    if experiment.sample is not None and opened.observed_units is not None:
        reached.append(opened.observed_units >= experiment.sample.planned)
    return bool(reached) and not any(reached)
