"""A client for each call in flight, instead of one client whose calls are in each other's way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from eaas_assets.agents.adapters.http.turns import Turns

ClientT = TypeVar("ClientT")


class Lanes(Generic[ClientT]):
    """Clients of one connection each, as many as are in use at once.

    A client's pool looks at every connection and every waiting request whenever one of them ends, which at fifty
    connections takes longer than the request. Whoever asks is limited already, so nothing has to wait here.
    """

    def __init__(self, make: Callable[[], ClientT], close: Callable[[ClientT], Awaitable[None]], turns: Turns) -> None:
        """Make clients with ``make`` when they are needed, and close them with ``close``.

        Whoever asks for one waits for one of the ``turns``: a request is work, and so is a client.
        """
        self._make = make
        self._close = close
        self._turns = turns
        self._all: list[ClientT] = []
        self._idle: list[ClientT] = []

    @asynccontextmanager
    async def client(self) -> AsyncIterator[ClientT]:
        """A client for nobody else meanwhile; the one that was used last, whose connection is the most alive."""
        await self._turns.take()
        if self._idle:
            client = self._idle.pop()
        else:
            client = self._make()
            self._all.append(client)
        try:
            yield client
        finally:
            self._idle.append(client)

    async def aclose(self) -> None:
        """Close every connection."""
        while self._all:
            await self._close(self._all.pop())
