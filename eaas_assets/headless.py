"""The main job without a UI: every agent version through the same Dagster job that sensors and schedules start."""

from __future__ import annotations

import sqlite3
from functools import partial
from typing import Any

import dagster as dg
import pandas as pd
from rich.console import Console
from rich.table import Table
from sqlalchemy import event
from sqlalchemy.engine import Engine

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
    failed = []
    _do_not_wait_for_the_disk()
    with dg.DagsterInstance.get() as instance:
        instance.add_dynamic_partitions(PARTITIONS_NAME, [str(key) for key in files.agents.versions])
        run = partial(_run, defs(), instance)
        if not run("refresh_inputs"):
            console.print("[red]The inputs could not be read; see the messages above.[/]")
            return 1
        for key in keys:
            console.print(f"[bold]{key}[/]")
            tags = definition_tag(key, files.version(key))
            if not run("evaluate_agent_version", partition_key=str(key), tags=tags, asset_selection=_after_inputs()):
                failed.append(key)
    _print_results(console, TableStore(locations.tables), [key for key in keys if key not in failed])
    console.print(f"Reports: {locations.reports / 'index.html'}", soft_wrap=True)
    for key in failed:
        console.print(f"[red]{key} could not be evaluated; see the messages above.[/]")
    return 1 if failed or not keys else 0


def _do_not_wait_for_the_disk() -> None:
    """Let Dagster's own records (some hundred small commits a run) reach the disk in the system's time.

    A killed process loses nothing by it; a power cut may lose the last entries of Dagster's log, never a result: the
    ledger and the tables of this package synchronise on their own.
    """

    def relax(connection: Any, _: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("pragma synchronous = off")

    event.listen(Engine, "connect", relax)


def _run(definitions: dg.Definitions, instance: dg.DagsterInstance, job: str, **options: Any) -> bool:
    quiet = {"loggers": {"console": {"config": {"log_level": "INFO"}}}}
    job_definition = definitions.resolve_job_def(job)
    return job_definition.execute_in_process(
        run_config=quiet, instance=instance, raise_on_error=False, **options
    ).success


def _after_inputs() -> list[dg.AssetKey]:
    """Everything that depends on the version: the inputs are read once for all versions."""
    graph = defs().resolve_asset_graph()
    return [key for key in graph.get_all_asset_keys() if graph.get(key).group_name != "inputs"]


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


def _against(row: pd.Series) -> str:
    """The comparison in a few words."""
    if row["verdict"] == "no_baseline":
        return "no baseline"
    return f"{row['verdict'].replace('_', ' ')} ({text.points(row['improvement'])} against {row['baseline_version']})"
