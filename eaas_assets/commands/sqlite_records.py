"""Dagster's own records in SQLite, at the pace of a headless run.

Dagster makes a new SQLAlchemy engine for each of the thousand or so small writes of a run, and each write waits for the
disk. On the sample world that was three quarters of `eaas run`. Here engines are kept, and writes reach the disk in the
system's time. A killed process loses nothing by it; a power cut may lose the last entries of Dagster's log, and never a
result: the ledger and the tables of this package synchronise on their own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from types import ModuleType
from typing import Any

from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from sqlalchemy import Engine, SingletonThreadPool, event

_MODULES: tuple[ModuleType, ...] = (sqlite_event_log, sqlite_run_storage)


def keep_engines() -> None:
    """Let this process keep one engine per database file. Does nothing the second time."""
    for module in _MODULES:
        make = module.create_engine
        if not isinstance(make, _KeptEngines):
            module.create_engine = _KeptEngines(make)  # type: ignore[attr-defined]


class _KeptEngines:
    """``create_engine`` that gives the same engine for the same database."""

    def __init__(self, make: Callable[..., Engine]) -> None:
        self._make = make
        self._engines: dict[str, Engine] = {}

    def __call__(self, url: str, **options: Any) -> Engine:
        if url not in self._engines:
            engine = self._make(url, **options | {"poolclass": SingletonThreadPool})
            event.listen(engine, "connect", _do_not_wait_for_the_disk)
            engine.dispose = _stay_open  # type: ignore[method-assign]
            self._engines[url] = engine
        return self._engines[url]


def _stay_open(close: bool = True) -> None:
    """Dagster disposes of its engine after each write; a kept one keeps its connection."""


def _do_not_wait_for_the_disk(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("pragma synchronous = off")
