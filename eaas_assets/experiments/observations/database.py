"""DuckDB in memory: one database for a data folder, one cursor with its own tables for an experiment.

Belongs here: opening it with limits, and writing names and texts so that they cannot be anything else. What is asked
of it is in the other modules of this folder.
"""

from __future__ import annotations

import os
import re
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from eaas_assets.storage.files import MIB

if TYPE_CHECKING:
    from collections.abc import Sequence

OutOfRange = duckdb.OutOfRangeException

THREADS = 4
"""More threads than this gain little on one file, and each needs memory of its own."""
SMALL = 8 * MIB
"""Files up to this size are read by one thread: others would take longer to wake than it takes to read them."""
MEMORY = "256MB"
"""Beyond it DuckDB writes to temporary files: a night of experiments has to fit beside everything else."""


@lru_cache(maxsize=4)
def _database(root: str, threads: int) -> duckdb.DuckDBPyConnection:
    database = duckdb.connect(
        ":memory:",
        config={
            "threads": threads,
            "memory_limit": MEMORY,
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "temp_directory": str(Path(tempfile.gettempdir()) / f"eaas-duckdb-{os.getpid()}"),
        },
    )
    database.execute(f"SET allowed_directories = [{text(root)}]")
    database.execute("SET enable_external_access = false")  # apart from the data folder
    return database


def open_cursor(root: Path, size: int = SMALL) -> duckdb.DuckDBPyConnection:
    """A cursor that reads files below ``root`` and nothing else; its temporary tables end with it.

    Args:
        root: The data folder.
        size: Bytes of the file that it is for.
    """
    threads = 1 if size <= SMALL else max(1, min(THREADS, os.cpu_count() or 1))
    cursor = _database(str(root.resolve()), threads).cursor()
    cursor.execute("SET TimeZone = 'UTC'")
    return cursor


def forget() -> None:
    """Open databases anew from now on: after a fatal error in one of them, it answers nothing any more."""
    _database.cache_clear()


def name(column: str) -> str:
    """A column's name as SQL: whatever it contains, it stays a name."""
    return '"' + column.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text as SQL."""
    return "'" + value.replace("'", "''") + "'"


def path_text(path: Path) -> str:
    """A path as SQL that means this one file, also where its name looks like a pattern."""
    return text(re.sub(r"([*?\[])", r"[\1]", str(path)))


def rows(cursor: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    return cursor.execute(query).fetchall()


def row(cursor: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """The one row of a query without GROUP BY."""
    found: Sequence[tuple[Any, ...]] = rows(cursor, query)
    return found[0]
