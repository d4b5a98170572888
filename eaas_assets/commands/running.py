"""`eaas run`: evaluate agent versions, look at all experiments, decide, and print what came out."""

from __future__ import annotations

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from eaas_assets.commands.jobs import Jobs, failures, watching
from eaas_assets.commands.progress_bar import Stages, shown_progress
from eaas_assets.contracts.identifiers import VersionKey
from eaas_assets.defs.telling import notification_policy
from eaas_assets.defs.world import WorldFiles
from eaas_assets.errors import InputError
from eaas_assets.reporting import text
from eaas_assets.storage.locations import Locations
from eaas_assets.storage.tables import TableStore


def run(locations: Locations, wanted: list[str], trials: int | None = None) -> int:
    """Evaluate agent versions, baselines first; then experiments, decisions and pages; print what came out.

    Args:
        locations: Where inputs and outputs are.
        wanted: Partition keys; all versions if empty.
        trials: Of each scenario; None for as many as each version declares.

    Returns:
        0 when everything ran, 1 when something could not.
    """
    console = Console()
    files = WorldFiles(locations)
    for reading in [*files.agents.files, *files.experiments.files]:
        for problem in reading.problems:
            console.print(f"[yellow]skipped[/] {escape(str(problem))}", highlight=False)
    keys = [VersionKey.parse(text) for text in wanted] or list(files.agents.versions)
    with Jobs.opened(files) as jobs, shown_progress() as stages:
        stages.begin("reading inputs")
        if not (refreshed := jobs.refresh_inputs()).success:
            _complain(console, "The inputs could not be read.", failures(refreshed))
            return 1
        evaluated = [key for key in keys if _evaluated(console, jobs, stages, key, trials)]
        decided = _decided(console, jobs, stages, files)
        _deliver(console, jobs, locations)
    tables = TableStore(locations.tables)
    _print_versions(console, tables, evaluated)
    if decided and files.decides():
        _print_decisions(console, tables)
    console.print(f"Reports: {locations.reports / 'index.html'}", soft_wrap=True)
    return 0 if decided and evaluated and evaluated == keys else 1


def _evaluated(console: Console, jobs: Jobs, stages: Stages, key: VersionKey, trials: int | None) -> bool:
    try:
        with watching(stages, str(key)):
            told = failures(jobs.evaluate(key, trials))
    except InputError as error:
        told = str(error).splitlines()
    if told:
        _complain(console, f"{key} could not be evaluated.", told)
    return not told


def _decided(console: Console, jobs: Jobs, stages: Stages, files: WorldFiles) -> bool:
    if not files.decides():
        console.print("Nothing was decided: the data folder has no policies/decisions.yaml.")
        return True
    with watching(stages, "experiments and decisions"):
        told = failures(jobs.refresh_experiments())
    if told:
        _complain(console, "Experiments and decisions could not be completed.", told)
    return not told


def _deliver(console: Console, jobs: Jobs, locations: Locations) -> None:
    """Deliver what waits in the outbox, if anyone is to be told; that it could not be is no failure of the run."""
    try:
        told = failures(jobs.deliver_notifications()) if notification_policy(locations) else []
    except InputError as error:
        told = str(error).splitlines()
    if told:
        console.print("[yellow]Nobody was told:[/]", *map(escape, told), sep="\n", highlight=False)


def _complain(console: Console, headline: str, told: list[str]) -> None:
    console.print(f"[red]{escape(headline)}[/]", *map(escape, told), sep="\n", highlight=False)


def _print_versions(console: Console, tables: TableStore, keys: list[VersionKey]) -> None:
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


def _print_decisions(console: Console, tables: TableStore) -> None:
    """Every current decision, and how many wait for someone."""
    decisions = tables.read(tables.snapshot_path("decisions"))
    current = decisions[decisions["current"]].sort_values(["subject_kind", "subject_id"])
    table = Table("subject", "decision", "state", "why")
    for row in current.itertuples():
        word, state = (str(value).replace("_", " ") for value in (row.decision, row.state))
        table.add_row(escape(str(row.subject_id)), word, state, escape(text.inline(row.rationale, 160)))
    console.print(table)
    waiting = int((current["state"] == "pending_approval").sum())
    console.print(f"{waiting} of {len(current)} decisions wait for approval (`eaas approve`).")
