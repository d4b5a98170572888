"""A user's Parquet file as plain records: text, numbers, booleans, lists and structs; dates and times as ISO text.

What a record must hold is decided elsewhere. Sizes are checked in the footer before anything is unpacked: a few
bytes of Parquet can stand for billions of rows.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from eaas_assets.errors import InputError, Problem, shown

MAX_ROWS = 5_000_000
MAX_UNPACKED_BYTES = 2 * 1024**3


def parquet_rows(raw: bytes, relative: str) -> tuple[list[dict[str, Any]], list[Problem]]:
    """The records of a Parquet file, and the columns that had to be left out.

    Raises:
        InputError: It is damaged, too large when unpacked, or names a column twice.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(raw))
        _refuse_bombs(file, relative)
        table = file.read()
        names = table.column_names
        if twice := [name for name, times in Counter(names).items() if times > 1]:
            raise InputError(Problem(relative, "duplicate_key", f"column {shown(twice[0])} twice", "each column once"))
        problems, columns = [], {}
        for name in names:
            column = table.column(name)
            if _is_plain(column.type) or _is_convertible(column.type):
                columns[name] = _values(column)
            else:
                expected = "text, numbers, booleans, dates, times, lists or structs of them"
                field = shown(name, 64)[1:-1]
                problems.append(Problem(relative, "unsupported_column", str(column.type), expected, field=field))
    except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        found = shown(str(error).splitlines()[0] if str(error) else "damaged file")
        raise InputError(Problem(relative, "not_parquet", found, "a Parquet file")) from error
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)], problems


def _refuse_bombs(file: pq.ParquetFile, relative: str) -> None:
    footer = file.metadata
    if footer.num_rows > MAX_ROWS:
        expected = f"at most {MAX_ROWS:,} rows"
        raise InputError(Problem(relative, "too_many_rows", f"{footer.num_rows:,} rows", expected))
    unpacked = sum(footer.row_group(group).total_byte_size for group in range(footer.num_row_groups))
    if unpacked > MAX_UNPACKED_BYTES:
        expected = f"at most {MAX_UNPACKED_BYTES:,} bytes when unpacked"
        raise InputError(Problem(relative, "file_too_large", f"{unpacked:,} bytes when unpacked", expected))


def _is_plain(kind: pa.DataType) -> bool:
    """Whether Arrow already gives plain Python values for the type."""
    types = pa.types
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _is_plain(kind.value_type)
    if types.is_struct(kind):
        return all(_is_plain(kind.field(index).type) for index in range(kind.num_fields))
    tests = (types.is_null, types.is_boolean, types.is_integer, types.is_floating, types.is_string)
    return types.is_large_string(kind) or any(test(kind) for test in tests)


def _is_convertible(kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_dictionary(kind):
        return _is_plain(kind.value_type)
    return any(test(kind) for test in (types.is_date, types.is_timestamp, types.is_time, types.is_decimal))


def _values(column: pa.ChunkedArray) -> list[Any]:
    kind, types = column.type, pa.types
    if types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    elif types.is_decimal(kind):
        column = column.cast(pa.float64())
    elif types.is_date(kind):
        column = pc.cast(column, pa.date32()).cast(pa.string())
    elif types.is_timestamp(kind) or types.is_time(kind):
        return _iso_texts(column.to_pylist(), types.is_timestamp(kind) and kind.tz is None)
    values: list[Any] = column.to_pylist()
    return values


def _iso_texts(instants: list[Any], may_be_dates: bool) -> list[str | None]:
    """ISO text; instants without a zone that are all midnights are dates, as pandas writes them."""
    known = [instant for instant in instants if instant is not None]
    if may_be_dates and known and all(instant.time() == dt.time(0) for instant in known):
        return [None if instant is None else instant.date().isoformat() for instant in instants]
    return [None if instant is None else instant.isoformat() for instant in instants]
