"""Which columns of a file become which columns of the table of units.

Belongs here: names and SQL. The rows are sorted out in `rows_in_memory` and `rows_on_disk`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from eaas_assets.experiments.observations import columns as columns_of
from eaas_assets.experiments.observations.moments import moment_names
from eaas_assets.experiments.observations.sums import Columns

if TYPE_CHECKING:
    from eaas_assets.contracts.experiment import Experiment, Metric
    from eaas_assets.contracts.observations import Units
    from eaas_assets.experiments.observations.columns import Cell
    from eaas_assets.experiments.observations.sources import Source

FAULTY = "faulty"
ARM = "arm"
DAY = "CAST(entered AS DATE)"
NO_SEGMENT = "(none)"


def segment_key(index: int) -> str:
    """SQL of the value of a declared segment."""
    return f"coalesce(s{index}, '{NO_SEGMENT}')"


@dataclass
class Layout:
    """Which cells become which columns of the table."""

    cells: dict[str, Cell] = field(default_factory=dict)
    metrics: dict[str, Columns] = field(default_factory=dict)

    def select(self, source: Source, careful: bool, checked: bool = False) -> str:
        """The table's rows as SQL.

        Args:
            source: Where the rows are.
            careful: Whether values may be missing, nan or infinite.
            checked: Whether a column says for each row if something in it cannot be used.
        """
        parts = [
            f"{cell.value if careful or cell.plain is None else cell.plain} AS {alias}"
            for alias, cell in self.cells.items()
        ]
        if checked:
            faults = [cell.fault for cell in self.cells.values() if cell.fault is not None]
            parts.append(f"({' OR '.join(faults)}) AS {FAULTY}")
        rows = f"SELECT {', '.join(parts)} FROM {source.relation}"
        masks = self._masks() if careful else []
        return f"SELECT * REPLACE ({', '.join(masks)}) FROM ({rows})" if masks else rows

    def _masks(self) -> list[str]:
        """SQL that leaves a row all columns of a metric or none."""
        several = [columns.aliases for columns in self.metrics.values() if len(columns.aliases) > 1]
        return [
            f"CASE WHEN {' AND '.join(f'{mate} IS NOT NULL' for mate in aliases)} THEN {alias} END AS {alias}"
            for aliases in several
            for alias in aliases
        ]

    @property
    def has_time(self) -> bool:
        """Whether units have a time."""
        return "entered" in self.cells

    @property
    def keys(self) -> list[str]:
        """SQL of everything that units are grouped by: arm, segments and day."""
        segments = [f"s{index}" for index in range(len(self.cells)) if f"s{index}" in self.cells]
        return [ARM, *(segment_key(index) for index in range(len(segments))), *([DAY] if self.has_time else [])]


def lay_out(source: Source, experiment: Experiment, units: Units) -> Layout:
    """The columns that a document asks for.

    Raises:
        InputError: One is missing, or cannot be what it is asked for.
    """
    place = "observations"
    layout = Layout()
    layout.cells["unit"] = columns_of.label(source, units.unit, f"{place}.unit", required=True)
    layout.cells["arm"] = columns_of.label(source, units.variant, f"{place}.variant")
    if units.time is not None:
        layout.cells["entered"] = columns_of.moment(source, units.time, f"{place}.time")
    if units.measured is not None:
        layout.cells["measured"] = columns_of.moment(source, units.measured, f"{place}.measured")
    if units.cluster is not None:
        layout.cells["cluster"] = columns_of.label(source, units.cluster, f"{place}.cluster", required=True)
    for index, segment in enumerate(experiment.segments):
        layout.cells[f"s{index}"] = columns_of.label(source, segment, f"segments.{index}")
    for index, metric in enumerate(experiment.metrics):
        cells = metric_cells(source, metric, index)
        layout.cells |= cells
        layout.metrics[metric.name] = Columns(moment_names(metric), tuple(cells))
    return layout


def metric_cells(source: Source, metric: Metric, index: int) -> dict[str, Cell]:
    """Alias → cell of each column of a metric."""
    place = f"metrics.{index}"
    wanted = [(metric.source, "numerator" if metric.kind == "ratio" else "column")]
    if metric.denominator is not None:
        wanted.append((metric.denominator, "denominator"))
    if metric.covariate is not None:
        wanted.append((metric.covariate, "covariate"))
    cells = {}
    for position, (column, role) in enumerate(wanted):
        checked = columns_of.proportion if metric.kind == "proportion" and position == 0 else columns_of.number
        cells[f"m{index}_{position}"] = checked(source, column, f"{place}.{role}")
    return cells


def columns_used(experiment: Experiment) -> list[str]:
    """Names of all columns that the document asks for, apart from the time of outcomes."""
    metrics = chain.from_iterable(
        (metric.source, metric.denominator, metric.covariate) for metric in experiment.metrics
    )
    return [name for name in (*metrics, *experiment.segments) if name is not None]
