"""Braintrust: `EvalAsync(no_send_logs=True)`. So used, it stores nothing and records no response times."""

from __future__ import annotations

import asyncio
from pathlib import Path

from braintrust import EvalAsync
from measuring import CONCURRENCY, Outcome, Work, answer, expected, measure, question


def prepare(count: int, delay_s: float, _: Path) -> Work:
    cases = [{"input": question(i), "expected": expected(i)} for i in range(count)]

    async def agent(asked: str) -> str:
        if delay_s:
            await asyncio.sleep(delay_s)
        return answer(asked)

    def exact(input: str, output: str, expected: str) -> float:  # noqa: A002 (the names are Braintrust's)
        return float(output == expected)

    async def evaluate() -> int:
        result = await EvalAsync(
            "benchmark", data=cases, task=agent, scores=[exact], max_concurrency=CONCURRENCY, no_send_logs=True
        )
        return sum(one.scores["exact"] == 1 for one in result.results)

    return Work(lambda: Outcome(asyncio.run(evaluate()), None))


measure(prepare)
