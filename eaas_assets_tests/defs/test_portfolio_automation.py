"""Sensors and the schedule of experiments and decisions: what is new asks for one run, what is not asks for none."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from eaas_assets.contracts.experiments import ExperimentRegistry
from eaas_assets.contracts.tables import build, table_name
from eaas_assets.decisions.audit.entries import Entry
from eaas_assets.defs.portfolio_automation import changed_experiments, due_decisions, nightly_experiments
from eaas_assets.defs.world import World
from eaas_assets_tests.worlds import sample_world, write_text


@pytest.fixture
def world(tmp_path: Path) -> World:
    data = sample_world(tmp_path / "data")
    world = World(data_dir=str(data), output_dir=str(tmp_path / "output"))
    table = table_name(ExperimentRegistry)
    world.tables.write(world.tables.snapshot_path(table), build(ExperimentRegistry, []))
    return world


def tick(sensor: Any, world: World, cursor: str | None = None, run: dg.DagsterRun | None = None) -> tuple[Any, Any]:
    with (
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_sensor_context(instance=instance, cursor=cursor, resources={"world": world}) as context,
    ):
        if run is not None:
            instance.add_run(run)
        return sensor(context), context.cursor


def test_experiments_ask_for_one_run_and_then_for_none(world: World) -> None:
    first, cursor = tick(changed_experiments, world)
    assert isinstance(first, dg.RunRequest)
    second, _ = tick(changed_experiments, world, cursor)
    assert isinstance(second, dg.SkipReason)
    assert "nothing new" in (second.skip_message or "")


def test_a_changed_document_new_observations_and_a_new_experiment_each_ask_for_a_run(world: World) -> None:
    first, cursor = tick(changed_experiments, world)
    folder = world.locations.data / "experiments"
    document = folder / "E013" / "experiment.yaml"
    document.write_text(document.read_text(encoding="utf-8").replace("status: proposed", "status: archived"))
    second, cursor = tick(changed_experiments, world, cursor)
    observations = folder / "E001" / "summary.csv"
    observations.write_text(observations.read_text(encoding="utf-8").replace("135", "136"), encoding="utf-8")
    third, cursor = tick(changed_experiments, world, cursor)
    write_text(world.locations.data, "experiments/E100/experiment.yaml", "experiment: [")
    fourth, _ = tick(changed_experiments, world, cursor)
    requests = [first, second, third, fourth]
    assert all(isinstance(request, dg.RunRequest) for request in requests)
    assert len({request.run_key for request in requests}) == 4


def test_a_comment_is_no_change_of_an_experiment(world: World) -> None:
    _, cursor = tick(changed_experiments, world)
    document = world.locations.data / "experiments" / "E013" / "experiment.yaml"
    document.write_text(document.read_text(encoding="utf-8") + "# a comment\n", encoding="utf-8")
    assert isinstance(tick(changed_experiments, world, cursor)[0], dg.SkipReason)


def test_an_approval_asks_for_decisions_and_a_decision_does_not(world: World) -> None:
    first, cursor = tick(due_decisions, world)
    assert isinstance(first, dg.RunRequest)
    world.audit.append(Entry("decision", "policy", "E001: scale.", {"decision_id": "1"}, "E001"))
    assert isinstance(tick(due_decisions, world, cursor)[0], dg.SkipReason)
    world.audit.append(Entry("approval", "someone", "Approved.", {"decision_id": "1"}, "E001"))
    assert isinstance(tick(due_decisions, world, cursor)[0], dg.RunRequest)


def test_before_experiments_were_looked_at_there_is_nothing_to_decide(world: World) -> None:
    world.tables.snapshot_path(table_name(ExperimentRegistry)).unlink()
    assert isinstance(tick(due_decisions, world)[0], dg.SkipReason)


@pytest.mark.parametrize("job", ["refresh_decisions", "refresh_experiments"])
def test_what_changes_while_a_run_that_decides_is_queued_waits_for_it_and_is_not_lost(world: World, job: str) -> None:
    queued = dg.DagsterRun(job_name=job, status=dg.DagsterRunStatus.NOT_STARTED)
    skipped, cursor = tick(due_decisions, world, run=queued)
    assert isinstance(skipped, dg.SkipReason)
    begun = dg.DagsterRun(job_name=job, status=dg.DagsterRunStatus.STARTED)
    assert isinstance(tick(due_decisions, world, cursor, begun)[0], dg.RunRequest)


def test_a_changed_policy_asks_for_decisions(world: World) -> None:
    _, cursor = tick(due_decisions, world)
    policy = world.locations.data / "policies" / "approvals.yaml"
    policy.write_text(policy.read_text(encoding="utf-8").replace("expires_days: 30", "expires_days: 31"))
    assert isinstance(tick(due_decisions, world, cursor)[0], dg.RunRequest)


def test_a_world_without_a_decision_policy_is_left_alone(world: World) -> None:
    (world.locations.data / "policies" / "decisions.yaml").unlink()
    assert isinstance(tick(changed_experiments, world)[0], dg.SkipReason)
    assert isinstance(tick(due_decisions, world)[0], dg.SkipReason)


def test_every_night_asks_for_one_run(world: World) -> None:
    night = datetime(2026, 1, 31, 4, tzinfo=UTC)
    with dg.build_schedule_context(scheduled_execution_time=night, resources={"world": world}) as context:
        request = nightly_experiments(context)
    assert isinstance(request, dg.RunRequest)
    assert request.run_key == "experiments:2026-01-31"
