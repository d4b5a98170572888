"""Functions that misbehave, by the message that they are sent."""

from __future__ import annotations

import asyncio
import time
from typing import Any

LONG_S = 4.0


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class Opaque:
    """Nothing that could be stored."""


def _cycle() -> list[Any]:
    cycle: list[Any] = []
    cycle.append(cycle)
    return cycle


def _raise(error: BaseException) -> Any:
    raise error


def _deep() -> Any:
    value: Any = 1
    for _ in range(100_000):
        value = [value]
    return value


ANSWERS: dict[str, Any] = {
    "fine": lambda: {"answer": {"ok": True}},
    "raises": lambda: _raise(ValueError("no such customer")),
    "ends_the_program": lambda: _raise(SystemExit(3)),
    "presses_ctrl_c": lambda: _raise(KeyboardInterrupt()),
    "is_unspeakable": lambda: _raise(UnspeakableError()),
    "cancels": lambda: _raise(asyncio.CancelledError()),
    "times_out_itself": lambda: _raise(TimeoutError("upstream")),
    "says_none": lambda: None,
    "says_text": lambda: "<html>oops</html>",
    "is_opaque": lambda: {"answer": {"thing": Opaque()}},
    "nan": lambda: {"answer": {"share": float("nan")}},
    "half_a_character": lambda: {"answer": {"text": "\ud800"}},
    "wrong_types": lambda: {"answer": {}, "confidence": "high"},
    "huge": lambda: {"answer": {"text": "x" * 5_000_000}},
    "cycle": lambda: {"answer": {"list": _cycle()}},
    "deep": lambda: {"answer": {"list": _deep()}},
    "endless": lambda: {"answer": {"number": 10**5000}},
    "forgets_to_await": lambda: asyncio.sleep(0),
    "blocks": lambda: time.sleep(LONG_S),
}


def answer(request: Any) -> Any:
    return ANSWERS[request.message]()


async def answer_later(request: Any) -> Any:
    if request.message == "never_wakes":
        await asyncio.sleep(3600)
    if request.message == "refuses_to_be_cancelled":
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(LONG_S)
    return ANSWERS[request.message]()
