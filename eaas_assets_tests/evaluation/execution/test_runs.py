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


RUN_ID = "RUN_20260101T000000000Z_000000"
EVALUATIONS = 600
VARIANT = f"""
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background lets its children ignore it
from pathlib import Path
from eaas_assets.evaluation.execution import runs
from eaas_assets_tests.evaluation.execution.agents_for_tests import *
runs.new_run_id = lambda *_: "{RUN_ID}"
root, concurrency, shuffle, delay_s = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
asked = os.open(root / f"asked.{{os.getpid()}}", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
def script(request):
    os.write(asked, b".")
    return simulated(request)
rows = scenarios({EVALUATIONS // 2}).sample(frac=1, random_state=shuffle)
planned = make_plan(agent_version(trials=2, limits={{"concurrency": concurrency}}), rows, Scope(), path_field="path")
store = run_store(root)
store.execute(store.start(planned), ScriptedAgent(script, delay_s), lambda progress: None)
"""


def _sealed_bytes(store: RunStore) -> list[bytes]:
    tables = ("executed_evaluations", "agent_calls")
    return [store.tables.run_path(table, "tester@v1", RUN_ID).read_bytes() for table in tables]


def _asked(root: Path) -> int:
    return sum(path.stat().st_size for path in root.glob("asked.*"))


def _start(
    root: Path, concurrency: int, shuffle: int, hash_seed: int, delay_s: float = 0.001
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", VARIANT, str(root), str(concurrency), str(shuffle), str(delay_s)]
    return subprocess.Popen(command, cwd=PROJECT, env=os.environ | {"PYTHONHASHSEED": str(hash_seed)})


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The sealed tables of a run in this process, one question after the other."""
    store = run_store(tmp_path_factory.mktemp("undisturbed"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "new_run_id", lambda *_: RUN_ID)
        run = store.start(plan(EVALUATIONS // 2, trials=2, limits={"concurrency": 1}))
    store.execute(run, ScriptedAgent(simulated), quiet)
    return _sealed_bytes(store)


@pytest.mark.parametrize("seed", range(20))
def test_any_concurrency_order_and_kill_give_the_same_bytes_and_repeat_only_what_was_in_flight(
    tmp_path: Path, undisturbed: list[bytes], seed: int
) -> None:
    """Killed by one process and continued by another, which has its rows in another order and other hashes."""
    rng = random.Random(seed)  # noqa: S311 (a moment to kill at, not a secret)
    in_flight, kill_at = rng.choice((1, 3, 8, 20, 50)), rng.randrange(EVALUATIONS)
    with _start(tmp_path, in_flight, seed, seed) as first:
        while first.poll() is None and _asked(tmp_path) < kill_at:
            time.sleep(0.001)
        first.kill()
    if run_store(tmp_path).sealed(RUN_ID) is None:
        with _start(tmp_path, rng.choice((2, 8, 50)), 100 + seed, 100 + seed) as second:
            assert second.wait(60) == 0
    store = run_store(tmp_path)
    assert _sealed_bytes(store) == undisturbed
    assert _asked(tmp_path) - EVALUATIONS <= in_flight
    sealed = store.sealed(RUN_ID)
    assert sealed is not None
    assert (sealed.evaluations, sealed.conflicts, sealed.not_run) == (EVALUATIONS, 0, 0)


def test_ctrl_c_stops_a_run_at_once_and_the_next_one_continues_it(tmp_path: Path, undisturbed: list[bytes]) -> None:
    # Slow enough that the signal comes before the end, also on a machine that is busy with something else.
    with _start(tmp_path, 8, shuffle=1, hash_seed=1, delay_s=0.03) as stopped:
        while stopped.poll() is None and _asked(tmp_path) < EVALUATIONS // 4:
            time.sleep(0.001)
        stopped.send_signal(signal.SIGINT)
        assert stopped.wait(30) != 0
    stored = _asked(tmp_path)
    assert stored < EVALUATIONS
    with _start(tmp_path, 8, shuffle=2, hash_seed=2) as second:
        assert second.wait(60) == 0
    assert _sealed_bytes(run_store(tmp_path)) == undisturbed
    assert _asked(tmp_path) - EVALUATIONS <= 8
