"""A run whose process was killed is told from one that lives."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from eaas_assets.defs.living import bury_the_dead, hold, let_go

HOLDER = """
import sys, time
from pathlib import Path
from eaas_assets.defs.living import hold
lock = hold(Path(sys.argv[1]), sys.argv[2])
assert lock is not None
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


def started(instance: dg.DagsterInstance) -> str:
    run = dg.DagsterRun(job_name="refresh_experiments", status=dg.DagsterRunStatus.STARTED)
    return instance.add_run(run).run_id


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_a_run_whose_process_was_killed_is_reported_as_failed_and_one_that_lives_is_not(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    run_id = started(instance)
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path, run_id], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    with holder:
        assert holder.stdout.readline() == "held\n"
        assert bury_the_dead(instance, tmp_path) == []
        holder.send_signal(signal.SIGKILL)
    assert bury_the_dead(instance, tmp_path) == [run_id]
    assert status(instance, run_id) == dg.DagsterRunStatus.FAILURE
    assert list((tmp_path / "living").iterdir()) == []


def test_a_run_that_never_held_a_lock_or_has_ended_is_left_alone(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    beginning, ended = started(instance), started(instance)
    lock = hold(tmp_path, ended)
    assert lock is not None
    let_go(lock)
    assert bury_the_dead(instance, tmp_path) == []
    assert status(instance, beginning) == dg.DagsterRunStatus.STARTED


def test_two_processes_of_one_run_are_one_life(tmp_path: Path) -> None:
    lock = hold(tmp_path, "run")
    assert lock is not None
    assert hold(tmp_path, "run") is None
    let_go(lock)
