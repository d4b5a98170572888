"""Units that met every arm, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from eaas_assets.experiments.observations import columns as columns_of
from eaas_assets.experiments.observations.access import FloatArray, Integrity, PairedData
from eaas_assets.experiments.observations.layout import NO_SEGMENT
from eaas_assets.experiments.observations.sources import Source, reading

if TYPE_CHECKING:
    import duckdb

    from eaas_assets.contracts.experiment import Experiment, Metric
    from eaas_assets.contracts.observations import Paired


@dataclass
class Replayed:
    """What one unit showed under one arm.

    Attributes:
        values: Metric → value; nan where there is none.
        cluster: Its family; None for one of its own.
        segments: Dimension → value.
        question: What was asked of it; a unit that was asked different things under two arms is no pair.
    """

    values: Mapping[str, float]
    cluster: str | None = None
    segments: Mapping[str, str] = field(default_factory=dict)
    question: str | None = None


class PairedRows:
    """Implements :class:`~eaas_assets.experiments.observations.access.PairedSource` over rows in memory."""

    def __init__(
        self,
        experiment: Experiment,
        arms: Mapping[str, Mapping[str, Replayed]],
        integrity: Integrity,
        repetition: int | None = None,
    ) -> None:
        self.experiment, self.integrity, self.repetition = experiment, integrity, repetition
        self._arms = arms

    def counts(self) -> Mapping[str, int]:
        """Units by arm, also those without a partner."""
        return {arm: len(replayed) for arm, replayed in self._arms.items()}

    def pairs(self, metric: Metric, arm: str) -> PairedData:
        """Every unit with a value of the metric under control and ``arm``, sorted by name."""
        before, after = self._sides(arm)
        return _paired(before, after, metric.name, sorted(before.keys() | after.keys()))

    def pairs_by_segment(self, metric: Metric, arm: str, dimension: str) -> Mapping[str, PairedData]:
        """The same by value of a declared segment."""
        before, after = self._sides(arm)
        by_value: dict[str, list[str]] = {}
        for unit in sorted(before.keys() | after.keys()):
            side = before[unit] if unit in before else after[unit]
            by_value.setdefault(side.segments.get(dimension, NO_SEGMENT), []).append(unit)
        return {value: _paired(before, after, metric.name, units) for value, units in sorted(by_value.items())}

    def _sides(self, arm: str) -> tuple[Mapping[str, Replayed], Mapping[str, Replayed]]:
        return self._arms.get(self.experiment.control.name, {}), self._arms.get(arm, {})


def _paired(
    before: Mapping[str, Replayed], after: Mapping[str, Replayed], metric: str, units: Sequence[str]
) -> PairedData:
    used: list[str] = []
    left_out: list[str] = []
    for unit in units:
        both = unit in before and unit in after and before[unit].question == after[unit].question
        known = both and not (np.isnan(before[unit].values[metric]) or np.isnan(after[unit].values[metric]))
        (used if known else left_out).append(unit)
    families = [before[unit].cluster if before[unit].cluster is not None else ("", unit) for unit in used]
    numbers: dict[Any, int] = {}
    clusters = [numbers.setdefault(family, len(numbers)) for family in families]
    return PairedData(
        tuple(used),
        np.array([before[unit].values[metric] for unit in used], dtype=np.float64),
        np.array([after[unit].values[metric] for unit in used], dtype=np.float64),
        np.array(clusters, dtype=np.int64),
        tuple(left_out),
    )


def read_paired(
    cursor: duckdb.DuckDBPyConnection, source: Source, experiment: Experiment, paired: Paired
) -> PairedRows:
    """One row per unit and arm.

    Raises:
        InputError: A column is missing or holds what it must not.
    """
    if source.kind != "parquet":
        source = source.loaded(cursor, source.columns)
    with reading(source.file, source.kind):
        cells = _cells(source, experiment, paired)
        columns_of.refuse_faults(cursor, source, list(cells.values()))
        wanted = ", ".join(f"{cell.value} AS {alias}" for alias, cell in cells.items())
        found = cursor.execute(f"SELECT {wanted} FROM {source.relation}").fetchnumpy()
    table = {alias: _listed(found[alias], alias.startswith("m")) for alias in cells}
    return _sorted_out(experiment, table, len(table["unit"]))


def _cells(source: Source, experiment: Experiment, paired: Paired) -> dict[str, columns_of.Cell]:
    cells = {
        "unit": columns_of.label(source, paired.unit, "observations.unit", required=True),
        "arm": columns_of.label(source, paired.variant, "observations.variant"),
    }
    if paired.cluster is not None:
        cells["cluster"] = columns_of.label(source, paired.cluster, "observations.cluster")
    for index, segment in enumerate(experiment.segments):
        cells[f"s{index}"] = columns_of.label(source, segment, f"segments.{index}")
    for index, metric in enumerate(experiment.metrics):
        cells[f"m{index}"] = columns_of.number(source, metric.source, f"metrics.{index}.column")
        if metric.denominator is not None:
            cells[f"m{index}_below"] = columns_of.number(source, metric.denominator, f"metrics.{index}.denominator")
    return cells


def _listed(found: Any, numeric: bool) -> list[Any]:
    if numeric:
        values: FloatArray = np.ma.filled(np.ma.asarray(found, dtype=np.float64), np.nan)
        return values.tolist()
    masked = np.ma.getmaskarray(found)
    return [None if hidden else value for value, hidden in zip(np.ma.getdata(found), masked, strict=True)]


def _sorted_out(experiment: Experiment, table: Mapping[str, list[Any]], rows: int) -> PairedRows:
    """Rows that repeat another count once; a unit with different rows in one arm has none there."""
    arms: dict[str, dict[str, Replayed]] = {variant.name: {} for variant in experiment.variants}
    unknown: dict[str, int] = {}
    infinite: dict[str, int] = {}
    seen: dict[tuple[str, str], tuple[Any, ...]] = {}
    repeated = 0
    conflicts: dict[tuple[str, str], int] = {}
    for index in range(rows):
        unit, arm = str(table["unit"][index]), table["arm"][index]
        if arm not in arms:
            told = "(none)" if arm is None else str(arm)[:64]
            unknown[told] = unknown.get(told, 0) + 1
            continue
        row = tuple("nan" if value != value else value for value in (table[alias][index] for alias in table))
        if (arm, unit) in seen:
            if seen[arm, unit] == row:
                repeated += 1
            else:
                conflicts[arm, unit] = conflicts.get((arm, unit), 1) + 1
            continue
        seen[arm, unit] = row
        arms[arm][unit] = _replayed(experiment, table, index, infinite)
    for arm, unit in conflicts:
        del arms[arm][unit]
    units = set().union(*(replayed.keys() for replayed in arms.values()))
    nulls = {
        metric.name: {
            arm: missing
            for arm, replayed in arms.items()
            if (missing := sum(np.isnan(one.values[metric.name]) for one in replayed.values()))
        }
        for metric in experiment.metrics
    }
    integrity = Integrity(
        rows=rows,
        units=len(units),
        duplicate_rows=repeated,
        conflicting_rows=sum(conflicts.values()),
        unknown_variants=unknown,
        null_values={metric: by_arm for metric, by_arm in nulls.items() if by_arm},
        infinite_values=infinite,
    )
    return PairedRows(experiment, arms, integrity)


def _replayed(experiment: Experiment, table: Mapping[str, list[Any]], index: int, infinite: dict[str, int]) -> Replayed:
    values = {}
    for position, metric in enumerate(experiment.metrics):
        value = table[f"m{position}"][index]
        if metric.denominator is not None:
            below = table[f"m{position}_below"][index]
            value = value / below if below else np.nan
        if np.isinf(value):
            infinite[metric.name] = infinite.get(metric.name, 0) + 1
            value = np.nan
        values[metric.name] = float(value)
    segments = {
        dimension: str(value)
        for position, dimension in enumerate(experiment.segments)
        if (value := table[f"s{position}"][index]) is not None
    }
    cluster = table["cluster"][index] if "cluster" in table else None
    return Replayed(values, None if cluster is None else str(cluster), segments)
