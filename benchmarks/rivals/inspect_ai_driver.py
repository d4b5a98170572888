"""Inspect: `eval` of a task with a solver of our own (no model is called), scorer `exact`, logs as by default."""

from __future__ import annotations

import asyncio
from pathlib import Path

from inspect_ai import Task, eval  # noqa: A004 (its name)
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelOutput
from inspect_ai.scorer import exact
from inspect_ai.solver import Generate, Solver, TaskState, solver
from measuring import CONCURRENCY, Outcome, Work, answer, expected, measure, question


def prepare(count: int, delay_s: float, folder: Path) -> Work:
    @solver
    def agent() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            if delay_s:
                await asyncio.sleep(delay_s)
            state.output = ModelOutput.from_content("agent", answer(state.input_text))
            return state

        return solve

    samples = [Sample(id=i, input=question(i), target=expected(i)) for i in range(count)]
    task = Task(dataset=MemoryDataset(samples), solver=agent(), scorer=exact())

    def run() -> Outcome:
        (log,) = eval(
            task, model="mockllm/model", max_samples=CONCURRENCY, display="none", log_dir=str(folder / "logs")
        )
        done = log.samples or []
        correct = sum(score.value == "C" for sample in done for score in (sample.scores or {}).values())
        return Outcome(correct, [sample.working_time for sample in done if sample.working_time is not None])

    return Work(run)


measure(prepare)
