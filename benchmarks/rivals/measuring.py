"""The work that every harness gets, and how it is measured. Standard library only: each harness has its own Python.

Sample i asks "question i", the agent answers "answer i", and every tenth expected answer differs: a harness that does
its work reports an accuracy of exactly 0.9.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

CONCURRENCY = 50


class Outcome(NamedTuple):
    """What a harness found.

    Attributes:
        correct: Answers that it took for correct.
        seconds: The response times that it recorded; None where it records none.
    """

    correct: int
    seconds: list[float] | None


class Used(NamedTuple):
    """Time and memory of this process and of its children that have ended."""

    wall_s: float
    cpu_s: float
    peak_mib: float


class Work(NamedTuple):
    """A driver's work, prepared.

    Attributes:
        run: What is measured.
        startup: What of it a start without work takes anyway.
        read: Reads the outcome from what was stored, where ``run`` does not return it; is not measured.
    """

    run: Callable[[], Outcome | None]
    startup: Used = Used(0.0, 0.0, 0.0)
    read: Callable[[], Outcome] | None = None


def question(number: int) -> str:
    return f"question {number}"


def answer(asked: str) -> str:
    return asked.replace("question", "answer")


def expected(number: int) -> str:
    return "something else" if number % 10 == 0 else f"answer {number}"


def used() -> Used:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    return Used(time.perf_counter(), cpu, max(own.ru_maxrss, children.ru_maxrss) / 1024)


def measure(prepare: Callable[[int, float, Path], Work]) -> None:
    """Run a driver: ``<driver> COUNT DELAY_SECONDS FOLDER``; the last line that it prints is its result.

    Not counted are imports and making the list of questions.
    """
    count, delay_s, folder = int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3])
    os.chdir(folder)
    work = prepare(count, delay_s, folder)
    there, before = _bytes(folder), used()
    outcome = work.run()
    after = used()
    if outcome is None:
        assert work.read is not None
        outcome = work.read()
    seconds = sorted(outcome.seconds or [])
    left = _bytes(folder) - there
    result = {
        "accuracy": outcome.correct / count,
        "wall_s": after.wall_s - before.wall_s - work.startup.wall_s,
        "cpu_s": after.cpu_s - before.cpu_s - work.startup.cpu_s,
        "peak_mib": after.peak_mib - before.peak_mib,
        "bytes": left,
        "p95_ms": 1000 * seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))] if seconds else None,
    }
    print(json.dumps(result), flush=True)
    os._exit(0)  # some harnesses leave threads behind that try to reach a server for minutes


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
