"""The code location: everything in `defs/`; nothing is defined here."""

from __future__ import annotations

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """Assets, checks, jobs, schedules, sensors and resources of this package."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
