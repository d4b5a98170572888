"""Which pages the index page leads to: the latest run of each agent version, every experiment, the portfolio."""

from __future__ import annotations

from typing import Any

import pandas as pd

from eaas_assets.reporting.index.report import ExperimentEntry, IndexEntry, PortfolioEntry


def index_entries(
    reports: pd.DataFrame, summaries: pd.DataFrame, runs: pd.DataFrame, decisions: pd.DataFrame
) -> list[IndexEntry]:
    """The latest HTML report of each agent version.

    Args:
        reports: Table `evaluation_report` of all runs.
        summaries: Table `evaluation_summary` of all runs, one row a run.
        runs: Table `evaluation_runs`; says when each run was.
        decisions: Table `decisions`; the current ones count.
    """
    pages = reports[reports["format"] == "html"].merge(
        summaries.drop(columns=["agent", "version"]), on="run_id", validate="many_to_one"
    )
    pages = pages.merge(runs[["run_id", "run_timestamp"]].drop_duplicates("run_id"), on="run_id")
    latest = pages.sort_values(["run_timestamp", "run_id"]).groupby(["agent", "version"], sort=True).tail(1)
    held = _held(decisions, "release")
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
            ruled=_word(decision := held.get(f"{row['agent']}@{row['version']}")),
            state=None if decision is None else decision["state"],
        )
        for row in latest.to_dict("records")
    ]


def experiment_entries(reports: pd.DataFrame, registry: pd.DataFrame, decisions: pd.DataFrame) -> list[ExperimentEntry]:
    """The HTML page of each experiment.

    Args:
        reports: Table `experiment_report`, the last page of each experiment.
        registry: Table `experiment_registry`.
        decisions: Table `decisions`; the current ones count.
    """
    held = _held(decisions, "experiment")
    titles = dict(zip(registry["experiment_id"].tolist(), registry["title"].tolist(), strict=True))
    entries = []
    for row in reports[reports["format"] == "html"].to_dict("records"):
        decision = held.get(row["experiment_id"])
        entries.append(
            ExperimentEntry(
                experiment_id=row["experiment_id"],
                title=_or_none(titles.get(row["experiment_id"])),
                decision=_word(decision),
                state=None if decision is None else decision["state"],
                verdict=row["verdict"],
                path=row["path"].removeprefix("reports/"),
            )
        )
    return entries


def portfolio_entry(reports: pd.DataFrame) -> PortfolioEntry | None:
    """The HTML page of the portfolio; None where there is none.

    Args:
        reports: Table `portfolio_report`.
    """
    pages = reports[reports["format"] == "html"].sort_values("written_at").tail(1).to_dict("records")
    return PortfolioEntry(pages[0]["verdict"], pages[0]["path"].removeprefix("reports/")) if pages else None


def _held(decisions: pd.DataFrame, kind: str) -> dict[str, Any]:
    """The current decision on each subject of a kind."""
    current = decisions[decisions["current"].astype(bool) & (decisions["subject_kind"] == kind)]
    return {row["subject_id"]: row for row in current.to_dict("records")}


def _word(decision: Any) -> str | None:
    """What holds or is proposed; None where nothing is decided."""
    return None if decision is None else _or_none(decision["effective_decision"]) or decision["decision"]


def _or_none(value: Any) -> Any:
    return None if pd.isna(value) else value
