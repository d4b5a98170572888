"""Which inputs were checked before a run, and with what outcome."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from eaas_assets.contracts.readings import FileReading
from eaas_assets.storage.files import canonical_json

KEPT_PROBLEMS = 50


def validation_rows(run_id: str, readings: Iterable[FileReading], used: Iterable[str]) -> list[dict[str, Any]]:
    """Rows of ``validation_results`` (contract ValidationResults).

    Args:
        run_id: The run.
        readings: Every file that was looked at.
        used: Paths, or folders of paths, on which the run rests.
    """
    prefixes = tuple(used)
    return [
        {
            "run_id": run_id,
            "file": reading.file,
            "kind": reading.kind,
            "used_by_run": reading.file.startswith(prefixes),
            "outcome": reading.outcome,
            "rows_read": reading.rows_read,
            "problem_count": len(reading.problems),
            "problems_json": canonical_json([problem.as_row() for problem in reading.problems[:KEPT_PROBLEMS]]),
        }
        for reading in readings
    ]
