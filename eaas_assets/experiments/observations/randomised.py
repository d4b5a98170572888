"""Unit-level rows of a randomised experiment, asked through moments, counts and single values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

import numpy as np

from eaas_assets.errors import EstimateRefused
from eaas_assets.experiments.observations import database as db
from eaas_assets.experiments.observations.access import Arms, Clusters, DayOfArms, DayOfCounts, FloatArray
from eaas_assets.experiments.observations.layout import ARM, DAY, segment_key
from eaas_assets.experiments.observations.moments import moment_names
from eaas_assets.experiments.observations.sources import reading
from eaas_assets.experiments.observations.sums import Group, Keys, empty, without_value

if TYPE_CHECKING:
    from eaas_assets.contracts.experiment import Experiment, Metric
    from eaas_assets.experiments.observations.preparation import PreparedUnits
    from eaas_assets.stats.experiments.moments import ArmMoments


class UnitData:
    """Implements :class:`~eaas_assets.experiments.observations.access.RandomisedData` over a table of units.

    Every grouping is asked for once, for all metrics together.
    """

    granular = True

    def __init__(self, experiment: Experiment, prepared: PreparedUnits, has_time: bool, has_clusters: bool) -> None:
        self.experiment = experiment
        self.integrity = prepared.integrity
        self._prepared = prepared
        self._has_time, self._has_clusters = has_time, has_clusters
        self._arms = [variant.name for variant in experiment.variants]
        self._segments: dict[str, dict[str, dict[str, Group]]] = {}
        self._days: dict[datetime, dict[str, Group]] | None = None

    def counts(self) -> Mapping[str, int]:
        """Units by arm, also those without a value of a metric."""
        return {arm: group.rows if (group := self._prepared.totals.get(arm)) else 0 for arm in self._arms}

    def moments(self, metric: Metric) -> Arms:
        """Moments of a metric by arm."""
        return self._of(metric, self._prepared.totals)

    def moments_by_segment(self, metric: Metric, dimension: str) -> Mapping[str, Arms]:
        """The same by value of a declared segment."""
        if dimension not in self._segments:
            found: dict[str, dict[str, Group]] = {}
            for (value, arm), group in self._groups(
                [segment_key(self.experiment.segments.index(dimension)), ARM]
            ).items():
                if arm is not None:
                    found.setdefault(str(value), {})[str(arm)] = group
            self._segments[dimension] = found
        return {value: self._of(metric, groups) for value, groups in self._segments[dimension].items()}

    def moments_by_day(self, metric: Metric) -> Sequence[DayOfArms] | None:
        """The same by day of entry (UTC)."""
        if not self._has_time:
            return None
        return [DayOfArms(day, self._of(metric, groups)) for day, groups in self._by_day().items()]

    def counts_by_day(self) -> Sequence[DayOfCounts] | None:
        """Units by day of entry and arm."""
        if not self._has_time:
            return None
        return [
            DayOfCounts(day, {arm: groups[arm].rows if arm in groups else 0 for arm in self._arms})
            for day, groups in self._by_day().items()
        ]

    def values(self, metric: Metric, arm: str) -> FloatArray | None:
        """Single values in an arm, ordered by unit. A metric with infinite values has none that are numbers."""
        if metric.kind == "ratio":
            raise EstimateRefused("no_single_values", f"{metric.name} is a ratio of totals and has no value per unit")
        alias = self._prepared.aggregator.metrics[metric.name].aliases[0]
        query = (
            f"SELECT {alias} AS value FROM {self._prepared.table} "
            f"WHERE arm = {db.text(arm)} AND {alias} IS NOT NULL ORDER BY unit"
        )
        found = np.asarray(self._columns(query)["value"], dtype=np.float64)
        return found * np.nan if metric.name in self._prepared.refused else found

    def unit_columns(self, metric: Metric, arm: str, most: int) -> Mapping[str, FloatArray]:
        """All columns of a metric, of at most ``most`` units in an arm: always the same ones, whatever their order."""
        columns = self._prepared.aggregator.metrics[metric.name]
        listed = ", ".join(columns.aliases)
        query = (
            f"SELECT {listed} FROM {self._prepared.table} WHERE arm = {db.text(arm)} "
            f"AND {columns.aliases[0]} IS NOT NULL ORDER BY hash(unit), unit LIMIT {int(most)}"
        )
        found = self._columns(query)
        scale = np.nan if metric.name in self._prepared.refused else 1.0
        return {
            name: np.asarray(found[alias], dtype=np.float64) * scale
            for name, alias in zip(columns.names, columns.aliases, strict=True)
        }

    def clusters(self, metric: Metric, arm: str) -> Clusters | None:
        """Totals by cluster of randomisation; for a ratio of the numerator, with the denominator as size."""
        if not self._has_clusters:
            return None
        aliases = self._prepared.aggregator.metrics[metric.name].aliases
        size = f"sum({aliases[1]})" if metric.kind == "ratio" else f"count({aliases[0]})"
        query = (
            f"SELECT sum({aliases[0]}) AS total, {size} AS size FROM {self._prepared.table} "
            f"WHERE arm = {db.text(arm)} AND {aliases[0]} IS NOT NULL GROUP BY cluster ORDER BY cluster"
        )
        found = self._columns(query)
        totals = np.asarray(found["total"], dtype=np.float64)
        if metric.name in self._prepared.refused:
            totals = totals * np.nan
        return Clusters(totals, np.asarray(found["size"], dtype=np.float64))

    def _by_day(self) -> dict[datetime, dict[str, Group]]:
        if self._days is None:
            self._days = {}
            for (day, arm), group in self._groups([DAY, ARM]).items():
                if day is not None and arm is not None:
                    self._days.setdefault(datetime.combine(day, time(), tzinfo=UTC), {})[str(arm)] = group
        return self._days

    def _groups(self, keys: Sequence[str]) -> dict[Keys, Group]:
        with reading(self._prepared.source.file, self._prepared.source.kind):
            return self._prepared.aggregator.groups(keys)

    def _columns(self, query: str) -> Mapping[str, Any]:
        with reading(self._prepared.source.file, self._prepared.source.kind):
            found: Mapping[str, Any] = self._prepared.cursor.execute(query).fetchnumpy()
            return found

    def _of(self, metric: Metric, groups: Mapping[str, Group]) -> Arms:
        found: dict[str, ArmMoments] = {}
        for arm in self._arms:
            part = groups[arm].moments[metric.name] if arm in groups else empty(moment_names(metric))
            found[arm] = without_value(part) if metric.name in self._prepared.refused else part
        return found
