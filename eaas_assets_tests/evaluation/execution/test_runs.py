from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eaas_assets.errors import StorageError
from eaas_assets.evaluation.execution import runs
from eaas_assets.evaluation.execution.runs import RunStore
from eaas_assets_tests.evaluation.execution.agents_for_tests import (
    ScriptedAgent,
    echo,
    executed,
    plan,
    run_store,
    simulated,
)

PROJECT = Path(__file__).resolve().parents[3]
WORKER = """
import sys
from pathlib import Path
from eaas_assets_tests.evaluation.execution.agents_for_tests import *
store = run_store(Path(sys.argv[1]))
count, delay = int(sys.argv[2]), float(sys.argv[3])
asked = open(Path(sys.argv[1]) / f"asked.{__import__('os').getpid()}", "a", buffering=1)
def script(request):
    asked.write(request.scenario_id + "\\n")
    return simulated(request)
run = store.start(plan(count, limits={"concurrency": 8}))
print(run.run_id, run.resumed, flush=True)
store.execute(run, ScriptedAgent(script, delay), lambda progress: None)
print("sealed", flush=True)
"""


def quiet(_: object) -> None:
    """Nobody listens."""


def worker(root: Path, count: int, delay_s: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WORKER, str(root), str(count), str(delay_s)]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)


def test_a_sealed_run_is_never_opened_again(tmp_path: Path) -> None:
    store, agent = run_store(tmp_path), ScriptedAgent(echo)
    first = store.start(plan(5))
    store.execute(first, agent, quiet)
    store.execute(store.take_up(first.run_id, plan(5)), agent, quiet)
    assert len(agent.asked) == 5
    second = store.start(plan(5))
    assert not second.resumed
    assert second.run_id != first.run_id


def test_an_interrupted_run_is_continued_by_the_next_equal_plan(tmp_path: Path) -> None:
    store = run_store(tmp_path)

    def fails_late(request: object) -> object:
        if getattr(request, "scenario_id", "") == "S00007":
            raise KeyboardInterrupt
        return echo(request)  # type: ignore[arg-type]

    first = store.start(plan(10, limits={"concurrency": 1}))
    with pytest.raises(KeyboardInterrupt):
        store.execute(first, ScriptedAgent(fails_late), quiet)
    again, agent = store.start(plan(10, limits={"concurrency": 1})), ScriptedAgent(echo)
    assert (again.run_id, again.resumed) == (first.run_id, True)
    assert store.execute(again, agent, quiet).evaluations == 10
    assert agent.asked == ["S00007", "S00008", "S00009"]


def test_a_plan_for_other_inputs_does_not_continue_a_run(tmp_path: Path) -> None:
    store = run_store(tmp_path)
    first = store.start(plan(10))
    assert store.start(plan(11)).run_id != first.run_id
    with pytest.raises(StorageError, match="suite_digest changed"):
        store.take_up(first.run_id, plan(11))
    with pytest.raises(StorageError, match="no run"):
        store.take_up("RUN_unknown", plan(10))


def test_an_incomplete_run_cannot_be_sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = run_store(tmp_path)
    run = store.start(plan(3))
    monkeypatch.setattr(runs, "run_plan", lambda *_: True)
    with pytest.raises(StorageError, match="3 of 3 planned evaluations are missing"):
        store.execute(run, ScriptedAgent(echo), quiet)
    assert store.sealed(run.run_id) is None
    assert not (tmp_path / "tables").exists()


def test_the_manifest_names_the_tables_with_their_hashes(tmp_path: Path) -> None:
    store = run_store(tmp_path)
    run = store.start(plan(3))
    store.execute(run, ScriptedAgent(echo), quiet)
    manifest = json.loads((run.folder / "manifest.json").read_text())
    assert manifest["evaluations"] == manifest["calls"] == 3
    assert sorted(manifest["files"]) == [
        f"agent_calls/tester@v1/{run.run_id}.parquet",
        f"executed_evaluations/tester@v1/{run.run_id}.parquet",
    ]
    assert sorted(path.name for path in run.folder.iterdir()) == ["manifest.json", "plan.json", "run.lock"]


def test_two_processes_at_once_make_two_whole_runs(tmp_path: Path) -> None:
    workers = [worker(tmp_path, 300, 0.002) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in workers]
    run_ids = {output.split()[0] for output in outputs}
    assert len(run_ids) == 2
    for run_id in run_ids:
        rows = executed(run_store(tmp_path), run_id)
        assert (len(rows), rows["evaluation_key"].nunique()) == (300, 300)


def _kill_and_resume(root: Path, count: int, after_s: float) -> tuple[RunStore, str, int]:
    root.mkdir()
    with worker(root, count, 0.001) as process:
        assert process.stdout is not None
        run_id = process.stdout.readline().split()[0]
        time.sleep(after_s)
        os.kill(process.pid, signal.SIGKILL)
    resumed = worker(root, count, 0.0)
    output, _ = resumed.communicate(timeout=120)
    sealed_before = run_store(root).sealed(run_id) is not None and output.split()[0] != run_id
    assert sealed_before or output.split()[:2] == [run_id, "True"]
    asked = [line for path in root.glob("asked.*") for line in path.read_text().splitlines()]
    redone = 0 if sealed_before else len(asked) - count
    return run_store(root), run_id, redone


@pytest.mark.parametrize("seed", range(20))
def test_a_killed_run_resumes_with_nothing_lost_doubled_or_torn(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 (a moment to kill at, not a secret)
    store, run_id, redone = _kill_and_resume(tmp_path / "killed", 800, rng.uniform(0.0, 0.18))
    rows = executed(store, run_id)
    assert redone <= 8  # what was in flight

    undisturbed = run_store(tmp_path / "undisturbed")
    run = undisturbed.start(plan(800, limits={"concurrency": 8}))
    undisturbed.execute(run, ScriptedAgent(simulated), quiet)
    expected = executed(undisturbed, run.run_id)
    assert rows.drop(columns="run_id").equals(expected.drop(columns="run_id"))


def test_the_same_plan_gives_byte_identical_tables_on_any_concurrency(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "new_run_id", lambda *_: "RUN_20260101T000000000Z_000000")
    contents = set()
    for concurrency in (1, 3, 50):
        store = run_store(tmp_path / str(concurrency))
        run = store.start(plan(200, trials=3, limits={"concurrency": concurrency}))
        store.execute(run, ScriptedAgent(simulated), quiet)
        path = store.tables.run_path("executed_evaluations", "tester@v1", run.run_id)
        contents.add(path.read_bytes())
    assert len(contents) == 1
