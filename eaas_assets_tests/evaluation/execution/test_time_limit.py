from __future__ import annotations

import asyncio
import time

import pytest

from eaas_assets.evaluation.execution.time_limit import TimeLimit


async def after(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return seconds


async def late_and_early() -> list[object]:
    limit = TimeLimit(0.1)
    calls = [limit.within(after(seconds)) for seconds in (0.0, 30.0, 0.01, 30.0)]
    return list(await asyncio.gather(*calls, return_exceptions=True))


def test_what_takes_too_long_is_cancelled_and_the_rest_is_not() -> None:
    start = time.perf_counter()
    first, second, third, fourth = asyncio.run(late_and_early())
    assert (first, third) == (0.0, 0.01)
    assert isinstance(second, TimeoutError)
    assert isinstance(fourth, TimeoutError)
    assert 0.1 <= time.perf_counter() - start < 1.0


def test_each_call_has_its_own_time_however_often_it_follows_another() -> None:
    async def in_turn() -> list[float]:
        limit = TimeLimit(0.1)
        return [await limit.within(after(0.04)) for _ in range(5)]

    assert asyncio.run(in_turn()) == [0.04] * 5


def test_a_later_call_is_due_later() -> None:
    async def staggered() -> tuple[float, float]:
        limit, start = TimeLimit(0.1), time.perf_counter()

        async def ended(begin_s: float) -> float:
            await asyncio.sleep(begin_s)
            with pytest.raises(TimeoutError):
                await limit.within(after(30))
            return time.perf_counter() - start

        first, second = await asyncio.gather(ended(0.0), ended(0.06))
        return first, second

    first, second = asyncio.run(staggered())
    assert 0.1 <= first < 0.16 <= second < 1.0


def test_a_cancelled_task_stays_cancelled_and_has_not_timed_out() -> None:
    async def cancelled_from_outside() -> None:
        task = asyncio.create_task(TimeLimit(10).within(after(30)))
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled_from_outside())


def test_a_task_cancelled_while_it_times_out_stays_cancelled() -> None:
    async def both() -> None:
        async def slow_to_give_up() -> None:
            try:
                await asyncio.sleep(30)
            finally:
                await asyncio.sleep(0.2)

        task = asyncio.create_task(TimeLimit(0.05).within(slow_to_give_up()))
        await asyncio.sleep(0.1)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(both())


def test_a_call_that_ignores_its_cancellation_leaves_the_task_usable() -> None:
    async def stubborn() -> str:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            return "answered all the same"
        return "not reached"

    async def then_another() -> tuple[str, float, int]:
        limit, task = TimeLimit(0.05), asyncio.current_task()
        assert task is not None
        return await limit.within(stubborn()), await limit.within(after(0.01)), task.cancelling()

    assert asyncio.run(then_another()) == ("answered all the same", 0.01, 0)


def test_an_error_of_the_call_goes_through() -> None:
    async def fails() -> None:
        raise ZeroDivisionError

    async def limited() -> None:
        await TimeLimit(1).within(fails())

    with pytest.raises(ZeroDivisionError):
        asyncio.run(limited())
