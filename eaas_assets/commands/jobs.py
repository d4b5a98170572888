"""The jobs without a UI: the same Dagster jobs that sensors and schedules start, executed in this process."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from filelock import FileLock

from eaas_assets.commands.progress_bar import Stages
from eaas_assets.commands.sqlite_records import keep_engines
from eaas_assets.contracts.identifiers import VersionKey
from eaas_assets.definitions import defs
from eaas_assets.defs.automation import AFTER_INPUTS, definition_tag
from eaas_assets.defs.io import RUN_ID_TAG
from eaas_assets.defs.living import bury_the_dead
from eaas_assets.defs.partitions import PARTITIONS_NAME
from eaas_assets.defs.watching import watched_by
from eaas_assets.defs.world import WorldFiles

_COLLECTED_AFTER = (100_000, 20, 50)
"""Thresholds of the garbage collector: Dagster and pandas make many objects and few circles, and looking for circles
after every 700 new ones takes a sixteenth of a run."""

_KEPT_IN_JUDGING = {"evaluation_plan", "executed_evaluations", "agent_calls", "workflow_health"}
"""What a run has recorded of its execution: judging it anew leaves it alone."""


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
        """With the instance that the environment names.

        Two processes at once would both make the tables of a new instance, and one of them would fail: they take turns.
        """
        keep_engines()
        home = Path(os.environ.get("DAGSTER_HOME") or files.locations.dagster_home)
        home.mkdir(parents=True, exist_ok=True)
        with _collecting_rarely(), ExitStack() as stack:
            with FileLock(home / "opening.lock"):
                instance = stack.enter_context(dg.DagsterInstance.get())
                bury_the_dead(instance, files.locations.dagster_home)
                jobs = cls(files, instance)
            yield jobs

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

    def refresh_experiments(self) -> dg.ExecuteInProcessResult:
        """Look at all experiments, decide on them and on the agent versions, rank the portfolio, write the pages."""
        return self._execute("refresh_experiments")

    def deliver_notifications(self) -> dg.ExecuteInProcessResult:
        """Deliver the messages that wait, where no daemon does."""
        return self._execute("deliver_notifications")

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
        return sorted(AFTER_INPUTS.resolve(self._definitions.resolve_asset_graph()))


@contextmanager
def _collecting_rarely() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*_COLLECTED_AFTER)
    try:
        yield
    finally:
        gc.set_threshold(*before)


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
