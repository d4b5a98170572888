"""The main job without a UI: every agent version through the same Dagster job that sensors and schedules start."""

from __future__ import annotations

import dagster as dg
import pandas as pd
from rich.console import Console
from rich.table import Table

from eaas_assets.contracts.identifiers import VersionKey
from eaas_assets.definitions import defs
from eaas_assets.defs.automation import definition_tag
from eaas_assets.defs.partitions import PARTITIONS_NAME
from eaas_assets.defs.world import WorldFiles
from eaas_assets.reporting import text
from eaas_assets.storage.locations import Locations
from eaas_assets.storage.tables import TableStore


def evaluate_versions(locations: Locations, wanted: list[str]) -> int:
    """Evaluate agent versions, baselines first, and print what came out.

    Args:
        locations: Where inputs and outputs are.
        wanted: Partition keys; all versions if empty.

    Returns:
        0 when every version was evaluated, 1 when one could not be.
    """
    console = Console()
    files = WorldFiles(locations)
    for reading in files.agents.files:
        for problem in reading.problems:
            console.print(f"[yellow]skipped[/] {problem}", highlight=False)
    keys = [VersionKey.parse(text) for text in wanted] or list(files.agents.versions)
    job = defs().resolve_job_def("evaluate_agent_version")
    failed = []
    with dg.DagsterInstance.get() as instance:
        instance.add_dynamic_partitions(PARTITIONS_NAME, [str(key) for key in files.agents.versions])
        for key in keys:
            console.print(f"[bold]{key}[/]")
            result = job.execute_in_process(
                partition_key=str(key),
                instance=instance,
                tags=definition_tag(key, files.version(key)),
                raise_on_error=False,
            )
            if not result.success:
                failed.append(key)
    _print_results(console, TableStore(locations.tables), [key for key in keys if key not in failed])
    console.print(f"Reports: {locations.reports / 'index.html'}", soft_wrap=True)
    for key in failed:
        console.print(f"[red]{key} could not be evaluated; see the messages above.[/]")
    return 1 if failed or not keys else 0


def _print_results(console: Console, tables: TableStore, keys: list[VersionKey]) -> None:
    table = Table("agent", "version", "pass rate", "average score", "health", "against baseline")
    for key in keys:
        summary = tables.read_partition("evaluation_summary", str(key))
        comparison = tables.read_partition("baseline_comparison", str(key))
        if summary is None or comparison is None:
            continue
        row, against = summary.iloc[-1], comparison.iloc[-1]
        rate = text.rate(
            row["total_passed"],
            row["total_evaluations"],
            row["overall_pass_rate"],
            row["pass_rate_low"],
            row["pass_rate_high"],
        )
        table.add_row(
            key.agent, key.version, rate, text.score(row["average_score"]), str(row["health_status"]), _against(against)
        )
    console.print(table)


def _against(row: pd.Series) -> str:  # type: ignore[type-arg]
    """The comparison in a few words."""
    if row["verdict"] == "no_baseline":
        return "no baseline"
    return f"{row['verdict'].replace('_', ' ')} ({text.points(row['improvement'])} against {row['baseline_version']})"
