"""What one column of observations must hold, as SQL: names, numbers and times; and the first row that does not.

Text becomes a number or a time only where all of it is one. True and false count as 1 and 0.
"""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR
from typing import TYPE_CHECKING, NamedTuple

from eaas_assets.errors import InputError, Problem, shown
from eaas_assets.experiments.observations import database as db

if TYPE_CHECKING:
    import duckdb

    from eaas_assets.experiments.observations.sources import Source

_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "BOOLEAN")
_UNSIGNED = tuple("U" + kind for kind in _NUMBERS[:5])
_TIMES = ("DATE", "TIMESTAMP")
_NOTHING = '"NULL"'
"""Type of a Parquet column without a single value."""
SHARE = "a share from 0 to 1"
_ZONE = r":.*([zZ]|[+-][0-9]{2}(:?[0-9]{2})?)$"
_LARGEST = "1e90"
"""Numbers beyond it count as infinite: sums of their cubes cannot be held."""


class Cell(NamedTuple):
    """A column as SQL.

    Attributes:
        value: The value, null where there is none.
        fault: True in rows whose value cannot be used; None where no row can have such a value.
        raw: The value as it stands.
        expected: What should stand there.
        field: Which field of the document asks for it.
        column: Its name in the file.
        plain: As ``value`` where numbers are finite and names have no spaces around them, and therefore cheaper; None
            where that is the same.
        zone: For times: whether a time of day carries a zone (null for days); None where all do or none does.
    """

    value: str
    fault: str | None
    raw: str
    expected: str
    field: str
    column: str
    plain: str | None = None
    zone: str | None = None


def label(source: Source, column: str, field: str, required: bool = False) -> Cell:
    """Names: of a unit, an arm, a segment."""
    raw, kind = source.column(column, field)
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION", "BLOB")):
        raise InputError(Problem(source.file, "unsupported_column", kind, "text or numbers", field=column))
    cast = raw if kind == "VARCHAR" else f"CAST({raw} AS VARCHAR)"
    value = f"nullif(trim({cast}), '')"
    missing = f"({value if kind == 'VARCHAR' else raw} IS NULL)"
    return Cell(value, missing if required else None, raw, "a name", field, column, plain=cast)


def number(source: Source, column: str, field: str) -> Cell:
    """Numbers; nan counts as no value, infinite ones stay."""
    raw, kind = source.column(column, field)
    if kind == _NOTHING:
        return Cell("CAST(NULL AS DOUBLE)", None, raw, "a number", field, column)
    if kind.startswith((*_NUMBERS, *_UNSIGNED)) and not kind.endswith("]"):
        value = raw if kind == "DOUBLE" else f"CAST({raw} AS DOUBLE)"
        if kind in {"DOUBLE", "FLOAT"}:
            return Cell(_finite_or_infinite(value), None, raw, "a number", field, column, plain=value)
        return Cell(value, None, raw, "a number", field, column)
    if kind != "VARCHAR":
        raise InputError(Problem(source.file, "not_a_number", f"a column of type {kind}", "numbers", field=column))
    written = f"nullif(trim({raw}), '')"
    known = f"CASE lower({written}) WHEN 'true' THEN 1.0 WHEN 'false' THEN 0.0 ELSE TRY_CAST({written} AS DOUBLE) END"
    fault = f"({written} IS NOT NULL AND ({known} IS NULL OR contains({written}, '_')))"
    return Cell(_finite_or_infinite(f"({known})"), fault, raw, "a number", field, column)


def proportion(source: Source, column: str, field: str) -> Cell:
    """Numbers that are 0 or 1."""
    cell = number(source, column, field)
    other = f"(isfinite({cell.value}) AND {cell.value} NOT IN (0.0, 1.0))"
    fault = other if cell.fault is None else f"({cell.fault} OR {other})"
    return cell._replace(fault=fault, expected="0 or 1")


def moment(source: Source, column: str, field: str) -> Cell:
    """Times as TIMESTAMP in UTC; times without a zone are taken for UTC."""
    raw, kind = source.column(column, field)
    if kind == "TIMESTAMP WITH TIME ZONE":
        return Cell(f"make_timestamp(epoch_us({raw}))", None, raw, "a time", field, column)
    if kind == _NOTHING or (kind.startswith(_TIMES) and not kind.endswith("]")):
        return Cell(f"CAST({raw} AS TIMESTAMP)", None, raw, "a time", field, column)
    if kind != "VARCHAR":
        raise InputError(Problem(source.file, "not_a_time", f"a column of type {kind}", "times", field=column))
    written = f"nullif(trim({raw}), '')"
    value = f"make_timestamp(epoch_us(TRY_CAST({written} AS TIMESTAMPTZ)))"
    fault = f"({written} IS NOT NULL AND ({value} IS NULL OR NOT isfinite({value}) OR {out_of_range(value)}))"
    zone = f"CASE WHEN contains({written}, ':') THEN regexp_matches({written}, {db.text(_ZONE)}) END"
    return Cell(value, fault, raw, "a time such as 2024-10-01T08:30:00Z", field, column, zone=zone)


def out_of_range(time: str) -> str:
    """SQL of whether a time lies in a year that calendars of ours do not have."""
    return f"coalesce(year({time}) NOT BETWEEN {MINYEAR} AND {MAXYEAR}, false)"


def refuse_faults(cursor: duckdb.DuckDBPyConnection, source: Source, cells: list[Cell]) -> None:
    """Find the first faulty row of every column.

    Raises:
        InputError: One problem per column that has one, with how many rows it has of them.
    """
    faulty = [cell for cell in cells if cell.fault is not None]
    if not faulty:
        return
    wanted = ", ".join(f"count(*) FILTER (WHERE {cell.fault})" for cell in faulty)
    counts = db.row(cursor, f"SELECT {wanted} FROM {source.relation}")
    problems = [
        _first_fault(cursor, source, cell, int(count)) for cell, count in zip(faulty, counts, strict=True) if count
    ]
    if problems:
        raise InputError(problems)


def _first_fault(cursor: duckdb.DuckDBPyConnection, source: Source, cell: Cell, count: int) -> Problem:
    query = (
        f"SELECT place, raw FROM (SELECT row_number() OVER () AS place, CAST({cell.raw} AS VARCHAR) AS raw, "
        f"{cell.fault} AS fault FROM {source.relation}) WHERE fault ORDER BY place LIMIT 1"
    )
    place, raw = db.row(cursor, query)
    found = ("nothing" if raw is None else shown(str(raw))) + (
        "" if count == 1 else f" (and {count - 1:,} further rows)"
    )
    code = {"a name": "missing_value", "0 or 1": "not_a_proportion", SHARE: "not_a_proportion"}.get(
        cell.expected, "not_a_number"
    )
    code = "not_a_time" if cell.expected.startswith(("a time", "a day")) else code
    return Problem(source.file, code, found, cell.expected, row=int(place), field=cell.column)


def _finite_or_infinite(value: str) -> str:
    """The value, null where it is nan, and infinite where its cube may be.

    Asked in this order because DuckDB takes isnan() for false where a Parquet file's statistics, which leave nan out,
    have finite limits.
    """
    unbounded = f"sign({value}) * CAST('inf' AS DOUBLE)"
    finite = f"CASE WHEN abs({value}) > {_LARGEST} THEN {unbounded} ELSE {value} END"
    infinite = f"{value} = CAST('inf' AS DOUBLE) OR {value} = CAST('-inf' AS DOUBLE)"
    return f"CASE WHEN isfinite({value}) THEN {finite} WHEN {infinite} THEN {value} END"
