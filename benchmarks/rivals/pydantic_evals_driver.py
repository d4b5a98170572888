"""pydantic-evals: `Dataset.evaluate` with `EqualsExpected`. It keeps its report in memory and stores nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

from measuring import CONCURRENCY, Outcome, Work, answer, expected, measure, question
from pydantic_evals import Case, Dataset
from pydantic_evals.evaluators import EqualsExpected


def prepare(count: int, delay_s: float, _: Path) -> Work:
    cases = [Case(name=f"s{i}", inputs=question(i), expected_output=expected(i)) for i in range(count)]
    dataset = Dataset(name="benchmark", cases=cases, evaluators=[EqualsExpected()])

    async def agent(asked: str) -> str:
        if delay_s:
            await asyncio.sleep(delay_s)
        return answer(asked)

    def run() -> Outcome:
        report = asyncio.run(dataset.evaluate(agent, max_concurrency=CONCURRENCY, progress=False))
        correct = sum(all(result.value for result in case.assertions.values()) for case in report.cases)
        return Outcome(correct, [case.task_duration for case in report.cases])

    return Work(run)


measure(prepare)
