"""deepeval: it scores answers that exist, so the agent is asked by a plain loop; `evaluate` without its cache.

With its defaults it writes the cache anew after each case, which takes quadratic time. It records no response times of
an agent that was asked outside.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from deepeval import evaluate
from deepeval.evaluate.configs import AsyncConfig, CacheConfig, DisplayConfig
from deepeval.metrics import ExactMatchMetric
from deepeval.test_case import LLMTestCase
from measuring import CONCURRENCY, Outcome, Work, answer, expected, measure, question


def prepare(count: int, delay_s: float, _: Path) -> Work:
    async def ask_all() -> list[str]:
        free = asyncio.Semaphore(CONCURRENCY)

        async def ask(number: int) -> str:
            async with free:
                if delay_s:
                    await asyncio.sleep(delay_s)
                return answer(question(number))

        return await asyncio.gather(*(ask(number) for number in range(count)))

    def run() -> Outcome:
        answers = asyncio.run(ask_all())
        cases = [
            LLMTestCase(input=question(i), actual_output=text, expected_output=expected(i))
            for i, text in enumerate(answers)
        ]
        result = evaluate(
            cases,
            metrics=[ExactMatchMetric()],
            async_config=AsyncConfig(max_concurrent=CONCURRENCY),
            display_config=DisplayConfig(show_indicator=False, print_results=False, inspect_after_run=False),
            cache_config=CacheConfig(write_cache=False),
        )
        return Outcome(sum(bool(one.success) for one in result.test_results), None)

    return Work(run)


measure(prepare)
