"""Experiments and observations made by hand: short documents, and arrays behind the protocols of `access`.

Nothing here reads a file. Every unit stands once; what readers find wrong is given as an ``Integrity``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eaas_assets.contracts.experiment import Experiment, Metric
from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.contracts.readings import read_document
from eaas_assets.experiments.observations.access import (
    Arms,
    Clusters,
    DayOfArms,
    DayOfCounts,
    FloatArray,
    Integrity,
    Opened,
    PairedData,
    PanelData,
)
from eaas_assets.stats.experiments.moments import ArmMoments

DATA = Path(__file__).parents[2] / "data"
FIRST_DAY = datetime(2026, 1, 5, tzinfo=UTC)
NO_SEGMENT = "(none)"


@cache
def policy_by_hand() -> ExperimentPolicy:
    """The policy that is shipped."""
    return read_document(ExperimentPolicy, DATA, "policies/experiments.yaml")[0]


def metric_by_hand(name: str = "spend", role: str = "primary", kind: str = "mean", **more: Any) -> dict[str, Any]:
    """A metric as it stands in a document."""
    return {"name": name, "role": role, "kind": kind, "direction": "increase", **more}


def experiment_by_hand(**changes: Any) -> Experiment:
    """A concluded A/B test of one mean, two equal arms ``control`` and ``treatment``; any field can be changed."""
    arms = changes.pop("arms", ("control", "treatment"))
    document: dict[str, Any] = {
        "experiment": "E900",
        "title": "A test",
        "domain": "sales",
        "type": "ab_test",
        "design": "randomised",
        "status": "concluded",
        "hypothesis": "The change raises the metric",
        "hypothesis_type": "growth",
        "population": "everybody",
        "owner": "growth_team",
        "decision_owner": "vp_sales",
        "risk_tier": "low",
        "variants": [{"name": name, "allocation": 1.0 / len(arms)} for name in arms],
        "metrics": [metric_by_hand()],
    }
    return Experiment.model_validate({**document, **changes})


@dataclass
class UnitsByHand:
    """Unit-level rows: one entry of every array per unit.

    Attributes:
        arm: Arm of each unit.
        columns: Column → value of each unit; nan where it has none.
        segments: Dimension → value of each unit.
        day: Days since ``FIRST_DAY`` at which each unit entered; None without times.
        cluster: Group that each unit was randomised with; None where units were.
        names: All arms, also those without a unit; None: those that have one.
    """

    arm: ArrayLike
    columns: Mapping[str, ArrayLike]
    segments: Mapping[str, ArrayLike] = field(default_factory=dict)
    day: ArrayLike | None = None
    cluster: ArrayLike | None = None
    names: Sequence[str] | None = None
    integrity: Integrity = field(default_factory=Integrity)
    granular: bool = True

    def __post_init__(self) -> None:
        self._arm = np.asarray(self.arm, dtype=str)
        self._columns = {name: np.asarray(column, dtype=np.float64) for name, column in self.columns.items()}
        self._names = tuple(self.names) if self.names is not None else tuple(dict.fromkeys(self._arm.tolist()))
        self._everybody = np.ones(self._arm.size, dtype=np.bool_)

    def _counts(self, inside: NDArray[np.bool_]) -> dict[str, int]:
        return {name: int(np.count_nonzero(inside & (self._arm == name))) for name in self._names}

    def _of_metric(self, metric: Metric) -> dict[str, FloatArray]:
        columns = {metric.name: self._columns[metric.source]}
        if metric.kind == "ratio":
            columns = {
                f"{metric.name}.numerator": self._columns[str(metric.numerator)],
                f"{metric.name}.denominator": self._columns[str(metric.denominator)],
            }
        if metric.covariate is not None:
            columns[f"{metric.name}.covariate"] = self._columns[metric.covariate]
        return columns

    def _moments(self, metric: Metric, inside: NDArray[np.bool_]) -> Arms:
        columns = self._of_metric(metric)
        known = inside & ~np.any([np.isnan(column) for column in columns.values()], axis=0)
        return {
            name: ArmMoments.from_arrays(
                **{key: column[known & (self._arm == name)] for key, column in columns.items()}
            )
            for name in self._names
        }

    def counts(self) -> Mapping[str, int]:
        return self._counts(self._everybody)

    def moments(self, metric: Metric) -> Arms:
        return self._moments(metric, self._everybody)

    def moments_by_segment(self, metric: Metric, dimension: str) -> Mapping[str, Arms]:
        labels = np.asarray(self.segments[dimension], dtype=str)
        return {str(value): self._moments(metric, labels == value) for value in np.unique(labels)}

    def moments_by_day(self, metric: Metric) -> Sequence[DayOfArms] | None:
        if self.day is None:
            return None
        day = np.asarray(self.day, dtype=np.int64)
        return [DayOfArms(self._at(value), self._moments(metric, day == value)) for value in np.unique(day)]

    def counts_by_day(self) -> Sequence[DayOfCounts] | None:
        if self.day is None:
            return None
        day = np.asarray(self.day, dtype=np.int64)
        return [DayOfCounts(self._at(value), self._counts(day == value)) for value in np.unique(day)]

    def values(self, metric: Metric, arm: str) -> FloatArray | None:
        if not self.granular:
            return None
        column = self._columns[metric.source][self._arm == arm]
        return column[~np.isnan(column)]

    def clusters(self, metric: Metric, arm: str) -> Clusters | None:
        if self.cluster is None:
            return None
        column = self._columns[metric.source]
        used = (self._arm == arm) & ~np.isnan(column)
        _, group = np.unique(np.asarray(self.cluster)[used], return_inverse=True)
        sizes = np.bincount(group).astype(np.float64)
        return Clusters(np.bincount(group, column[used]).astype(np.float64), sizes)

    @staticmethod
    def _at(day: int) -> datetime:
        return FIRST_DAY + timedelta(days=int(day))


@dataclass
class SummaryByHand:
    """Statistics per arm: metric name → arm → moments, and the same by dimension and value of a segment."""

    units: Mapping[str, int]
    by_metric: Mapping[str, Arms]
    by_segment: Mapping[tuple[str, str], Mapping[str, Arms]] = field(default_factory=dict)
    integrity: Integrity = field(default_factory=Integrity)
    granular: bool = False

    def counts(self) -> Mapping[str, int]:
        return self.units

    def moments(self, metric: Metric) -> Arms:
        return self.by_metric[metric.name]

    def moments_by_segment(self, metric: Metric, dimension: str) -> Mapping[str, Arms]:
        return self.by_segment.get((metric.name, dimension), {})

    def moments_by_day(self, metric: Metric) -> Sequence[DayOfArms] | None:
        return None

    def counts_by_day(self) -> Sequence[DayOfCounts] | None:
        return None

    def values(self, metric: Metric, arm: str) -> FloatArray | None:
        return None

    def clusters(self, metric: Metric, arm: str) -> Clusters | None:
        return None


def proportion_moments(name: str, successes: int, n: int) -> ArmMoments:
    """What a reader makes of ``successes`` among ``n``."""
    rate = successes / n
    return ArmMoments.from_aggregates(n, {name: rate}, {name: rate * (1.0 - rate) * n / (n - 1)})


@dataclass
class PairedByHand:
    """Units that met every arm: metric name → arm → value of each unit (nan: not seen under that arm)."""

    by_metric: Mapping[str, Mapping[str, ArrayLike]]
    control: str = "control"
    clusters: ArrayLike | None = None
    segments: Mapping[str, ArrayLike] = field(default_factory=dict)
    integrity: Integrity = field(default_factory=Integrity)
    repetition: int | None = None

    def pairs(self, metric: Metric, arm: str) -> PairedData:
        return self._pairs(metric, arm, None)

    def pairs_by_segment(self, metric: Metric, arm: str, dimension: str) -> Mapping[str, PairedData]:
        labels = np.asarray(self.segments[dimension], dtype=str)
        return {str(value): self._pairs(metric, arm, labels == value) for value in np.unique(labels)}

    def _pairs(self, metric: Metric, arm: str, inside: NDArray[np.bool_] | None) -> PairedData:
        values = self.by_metric[metric.name]
        control = np.asarray(values[self.control], dtype=np.float64)
        treatment = np.asarray(values[arm], dtype=np.float64)
        inside = np.ones(control.size, dtype=np.bool_) if inside is None else inside
        both = ~np.isnan(control) & ~np.isnan(treatment)
        labels = np.arange(control.size) if self.clusters is None else np.unique(self.clusters, return_inverse=True)[1]
        names = np.array([f"u{i:04d}" for i in range(control.size)])
        return PairedData(
            tuple(names[inside & both].tolist()),
            control[inside & both],
            treatment[inside & both],
            labels[inside & both].astype(np.int64),
            tuple(names[inside & ~both].tolist()),
        )


def panel_by_hand(
    outcome: Mapping[str, ArrayLike],
    adoption: ArrayLike,
    *,
    controls: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    first_period: int = 0,
    segments: Mapping[str, ArrayLike] | None = None,
    units: Sequence[str] | None = None,
) -> PanelData:
    """A balanced panel.

    Args:
        outcome: Metric name → matrix (units, periods).
        adoption: First treated period of each unit; a number beyond the last for never.
        controls: Control series, shape (periods,) or (periods, series), the same for every unit.
        cluster: Cluster of each unit.
        first_period: Number of the first period.
        segments: Dimension → value of each unit.
        units: Names of the units.
    """
    matrices = {name: np.atleast_2d(np.asarray(matrix, dtype=np.float64)) for name, matrix in outcome.items()}
    n, periods = next(iter(matrices.values())).shape
    names = np.array(units if units is not None else [f"unit_{i:03d}" for i in range(n)])
    series = np.empty((periods, 0)) if controls is None else np.asarray(controls, dtype=np.float64).reshape(periods, -1)
    return PanelData(
        integrity=Integrity(rows=n * periods, units=n),
        unit=np.repeat(names, periods),
        time=np.tile(np.arange(first_period, first_period + periods, dtype=np.int64), n),
        adoption=np.repeat(np.asarray(adoption, dtype=np.int64), periods),
        outcome={name: matrix.reshape(-1) for name, matrix in matrices.items()},
        controls=np.tile(series, (n, 1)),
        cluster=None if cluster is None else np.repeat(np.asarray(cluster, dtype=np.int64), periods),
        time_is_day=False,
        segments={key: np.repeat(np.asarray(value, dtype=str), periods) for key, value in (segments or {}).items()},
    )


def opened_by_hand(source: UnitsByHand | SummaryByHand | PairedByHand | PanelData | None) -> Opened:
    """``source`` as it comes out of opening; None for an experiment without observations."""
    if source is None:
        return Opened("nothing")
    if isinstance(source, PanelData):
        return Opened("panel", "0" * 16, int(np.unique(source.unit).size), panel=source)
    if isinstance(source, PairedByHand):
        values = next(iter(next(iter(source.by_metric.values())).values()))
        return Opened("paired", "0" * 16, int(np.asarray(values).size), paired=source)
    days = np.asarray(source.day) if isinstance(source, UnitsByHand) and source.day is not None else np.empty(0)
    started, ended = (FIRST_DAY, FIRST_DAY + timedelta(days=int(days.max()))) if days.size else (None, None)
    return Opened("randomised", "0" * 16, sum(source.counts().values()), started, ended, randomised=source)
