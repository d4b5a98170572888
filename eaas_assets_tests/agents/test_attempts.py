from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from eaas_assets.agents.attempts import AttemptError, Attempts, AttemptTimeoutError, Pacer, Timed
from eaas_assets.contracts.agent import Limits


def limits(**changes: Any) -> Limits:
    return Limits.model_validate({"timeout_s": 2.0, "backoff_s": 0.04, "max_backoff_s": 0.06, **changes})


class Calls:
    """Fails as told, then answers; notes when it was called."""

    def __init__(self, *faults: AttemptError | float) -> None:
        self.faults = list(faults)
        self.at: list[float] = []

    async def __call__(self) -> Timed[str]:
        self.at.append(time.monotonic())
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, AttemptError):
                raise fault
            await asyncio.sleep(fault)
        return Timed("answer", 0.25)


def run(
    call: Callable[[], Awaitable[Timed[str]]], draw: Callable[[], float] = lambda: 0.0, **changes: Any
) -> tuple[str, Attempts]:
    async def work() -> tuple[str, Attempts]:
        attempts = Attempts(limits(**changes), Pacer(None), lambda text: text.replace("hunter22", "…"), draw)
        return await attempts.run(call), attempts

    return asyncio.run(work())


def busy(**fields: Any) -> AttemptError:
    return AttemptError("http_503", "busy", transient=True, **fields)


def test_a_transient_fault_is_tried_again_and_the_answer_says_how_often() -> None:
    answer, attempts = run(Calls(busy(), busy()))
    assert (answer, attempts.count) == ("answer", 3)


def test_measured_is_the_successful_attempt_alone() -> None:
    _, attempts = run(Calls(busy(), busy()), draw=lambda: 1.0)
    assert attempts.measured_s == 0.25


def test_other_faults_are_not_tried_again() -> None:
    calls = Calls(AttemptError("http_400", "bad request"))
    with pytest.raises(AttemptError, match="bad request") as caught:
        run(calls)
    assert (caught.value.code, caught.value.attempts, len(calls.at)) == ("http_400", 1, 1)


def test_the_last_fault_is_told_when_attempts_are_used_up() -> None:
    calls = Calls(*(busy() for _ in range(9)))
    with pytest.raises(AttemptError) as caught:
        run(calls, max_attempts=4)
    assert (caught.value.code, caught.value.attempts, len(calls.at)) == ("http_503", 4, 4)


def test_waits_are_a_share_of_a_bound_that_doubles_up_to_its_limit() -> None:
    """Full jitter (Brooker 2015): uniform in 0 … min(cap, base · 2^attempt)."""
    calls = Calls(busy(), busy(), busy())
    run(calls, draw=lambda: 1.0, max_attempts=4)
    waits = [later - earlier for earlier, later in zip(calls.at, calls.at[1:], strict=False)]
    for wait, bound in zip(waits, [0.04, 0.06, 0.06], strict=True):
        assert bound <= wait < bound + 0.2


def test_retry_after_is_honoured_on_top_of_the_jitter() -> None:
    calls = Calls(busy(retry_after_s=0.15))
    run(calls, draw=lambda: 0.5)
    assert 0.17 <= calls.at[1] - calls.at[0] < 0.5


def test_an_agent_that_asks_for_more_time_than_there_is_fails_at_once() -> None:
    calls = Calls(busy(retry_after_s=3600.0))
    began = time.monotonic()
    with pytest.raises(AttemptError) as caught:
        run(calls)
    assert caught.value.code == "http_503"
    assert time.monotonic() - began < 1


def test_an_attempt_that_takes_too_long_is_given_up_for_another() -> None:
    answer, attempts = run(Calls(30.0), attempt_timeout_s=0.05)
    assert (answer, attempts.count) == ("answer", 2)


def test_attempts_that_all_take_too_long_are_a_timeout() -> None:
    with pytest.raises(AttemptTimeoutError, match=r"within 0\.05 s") as caught:
        run(Calls(30.0, 30.0), attempt_timeout_s=0.05, max_attempts=2)
    assert caught.value.attempts == 2
    assert 0.05 <= caught.value.measured_s < 0.5


def test_the_time_of_all_attempts_together_is_limited() -> None:
    began = time.monotonic()
    with pytest.raises(AttemptTimeoutError, match=r"within 0\.3 s"):
        run(Calls(30.0), timeout_s=0.3)
    assert time.monotonic() - began < 1


def test_messages_are_short_printable_and_without_secrets() -> None:
    fault = AttemptError("http_400", "hunter22 \x1b[31m" + "x" * 5000)
    with pytest.raises(AttemptError) as caught:
        run(Calls(fault))
    assert "hunter22" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) <= 300


def test_the_pacer_spaces_calls_evenly() -> None:
    async def work() -> list[float]:
        pacer, at = Pacer(50.0), []

        async def one() -> None:
            await pacer.wait()
            at.append(time.monotonic())

        await asyncio.gather(*(one() for _ in range(6)))
        return at

    at = asyncio.run(work())
    assert at[-1] - at[0] >= 5 * 0.02 - 0.002
    assert at[-1] - at[0] < 0.6


def test_repeated_calls_keep_to_the_rate_and_the_first_does_not_wait_for_it() -> None:
    async def work() -> tuple[float, list[float]]:
        pacer = Pacer(5.0)
        await pacer.wait()
        calls, began = Calls(busy()), time.monotonic()
        await Attempts(limits(), pacer, str, lambda: 0.0).run(calls)
        return began, calls.at

    began, at = asyncio.run(work())
    assert at[0] - began < 0.15
    assert at[1] - began >= 0.19
