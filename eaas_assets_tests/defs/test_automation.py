from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from eaas_assets.defs.automation import DEFINITION_TAG, new_agent_versions, nightly_evaluation
from eaas_assets.defs.partitions import PARTITIONS_NAME
from eaas_assets.defs.world import World
from eaas_assets_tests.worlds import sample_world

ORCHESTRATOR = "customer_support_orchestrator"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return sample_world(tmp_path / "data")


def world(data: Path) -> World:
    return World(data_dir=str(data), output_dir=str(data.parent / "output"))


def tick(data: Path, instance: dg.DagsterInstance, cursor: str | None = None) -> Any:
    with dg.build_sensor_context(instance=instance, cursor=cursor, resources={"world": world(data)}) as context:
        result = new_agent_versions(context)
        if isinstance(result, dg.SensorResult):
            for request in result.dynamic_partitions_requests or []:
                instance.add_dynamic_partitions(PARTITIONS_NAME, list(request.partition_keys))
            return result, result.cursor
        return result, context.cursor


def launched(instance: dg.DagsterInstance, result: dg.SensorResult) -> None:
    """Leave the trace of the requested runs, as the daemon does."""
    for request in result.run_requests or []:
        run = dg.DagsterRun(job_name="evaluate_agent_version", tags=dict(request.tags))
        instance.add_run(run)


def keys(result: dg.SensorResult) -> list[str]:
    return [request.partition_key or "" for request in result.run_requests or []]


def test_every_version_becomes_one_partition_and_one_run_and_then_nothing_happens(data: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        first, cursor = tick(data, instance)
        assert keys(first)[:4] == [f"{ORCHESTRATOR}@v{number}" for number in ("0.9", "1.0", "1.1", "1.2")]
        assert sorted(instance.get_dynamic_partitions(PARTITIONS_NAME)) == sorted(keys(first))
        launched(instance, first)
        second, _ = tick(data, instance, cursor)
        assert isinstance(second, dg.SkipReason)
        assert "nothing new" in (second.skip_message or "")


def test_a_changed_definition_runs_again_and_a_changed_comment_does_not(data: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        first, cursor = tick(data, instance)
        launched(instance, first)
        file = data / "agents" / ORCHESTRATOR / "v1.1.yaml"
        file.write_text("# only a comment\n" + file.read_text())
        same, cursor = tick(data, instance, cursor)
        assert isinstance(same, dg.SkipReason)
        file.write_text(file.read_text() + "\ntrials: 2\n")
        changed, _ = tick(data, instance, cursor)
        assert keys(changed) == [f"{ORCHESTRATOR}@v1.1"]


def test_a_new_file_becomes_one_run(data: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        first, cursor = tick(data, instance)
        launched(instance, first)
        folder = data / "agents" / ORCHESTRATOR
        text = (folder / "v1.2.yaml").read_text()
        (folder / "v1.10.yaml").write_text(text.replace("v1.2", "v1.10"))
        added, _ = tick(data, instance, cursor)
        assert keys(added) == [f"{ORCHESTRATOR}@v1.10"]


def test_a_malformed_file_is_told_about_and_stops_no_other(data: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        (data / "agents" / ORCHESTRATOR / "v9.yaml").write_text("agent: customer_support_orchestrator\nversion: 9.0\n")
        first, _ = tick(data, instance)
        assert f"{ORCHESTRATOR}@v1.0" in keys(first)
        launched(instance, first)
        quiet, _ = tick(data, instance, None)
        assert isinstance(quiet, dg.SkipReason)
        assert "v9.yaml" in (quiet.skip_message or "")


def test_a_version_that_was_run_from_the_command_line_is_not_run_again(data: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        first, _ = tick(data, instance)
        one = first.run_requests[0]
        instance.add_run(
            dg.DagsterRun(job_name="evaluate_agent_version", tags={DEFINITION_TAG: one.tags[DEFINITION_TAG]})
        )
        second, _ = tick(data, instance)
        assert one.partition_key not in keys(second)
        assert len(keys(second)) == len(keys(first)) - 1


def test_the_cursor_does_not_grow_with_the_number_of_versions(data: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        _, few = tick(data, instance)
        text = (data / "agents" / ORCHESTRATOR / "v1.2.yaml").read_text()
        for number in range(60):
            (data / "agents" / ORCHESTRATOR / f"w{number}.yaml").write_text(text.replace("v1.2", f"w{number}"))
        result, more = tick(data, instance, few)
        assert len(keys(result)) == 50  # the rest comes with the next tick
        assert len(more or "") <= len(few or "")


def test_every_live_version_is_evaluated_once_a_night(data: Path) -> None:
    text = (data / "agents" / ORCHESTRATOR / "v0.9.yaml").read_text()
    (data / "agents" / ORCHESTRATOR / "v0.9.yaml").write_text(text + "\nlive: false\n")
    home = data.parent / "instance"
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        at = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
        with dg.build_schedule_context(
            instance=instance, scheduled_execution_time=at, resources={"world": world(data)}
        ) as context:
            requests = nightly_evaluation(context)
        assert isinstance(requests, list)
        names = [request.partition_key for request in requests]
        assert f"{ORCHESTRATOR}@v0.9" not in names
        assert f"{ORCHESTRATOR}@v1.2" in names
        assert {request.run_key for request in requests} == {f"{name}:2026-03-04" for name in names}
        assert set(names) <= set(instance.get_dynamic_partitions(PARTITIONS_NAME))
