"""What the rest of the stage may ask of an experiment's observations, whatever file they came from.

Belongs here: the shapes. Reading files and aggregating them is in the other modules of this folder; estimating is in
`impact`, judging the design in `design`, watching in `monitoring`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eaas_assets.contracts.experiment import Metric
from eaas_assets.stats.experiments.moments import ArmMoments

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]

Arms: TypeAlias = Mapping[str, ArmMoments]
"""Moments by arm, for every arm of the experiment, also an empty one.

Columns of the moments of a metric called ``m``: ``m`` for a mean or proportion; ``m.numerator`` and
``m.denominator`` for a ratio; ``m.covariate`` besides, where the metric has a covariate (for a ratio
``m.covariate`` is the pre-period value as one column). Units without a value of the metric are left out of its
moments and counted in :class:`Integrity`.
"""


@dataclass(frozen=True)
class Integrity:
    """What is wrong with rows that could be read. Examples are a handful, shortened.

    Attributes:
        rows: Rows in the file.
        units: Different units that are used.
        duplicate_rows: Rows that repeat another one in every column; they count once.
        conflicting_rows: Further rows of a unit with other values; where a file has no time, none of them is used.
        units_in_two_arms: Units seen in more than one arm; none of them is used.
        unknown_variants: Arm that the document does not declare → rows; none of them is used.
        rows_after_end: Rows later than the planned end; not used.
        rows_before_start: Rows earlier than the planned start; not used.
        missing_days: Days between first and last without any row.
        null_values: Metric → arm → units without a value.
        infinite_values: Metric → units with an infinite value; the metric is refused.
        constant_metrics: Metrics that do not vary in any arm.
        mixed_time_zones: Whether some times carry a zone and others do not.
        measured_before_treatment: Whether an outcome is dated before its unit's exposure.
    """

    rows: int = 0
    units: int = 0
    duplicate_rows: int = 0
    conflicting_rows: int = 0
    units_in_two_arms: int = 0
    units_in_two_arms_examples: tuple[str, ...] = ()
    unknown_variants: Mapping[str, int] = field(default_factory=dict)
    rows_after_end: int = 0
    rows_before_start: int = 0
    missing_days: tuple[str, ...] = ()
    null_values: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    infinite_values: Mapping[str, int] = field(default_factory=dict)
    constant_metrics: tuple[str, ...] = ()
    mixed_time_zones: bool = False
    measured_before_treatment: bool = False


class DayOfArms(NamedTuple):
    """The units that entered on one day (UTC), not cumulative."""

    day: datetime
    arms: Arms


class DayOfCounts(NamedTuple):
    """Units that entered on one day, by arm."""

    day: datetime
    counts: Mapping[str, int]


class Clusters(NamedTuple):
    """Totals of a metric and units by cluster of one arm, each of shape (clusters,)."""

    totals: FloatArray
    sizes: FloatArray


class RandomisedData(Protocol):
    """Observations of a randomised experiment: unit-level rows, or statistics per arm.

    ``granular`` is False for summary statistics: they have no times, single values or clusters, and the methods that
    need these return None.
    """

    integrity: Integrity
    granular: bool

    def counts(self) -> Mapping[str, int]:
        """Units by arm, as assigned: also those without a value of a metric."""
        ...

    def moments(self, metric: Metric) -> Arms:
        """Moments of a metric by arm."""
        ...

    def moments_by_segment(self, metric: Metric, dimension: str) -> Mapping[str, Arms]:
        """The same by value of a declared segment; units without a value of it stand under ``(none)``."""
        ...

    def moments_by_day(self, metric: Metric) -> Sequence[DayOfArms] | None:
        """The same by day of entry, in order; None where units have no time."""
        ...

    def counts_by_day(self) -> Sequence[DayOfCounts] | None:
        """Units by day of entry and arm, in order; None where units have no time."""
        ...

    def values(self, metric: Metric, arm: str) -> FloatArray | None:
        """Single values of a metric (mean, proportion, quantile) in an arm, in a fixed order; None in summaries."""
        ...

    def clusters(self, metric: Metric, arm: str) -> Clusters | None:
        """By cluster of randomisation; None where units were randomised."""
        ...


class PairedData(NamedTuple):
    """Units that met both arms; arrays of shape (units,), in one order.

    Attributes:
        units: Names of the units.
        control: Value under the control.
        treatment: Value under the treatment.
        clusters: Family of each unit as a whole number; each its own where none is declared.
        left_out: Units seen under one arm only.
    """

    units: tuple[str, ...]
    control: FloatArray
    treatment: FloatArray
    clusters: IntArray
    left_out: tuple[str, ...]


class PairedSource(Protocol):
    """Observations of a paired experiment.

    Attributes:
        integrity: What was wrong.
        repetition: Which comparison of all units this is, from 1 on, where each replaces the one before it; None where
            pairs come one after another.
    """

    integrity: Integrity
    repetition: int | None

    def pairs(self, metric: Metric, arm: str) -> PairedData:
        """Every unit with a value of the metric under control and ``arm``."""
        ...

    def pairs_by_segment(self, metric: Metric, arm: str, dimension: str) -> Mapping[str, PairedData]:
        """The same by value of a declared segment."""
        ...


@dataclass(frozen=True, eq=False)
class PanelData:
    """One row per unit and period; arrays of shape (rows,).

    Attributes:
        integrity: What was wrong.
        unit: Name of each row's unit.
        time: Whole number of the period; days count from 1970-01-01.
        adoption: First treated period of the row's unit; a number beyond the last period for never.
        outcome: Metric name → values.
        controls: Control series, shape (rows, series).
        cluster: Cluster of each row as a whole number; None where units stand alone.
        time_is_day: Whether periods are days.
        segments: Dimension → value of each row.
        arm: Arm of each row's unit; None where the file does not tell arms. Units of the control are never treated.
    """

    integrity: Integrity
    unit: NDArray[np.str_]
    time: IntArray
    adoption: IntArray
    outcome: Mapping[str, FloatArray]
    controls: FloatArray
    cluster: IntArray | None
    time_is_day: bool
    segments: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    arm: NDArray[np.str_] | None = None


@dataclass(frozen=True)
class Opened:
    """The observations of one experiment, ready to be asked.

    Attributes:
        kind: What there is: exactly one of the three sources is set, none for ``nothing``.
        data_digest: Hash of the data; None for ``nothing``.
        observed_units: Units used, all arms.
        observed_from: First observation (UTC); None without times.
        observed_to: Last observation.
    """

    kind: Literal["randomised", "paired", "panel", "nothing"]
    data_digest: str | None = None
    observed_units: int | None = None
    observed_from: datetime | None = None
    observed_to: datetime | None = None
    randomised: RandomisedData | None = None
    paired: PairedSource | None = None
    panel: PanelData | None = None
