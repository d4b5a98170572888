"""Records (rows) from a user's JSON, JSONL, CSV or Parquet file; a bad row never loses the others."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from eaas_assets.errors import InputError, Problem, shown
from eaas_assets.storage.files import MIB, decode_utf8, digest, read_limited

MAX_JSON_BYTES = 32 * MIB  # is parsed whole; larger data belong into JSONL, CSV or Parquet
MAX_BULK_BYTES = 512 * MIB
MAX_DEPTH = 40


@dataclass
class Records:
    """What a file held.

    Attributes:
        file: Path relative to the data folder.
        rows: (1-based record number or text line, record) of every readable record.
        problems: What was wrong with the others.
        digest: SHA-256 of the bytes.
    """

    file: str
    digest: str
    rows: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_records(root: Path, relative: str, nested_by: tuple[str, ...] = ()) -> Records:
    """Read every record of ``relative``; the ending says the format.

    Args:
        root: The data folder.
        relative: Path below it, ending in .json, .jsonl, .csv or .parquet.
        nested_by: For JSON objects of objects: the fields whose values are the keys of each level.

    Raises:
        InputError: The file as a whole cannot be read. Faults of single records stand in ``Records.problems``.
    """
    readers: dict[str, Callable[[Records, bytes, tuple[str, ...]], None]] = {
        ".json": _read_json,
        ".jsonl": _read_jsonl,
        ".csv": _read_csv,
        ".parquet": _read_parquet,
    }
    ending = Path(relative).suffix.lower()
    if ending not in readers:
        expected = "a file that ends in " + ", ".join(readers)
        raise InputError(Problem(relative, "unknown_format", shown(ending), expected))
    raw = read_limited(root, relative, MAX_JSON_BYTES if ending == ".json" else MAX_BULK_BYTES)
    records = Records(relative, digest(raw))
    readers[ending](records, raw, nested_by)
    return records


def parse_json(text: str, relative: str, row: int | None = None) -> Any:
    """Parse JSON strictly: no duplicate keys, no NaN, no lone surrogates, no bottomless nesting.

    Raises:
        InputError: With the line of the fault, or ``row`` where given.
    """
    duplicates: list[str] = []

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        seen = dict(pairs)
        if len(seen) < len(pairs):
            keys = [key for key, _ in pairs]
            duplicates.extend(sorted({key for key in keys if keys.count(key) > 1}))
        return seen

    def refuse_constant(name: str) -> None:
        raise InputError(Problem(relative, "not_json", name, "a finite number or null", row=row))

    try:
        value = json.loads(text, object_pairs_hook=collect, parse_constant=refuse_constant)
    except json.JSONDecodeError as error:
        place = row if row is not None else error.lineno
        found = f"{error.msg} at column {error.colno}"
        raise InputError(Problem(relative, "not_json", found, "JSON", row=place)) from error
    except RecursionError as error:
        raise InputError(Problem(relative, "too_deep", "bottomless nesting", "few levels", row=row)) from error
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        # Python refuses to read integers of thousands of digits.
        raise InputError(Problem(relative, "not_json", shown(str(error)), "JSON", row=row)) from error
    if duplicates:
        raise InputError(
            Problem(relative, "duplicate_key", f"{shown(key)} twice", "each key once", row=row, field=key[:64])
            for key in duplicates
        )
    if problem := _unstorable(value):
        raise InputError(Problem(relative, "not_json", problem, "values that can be stored", row=row))
    return value


def _unstorable(value: Any) -> str | None:
    """Why the value could not be written to a table again; None if it can."""
    level = [value]
    for _ in range(MAX_DEPTH):
        deeper: list[Any] = []
        for item in level:
            if isinstance(item, str) and not _encodable(item):
                return "a lone surrogate (half a character)"
            if isinstance(item, int) and not -(2**63) <= item < 2**63:
                return "an integer of more than 64 bits"
            if isinstance(item, float) and (item != item or item in (float("inf"), float("-inf"))):
                return "a number too large to be finite"
            if isinstance(item, dict):
                deeper.extend(item.keys())
                deeper.extend(item.values())
            elif isinstance(item, list):
                deeper.extend(item)
        if not deeper:
            return None
        level = deeper
    return f"more than {MAX_DEPTH} levels"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _read_json(records: Records, raw: bytes, nested_by: tuple[str, ...]) -> None:
    data = parse_json(decode_utf8(raw, records.file), records.file)
    if isinstance(data, dict):
        items: Iterator[Any] = _flattened(records, data, nested_by or ("key",), {})
    elif isinstance(data, list):
        items = iter(data)
    else:
        found = type(data).__name__
        raise InputError(Problem(records.file, "not_records", found, "a list of records or an object of records"))
    for number, item in enumerate(items, start=1):
        _add(records, number, item)


def _flattened(records: Records, data: dict[str, Any], levels: tuple[str, ...], above: dict[str, Any]) -> Iterator[Any]:
    name, *rest = levels
    for key, value in data.items():
        keys = {**above, name: key}
        if not isinstance(value, dict):
            found = shown(value)
            problem = Problem(records.file, "not_a_record", found, f"a record below {name} '{key}'", field=key[:64])
            records.problems.append(problem)
        elif rest:
            yield from _flattened(records, value, tuple(rest), keys)
        else:
            yield {**keys, **value}


def _read_jsonl(records: Records, raw: bytes, _: tuple[str, ...]) -> None:
    for number, line in enumerate(decode_utf8(raw, records.file).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            _add(records, number, parse_json(line, records.file, row=number))
        except InputError as error:
            records.problems.extend(error.problems)


def _read_csv(records: Records, raw: bytes, _: tuple[str, ...]) -> None:
    text = decode_utf8(raw, records.file)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, None)
        if not header or not any(header):
            raise InputError(Problem(records.file, "empty_file", "no header line", "a header line and rows"))
        if repeated := sorted({name for name in header if header.count(name) > 1}):
            found = f"column {shown(repeated[0])} twice"
            raise InputError(Problem(records.file, "duplicate_key", found, "each column once", row=1))
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                found, expected = f"{len(cells)} cells", f"{len(header)} cells as in the header"
                records.problems.append(Problem(records.file, "ragged_row", found, expected, row=reader.line_num))
                continue
            # CSV has no null: an empty cell is one.
            _add(
                records,
                reader.line_num,
                {k: (v if v != "" else None) for k, v in zip(header, cells, strict=True)},
            )
    except csv.Error as error:
        raise InputError(Problem(records.file, "not_csv", str(error), "CSV", row=reader.line_num)) from error


def _read_parquet(records: Records, raw: bytes, _: tuple[str, ...]) -> None:
    try:
        table = pq.read_table(pa.BufferReader(raw))
        rows = table.to_pylist()
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        found = shown(str(error).splitlines()[0] if str(error) else "damaged file")
        raise InputError(Problem(records.file, "not_parquet", found, "a Parquet file")) from error
    for number, row in enumerate(rows, start=1):
        _add(records, number, row)


def _add(records: Records, number: int, item: Any) -> None:
    if isinstance(item, dict):
        records.rows.append((number, item))
    else:
        records.problems.append(
            Problem(records.file, "not_a_record", shown(item), "a record (field: value)", row=number)
        )
