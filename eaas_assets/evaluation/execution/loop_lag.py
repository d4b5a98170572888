"""How long this system's own event loop was held up: the error that a measured response time may carry."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

INTERVAL_S = 0.02


class LoopLag:
    """Adds up how much later than asked the loop wakes a sleeper. Use as an async context manager.

    Attributes:
        total_s: Seconds so far. What was added while a call was in flight is how much too long it may seem.
    """

    def __init__(self) -> None:
        self.total_s = 0.0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _watch(self) -> None:
        while True:
            asked = time.perf_counter() + INTERVAL_S
            await asyncio.sleep(INTERVAL_S)
            self.total_s += max(0.0, time.perf_counter() - asked)
