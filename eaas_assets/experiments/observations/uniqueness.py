"""Whether every unit has one row, told as cheaply as can be without being wrong.

Grouping ten million units takes longer than everything else together. Whole numbers that lie close together are
ticked off in a bit string, which is exact; anything else is counted, unless the document promises one row per unit:
then a sample of the units is counted, and a broken promise is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eaas_assets.errors import InputError, Problem
from eaas_assets.experiments.observations import database as db

if TYPE_CHECKING:
    import duckdb

    from eaas_assets.experiments.observations.columns import Cell
    from eaas_assets.experiments.observations.sources import Source

WHOLE = {"SMALLINT", "INTEGER", "BIGINT", "USMALLINT", "UINTEGER"}
WIDEST = 8
"""Numbers are ticked off where their range is at most this many times their count."""
SAMPLE = 64
"""One unit in so many is looked at under a promise: if 300 units are repeated, 99 files in 100 are found out."""
SLICES = 8
"""Whole numbers are sampled in so many slices of their range, the first and the last among them: where a file is
sorted by unit, the rest of it need not be read."""
SMALL = 1_000_000


def one_row_per_unit(cursor: duckdb.DuckDBPyConnection, source: Source, unit: Cell, promised: bool) -> bool:
    """Whether no unit has two rows.

    Raises:
        InputError: The document promises it, and it is not so.
    """
    sampled = promised and (source.rows or 0) > SMALL
    where = f" WHERE {_sample(cursor, source, unit)}" if sampled else ""
    # Whole numbers differ as such wherever their names differ, and are compared faster.
    named = unit.raw if source.columns[unit.column][1] in WHOLE else unit.value
    query = f"SELECT count(*) = count(DISTINCT {named}) FROM {source.relation}{where}"
    unique = bool(db.row(cursor, query)[0])
    refuse_broken_promise(source, unit, promised, unique)
    return unique


def refuse_broken_promise(source: Source, unit: Cell, promised: bool, unique: bool) -> None:
    """Compare what the document promises with what was found.

    Raises:
        InputError: It promises one row per unit, and it is not so.
    """
    if promised and not unique:
        expected = "one row per unit, as observations.one_row_per_unit promises"
        raise InputError(Problem(source.file, "repeated_units", "units with several rows", expected, field=unit.column))


def ticked_off(cursor: duckdb.DuckDBPyConnection, source: Source, unit: Cell) -> bool:
    """Whether units are whole numbers that lie close together, all there and all different."""
    limits = _limits(cursor, source, unit)
    if limits is None or not source.rows or limits[1] - limits[0] > WIDEST * source.rows:
        return False
    low, high = limits
    query = f"SELECT bit_count(bitstring_agg({unit.raw}, {low}, {high})) FROM {source.relation}"
    return bool(db.row(cursor, query)[0] == source.rows)


def _limits(cursor: duckdb.DuckDBPyConnection, source: Source, unit: Cell) -> tuple[int, int] | None:
    """Smallest and largest unit, where units are whole numbers."""
    if source.columns[unit.column][1] not in WHOLE:
        return None
    low, high = db.row(cursor, f"SELECT min({unit.raw}), max({unit.raw}) FROM {source.relation}")
    return None if low is None else (int(low), int(high))


def _sample(cursor: duckdb.DuckDBPyConnection, source: Source, unit: Cell) -> str:
    """SQL that holds for one unit in ``SAMPLE``, and for all rows of a unit or none."""
    limits = _limits(cursor, source, unit)
    if limits is None:
        return f"hash({unit.raw}) % {SAMPLE} = 0"
    low, high = limits
    width = (high - low + 1) // (SAMPLE * SLICES) + 1
    starts = [low + index * (high - low + 1 - width) // (SLICES - 1) for index in range(SLICES)]
    return " OR ".join(f"{unit.raw} BETWEEN {start} AND {start + width - 1}" for start in starts)
