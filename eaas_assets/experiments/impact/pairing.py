"""Every metric and segment of a paired experiment: which pairs there are, and whether they are read before the end.

Belongs here: the choice. What is found in the pairs is in `paired`, and before the end in `paired_looks`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eaas_assets.contracts.experiment import Experiment, Metric
from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.experiments.impact.answers import Answer, refused_effect
from eaas_assets.experiments.impact.paired import paired_effect
from eaas_assets.experiments.impact.paired_looks import UNPLANNED_PAIRS, Looks, effect_at_look
from eaas_assets.experiments.impact.randomised import read_before_its_end
from eaas_assets.experiments.observations.access import Opened, PairedData, PairedSource
from eaas_assets.stats.experiments.results import Effect


class PairedEstimator:
    """Compares each arm with the control, unit by unit."""

    def __init__(self, experiment: Experiment, opened: Opened, source: PairedSource, policy: ExperimentPolicy) -> None:
        self._source, self._level = source, policy.estimate.level
        self._looks = looks_of(experiment, source) if read_before_its_end(experiment, opened) else None

    def answer(self, metric: Metric, arm: str) -> Answer:
        """Effect of an arm on a metric."""
        return Answer(arm, metric, self._effect(metric, self._source.pairs(metric, arm), 1.0), "paired")

    def by_segment(self, metric: Metric, arm: str, dimension: str) -> Mapping[str, Effect]:
        """The same by value of a segment."""
        parts = self._source.pairs_by_segment(metric, arm, dimension)
        everybody = sum(pairs.control.size for pairs in parts.values())
        return {
            value: self._effect(metric, pairs, pairs.control.size / everybody if everybody else 1.0)
            for value, pairs in parts.items()
        }

    def _effect(self, metric: Metric, pairs: PairedData, share: float) -> Effect:
        """The effect in a share of all pairs."""
        problem = without_effect(metric, pairs, self._source, self._level)
        if problem is not None:
            return problem
        if self._looks is None:
            return paired_effect(metric, pairs, self._level)
        looks = self._looks._replace(planned=max(1.0, self._looks.planned * share))
        return effect_at_look(metric, pairs, self._level, looks)


def looks_of(experiment: Experiment, source: PairedSource) -> Looks:
    """How the pairs of an experiment come: one after another, or all at once and again."""
    planned = UNPLANNED_PAIRS if experiment.sample is None else experiment.sample.planned
    return Looks(float(planned), source.repetition)


def without_effect(metric: Metric, pairs: PairedData, source: PairedSource, level: float) -> Effect | None:
    """Why these pairs have no effect, whatever their values; None where they may have one."""
    sizes = (pairs.control.size, pairs.control.size)
    if metric.kind == "quantile":
        reason = "a quantile is not told by pairs: the difference of quantiles is none of the differences"
        return refused_effect(metric, "paired_quantile", reason, level, sizes=sizes)
    infinite = source.integrity.infinite_values.get(metric.name, 0)
    if infinite or not (np.isfinite(pairs.control).all() and np.isfinite(pairs.treatment).all()):
        return refused_effect(metric, "not_finite", "values are missing or infinite", level, sizes=sizes)
    if not pairs.control.size:
        reason = f"no unit has a value of {metric.name} under both arms"
        return refused_effect(metric, "no_observations", reason, level)
    return None
