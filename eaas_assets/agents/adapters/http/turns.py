"""One piece of work for each turn of the event loop, so that the loop looks at its sockets in between."""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """A queue of tasks that have work to do. For use within one event loop.

    Fifty tasks that are ready at once would all go on in one turn of the loop, a millisecond each, and a response that
    comes in the meantime would seem to have taken so much longer.
    """

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._called = False

    async def take(self) -> None:
        """Return when it is this task's turn."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        if not self._called:
            self._called = True
            loop.call_soon(self._next, loop)
        await turn

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # a task that was cancelled needs no turn
                turn.set_result(None)
                loop.call_soon(self._next, loop)
                return
        self._called = False
