"""Records (rows) from a user's JSON, JSONL, CSV or Parquet file; a bad row never loses the others."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eaas_assets.errors import InputError, Problem, shown
from eaas_assets.storage.files import MIB, decode_utf8, digest, read_limited
from eaas_assets.storage.parquet_rows import parquet_rows

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
    try:
        value = _STRICT.decode(text)
    except (ValueError, RecursionError):
        value = _parsed_with_faults(text, relative, row)
    suspicious = _SUSPICIOUS.search(text) or text.count("[") + text.count("{") > MAX_DEPTH
    if suspicious and (problem := _unstorable(value)):
        raise InputError(Problem(relative, "not_json", problem, "values that can be stored", row=row))
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen = dict(pairs)
    if len(seen) < len(pairs):
        raise ValueError("duplicate key")
    return seen


def _no_constant(name: str) -> None:
    raise ValueError(name)


_STRICT = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
# Only with one of these, or with many brackets, can a value be unstorable; most text is spared the walk.
_SUSPICIOUS = re.compile(r"\\u[dD]|[0-9]{18}|[0-9][eE]")


def _parsed_with_faults(text: str, relative: str, row: int | None) -> Any:
    """As :func:`parse_json`, slower: says what was wrong and where."""
    duplicates: list[str] = []

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        seen = dict(pairs)
        if len(seen) < len(pairs):
            duplicates.extend(sorted(repeated(key for key, _ in pairs)))
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
            Problem(relative, "duplicate_key", f"{shown(key)} twice", "each key once", row=row, field=one_line(key))
            for key in duplicates
        )
    return value


def repeated(names: Iterable[str]) -> set[str]:
    """The names that occur more than once."""
    return {name for name, times in Counter(names).items() if times > 1}


def one_line(name: str) -> str:
    """A user's field name as it can stand in a problem: printable and short."""
    return shown(name, 64)[1:-1]


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
            expected = f"a record below {name} {shown(key, 64)}"
            records.problems.append(Problem(records.file, "not_a_record", shown(value), expected, field=one_line(key)))
        elif rest:
            yield from _flattened(records, value, tuple(rest), keys)
        elif differing := [level for level in keys if value.get(level, keys[level]) != keys[level]]:
            found, expected = shown(value[differing[0]]), f"{shown(keys[differing[0]])}, the key above it"
            place = one_line(f"{key}.{differing[0]}")
            records.problems.append(Problem(records.file, "key_conflict", found, expected, field=place))
        else:
            yield {**keys, **value}


def _read_jsonl(records: Records, raw: bytes, _: tuple[str, ...]) -> None:
    # Line by line: one that is not UTF-8 costs itself and not the file.
    for number, line in enumerate(io.BytesIO(raw.removeprefix(codecs.BOM_UTF8)), start=1):
        if line.isspace():
            continue
        try:
            _add(records, number, parse_json(_decoded_line(line, records.file, number), records.file, row=number))
        except InputError as error:
            records.problems.extend(error.problems)


def _decoded_line(line: bytes, relative: str, row: int) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        found = f"byte 0x{line[error.start]:02x} at column {error.start + 1}"
        raise InputError(Problem(relative, "not_utf8", found, "UTF-8 text", row=row)) from error


def _read_csv(records: Records, raw: bytes, _: tuple[str, ...]) -> None:
    text = decode_utf8(raw, records.file)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, None)
        if not header or not any(header):
            raise InputError(Problem(records.file, "empty_file", "no header line", "a header line and rows"))
        if twice := sorted(repeated(header)):
            found = f"column {shown(twice[0])} twice"
            raise InputError(Problem(records.file, "duplicate_key", found, "each column once", row=1))
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                found, expected = f"{len(cells)} cells", f"{len(header)} cells as in the header"
                records.problems.append(Problem(records.file, "ragged_row", found, expected, row=reader.line_num))
                continue
            # CSV has no null: an empty cell is one.
            row = {name: (cell if cell != "" else None) for name, cell in zip(header, cells, strict=True)}
            _add(records, reader.line_num, row)
    except csv.Error as error:
        raise InputError(Problem(records.file, "not_csv", str(error), "CSV", row=reader.line_num)) from error


def _read_parquet(records: Records, raw: bytes, _: tuple[str, ...]) -> None:
    rows, problems = parquet_rows(raw, records.file)
    records.problems.extend(problems)
    for number, row in enumerate(rows, start=1):
        if problem := _unstorable(row):
            expected = "values that can be stored"
            records.problems.append(Problem(records.file, "not_storable", problem, expected, row=number))
        else:
            records.rows.append((number, row))


def _add(records: Records, number: int, item: Any) -> None:
    if isinstance(item, dict):
        records.rows.append((number, item))
    else:
        records.problems.append(
            Problem(records.file, "not_a_record", shown(item), "a record (field: value)", row=number)
        )
