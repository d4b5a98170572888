"""The ledger of one run: every finished evaluation, kept from the moment it is acknowledged.

SQLite in WAL mode with full synchronisation. A ledger belongs to one plan, and its key is the evaluation's position in
that plan, so that rows are appended and not scattered. A position is written once: the first record wins, and a
different second one is kept aside as a conflict; nothing is lost and nothing counts twice. What a record means is not
known here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from eaas_assets.errors import StorageError

_SCHEMA = """
create table if not exists results (position integer primary key, record text not null);
create table if not exists conflicts (position integer not null, record text not null, unique (position, record));
create table if not exists meta (name text primary key, value text not null);
"""


class Ledger:
    """Records of one plan, by position. Use from one thread at a time."""

    def __init__(self, path: Path, plan_digest: str) -> None:
        """Open or create the ledger.

        Args:
            path: The SQLite file.
            plan_digest: Identity of the plan whose results it holds.

        Raises:
            StorageError: The file belongs to another plan or is not a ledger.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=60, check_same_thread=False)
            self._connection.execute("pragma journal_mode = wal")
            self._connection.execute("pragma synchronous = full")
            self._connection.executescript(f"begin immediate; {_SCHEMA}")  # one synchronisation of the disk for all
            self._connection.execute("insert or ignore into meta values ('plan_digest', ?)", (plan_digest,))
            self._connection.execute("commit")
            (owner,) = self._connection.execute("select value from meta where name = 'plan_digest'").fetchone()
        except sqlite3.DatabaseError as error:
            raise StorageError(f"{path} is not a readable ledger: {error}") from error
        if owner != plan_digest:
            self._connection.close()
            raise StorageError(f"{path} holds results of another plan ({owner[:12]}, not {plan_digest[:12]})")

    def put(self, records: Sequence[tuple[int, str]]) -> None:
        """Store records in one transaction; they are durable when this returns.

        Raises:
            StorageError: They could not be stored (disk full, file damaged).
        """
        connection = self._connection
        try:
            connection.execute("begin immediate")
            before = connection.total_changes
            connection.executemany("insert into results values (?, ?) on conflict (position) do nothing", records)
            if connection.total_changes - before < len(records):
                self._keep_conflicts(records)
            connection.execute("commit")
        except sqlite3.Error as error:
            raise StorageError(f"{self.path}: results could not be stored: {error}") from error
        finally:
            if connection.in_transaction:  # whatever went wrong, the next records must find the ledger as it was
                connection.execute("rollback")

    def _keep_conflicts(self, records: Iterable[tuple[int, str]]) -> None:
        for position, record in records:
            self._connection.execute(
                "insert or ignore into conflicts select ?1, ?2 "
                "where (select record from results where position = ?1) <> ?2",
                (position, record),
            )

    def positions(self) -> set[int]:
        """Positions of all stored records."""
        return {position for (position,) in self._connection.execute("select position from results")}

    def records(self) -> Iterator[tuple[int, str]]:
        """All records in the order of the plan."""
        yield from self._connection.execute("select position, record from results order by position")

    def count(self) -> int:
        """Number of stored records."""
        (number,) = self._connection.execute("select count(*) from results").fetchone()
        return int(number)

    def conflicts(self) -> int:
        """Number of second results that differed from the first."""
        (number,) = self._connection.execute("select count(*) from conflicts").fetchone()
        return int(number)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def remove(self) -> None:
        """Close and delete the ledger, once its records are sealed elsewhere."""
        self.close()
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
