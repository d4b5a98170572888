"""Threads for a user's Python functions, kept away from the event loop that measures them.

A function that never returns cannot be stopped from outside. Its evaluation ends at its time limit all the same; the
thread is given up, and once too many hang like this no further call is made. All threads are daemons: what hangs must
not keep the process from ending.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

from eaas_assets.errors import AgentCallError

UNRESPONSIVE_S = 0.5
"""Seconds within which a loop must react to a cancellation, or its coroutines block it."""


class Finished(NamedTuple):
    """How a function ended.

    Attributes:
        value: What it returned; None if it raised.
        error: What it raised, as text with the place; None if it returned.
        seconds: What it took.
    """

    value: Any
    error: str | None
    seconds: float


def run_and_time(function: Callable[[], Any]) -> Finished:
    """Call ``function`` and keep whatever it does, SystemExit included, from doing it to us."""
    began = time.perf_counter()
    try:
        value = function()
    except BaseException as error:  # noqa: BLE001 (a user's code may raise anything, and that is its outcome)
        return Finished(None, _described(error), time.perf_counter() - began)
    return Finished(value, None, time.perf_counter() - began)


def _described(error: BaseException) -> str:
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f" ({Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno})" if frame is not None else ""
    try:
        return f"{type(error).__name__}: {error}{place}"
    except BaseException:  # noqa: BLE001 (its __str__ is a user's code too)
        return f"{type(error).__name__}{place}"


class _Call(NamedTuple):
    function: Callable[[], Any]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[Finished]


class FunctionThreads:
    """Runs functions, each call in a thread of its own for as long as it takes."""

    def __init__(self, most_stuck: int) -> None:
        """Allow at most ``most_stuck`` calls that were given up on and still run."""
        self._most_stuck = most_stuck
        self._stuck = 0
        self._idle: list[SimpleQueue[_Call | None]] = []
        self._closed = False

    async def run(self, function: Callable[[], Any]) -> Finished:
        """Run ``function`` and wait for it.

        Raises:
            AgentCallError: Too many earlier calls still run.
        """
        if self._stuck >= self._most_stuck:
            raise AgentCallError("agent_stuck", f"{self._stuck} earlier calls have not returned; no more are made")
        inbox = self._idle.pop() if self._idle else self._new_thread()
        loop = asyncio.get_running_loop()
        call = _Call(function, loop, loop.create_future())
        call.done.add_done_callback(self._note_abandoned)
        inbox.put(call)
        return await call.done

    def close(self) -> None:
        """Let idle threads end; busy ones end with their calls or with the process."""
        self._closed = True
        while self._idle:
            self._idle.pop().put(None)

    def _new_thread(self) -> SimpleQueue[_Call | None]:
        inbox: SimpleQueue[_Call | None] = SimpleQueue()
        threading.Thread(target=self._work, args=(inbox,), name="agent-function", daemon=True).start()
        return inbox

    def _work(self, inbox: SimpleQueue[_Call | None]) -> None:
        while (call := inbox.get()) is not None:
            finished = run_and_time(call.function)
            with suppress(RuntimeError):  # the run is over and its loop closed
                call.loop.call_soon_threadsafe(self._deliver, inbox, call.done, finished)

    def _deliver(self, inbox: SimpleQueue[_Call | None], done: asyncio.Future[Finished], finished: Finished) -> None:
        if self._closed:
            inbox.put(None)
        else:
            self._idle.append(inbox)
        if done.cancelled():
            self._stuck -= 1
        else:
            done.set_result(finished)

    def _note_abandoned(self, done: asyncio.Future[Finished]) -> None:
        if done.cancelled():
            self._stuck += 1


class LoopThread:
    """Runs coroutine functions on an event loop in a thread of its own, so that one that blocks blocks only its like.

    A loop that does not react to a cancellation is given up for a new one.
    """

    def __init__(self, most_stuck: int) -> None:
        """Give up at most ``most_stuck`` loops."""
        self._most_stuck = most_stuck
        self._given_up = 0
        self._cancelled_at: float | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self, function: Callable[[], Coroutine[Any, Any, Any]]) -> Finished:
        """Run the coroutine of ``function`` to its end.

        Raises:
            AgentCallError: Too many loops are blocked.
        """
        loop = self._responsive_loop()
        own = asyncio.get_running_loop()
        done: asyncio.Future[Finished] = own.create_future()
        task: list[asyncio.Task[None]] = []

        async def work() -> None:
            finished = await _run_and_time(function)
            with suppress(RuntimeError):  # the run is over and its loop closed
                own.call_soon_threadsafe(_set_result, done, finished)

        loop.call_soon_threadsafe(lambda: task.append(loop.create_task(work())))
        try:
            return await done
        except asyncio.CancelledError:
            self._cancel(loop, own, task)
            raise

    def close(self) -> None:
        """Let the thread end."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None

    def _responsive_loop(self) -> asyncio.AbstractEventLoop:
        if self._cancelled_at is not None and time.monotonic() - self._cancelled_at > UNRESPONSIVE_S:
            self._given_up += 1
            self._cancelled_at = self._loop = None
        if self._given_up >= self._most_stuck:
            message = f"{self._given_up} times its coroutines blocked their event loop; no more calls are made"
            raise AgentCallError("agent_stuck", message)
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=_run_loop, args=(self._loop,), name="agent-coroutines", daemon=True).start()
        return self._loop

    def _cancel(
        self, loop: asyncio.AbstractEventLoop, own: asyncio.AbstractEventLoop, task: list[asyncio.Task[None]]
    ) -> None:
        if loop is self._loop and self._cancelled_at is None:
            self._cancelled_at = time.monotonic()

        def cancel() -> None:
            for started in task:
                started.cancel()
            with suppress(RuntimeError):
                own.call_soon_threadsafe(self._reacted, loop)

        loop.call_soon_threadsafe(cancel)

    def _reacted(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is self._loop:
            self._cancelled_at = None


async def _run_and_time(function: Callable[[], Coroutine[Any, Any, Any]]) -> Finished:
    began = time.perf_counter()
    try:
        value = await function()
    except BaseException as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return Finished(None, _described(error), time.perf_counter() - began)
    return Finished(value, None, time.perf_counter() - began)


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


def _set_result(done: asyncio.Future[Finished], finished: Finished) -> None:
    if not done.done():
        done.set_result(finished)
