"""One task on many things, spread over the processor's cores.

Threads do not help where most of the time goes to many small steps of Python. So each core gets a Python of its own,
which is handed its share through a pipe and hands back each result as soon as it has it. Belongs here: the processes;
nothing of what is done. A process that dies costs nothing but time: what it left is done here.
"""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, TypeAlias, TypeVar, cast

Common = TypeVar("Common")
Item = TypeVar("Item")
Result = TypeVar("Result")
Answers: TypeAlias = "queue.Queue[tuple[int, Any] | None]"

FEWEST_EACH = 50
"""Things for which it is worth to start another Python."""
MOST = 4
"""More of them would need more memory than a night may take."""
_PACKAGE = str(Path(__file__).parents[1])


def spread(
    task: Callable[[Common, Item], Result], common: Common, items: Sequence[Item]
) -> Iterator[tuple[Item, Result]]:
    """Each item with its result, in whatever order they come.

    Args:
        task: A function of a module, which must depend on nothing but its arguments.
        common: Handed to every call. Like items and results, it must be possible to pickle it.
        items: What there is to do.

    Raises:
        Exception: Whatever ``task`` raises.
    """
    processes = _processes(len(items))
    left = set(range(len(items)))
    if processes > 1:
        for index, result in _elsewhere(task, common, items, processes):
            left.discard(index)
            yield items[index], result
    for index in sorted(left):
        yield items[index], task(common, items[index])


def _processes(items: int) -> int:
    """How many to start: none for few items, as a Python takes a second to start."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST, items // FEWEST_EACH) if sys.executable else 0


def _elsewhere(
    task: Callable[[Common, Item], Result], common: Common, items: Sequence[Item], processes: int
) -> Iterator[tuple[int, Result]]:
    answers: Answers = queue.Queue()
    shares = [[(index, items[index]) for index in range(start, len(items), processes)] for start in range(processes)]
    work = [pickle.dumps((task, common, share), pickle.HIGHEST_PROTOCOL) for share in shares]
    started: list[subprocess.Popen[bytes]] = []
    try:
        for share in work:
            try:
                started.append(_start())
            except OSError:  # no memory, or no more processes: the share is done here
                break
            threading.Thread(target=_hand_over, args=(started[-1], share, answers), daemon=True).start()
        working = len(started)
        while working:
            answer = answers.get()
            if answer is None:
                working -= 1
            else:
                yield answer
    finally:
        for process in started:
            process.kill()
            process.wait()


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 (this very Python and this module)
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([_PACKAGE, *filter(None, sys.path)])},
        start_new_session=True,  # Ctrl-C is for the process that started it to answer
    )


def _hand_over(process: subprocess.Popen[bytes], work: bytes, answers: Answers) -> None:
    """Give a process its work and pass on what comes back, until it ends or dies."""
    there, back = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
    try:
        with back:
            with there:
                there.write(work)
            while True:
                answers.put(pickle.load(back))  # noqa: S301 (written by our own process, see below)
    except (EOFError, OSError, pickle.UnpicklingError, ValueError):
        pass  # the last result, or its remains
    finally:
        answers.put(None)


def _work() -> None:
    """What a process does: read its work, write one result after the other."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as results:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever is printed must not stand among the results
        task, common, share = pickle.load(sys.stdin.buffer)  # noqa: S301 (from the process that started this one)
        for index, item in share:
            pickle.dump((index, task(common, item)), results, pickle.HIGHEST_PROTOCOL)
            results.flush()  # and where nobody reads any more, this ends


if __name__ == "__main__":
    _work()
