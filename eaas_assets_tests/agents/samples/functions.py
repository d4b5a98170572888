"""Functions as people write them."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from eaas_assets.contracts.agent import AgentResponse

RELEASE = threading.Event()
"""Lets functions that hang go on, so that a test leaves nothing behind."""


def echo(request: Any, prefix: str = "") -> dict[str, Any]:
    return {"answer": {"text": prefix + request.message, "thread": threading.current_thread().name}}


async def echo_later(request: Any, prefix: str = "") -> dict[str, Any]:
    await asyncio.sleep(0.01)
    return echo(request, prefix)


def typed(request: Any) -> AgentResponse:
    return AgentResponse(answer={"text": request.message}, confidence=0.5)


class Desk:
    def __call__(self, request: Any) -> dict[str, Any]:
        return echo(request)

    async def later(self, request: Any) -> dict[str, Any]:
        return echo(request)


class LaterDesk:
    async def __call__(self, request: Any) -> dict[str, Any]:
        return echo(request)


desk = Desk()
later_desk = LaterDesk()
not_callable = 5


def takes(request: Any) -> dict[str, Any]:
    time.sleep(float(request.message))
    return {"answer": {}}


async def takes_later(request: Any) -> dict[str, Any]:
    await asyncio.sleep(float(request.message))
    return {"answer": {}}


def hangs(request: Any) -> dict[str, Any]:
    RELEASE.wait(30)
    return {"answer": {}}


async def blocks(request: Any) -> dict[str, Any]:
    if request.message == "block":
        RELEASE.wait(30)
    return {"answer": {}}
