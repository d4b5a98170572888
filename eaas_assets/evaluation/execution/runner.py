"""Asks an agent every question of a plan: bounded, resumable, one runner for all adapters.

A timeout, a crash of the agent or a malformed answer is that evaluation's outcome and never the run's. An evaluation
is counted once it is durable; a stopped run keeps what it has and repeats at most what was in flight.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from eaas_assets.agents.protocol import Agent
from eaas_assets.errors import AgentCallError, AgentTimeoutError
from eaas_assets.evaluation.execution.journal import Journal
from eaas_assets.evaluation.execution.outcomes import Outcome, completed, failed, to_record
from eaas_assets.evaluation.execution.plan import Plan, PlannedEvaluation
from eaas_assets.evaluation.execution.progress import ProgressMeter, Tell
from eaas_assets.storage.ledger import Ledger


def run_plan(plan: Plan, agent: Agent, ledger: Ledger, tell: Tell) -> None:
    """Execute what the ledger does not hold yet; returns when every planned evaluation is durable.

    Raises:
        StorageError: Results can no longer be stored; what is stored stays.
        KeyboardInterrupt: Somebody stopped the run; what is stored stays.
    """
    asyncio.run(_run(plan, agent, ledger, tell))


async def _run(plan: Plan, agent: Agent, ledger: Ledger, tell: Tell) -> None:
    stored = ledger.positions()
    remaining = [evaluation for evaluation in plan.evaluations if evaluation.position not in stored]
    meter = ProgressMeter(len(plan.evaluations), tell, already_done=len(plan.evaluations) - len(remaining))
    queue = iter(remaining)
    workers = min(plan.version.limits.concurrency, len(remaining))
    try:
        async with Journal(ledger) as journal, asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(_work(plan, agent, queue, journal, meter))
    except BaseExceptionGroup as errors:
        raise _first(errors) from errors
    finally:
        await agent.aclose()
    meter.finish()


async def _work(
    plan: Plan, agent: Agent, queue: Iterator[PlannedEvaluation], journal: Journal, meter: ProgressMeter
) -> None:
    timeout_s = plan.version.limits.timeout_s
    for evaluation in queue:
        outcome = await _evaluate(plan, evaluation, agent, timeout_s)
        await journal.write(evaluation.position, to_record(outcome))
        meter.count(outcome.status == "completed")


async def _evaluate(plan: Plan, evaluation: PlannedEvaluation, agent: Agent, timeout_s: float) -> Outcome:
    request = plan.request(evaluation)
    start = time.perf_counter()
    try:
        async with asyncio.timeout(timeout_s):
            answer = await agent.answer(request)
    except AgentCallError as error:
        return failed(error, time.perf_counter() - start)
    except TimeoutError:
        return failed(AgentTimeoutError(timeout_s), time.perf_counter() - start)
    return completed(answer, time.perf_counter() - start, timeout_s)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error that matters: workers that fail for the same cause fail together."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
