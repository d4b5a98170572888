"""Which report the index page shows of each agent version: the one of its latest run."""

from __future__ import annotations

from typing import Any

import pandas as pd

from eaas_assets.reporting.index.report import IndexEntry


def index_entries(reports: pd.DataFrame, summaries: pd.DataFrame, runs: pd.DataFrame) -> list[IndexEntry]:
    """The latest HTML report of each agent version.

    Args:
        reports: Table `evaluation_report` of all runs.
        summaries: Table `evaluation_summary` of all runs, one row a run.
        runs: Table `evaluation_runs`; says when each run was.
    """
    pages = reports[reports["format"] == "html"].merge(
        summaries.drop(columns=["agent", "version"]), on="run_id", validate="many_to_one"
    )
    pages = pages.merge(runs[["run_id", "run_timestamp"]].drop_duplicates("run_id"), on="run_id")
    latest = pages.sort_values(["run_timestamp", "run_id"]).groupby(["agent", "version"], sort=True).tail(1)
    return [
        IndexEntry(
            agent=row["agent"],
            version=row["version"],
            run_id=row["run_id"],
            run_at=row["run_timestamp"].to_pydatetime(),
            verdict=row["verdict"],
            passed=row["total_passed"],
            total=row["total_evaluations"],
            pass_rate=_or_none(row["overall_pass_rate"]),
            low=_or_none(row["pass_rate_low"]),
            high=_or_none(row["pass_rate_high"]),
            health=_or_none(row["health_status"]),
            path=row["path"].removeprefix("reports/"),
        )
        for row in latest.to_dict("records")
    ]


def _or_none(value: Any) -> Any:
    return None if pd.isna(value) else value
