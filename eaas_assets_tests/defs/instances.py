"""Runs of the real jobs on real files, for tests of the Dagster shell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from eaas_assets.definitions import defs
from eaas_assets.defs.partitions import PARTITIONS_NAME
from eaas_assets.storage.locations import DATA_DIR_VARIABLE, OUTPUT_DIR_VARIABLE
from eaas_assets.storage.tables import TableStore


class Installation:
    """A world, an output folder and a Dagster instance."""

    def __init__(self, data: Path, output: Path, instance: dg.DagsterInstance) -> None:
        self.data, self.output, self.instance = data, output, instance
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv(DATA_DIR_VARIABLE, str(data))
            environment.setenv(OUTPUT_DIR_VARIABLE, str(output))
            self.definitions = defs()
        self.tables = TableStore(output / "tables")

    def run(self, job: str = "evaluate_agent_version", partition: str | None = None, **options: Any) -> Any:
        """Execute a job in this process; failures are in the result."""
        if partition is not None:
            self.instance.add_dynamic_partitions(PARTITIONS_NAME, [partition])
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        options["run_config"] = quiet | options.pop("run_config", {})
        return self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance, partition_key=partition, raise_on_error=False, **options
        )


@contextmanager
def installation(data: Path, output: Path) -> Iterator[Installation]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Installation(data, output, instance)


def checks(result: Any) -> dict[str, Any]:
    """Check evaluations of a run, by ``asset:check``."""
    return {
        f"{check.asset_key.to_user_string()}:{check.check_name}": check
        for check in result.get_asset_check_evaluations()
    }


def errors(result: Any) -> str:
    """Everything that went wrong in a run, as text."""
    return "\n".join(str(event.event_specific_data) for event in result.all_events if event.is_failure)
