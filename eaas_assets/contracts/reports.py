"""Contracts of the report tables: which page was written for which run."""

from __future__ import annotations

from eaas_assets.contracts.tables import Table, Timestamp, column, instant


class EvaluationReport(Table):
    """One row per report file."""

    run_id: str = column("Run")
    agent: str = column("Agent")
    version: str = column("Version")
    format: str = column("html or md", isin=("html", "md"))
    path: str = column("Below the output folder")
    digest: str = column("Hash of the file")
    verdict: str = column("The verdict on its first line")
    written_at: Timestamp = instant("When")
