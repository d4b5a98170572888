from __future__ import annotations

import asyncio
import time
from typing import Any

import httpcore
import httpx

from eaas_assets.agents.adapters.http.client import guarded_clients
from eaas_assets.agents.adapters.http.clock import CallClock, read_clock_on_the_wire
from eaas_assets.agents.adapters.http.turns import Turns
from eaas_assets.contracts.agent import Limits
from eaas_assets_tests.agents.local_servers import serving

AGENT_S, WORK_S = 0.1, 0.02


class Slow(httpcore.AsyncMockStream):
    """Bytes that are in after a while."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        await asyncio.sleep(AGENT_S)
        return await super().read(max_bytes, timeout)


class Wire(httpcore.AsyncMockBackend):
    """Connections on which every response takes the same time."""

    async def connect_tcp(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        return Slow([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"])


def on_the_wire(turns: Turns) -> tuple[httpx.AsyncClient, CallClock]:
    client, clock = httpx.AsyncClient(trust_env=False), CallClock()
    client._transport._pool._network_backend = Wire([])  # type: ignore[attr-defined]
    read_clock_on_the_wire(client, clock, turns)
    return client, clock


def test_what_is_done_with_one_response_is_not_measured_as_the_time_of_the_next() -> None:
    async def call(client: httpx.AsyncClient, clock: CallClock) -> float:
        connection = await client._transport._pool._network_backend.connect_tcp("agent.test", 80)  # type: ignore[attr-defined]
        clock.start()
        await connection.write(b"request")
        await connection.read(1000)
        time.sleep(WORK_S)  # reading a response is work too, and holds up the loop
        return clock.seconds()

    async def all_at_once() -> list[float]:
        turns = Turns()
        ready = [on_the_wire(turns) for _ in range(10)]
        return await asyncio.gather(*(call(client, clock) for client, clock in ready))

    # All ten are in after the same time; were the clock read after the work, the last would take nine works longer.
    assert max(asyncio.run(all_at_once())) < AGENT_S + 3 * WORK_S


def test_time_before_the_request_is_out_is_not_the_agents() -> None:
    async def work() -> float:
        client, clock = on_the_wire(Turns())
        clock.start()
        await asyncio.sleep(0.2)  # as a neighbour would hold up the loop
        async with client:
            await client.post("http://agent.test/", content=b"{}")
        return clock.seconds()

    assert AGENT_S <= asyncio.run(work()) < AGENT_S + 0.1


def test_the_guarded_client_times_real_calls_one_by_one_on_one_connection() -> None:
    def slowly(_: Any) -> dict[str, Any]:
        time.sleep(0.1)
        return {"answer": {}}

    async def work(url: str) -> list[float]:
        http, clock = guarded_clients(Limits(), ["127.0.0.1"], Turns())()
        found = []
        async with http:
            for _ in range(2):
                clock.start()
                await http.post(url, content=b"{}")
                found.append(clock.seconds())
                await asyncio.sleep(0.2)
        return found

    with serving(slowly) as server:
        found = asyncio.run(work(server.url))
        assert len(server.connections) == 1
    assert all(0.1 <= seconds < 0.18 for seconds in found), found


def test_each_task_has_a_turn_of_the_loop_to_itself_in_the_order_of_asking() -> None:
    turns, seen = Turns(), []

    async def work() -> None:
        turn_of_the_loop = 0

        def count() -> None:
            nonlocal turn_of_the_loop
            turn_of_the_loop += 1
            asyncio.get_running_loop().call_soon(count)

        async def task(number: int) -> None:
            await turns.take()
            seen.append((number, turn_of_the_loop))

        count()
        await asyncio.gather(*(task(number) for number in range(5)))

    asyncio.run(work())
    assert [number for number, _ in seen] == [0, 1, 2, 3, 4]
    assert len({turn for _, turn in seen}) == 5


def test_a_task_that_was_cancelled_holds_up_nobody_and_the_queue_can_be_used_again() -> None:
    async def work() -> int:
        turns = Turns()
        waiting = [asyncio.create_task(turns.take()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        done = await asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.sleep(0.01)
        async with asyncio.timeout(1):
            await turns.take()
        return sum(outcome is None for outcome in done)

    assert asyncio.run(work()) == 2
