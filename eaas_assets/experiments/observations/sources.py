"""Observation files as relations that DuckDB can query: their columns, and how one is written in SQL.

Belongs here: formats. What the columns must hold is decided in `columns`.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import duckdb

from eaas_assets.errors import InputError, Problem, shown
from eaas_assets.experiments.observations import database as db

if TYPE_CHECKING:
    from eaas_assets.experiments.observations.files import ObservationFile

HEADER_BYTES = 256 * 1024
DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Source:
    """A file as a relation.

    Attributes:
        file: Its name in problems.
        kind: Its format.
        relation: SQL after FROM.
        columns: Name → (SQL of its value, DuckDB's type).
        names: All columns of the file, where ``columns`` are some of them.
        rows: Number of rows where the file tells it without being read; None for text.
    """

    file: str
    kind: str
    relation: str
    columns: Mapping[str, tuple[str, str]]
    rows: int | None = None
    names: tuple[str, ...] = ()

    def column(self, name: str, field: str) -> tuple[str, str]:
        """SQL and type of a column.

        Raises:
            InputError: There is no such column.
        """
        if name not in self.columns:
            known = ", ".join(self.names or self.columns)
            expected = f"column {shown(name, 64)} among {shown(known, 300)[1:-1] or 'no columns'}"
            raise InputError(Problem(self.file, "missing_column", "no such column", expected, field=field))
        return self.columns[name]

    def loaded(self, cursor: duckdb.DuckDBPyConnection, names: Iterable[str]) -> Source:
        """The same as a table in memory with these columns, so that text is parsed once."""
        columns = {name: self.columns[name] for name in dict.fromkeys(names) if name in self.columns}
        wanted = ", ".join(f"{value} AS {db.name(name)}" for name, (value, _) in columns.items()) or "1 AS nothing"
        with reading(self.file, self.kind):
            cursor.execute(f"CREATE OR REPLACE TEMP TABLE raw AS SELECT {wanted} FROM {self.relation}")
            count = db.row(cursor, "SELECT count(*) FROM raw")[0]
        known = {name: (db.name(name), kind) for name, (_, kind) in columns.items()}
        return replace(self, relation="raw", columns=known, rows=int(count), names=tuple(self.columns))


def open_source(cursor: duckdb.DuckDBPyConnection, file: ObservationFile) -> Source:
    """The relation of a file.

    Raises:
        InputError: It is not what its ending says, or names a column twice.
    """
    with reading(file.relative, file.format):
        if file.format == "csv":
            return _csv(file)
        if file.format == "parquet":
            return _parquet(cursor, file)
        return _json(cursor, file)


class reading:  # noqa: N801 (a context manager, used as a verb)
    """Turns what DuckDB says of a broken file into a problem with that file."""

    def __init__(self, file: str, kind: str) -> None:
        self.file, self.kind = file, kind

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, duckdb.OutOfMemoryException):
            expected = f"observations that can be sorted out in {db.MEMORY} of memory and the temporary folder"
            raise InputError(Problem(self.file, "too_large", "more than fits", expected)) from error
        broken = (duckdb.DataError, duckdb.IOException, duckdb.InvalidInputException, duckdb.SerializationException)
        fatal = (duckdb.InternalException, duckdb.FatalException)
        if not isinstance(error, (*broken, *fatal)) and type(error) is not duckdb.Error:
            return
        if isinstance(error, fatal):
            db.forget()
        said = re.sub(r"[^\s'\"]*" + re.escape(self.file), self.file, str(error))  # no paths of this machine
        line = re.search(r"[Ll]ine:? (\d+)", said)
        utf8 = re.search(r"utf-?8|unicode|encod", said, re.IGNORECASE)
        code, expected = ("not_utf8", "UTF-8 text") if utf8 else (f"not_{self.kind}", f"a {self.kind.upper()} file")
        found = shown(said.splitlines()[0] if said else "a damaged file", 160)
        if shape := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", said):
            found, expected = f"{shape[2]} fields", f"{shape[1]} fields, as in the header"
        elif "unterminated quote" in said:
            found = "a quote that is never closed"
        raise InputError(Problem(self.file, code, found, expected, int(line[1]) if line else None)) from error


def _csv(file: ObservationFile) -> Source:
    with file.path.open("rb") as handle:
        raw = handle.read(HEADER_BYTES)
    try:
        start = codecs.getincrementaldecoder("utf-8-sig")().decode(raw)
    except UnicodeDecodeError as error:
        found = f"byte 0x{raw[error.start]:02x} at offset {error.start}"
        raise InputError(Problem(file.relative, "not_utf8", found, "UTF-8 text", row=1)) from error
    line = start.split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=lambda mark: (line.count(mark), -DELIMITERS.index(mark)))
    try:
        names = next(csv.reader(io.StringIO(start, newline=""), delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise InputError(Problem(file.relative, "not_csv", shown(str(error)), "a header", row=1)) from error
    _refuse_twice(file.relative, names)
    if not names or not all(names):
        raise InputError(Problem(file.relative, "not_csv", "a column without a name", "a header", row=1))
    types = ", ".join(f"{db.text(name)}: 'VARCHAR'" for name in names)
    relation = (
        f"read_csv({db.path_text(file.path)}, auto_detect = false, header = true, columns = {{{types}}}, "
        f"delim = {db.text(delimiter)}, quote = '\"', escape = '\"', strict_mode = true)"
    )
    return Source(file.relative, file.format, relation, {name: (db.name(name), "VARCHAR") for name in names})


def _parquet(cursor: duckdb.DuckDBPyConnection, file: ObservationFile) -> Source:
    path = db.path_text(file.path)
    written = f"SELECT name, num_children, num_rows FROM parquet_schema({path}), parquet_file_metadata({path})"
    schema = db.rows(cursor, written)
    _refuse_twice(file.relative, _columns_of([(name, parts) for name, parts, _ in schema]))
    described = db.rows(cursor, f"DESCRIBE SELECT * FROM read_parquet({path})")
    columns = {str(found[0]): (db.name(str(found[0])), str(found[1])) for found in described}
    return Source(file.relative, file.format, f"read_parquet({path})", columns, int(schema[0][2]))


def _columns_of(schema: list[tuple[Any, ...]]) -> list[str]:
    """Names of the columns in a Parquet schema as it is written: each group before its parts, the root first.

    Read from there because DuckDB gives a second column of one name another name.
    """
    names: list[str] = []
    parts_left: list[int] = []
    for name, parts in schema:
        if len(parts_left) == 1:
            names.append(str(name))
        if parts_left:
            parts_left[-1] -= 1
        if parts:
            parts_left.append(int(parts))
        while parts_left and parts_left[-1] == 0:
            parts_left.pop()
    return names


def _json(cursor: duckdb.DuckDBPyConnection, file: ObservationFile) -> Source:
    shape = "array" if file.format == "json" else "newline_delimited"
    relation = f"read_json_objects({db.path_text(file.path)}, format = '{shape}')"
    keys = db.rows(cursor, f"SELECT DISTINCT unnest(json_keys(json)) FROM {relation}")
    if not keys and db.rows(cursor, f"SELECT 1 FROM {relation} WHERE json_type(json) <> 'OBJECT' LIMIT 1"):
        expected = "one object for each row" + (", one on each line" if file.format == "jsonl" else "")
        raise InputError(Problem(file.relative, f"not_{file.format}", "something else than objects", expected, row=1))
    places = f"SELECT row_number() OVER () AS place, json_keys(json) AS keys FROM {relation}"
    twice = db.rows(cursor, f"SELECT place, keys FROM ({places}) WHERE len(keys) > len(list_distinct(keys)) LIMIT 1")
    if twice:
        _refuse_twice(file.relative, twice[0][1], int(twice[0][0]))
    columns = {}
    for (key,) in sorted(keys):
        pointer = "/" + str(key).replace("~", "~0").replace("/", "~1")
        columns[str(key)] = (f"(json ->> {db.text(pointer)})", "VARCHAR")
    return Source(file.relative, file.format, relation, columns)


def _refuse_twice(file: str, names: list[str], row: int = 1) -> None:
    twice = [name for name, times in Counter(name.lower() for name in names).items() if times > 1]
    if twice:
        raise InputError(Problem(file, "duplicate_key", f"column {shown(twice[0])} twice", "each column once", row=row))
