"""The jobs without a UI: the same Dagster jobs that sensors and schedules start, executed in this process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg
import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from eaas_assets.contracts.identifiers import VersionKey
from eaas_assets.definitions import defs
from eaas_assets.defs.automation import definition_tag
from eaas_assets.defs.io import RUN_ID_TAG
from eaas_assets.defs.partitions import PARTITIONS_NAME
from eaas_assets.defs.watching import watched_by
from eaas_assets.defs.world import WorldFiles
from eaas_assets.errors import InputError
from eaas_assets.progress_bar import Stages, shown_progress
from eaas_assets.reporting import text
from eaas_assets.sqlite_records import keep_engines
from eaas_assets.storage.locations import Locations
from eaas_assets.storage.tables import TableStore

_KEPT_IN_JUDGING = {"evaluation_plan", "executed_evaluations", "agent_calls", "workflow_health"}
"""What a run has recorded of its execution: judging it anew leaves it alone."""


def evaluate_versions(locations: Locations, wanted: list[str], trials: int | None = None) -> int:
    """Evaluate agent versions, baselines first, and print what came out.

    Args:
        locations: Where inputs and outputs are.
        wanted: Partition keys; all versions if empty.
        trials: Of each scenario; None for as many as each version declares.

    Returns:
        0 when every version was evaluated, 1 when one could not be.
    """
    console = Console()
    files = WorldFiles(locations)
    for reading in files.agents.files:
        for problem in reading.problems:
            console.print(f"[yellow]skipped[/] {escape(str(problem))}", highlight=False)
    keys = [VersionKey.parse(text) for text in wanted] or list(files.agents.versions)
    failed = []
    with Jobs.opened(files) as jobs, shown_progress() as stages:
        stages.begin("reading inputs")
        if not (refreshed := jobs.refresh_inputs()).success:
            _complain(console, "The inputs could not be read.", failures(refreshed))
            return 1
        for key in keys:
            try:
                with watching(stages, str(key)):
                    told = failures(jobs.evaluate(key, trials))
            except InputError as error:
                told = str(error).splitlines()
            if told:
                failed.append(key)
                _complain(console, f"{key} could not be evaluated.", told)
    _print_results(console, TableStore(locations.tables), [key for key in keys if key not in failed])
    console.print(f"Reports: {locations.reports / 'index.html'}", soft_wrap=True)
    return 1 if failed or not keys else 0


class Jobs:
    """The jobs of the code location, executed in this process one after the other."""

    def __init__(self, files: WorldFiles, instance: dg.DagsterInstance) -> None:
        """Work on the world of ``files``, and keep records in ``instance``."""
        self._files = files
        self._definitions = defs()
        self.instance = instance
        instance.add_dynamic_partitions(PARTITIONS_NAME, [str(key) for key in files.agents.versions])

    @classmethod
    @contextmanager
    def opened(cls, files: WorldFiles) -> Iterator[Jobs]:
        """With the instance that the environment names."""
        keep_engines()
        with dg.DagsterInstance.get() as instance:
            yield cls(files, instance)

    def refresh_inputs(self) -> dg.ExecuteInProcessResult:
        """Read, check and audit what people wrote; once for all versions."""
        return self._execute("refresh_inputs")

    def evaluate(self, key: VersionKey, trials: int | None = None) -> dg.ExecuteInProcessResult:
        """Evaluate a version, from its plan to its report; ``trials`` is as in EvaluationScope.

        Raises:
            InputError: It has no readable definition.
        """
        tags = definition_tag(key, self._files.version(key))
        scope = {"ops": {"evaluation_plan": {"config": {"trials": trials}}}}
        return self._execute(
            "evaluate_agent_version", scope, partition_key=str(key), tags=tags, asset_selection=self._after_inputs()
        )

    def judge(self, key: VersionKey, run_id: str) -> dg.ExecuteInProcessResult:
        """Score, compare and report a run anew, by the policies of today. Nothing is executed."""
        selection = [asset for asset in self._after_inputs() if asset.to_user_string() not in _KEPT_IN_JUDGING]
        return self._execute(
            "evaluate_agent_version",
            partition_key=str(key),
            tags={RUN_ID_TAG: run_id},
            asset_selection=selection,
        )

    def evaluation_run(self, result: dg.ExecuteInProcessResult) -> str:
        """The evaluation run that a Dagster run has worked on."""
        return result.dagster_run.tags.get(RUN_ID_TAG) or self._tagged(result)[RUN_ID_TAG]

    def _tagged(self, result: dg.ExecuteInProcessResult) -> dict[str, str]:
        run = self.instance.get_run_by_id(result.run_id)
        return dict(run.tags) if run else {}

    def _execute(self, job: str, config: Mapping[str, Any] | None = None, **options: Any) -> dg.ExecuteInProcessResult:
        quiet = {"loggers": {"console": {"config": {"log_level": "WARNING"}}}}
        return self._definitions.resolve_job_def(job).execute_in_process(
            run_config={**quiet, **(config or {})}, instance=self.instance, raise_on_error=False, **options
        )

    def _after_inputs(self) -> list[dg.AssetKey]:
        """Everything that depends on the version: the inputs are read once for all versions."""
        graph = self._definitions.resolve_asset_graph()
        return [key for key in graph.get_all_asset_keys() if graph.get(key).group_name != "inputs"]


@contextmanager
def watching(stages: Stages, title: str) -> Iterator[None]:
    """Show how far the run is that is executed within the block."""
    stages.begin(title)
    with watched_by(stages.told):
        yield


def failures(result: dg.ExecuteInProcessResult) -> list[str]:
    """What went wrong in a Dagster run: the cause of each failed step, in a line or two; empty for a success."""
    told = []
    for failed in result.filter_events(lambda event: event.is_step_failure):
        error = failed.step_failure_data.error
        while error is not None and error.cause is not None:
            error = error.cause
        message = error.message.strip() if error is not None else "failed without a message"
        told.append(f"{failed.step_key}: {message}")
    return told if told or result.success else ["the run failed before its first step"]


def _complain(console: Console, headline: str, told: list[str]) -> None:
    console.print(f"[red]{escape(headline)}[/]", *map(escape, told), sep="\n", highlight=False)


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
