"""The two roots of an installation: what people wrote, and what was made from it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple, Self

DATA_DIR_VARIABLE = "EAAS_DATA_DIR"
OUTPUT_DIR_VARIABLE = "EAAS_OUTPUT_DIR"


class Locations(NamedTuple):
    """Absolute paths.

    Attributes:
        data: Suites, agents, policies, history: read, never written.
        output: Tables, runs, reports and Dagster's own records.
    """

    data: Path
    output: Path

    @classmethod
    def from_environment(cls) -> Self:
        """``EAAS_DATA_DIR`` (default ``data``) and ``EAAS_OUTPUT_DIR`` (default ``output``)."""
        return cls.at(os.environ.get(DATA_DIR_VARIABLE, "data"), os.environ.get(OUTPUT_DIR_VARIABLE, "output"))

    @classmethod
    def at(cls, data: str | Path, output: str | Path) -> Self:
        """Relative paths count from the working folder."""
        return cls(Path(data).absolute(), Path(output).absolute())

    @property
    def tables(self) -> Path:
        """Folder of the Parquet tables."""
        return self.output / "tables"

    @property
    def runs(self) -> Path:
        """Folder of plans, ledgers and manifests."""
        return self.output / "runs"

    @property
    def reports(self) -> Path:
        """Folder of the pages for people."""
        return self.output / "reports"

    @property
    def audit_log(self) -> Path:
        """The audit log; its checkpoints stand beside it."""
        return self.output / "audit" / "log.jsonl"

    @property
    def outbox(self) -> Path:
        """Messages that wait to be delivered (SQLite)."""
        return self.output / "notifications" / "outbox.sqlite"

    @property
    def dagster_home(self) -> Path:
        """Folder of the Dagster instance (SQLite)."""
        return self.output / "dagster"
