"""Effects of a rollout that nobody randomised: which panel estimator its dates and its number of units allow.

The rules, in this order:

1. Units that were seen in one period only (other people before and after) and one date: 2 × 2
   difference-in-differences of the four cells.
2. Several dates: group-time effects of Callaway & Sant'Anna, averaged, with event study and test of leads.
3. One date and at least five treated and five untreated units (clusters): two-way difference-in-differences, errors
   by cluster.
4. One date and fewer on either side: synthetic control, judged by placebos. The plain difference-in-differences stands
   beside it as a diagnostic.

Belongs here: these rules. The estimators, and what each of them refuses, are in `stats.panels`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eaas_assets.contracts.experiment import Experiment, Metric
from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.errors import EstimateRefused
from eaas_assets.experiments.impact.answers import Answer, from_panel, pictures, refused_effect
from eaas_assets.experiments.impact.panel_looks import (
    PanelLook,
    doubt_at_look,
    level_of_a_look,
    over_all_looks,
    unfinished,
)
from eaas_assets.experiments.impact.panel_refusals import require_complete, require_finite
from eaas_assets.experiments.impact.panel_rows import rows_to_read
from eaas_assets.experiments.observations.access import FloatArray, PanelData
from eaas_assets.stats.experiments.results import Effect
from eaas_assets.stats.panels.did import did_2x2, difference_in_differences, two_way_effect
from eaas_assets.stats.panels.effect import PanelEffect
from eaas_assets.stats.panels.group_time import group_time_effects
from eaas_assets.stats.panels.inference import MIN_CLUSTERS
from eaas_assets.stats.panels.staggered import staggered_effect
from eaas_assets.stats.panels.synthetic_control import placebo_dates, synthetic_control

DRAWS = 1999
"""Of the wild bootstrap, where there are few clusters."""


class Shape(NamedTuple):
    """What the choice of the estimator looks at.

    Attributes:
        dates: Different first treated periods within the data.
        sides: Treated and untreated units, or clusters where there are any.
        units: Treated and untreated units.
        one_period_each: Whether every unit was seen in one period only.
    """

    dates: int
    sides: tuple[int, int]
    units: tuple[int, int]
    one_period_each: bool


class RolloutEstimator:
    """Compares units that have adopted with those that have not."""

    def __init__(self, experiment: Experiment, panel: PanelData, policy: ExperimentPolicy) -> None:
        self._experiment = experiment
        self._panel, self._level = panel, policy.estimate.level
        self._unfinished = unfinished(experiment, panel)

    def answer(self, metric: Metric, arm: str) -> Answer:
        """Effect of the rollout on a metric."""
        panel, look = rows_to_read(self._experiment, self._panel, arm, self._unfinished)
        everybody = np.ones(panel.unit.size, dtype=np.bool_)
        effect, found = self._estimate(panel, metric, everybody, look)
        told = "" if look is None else look.told
        if found is None:
            return Answer(arm, metric, effect, "quasi_experiment", look=told)
        first = int(panel.adoption[_adopting(panel, everybody)].min())
        sheets = pictures(found, first, panel.time_is_day)
        doubt = doubt_at_look(found, self._level)
        return Answer(arm, metric, effect, "quasi_experiment", doubt, pictures=sheets, look=told)

    def by_segment(self, metric: Metric, arm: str, dimension: str) -> Mapping[str, Effect]:
        """The same among the units with one value of a segment."""
        panel, look = rows_to_read(self._experiment, self._panel, arm, self._unfinished)
        labels = panel.segments.get(dimension)
        if labels is None:
            return {}
        return {str(value): self._estimate(panel, metric, labels == value, look)[0] for value in np.unique(labels)}

    def _estimate(
        self, panel: PanelData, metric: Metric, inside: NDArray[np.bool_], look: PanelLook | None
    ) -> tuple[Effect, PanelEffect | None]:
        shape = shape_of(panel, inside)
        level = level_of_a_look(self._level) if self._unfinished else self._level
        found = None
        try:
            require_finite(panel, metric)
            if not shape.one_period_each:
                require_complete(panel, inside)
            found = panel_effect(panel, panel.outcome[metric.name], inside, shape, level)
            effect = from_panel(found, metric, shape.units)
        except EstimateRefused as error:
            effect = refused_effect(metric, error.code, error.reason, self._level, sizes=shape.units)
        return (over_all_looks(effect, look, self._level) if self._unfinished else effect), found


def shape_of(panel: PanelData, inside: NDArray[np.bool_]) -> Shape:
    """Dates, sides and units of the chosen rows."""
    adopting = _adopting(panel, inside)
    units, seen = np.unique(panel.unit[inside], return_counts=True)
    treated = np.unique(panel.unit[adopting]).size
    sides = (treated, units.size - treated)
    if panel.cluster is not None:
        touched = np.unique(panel.cluster[adopting]).size
        sides = (touched, np.unique(panel.cluster[inside]).size - touched)
    dates = np.unique(panel.adoption[adopting]).size
    return Shape(dates, sides, (treated, units.size - treated), bool(seen.size and seen.max() == 1))


def _adopting(panel: PanelData, inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Chosen rows of units that adopt within the data."""
    if not inside.any():
        return inside
    adopting: NDArray[np.bool_] = inside & (panel.adoption <= panel.time[inside].max())
    return adopting


