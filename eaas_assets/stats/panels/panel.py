"""Rows of a unit × time panel as a balanced matrix, or a refusal that names the hole.

Belongs here: the checks that every panel estimator needs. Does not: estimation, filling of gaps (never done).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eaas_assets.errors import EstimateRefused
from eaas_assets.stats.panels.effect import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """A balanced panel.

    Attributes:
        outcome: Shape (units, periods).
        units: Sorted unit labels.
        times: Sorted time labels.
        adoption: Per unit the index in ``times`` of its first treated period; ``n_periods`` means never.
    """

    outcome: FloatArray
    units: NDArray[np.generic]
    times: NDArray[np.generic]
    adoption: IntArray

    @property
    def n_units(self) -> int:
        """Number of units."""
        return int(self.outcome.shape[0])

    @property
    def n_periods(self) -> int:
        """Number of periods."""
        return int(self.outcome.shape[1])

    @property
    def treated(self) -> NDArray[np.bool_]:
        """Which units are ever treated."""
        return self.adoption < self.n_periods

    @property
    def treatment(self) -> FloatArray:
        """0/1 matrix (units, periods) of treated cells."""
        return (np.arange(self.n_periods)[None, :] >= self.adoption[:, None]).astype(np.float64)

    def single_adoption(self) -> int:
        """Index of the one first treated period.

        Raises:
            EstimateRefused: ``no_treated``, ``no_control``, ``no_pre_period`` or ``staggered_adoption``.
        """
        dates = np.unique(self.adoption[self.treated])
        if dates.size == 0:
            raise EstimateRefused("no_treated", "no unit is ever treated")
        if dates.size > 1:
            raise EstimateRefused(
                "staggered_adoption",
                f"units adopt at {dates.size} dates; two-way effects are biased then, use group-time effects",
            )
        if bool(self.treated.all()):
            raise EstimateRefused("no_control", "every unit is treated from the same date on")
        if dates[0] == 0:
            raise EstimateRefused("no_pre_period", "treated units are treated in every period")
        return int(dates[0])


def finite(values: ArrayLike, name: str) -> FloatArray:
    """``values`` as a 1-d float array.

    Raises:
        EstimateRefused: ``not_finite`` when a value is missing or infinite.
    """
    array = np.asarray(values, dtype=np.float64).reshape(-1)
    bad = int(np.count_nonzero(~np.isfinite(array)))
    if bad:
        raise EstimateRefused("not_finite", f"{bad} of {array.size} values of {name} are missing or infinite")
    return array


def codes(labels: ArrayLike, size: int, name: str) -> tuple[NDArray[np.generic], IntArray]:
    """Sorted distinct labels and the index of each row's label in them.

    Raises:
        ValueError: The number of labels is not ``size``.
        EstimateRefused: ``not_finite`` for a missing label, ``no_data`` for none.
    """
    array = np.asarray(labels).reshape(-1)
    if array.size != size:
        raise ValueError(f"{name} has {array.size} rows, the outcome has {size}")
    if size == 0:
        raise EstimateRefused("no_data", "there are no rows")
    if (array.dtype.kind == "f" and np.isnan(array).any()) or (array.dtype.kind in "mM" and np.isnat(array).any()):
        raise EstimateRefused("not_finite", f"{name} has missing labels")
    distinct, index = np.unique(array, return_inverse=True)
    return distinct, index.reshape(-1).astype(np.int64)


def zero_one(values: ArrayLike, size: int, name: str) -> FloatArray:
    """A 0/1 indicator as floats.

    Raises:
        ValueError: The number of rows is not ``size``.
        EstimateRefused: ``bad_treatment`` for any other value.
    """
    array = finite(values, name)
    if array.size != size:
        raise ValueError(f"{name} has {array.size} rows, the outcome has {size}")
    if not np.isin(array, (0.0, 1.0)).all():
        raise EstimateRefused("bad_treatment", f"{name} must be 0 or 1")
    return array


def balanced_panel(unit: ArrayLike, time: ArrayLike, outcome: ArrayLike, treated: ArrayLike) -> Panel:
    """The panel of rows with a 0/1 treatment that, once on, stays on.

    Args:
        unit: Unit label of each row.
        time: Sortable time label of each row.
        outcome: Outcome of each row.
        treated: 1 where the unit is under treatment at that time.

    Raises:
        ValueError: Rows of unequal number.
        EstimateRefused: ``no_data``, ``not_finite``, ``duplicate_cells``, ``missing_cells``, ``bad_treatment`` or
            ``treatment_reverses``.
    """
    values = finite(outcome, "outcome")
    status = zero_one(treated, values.size, "treatment")
    units, times, row, column = _cells(unit, time, values.size)
    shape = (units.size, times.size)
    matrix = np.empty(shape)
    matrix[row, column] = values
    on = np.zeros(shape)
    on[row, column] = status
    if (np.diff(on, axis=1) < 0.0).any():
        raise EstimateRefused("treatment_reverses", "a unit leaves the treatment after it began")
    adoption = np.where(on.any(axis=1), on.argmax(axis=1), times.size).astype(np.int64)
    return Panel(matrix, units, times, adoption)


def adoption_panel(unit: ArrayLike, time: ArrayLike, outcome: ArrayLike, adoption: ArrayLike) -> Panel:
    """The panel of rows that carry their unit's adoption time (nan, NaT or infinity: never).

    A unit counts as treated from the first observed period at or after its adoption time.

    Raises:
        ValueError: Rows of unequal number.
        EstimateRefused: As `balanced_panel`, and ``adoption_changes`` when a unit has two adoption times.
    """
    values = finite(outcome, "outcome")
    units, times, row, column = _cells(unit, time, values.size)
    matrix = np.empty((units.size, times.size))
    matrix[row, column] = values
    dates = np.asarray(adoption).reshape(-1)
    if dates.size != values.size:
        raise ValueError(f"adoption has {dates.size} rows, the outcome has {values.size}")
    never = np.isnat(dates) if dates.dtype.kind in "mM" else ~np.isfinite(dates.astype(np.float64))
    index = np.where(never, times.size, np.searchsorted(times, np.where(never, times[-1], dates), side="left"))
    first = np.full(units.size, -1, dtype=np.int64)
    first[row] = index
    if (first[row] != index).any():
        raise EstimateRefused("adoption_changes", "a unit has more than one adoption time")
    return Panel(matrix, units, times, first)


def _cells(
    unit: ArrayLike, time: ArrayLike, size: int
) -> tuple[NDArray[np.generic], NDArray[np.generic], IntArray, IntArray]:
    units, row = codes(unit, size, "unit")
    times, column = codes(time, size, "time")
    count = np.bincount(row * times.size + column, minlength=units.size * times.size)
    if (count > 1).any():
        example = int(np.argmax(count > 1))
        raise EstimateRefused(
            "duplicate_cells",
            f"{int((count > 1).sum())} unit-times have several rows, first: unit {units[example // times.size]} "
            f"at {times[example % times.size]}",
        )
    if (count == 0).any():
        example = int(np.argmax(count == 0))
        raise EstimateRefused(
            "missing_cells",
            f"{int((count == 0).sum())} of {count.size} unit-times have no row, first: unit "
            f"{units[example // times.size]} at {times[example % times.size]}",
        )
    return units, times, row, column
