"""One row per unit and period: rollouts and before/after."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eaas_assets.errors import InputError, Problem
from eaas_assets.experiments.observations import columns as columns_of
from eaas_assets.experiments.observations import database as db
from eaas_assets.experiments.observations.access import FloatArray, IntArray, Integrity, PanelData
from eaas_assets.experiments.observations.adoption import (
    EPOCH,
    dates_anybody,
    first_treated,
    of_treatments,
)
from eaas_assets.experiments.observations.columns import Cell
from eaas_assets.experiments.observations.days import days_between
from eaas_assets.experiments.observations.sources import Source, reading

if TYPE_CHECKING:
    import duckdb

    from eaas_assets.contracts.experiment import Experiment
    from eaas_assets.contracts.observations import Panel

ONE_UNIT = "(all)"
NO_SEGMENT = "(none)"
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")


class _Columns(NamedTuple):
    """The cells of a panel, and whether its periods are days."""

    cells: dict[str, Cell]
    is_day: bool


def read_panel(cursor: duckdb.DuckDBPyConnection, source: Source, experiment: Experiment, panel: Panel) -> PanelData:
    """The panel, sorted by unit and period.

    Raises:
        InputError: A column is missing or holds what it must not; a treated unit or the intervention is not in the
            data's terms.
    """
    if source.kind != "parquet":
        source = source.loaded(cursor, source.columns)
    with reading(source.file, source.kind):
        columns = _columns(cursor, source, experiment, panel)
        columns_of.refuse_faults(cursor, source, list(columns.cells.values()))
        wanted = ", ".join(f"{cell.value} AS {alias}" for alias, cell in columns.cells.items())
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE clean AS SELECT {wanted} FROM {source.relation}")
        mixed = _mixed_zones(cursor, source, columns.cells)
    strange = _without_unknown_arms(cursor, experiment, columns)
    counts, torn = _sort_out(cursor, experiment, columns)
    found = cursor.execute("SELECT * FROM panel ORDER BY unit, period").fetchnumpy()
    unit = np.asarray(np.ma.getdata(found["unit"]), dtype=np.str_)
    period = np.asarray(np.ma.getdata(found["period"]), dtype=np.int64)
    adoption = first_treated(source.file, panel, found, unit, period, columns.is_day)
    arm = None
    if "arm" in found:
        arm = _texts(found["arm"])
        adoption = of_treatments(source.file, panel, experiment.control.name, (unit, arm, adoption, period))
    outcome, infinite = _outcomes(experiment, found)
    treated = adoption <= (period.max() if period.size else 0)
    integrity = Integrity(
        rows=counts[0] + sum(strange.values()),
        units=int(np.unique(unit).size),
        duplicate_rows=counts[1],
        conflicting_rows=counts[2],
        rows_after_end=counts[3],
        units_in_two_arms=len(torn),
        unknown_variants=strange,
        units_in_two_arms_examples=tuple(name[:64] for name in torn[:5]),
        missing_days=_missing_days(period) if columns.is_day else (),
        null_values=_nulls(experiment, outcome, treated, arm),
        infinite_values=infinite,
        constant_metrics=tuple(name for name, values in outcome.items() if _constant(values)),
        mixed_time_zones=mixed,
        measured_before_treatment=dates_anybody(panel, found) and not (period >= adoption).any(),
    )
    cluster = _numbered(found["cluster"]) if "cluster" in found else None
    segments = {name: _texts(found[f"s{index}"]) for index, name in enumerate(experiment.segments)}
    controls = [_floats(found[f"c{index}"]) for index in range(len(panel.controls))]
    series = np.column_stack(controls) if controls else np.empty((unit.size, 0))
    return PanelData(integrity, unit, period, adoption, outcome, series, cluster, columns.is_day, segments, arm)


def panel_times(panel: PanelData) -> tuple[datetime | None, datetime | None]:
    """First and last day; None where periods are not days."""
    if not panel.time_is_day or panel.time.size == 0:
        return None, None
    start = datetime(1970, 1, 1, tzinfo=UTC)
    return start + timedelta(days=int(panel.time.min())), start + timedelta(days=int(panel.time.max()))


def _columns(cursor: duckdb.DuckDBPyConnection, source: Source, experiment: Experiment, panel: Panel) -> _Columns:
    cells: dict[str, Cell] = {}
    if panel.unit is not None:
        cells["unit"] = columns_of.label(source, panel.unit, "observations.unit", required=True)
    else:
        cells["unit"] = Cell(db.text(ONE_UNIT), None, "NULL", "a name", "observations.unit", ONE_UNIT)
    is_day = _is_day(cursor, source, panel)
    cells["period"] = _period(source, panel.time, "observations.time", is_day, required=True)
    if panel.adoption is not None:
        cells["adoption"] = _period(source, panel.adoption, "observations.adoption", is_day, required=False)
    if panel.variant is not None:
        arm = columns_of.label(source, panel.variant, "observations.variant")
        cells["arm"] = arm._replace(value=f"coalesce({arm.value}, {db.text(experiment.control.name)})")
    if panel.cluster is not None:
        cells["cluster"] = columns_of.label(source, panel.cluster, "observations.cluster", required=True)
    for index, segment in enumerate(experiment.segments):
        cells[f"s{index}"] = columns_of.label(source, segment, f"segments.{index}")
    for index, control in enumerate(panel.controls):
        cells[f"c{index}"] = columns_of.number(source, control, f"observations.controls.{index}")
    for index, metric in enumerate(experiment.metrics):
        cell = columns_of.number(source, metric.source, f"metrics.{index}.column")
        if metric.kind == "proportion":  # of the unit's people in this period
            other = f"(isfinite({cell.value}) AND {cell.value} NOT BETWEEN 0.0 AND 1.0)"
            fault = other if cell.fault is None else f"({cell.fault} OR {other})"
            cell = cell._replace(fault=fault, expected=columns_of.SHARE)
        cells[f"m{index}"] = cell
        if metric.denominator is not None:
            cells[f"m{index}_below"] = columns_of.number(source, metric.denominator, f"metrics.{index}.denominator")
    return _Columns(cells, is_day)


def _is_day(cursor: duckdb.DuckDBPyConnection, source: Source, panel: Panel) -> bool:
    """Whether periods are days: whole numbers are none."""
    raw, kind = source.column(panel.time, "observations.time")
    if kind in _WHOLE:
        return False
    if kind != "VARCHAR":
        return True
    whole = f"count(*) FILTER (WHERE TRY_CAST(trim({raw}) AS BIGINT) IS NULL AND nullif(trim({raw}), '') IS NOT NULL)"
    return bool(db.row(cursor, f"SELECT {whole} FROM {source.relation}")[0])


def _period(source: Source, column: str, field: str, is_day: bool, required: bool) -> Cell:
    if is_day:
        cell = columns_of.moment(source, column, field)
        cell = cell._replace(fault=" OR ".join(filter(None, (cell.fault, columns_of.out_of_range(cell.value)))))
        value = f"CAST(floor(epoch({cell.value}) / 86400) AS BIGINT)"
        expected = "a day such as 2024-10-01"
    else:
        raw, kind = source.column(column, field)
        if kind not in (*_WHOLE, "VARCHAR", "DOUBLE", "FLOAT"):
            found = f"a column of type {kind}"
            raise InputError(Problem(source.file, "not_a_period", found, "whole numbers, as in time", field=column))
        if kind in {"DOUBLE", "FLOAT"}:  # whole numbers beside empty fields, as pandas writes them
            number = f"CASE WHEN isnan({raw}) THEN NULL ELSE {raw} END"
            value = f"TRY_CAST({number} AS BIGINT)"
            fault = f"({number} IS NOT NULL AND coalesce({value} <> {number}, true))"
        else:
            written = f"nullif(trim(CAST({raw} AS VARCHAR)), '')"
            value = f"TRY_CAST({written} AS BIGINT)"
            # text such as 10.5 would become 10 or 11
            fault = f"({written} IS NOT NULL AND coalesce({value} <> TRY_CAST({written} AS DOUBLE), true))"
        cell, expected = Cell(value, fault, raw, "a whole number", field, column), "a whole number"
    faults = [part for part in (cell.fault, f"(({value}) IS NULL)" if required else None) if part is not None]
    return cell._replace(value=value, fault=f"({' OR '.join(faults)})" if faults else None, expected=expected)


def _without_unknown_arms(
    cursor: duckdb.DuckDBPyConnection, experiment: Experiment, columns: _Columns
) -> dict[str, int]:
    """Delete rows of arms that the document does not declare, and count them."""
    if "arm" not in columns.cells:
        return {}
    known = ", ".join(db.text(variant.name) for variant in experiment.variants)
    query = f"SELECT arm, count(*) FROM clean WHERE arm NOT IN ({known}) GROUP BY arm ORDER BY arm"
    strange = {str(name)[:64]: int(rows) for name, rows in db.rows(cursor, query)}
    cursor.execute(f"DELETE FROM clean WHERE arm NOT IN ({known})")
    return strange


def _sort_out(
    cursor: duckdb.DuckDBPyConnection, experiment: Experiment, columns: _Columns
) -> tuple[tuple[int, int, int, int], list[str]]:
    """Make the table ``panel``: each unit and period once, no unit with two adoptions, nothing after the end.

    Returns:
        Rows, repeated rows, contradicting rows and rows after the end; and the units that were adopted twice.
    """
    end = experiment.planned_end
    late = f"period > {(end - EPOCH).days}" if columns.is_day and end is not None else "false"
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE different AS SELECT DISTINCT * FROM clean WHERE NOT ({late})")
    rows, after = db.row(cursor, f"SELECT count(*), count(*) FILTER (WHERE {late}) FROM clean")
    (different,) = db.row(cursor, "SELECT count(*) FROM different")
    torn: list[str] = []
    several = []
    if "adoption" in columns.cells:
        several.append("count(DISTINCT adoption) > 1 OR (count(adoption) > 0 AND count(adoption) < count(*))")
    if "arm" in columns.cells:
        several.append("count(DISTINCT arm) > 1")
    if several:
        query = f"SELECT unit FROM different GROUP BY unit HAVING {' OR '.join(several)} ORDER BY unit"
        torn = [str(found[0]) for found in db.rows(cursor, query)]
    names = ", ".join(db.text(name) for name in torn)
    kept = f"WHERE unit NOT IN ({names})" if torn else ""
    alone = f"SELECT * FROM different {kept} QUALIFY count(*) OVER (PARTITION BY unit, period) = 1"
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE panel AS {alone}")
    (used,) = db.row(cursor, "SELECT count(*) FROM panel")
    (whole,) = db.row(cursor, f"SELECT count(*) FROM different {kept}")
    return (int(rows), int(rows - after - different), int(whole - used), int(after)), torn


def _outcomes(experiment: Experiment, found: dict[str, Any]) -> tuple[dict[str, FloatArray], dict[str, int]]:
    outcome, infinite = {}, {}
    for index, metric in enumerate(experiment.metrics):
        values = _floats(found[f"m{index}"])
        if metric.denominator is not None:
            below = _floats(found[f"m{index}_below"])
            values = np.divide(values, below, out=np.full(values.size, np.nan), where=below != 0.0)
        if unbounded := int(np.isinf(values).sum()):
            infinite[metric.name] = unbounded
            values = np.full(values.size, np.nan)
        outcome[metric.name] = values
    return outcome, infinite


def _nulls(
    experiment: Experiment,
    outcome: dict[str, FloatArray],
    treated: NDArray[np.bool_],
    arm: NDArray[np.str_] | None,
) -> dict[str, dict[str, int]]:
    """Metric → arm → rows without a value; units that are never treated stand under the control."""
    arms = {experiment.control.name: ~treated, experiment.treatments[0].name: treated}
    if arm is not None:
        arms = {variant.name: arm == variant.name for variant in experiment.variants}
    found: dict[str, dict[str, int]] = {}
    for metric, values in outcome.items():
        by_arm = {arm: int(np.isnan(values[rows]).sum()) for arm, rows in arms.items()}
        if any(by_arm.values()):
            found[metric] = {arm: missing for arm, missing in by_arm.items() if missing}
    return found


def _missing_days(period: IntArray) -> tuple[str, ...]:
    """Days between the first and the last at which no unit has a row; panels by week miss no days in between."""
    seen = np.unique(period)
    if seen.size < 2:
        return ()
    missing = days_between(seen.tolist(), math.gcd(*np.diff(seen).tolist()))
    return tuple((EPOCH + timedelta(days=day)).isoformat() for day in missing)


def _mixed_zones(cursor: duckdb.DuckDBPyConnection, source: Source, cells: dict[str, Cell]) -> bool:
    zones = [cell.zone for cell in cells.values() if cell.zone is not None]
    if not zones:
        return False
    wanted = ", ".join(f"count(*) FILTER (WHERE {zone}), count(*) FILTER (WHERE NOT {zone})" for zone in zones)
    counts = db.row(cursor, f"SELECT {wanted} FROM {source.relation}")
    return sum(counts[::2]) > 0 and sum(counts[1::2]) > 0


def _constant(values: FloatArray) -> bool:
    known = values[~np.isnan(values)]
    return known.size > 0 and float(known.min()) == float(known.max())


def _floats(found: Any) -> FloatArray:
    return np.ma.filled(np.ma.asarray(found, dtype=np.float64), np.nan)


def _texts(found: Any) -> NDArray[np.str_]:
    hidden = np.ma.getmaskarray(found)
    return np.where(hidden, NO_SEGMENT, np.ma.getdata(found)).astype(np.str_)


def _numbered(found: Any) -> IntArray:
    return np.unique(np.asarray(np.ma.getdata(found), dtype=np.str_), return_inverse=True)[1].astype(np.int64)
