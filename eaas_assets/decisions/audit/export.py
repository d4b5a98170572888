"""The log for people and spreadsheets: CSV and JSON in which foreign text is inert.

An export proves nothing. What is proven is the log itself; each exported entry carries its hash, by which it is found
there.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from eaas_assets.decisions.audit.entries import LoggedEntry, instant_text
from eaas_assets.decisions.audit.visible import inert, written_out
from eaas_assets.errors import StorageError

Format = Literal["csv", "json"]
COLUMNS = (
    "seq", "at", "kind", "actor", "subject", "summary", "payload", "inputs", "code_version", "identity",
    "recovered_bytes", "previous_hash", "entry_hash",
)  # fmt: skip


def csv_lines(entries: Iterable[LoggedEntry]) -> Iterator[str]:
    """The entries as lines of CSV, with a header. Every entry is one line, and no cell is a formula."""
    yield _csv_line(COLUMNS)
    for entry in entries:
        row = _plain(entry)
        cells = (visible_json(value) if isinstance(value, dict) else value for value in row.values())
        yield _csv_line(inert(cell) if isinstance(cell, str) else cell for cell in cells)


def json_lines(entries: Iterable[LoggedEntry]) -> Iterator[str]:
    """The entries as lines of one JSON array. Text that could be a formula, also within a payload, is made inert."""
    before = "["
    for entry in entries:
        yield f"{before}\n{visible_json(_inert(_plain(entry)))}"
        before = ","
    yield "[]\n" if before == "[" else "\n]\n"


def export_log(entries: Iterable[LoggedEntry], path: Path, kind: Format) -> int:
    """Write entries to a file, whole or not at all.

    Returns:
        Number of entries.

    Raises:
        StorageError: The log is damaged or the file cannot be written.
    """
    writers: dict[Format, Callable[[Iterable[LoggedEntry]], Iterator[str]]] = {"csv": csv_lines, "json": json_lines}
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    counted = _Counted(entries)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", encoding="utf-8", newline="") as handle:
            handle.writelines(writers[kind](counted))
        beside.replace(path)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(f"{path} could not be written: {error.strerror or error}") from error
    finally:
        beside.unlink(missing_ok=True)
    return counted.number


class _Counted:
    def __init__(self, entries: Iterable[LoggedEntry]) -> None:
        self._entries = entries
        self.number = 0

    def __iter__(self) -> Iterator[LoggedEntry]:
        for entry in self._entries:
            self.number += 1
            yield entry


def visible_json(value: Any) -> str:
    """A value as JSON in which hidden characters are escapes: the same value, and nothing invisible in it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return written_out(text, lambda char: json.dumps(char)[1:-1])


def _plain(entry: LoggedEntry) -> dict[str, Any]:
    values = entry._asdict() | {"at": instant_text(entry.at)}
    return {column: values[column] for column in COLUMNS}


def _inert(value: Any) -> Any:
    if isinstance(value, str):
        return inert(value)
    if isinstance(value, dict):
        return {inert(key): _inert(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_inert(item) for item in value]
    return value


def _csv_line(cells: Iterable[Any]) -> str:
    handle = io.StringIO()
    csv.writer(handle, lineterminator="\n").writerow(cells)
    return handle.getvalue()
