"""How long an HTTP call takes, read where its bytes pass: not around the client, whose own work is no agent's time.

With fifty calls at once, fifty responses may come in the same turn of the event loop. Read afterwards, the clock would
have the last of them wait for what is done with the others.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

from eaas_assets.agents.adapters.http.turns import Turns


class CallClock:
    """Times one call after another: from the end of the request out to the end of the response in."""

    def __init__(self) -> None:
        self._began = self._ended = 0.0

    def start(self) -> None:
        """A call is asked for."""
        self._began, self._ended = time.perf_counter(), 0.0

    def sent(self) -> None:
        """A piece of the request goes out; the last one counts, because nobody answers half a request."""
        self._began = time.perf_counter()

    def received(self) -> None:
        """A piece of the response is in."""
        self._ended = time.perf_counter()

    def seconds(self) -> float:
        """Seconds that the call took, now that it is over."""
        return (self._ended or time.perf_counter()) - self._began


def read_clock_on_the_wire(client: httpx.AsyncClient, clock: CallClock, turns: Turns) -> None:
    """Have every connection that the client makes from now on tell the clock what passes.

    Goes where httpx-secure goes, which checks before that client, transport and pool are what it knows: httpx has no
    public way to a connection's bytes.
    """
    pool = client._transport._pool  # type: ignore[attr-defined]
    pool._network_backend = _ClockedBackend(pool._network_backend, clock, turns)


class _ClockedBackend(httpcore.AsyncNetworkBackend):
    def __init__(self, backend: httpcore.AsyncNetworkBackend, clock: CallClock, turns: Turns) -> None:
        self._backend = backend
        self._clock = clock
        self._turns = turns

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        stream = await self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        return _ClockedStream(stream, self._clock, self._turns)


class _ClockedStream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: httpcore.AsyncNetworkStream, clock: CallClock, turns: Turns) -> None:
        self._stream = stream
        self._clock = clock
        self._turns = turns

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._stream.read(max_bytes, timeout)
        self._clock.received()
        await self._turns.take()  # whoever has bytes waiting reads the clock too, before any of us works on them
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if buffer:
            self._clock.sent()
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        return _ClockedStream(stream, self._clock, self._turns)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
