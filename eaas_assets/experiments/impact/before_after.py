"""Effect of a change that everybody met at once: the series after it against a forecast from before.

The weakest design: anything else that happened on that day looks like the change. Belongs here: how a panel becomes
one series. The forecast and its honesty are in `stats.panels.before_after`.
"""

from __future__ import annotations

from collections.abc import Mapping
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
from eaas_assets.experiments.impact.panel_refusals import in_words, require_finite
from eaas_assets.experiments.impact.panel_rows import rows_to_read
from eaas_assets.experiments.observations.access import FloatArray, IntArray, PanelData
from eaas_assets.stats.experiments.results import Effect
from eaas_assets.stats.panels.before_after import before_after
from eaas_assets.stats.panels.effect import PanelEffect


class Series(NamedTuple):
    """The average over the treated units of each period, with control series."""

    time: IntArray
    outcome: FloatArray
    controls: FloatArray
    intervention: int


class BeforeAfterEstimator:
    """Compares a series with its own past."""

    def __init__(self, experiment: Experiment, panel: PanelData, policy: ExperimentPolicy) -> None:
        self._experiment = experiment
        self._panel, self._level = panel, policy.estimate.level
        self._unfinished = unfinished(experiment, panel)
        season = getattr(experiment.observations, "season", None)
        self._season: int | None = season if isinstance(season, int) else None

    def answer(self, metric: Metric, arm: str) -> Answer:
        """Effect of the change on a metric."""
        panel, look = rows_to_read(self._experiment, self._panel, arm, self._unfinished)
        everybody = np.ones(panel.unit.size, dtype=np.bool_)
        effect, found, first = self._estimate(panel, metric, everybody, look)
        told = "" if look is None else look.told
        if found is None:
            return Answer(arm, metric, effect, "before_after", look=told)
        sheets = pictures(found, first, panel.time_is_day)
        return Answer(
            arm, metric, effect, "before_after", doubt_at_look(found, self._level), pictures=sheets, look=told
        )

    def by_segment(self, metric: Metric, arm: str, dimension: str) -> Mapping[str, Effect]:
        """The same among the units with one value of a segment."""
        panel, look = rows_to_read(self._experiment, self._panel, arm, self._unfinished)
        labels = panel.segments.get(dimension)
        if labels is None:
            return {}
        return {str(value): self._estimate(panel, metric, labels == value, look)[0] for value in np.unique(labels)}

    def _estimate(
        self, panel: PanelData, metric: Metric, inside: NDArray[np.bool_], look: PanelLook | None
    ) -> tuple[Effect, PanelEffect | None, int]:
        sizes, first, found = (0, 0), 0, None
        try:
            require_finite(panel, metric)
            series = one_series(panel, panel.outcome[metric.name], inside)
            first = series.intervention
            after = int(np.count_nonzero(series.time >= first))
            sizes = (after, series.time.size - after)
            found = before_after(
                series.time,
                series.outcome,
                first,
                season=self._season,
                control=series.controls if series.controls.shape[1] else None,
                confidence=level_of_a_look(self._level) if self._unfinished else self._level,
                minimum_effect=_minimum(metric, series),
            )
            effect = from_panel(found, metric, sizes)
        except EstimateRefused as error:
            effect = refused_effect(metric, error.code, error.reason, self._level, sizes=sizes)
        return (over_all_looks(effect, look, self._level) if self._unfinished else effect), found, first


def one_series(panel: PanelData, outcome: FloatArray, inside: NDArray[np.bool_]) -> Series:
    """The average of the treated units by period.

    Raises:
        EstimateRefused: ``no_treated``, ``staggered_adoption``, or ``missing_cells`` where units come and go.
    """
    treated = inside.copy()
    if inside.any():
        treated &= panel.adoption <= panel.time[inside].max()
    if not treated.any():
        raise EstimateRefused("no_treated", "no unit is ever treated")
    dates = np.unique(panel.adoption[treated])
    if dates.size > 1:
        raise EstimateRefused("staggered_adoption", f"units adopt at {dates.size} dates, a before/after has one")
    time, index, rows = np.unique(panel.time[treated], return_inverse=True, return_counts=True)
    units = np.unique(panel.unit[treated]).size
    if (rows != units).any():
        period = in_words(panel, int(time[np.argmax(rows != units)]))
        raise EstimateRefused("missing_cells", f"not all of the {units} units have one row in period {period}")
    controls = panel.controls[treated]
    means = [np.bincount(index, column) / rows for column in (outcome[treated], *controls.T)]
    extra = np.stack(means[1:], axis=1) if controls.shape[1] else np.empty((time.size, 0))
    return Series(time.astype(np.int64), means[0], extra, int(dates[0]))


def _minimum(metric: Metric, series: Series) -> float | None:
    """The smallest effect that matters, in the metric's unit."""
    if metric.minimum_effect is None or metric.scale == "absolute":
        return metric.minimum_effect
    before = series.outcome[series.time < series.intervention]
    return metric.minimum_effect * abs(float(before.mean())) if before.size else None
