"""Asks an agent every question of a plan: bounded, resumable, one runner for all adapters.

A timeout, a crash of the agent or a malformed answer is that evaluation's outcome and never the run's. An evaluation
is counted once it is durable; a stopped run keeps what it has and repeats at most what was in flight.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from eaas_assets.agents.protocol import Agent, PacedAgent
from eaas_assets.errors import AgentCallError, AgentTimeoutError
from eaas_assets.evaluation.execution.budget import Budget
from eaas_assets.evaluation.execution.journal import Journal
from eaas_assets.evaluation.execution.loop_lag import LoopLag
from eaas_assets.evaluation.execution.outcomes import Outcome, completed, failed, to_record
from eaas_assets.evaluation.execution.plan import Plan, PlannedEvaluation
from eaas_assets.evaluation.execution.progress import ProgressMeter, Tell
from eaas_assets.evaluation.execution.time_limit import TimeLimit
from eaas_assets.storage.ledger import Ledger


def run_plan(plan: Plan, run_id: str, agent: Agent, ledger: Ledger, tell: Tell) -> bool:
    """Execute what the ledger does not hold yet.

    Returns:
        True when every planned evaluation is durable; False when the budget was spent before.

    Raises:
        StorageError: Results can no longer be stored; what is stored stays.
        KeyboardInterrupt: Somebody stopped the run; what is stored stays.
    """
    return asyncio.run(_Run(plan, run_id, agent, ledger, tell).work())


class _Run:
    """One execution of a plan."""

    def __init__(self, plan: Plan, run_id: str, agent: Agent, ledger: Ledger, tell: Tell) -> None:
        self._plan = plan
        self._run_id = run_id
        self._agent = agent
        self._ledger = ledger
        self._tell = tell
        self._timeout_s = plan.version.limits.timeout_s
        self._paced = agent if isinstance(agent, PacedAgent) else None

    async def work(self) -> bool:
        plan, stored = self._plan, self._ledger.positions()
        remaining = [evaluation for evaluation in plan.evaluations if evaluation.position not in stored]
        self._meter = ProgressMeter(len(plan.evaluations), self._tell, already_done=len(stored))
        self._budget = Budget(plan.version.limits, self._ledger)
        self._limit = TimeLimit(self._timeout_s)
        queue = iter(remaining)
        workers = min(plan.version.limits.concurrency, len(remaining))
        try:
            async with LoopLag() as self._lag, Journal(self._ledger) as self._journal, asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(self._ask_in_turn(queue))
        except BaseExceptionGroup as errors:
            raise _first(errors) from errors
        finally:
            await self._agent.aclose()
        self._meter.finish()
        return not self._budget.spent or len(stored) + self._meter.counted == len(plan.evaluations)

    async def _ask_in_turn(self, queue: Iterator[PlannedEvaluation]) -> None:
        while not self._budget.spent and (evaluation := next(queue, None)) is not None:
            if self._paced is not None:
                await self._paced.ready()
            outcome = await self._evaluate(evaluation)
            await self._journal.write(evaluation.position, to_record(outcome))
            self._meter.count(outcome.status == "completed")
            if outcome.usage is not None:
                self._budget.charge(outcome.usage)

    async def _evaluate(self, evaluation: PlannedEvaluation) -> Outcome:
        request = self._plan.request(evaluation, self._run_id)
        held_up, start = self._lag.total_s, time.perf_counter()
        try:
            answer = await self._limit.within(self._agent.answer(request))
        except AgentCallError as error:
            return failed(error, time.perf_counter() - start)
        except TimeoutError:
            return failed(AgentTimeoutError(self._timeout_s), time.perf_counter() - start)
        seconds, lag = time.perf_counter() - start, self._lag.total_s - held_up
        await asyncio.sleep(0)  # whoever is ready too reads the clock first; our work on this answer is not their time
        return completed(answer, seconds, lag, self._timeout_s)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error that matters: workers that fail for the same cause fail together."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
