"""One time limit for many calls at once, with a single timer for all of them.

`asyncio.timeout` sets a timer a call, which costs a runner that asks thousands of questions a second a tenth of its
time. Calls that all have the same limit end in the order in which they began, so the first one's timer will do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")


class TimeLimit:
    """The limit of one run. For use within one event loop; one call at a time in each task."""

    def __init__(self, seconds: float) -> None:
        """Let every call take ``seconds``."""
        self.seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._due: dict[asyncio.Task[Any], float] = {}  # the earliest first
        self._expired: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def within(self, call: Awaitable[T]) -> T:
        """What ``call`` returns; it is cancelled when its time is over.

        Raises:
            TimeoutError: It took too long.
            asyncio.CancelledError: Somebody else cancelled the task.
        """
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (a coroutine runs in a task)
        cancelled_before = task.cancelling()
        self._due[task] = self._loop.time() + self.seconds
        if self._timer is None:
            self._timer = self._loop.call_later(self.seconds, self._expire)
        try:
            return await call
        except asyncio.CancelledError as error:
            if task in self._expired and task.cancelling() - 1 <= cancelled_before:
                raise TimeoutError from error
            raise
        finally:
            self._due.pop(task, None)
            if task in self._expired:
                self._expired.remove(task)
                task.uncancel()

    def _expire(self) -> None:
        """Cancel what is overdue, and set the timer for the call that is due next."""
        self._timer = None
        now = self._loop.time()
        overdue = []
        for task, due in self._due.items():
            if due > now:
                self._timer = self._loop.call_at(due, self._expire)
                break
            overdue.append(task)
        for task in overdue:
            del self._due[task]
            self._expired.add(task)
            task.cancel()
