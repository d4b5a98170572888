"""Where tables lie: Parquet files that anything can read.

Two kinds of table, two rules:

* a **snapshot** is the present state of something: one file ``<table>/<table>.parquet``, replaced as a whole;
* a **run table** holds what one run found: one file ``<table>/<agent@version>/<run_id>[.<policy>].parquet``. A run's
  file is never replaced by another run's, nor one policy's scores by another's, so the folder is the history.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from eaas_assets.errors import StorageError
from eaas_assets.storage.files import sync_folder

COMPRESSION = "zstd"
ROW_GROUP_ROWS = 50_000
SMALL = 256 * 1024
"""Files up to this size are remembered once they were read: the assets of a run read the same small files again and
again, and parsing one takes ten times as long as copying what it says."""
REMEMBERED = 256


class TableStore:
    """The folder of all tables."""

    def __init__(self, root: Path) -> None:
        """Keep tables below ``root``."""
        self.root = root

    def snapshot_path(self, table: str) -> Path:
        """File of a snapshot table."""
        return self._inside(table, f"{table}.parquet")

    def run_path(self, table: str, partition: str, run_id: str, policy_hash: str | None = None) -> Path:
        """File of one run in a run table; ``policy_hash`` for tables that depend on a policy."""
        stem = run_id if policy_hash is None else f"{run_id}.{policy_hash[:12]}"
        return self._inside(table, partition, f"{stem}.parquet")

    def write(self, path: Path, frame: pd.DataFrame) -> None:
        """Write one table file so that readers see all of it or nothing."""
        with ParquetFile(path, pa.Schema.from_pandas(frame, preserve_index=False)) as file:
            file.append(frame)

    def read(self, path: Path) -> pd.DataFrame:
        """Read one table file.

        Raises:
            StorageError: It is missing or damaged.
        """
        try:
            status = path.stat()
            if status.st_size > SMALL:
                return _parsed(path)
            # A table file is replaced and never written to, so that its inode and its time say which one it is.
            return _remembered(path, status.st_ino, status.st_mtime_ns, status.st_size).copy()
        except (OSError, pa.ArrowException) as error:
            raise StorageError(f"table file {path} cannot be read: {error}") from error

    def read_run(self, table: str, partition: str, run_id: str) -> pd.DataFrame:
        """Rows of one run, under the policy by which it was scored last.

        Raises:
            StorageError: The table has nothing for this run.
        """
        path = self.newest(table, partition, run_id)
        if path is None:
            raise StorageError(f"table {table} has nothing for {partition}, run {run_id}; materialize it first")
        return self.read(path)

    def newest(self, table: str, partition: str, run_id: str) -> Path | None:
        """The file of a run that was written last (the latest policy's, where there are several)."""
        return max(self._files_of(table, partition, run_id), key=_written_at, default=None)

    def partitions(self, table: str) -> list[str]:
        """Partitions in which a run table has files."""
        folder = self._inside(table)
        return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []

    def run_ids(self, table: str, partition: str) -> list[str]:
        """Runs that a run table holds for a partition, oldest first (run ids sort by time)."""
        folder = self._inside(table, partition)
        return sorted({path.name.split(".")[0] for path in folder.glob("[!._]*.parquet")})

    def read_newest(self, table: str, agent: str | None = None) -> pd.DataFrame | None:
        """All runs of a run table, each under the policy by which it was scored last.

        Args:
            table: Name of the table.
            agent: Only partitions of this agent.

        Returns:
            One frame, or None where no run exists.
        """
        chosen = [name for name in self.partitions(table) if agent is None or name.partition("@")[0] == agent]
        return _joined([frame for name in chosen if (frame := self.read_partition(table, name)) is not None])

    def read_partition(self, table: str, partition: str) -> pd.DataFrame | None:
        """As :meth:`read_newest`, for one partition."""
        paths = [self.newest(table, partition, run_id) for run_id in self.run_ids(table, partition)]
        return _joined([self.read(path) for path in paths if path is not None])

    def _files_of(self, table: str, partition: str, run_id: str) -> Iterator[Path]:
        folder = self._inside(table, partition)
        if (exact := folder / f"{run_id}.parquet").is_file():
            yield exact
        yield from folder.glob(f"{run_id}.*.parquet")

    def _inside(self, *parts: str) -> Path:
        path = self.root.joinpath(*parts)
        if any(part in {"", ".", ".."} or "/" in part or "\0" in part for part in parts):
            raise StorageError(f"{parts} is not a safe place for a table")
        return path


class ParquetFile:
    """One Parquet file that is written in pieces and appears only when it is complete and on the disk."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        """Start a file that will appear at ``path``."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.schema = schema
        self.rows = 0
        self._beside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> ParquetFile:
        self._writer = pq.ParquetWriter(self._beside, self.schema, compression=COMPRESSION)
        return self

    def append(self, frame: pd.DataFrame | pa.Table) -> None:
        """Add rows."""
        table = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, self.schema, preserve_index=False)
        assert self._writer is not None  # noqa: S101 (used as a context manager)
        self._writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
        self.rows += table.num_rows

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        assert self._writer is not None  # noqa: S101
        self._writer.close()
        if kind is not None:
            self._beside.unlink(missing_ok=True)
            return
        with self._beside.open("rb+") as handle:
            os.fsync(handle.fileno())
        self._beside.replace(self.path)
        sync_folder(self.path.parent)


def _parsed(path: Path) -> pd.DataFrame:
    return pq.read_table(path, partitioning=None).to_pandas()


@lru_cache(maxsize=REMEMBERED)
def _remembered(path: Path, *_which: int) -> pd.DataFrame:
    return _parsed(path)


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame | None:
    filled = [frame for frame in frames if not frame.empty] or frames[:1]
    return pd.concat(filled, ignore_index=True) if filled else None


def _written_at(path: Path) -> int:
    return path.stat().st_mtime_ns