def panel_effect(
    panel: PanelData,
    outcome: FloatArray,
    inside: NDArray[np.bool_],
    shape: Shape,
    level: float,
    draws: int = DRAWS,
) -> PanelEffect:
    """The effect among the chosen rows, by the rules of this module.

    Args:
        panel: The panel.
        outcome: Values of its rows.
        inside: The chosen rows.
        shape: Of these.
        level: Confidence level.
        draws: Of a bootstrap.

    Raises:
        EstimateRefused: Whatever the estimator lacks.
    """
    unit, time, adoption, values = panel.unit[inside], panel.time[inside], panel.adoption[inside], outcome[inside]
    cluster = None if panel.cluster is None else panel.cluster[inside]
    treated = (time >= adoption).astype(np.float64)
    if shape.one_period_each and shape.dates == 1:
        group = _adopting(panel, inside)[inside].astype(np.float64)
        post = (time >= adoption[group > 0.0].min()).astype(np.float64)
        return _cells(group, post, values, cluster, level)
    if shape.dates > 1:
        last = time.max()
        dates = np.where(adoption > last, math.inf, adoption.astype(np.float64))
        return staggered_effect(group_time_effects(unit, time, values, dates, cluster=cluster, confidence=level))
    if min(shape.sides) >= MIN_CLUSTERS:
        return difference_in_differences(unit, time, values, treated, cluster=cluster, confidence=level, draws=draws)
    return _synthetic(unit, time, values, treated, level)


def _cells(
    group: FloatArray, post: FloatArray, values: FloatArray, cluster: NDArray[np.int64] | None, level: float
) -> PanelEffect:
    found = did_2x2(group, post, values, cluster=cluster, confidence=level)
    if cluster is not None:
        return found
    classical = did_2x2(group, post, values, errors="classical", confidence=level)
    return replace(found, diagnostics={**found.diagnostics, "classical_se": classical.se, "classical_p": classical.p})


def _synthetic(
    unit: NDArray[np.str_], time: NDArray[np.int64], values: FloatArray, treated: FloatArray, level: float
) -> PanelEffect:
    found = synthetic_control(unit, time, values, treated, confidence=level)
    plain = two_way_effect(unit, time, values, treated)
    diagnostics = {**found.diagnostics, "difference_in_differences": plain}
    status, reason = found.status, found.reason
    try:
        dates = placebo_dates(unit, time, values, treated)
    except EstimateRefused:
        return replace(found, diagnostics=diagnostics)
    diagnostics |= {"placebo_in_time_p": dates.p, "placebo_in_time_mean": dates.mean}
    if dates.p <= 1.0 - level:
        status, reason = "inconclusive", "the same analysis finds an effect before the rollout"
    return replace(found, diagnostics=diagnostics, status=status, reason=reason)
