"""Work that is spread over processes comes back whole, whatever happens to them."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eaas_assets import processes
from eaas_assets.processes import spread

ITEMS = list(range(40))
PARENT_OF_PROCESSES = """
import sys
from eaas_assets import processes
from eaas_assets_tests.test_processes import sleepy
processes.FEWEST_EACH, processes._processes = 1, lambda items: 2
for _, process in processes.spread(sleepy, 0.2, range(400)):
    print(process, flush=True)
"""


def doubled(common: int, item: int) -> tuple[int, int]:
    sys.stdout.write("what a library prints does not stand among the results")
    return common + 2 * item, os.getpid()


def fatal_elsewhere(parent: int, item: int) -> int:
    if item == 7 and os.getpid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def unlucky(_common: None, item: int) -> int:
    return 1 // (item - 5)


def sleepy(seconds: float, _item: int) -> int:
    time.sleep(seconds)
    return os.getpid()


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_processes", lambda _items: 2)


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_every_item_comes_back_once_from_several_processes(two: None) -> None:
    found = list(spread(doubled, 100, ITEMS))
    assert {item: value for item, (value, _) in found} == {item: 100 + 2 * item for item in ITEMS}
    assert len(found) == len(ITEMS)
    workers = {process for _, (_, process) in found}
    assert len(workers) == 2
    assert os.getpid() not in workers
    assert not any(map(alive, workers))


def test_few_items_stay_in_this_process() -> None:
    assert {process for _, (_, process) in spread(doubled, 0, ITEMS)} == {os.getpid()}


def test_what_a_killed_process_left_is_done_here(two: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert sorted(spread(fatal_elsewhere, os.getpid(), ITEMS)) == [(item, item) for item in ITEMS]


def test_work_is_done_here_where_no_process_can_be_started(two: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory() -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(processes, "_start", no_memory)
    assert {process for _, (_, process) in spread(doubled, 0, ITEMS)} == {os.getpid()}


def test_what_a_task_raises_is_raised_here(two: None, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError):
        list(spread(unlucky, None, ITEMS))


def test_work_that_cannot_be_handed_over_is_told(two: None) -> None:
    with pytest.raises(TypeError, match="pickle"):
        list(spread(doubled, (value for value in ITEMS), ITEMS))  # type: ignore[arg-type]


def test_who_stops_listening_stops_the_processes(two: None) -> None:
    results = spread(sleepy, 0.05, ITEMS)
    _, worker = next(results)
    assert alive(worker)
    results.close()  # type: ignore[attr-defined]
    assert not alive(worker)


def test_processes_end_with_the_one_that_started_them() -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, sys.path)]),
    }
    command = [sys.executable, "-c", PARENT_OF_PROCESSES]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as parent:
        assert parent.stdout is not None
        workers = {int(parent.stdout.readline()) for _ in range(4)}
        assert all(map(alive, workers))
        parent.kill()
        parent.wait()
    deadline = time.monotonic() + 20
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, workers))
