"""Asking real agents in tests: one question, several, or a whole suite through the real runner."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from eaas_assets.agents.opening import open_agent
from eaas_assets.agents.protocol import Answer, PacedAgent
from eaas_assets.contracts.agent import AgentRequest, AgentVersion
from eaas_assets.errors import AgentCallError, AgentTimeoutError
from eaas_assets.evaluation.execution.plan import Scope, make_plan
from eaas_assets.evaluation.execution.progress import Progress
from eaas_assets.evaluation.execution.runs import RunStore
from eaas_assets.storage.tables import TableStore
from eaas_assets_tests.evaluation.local_runs import LocalRun, World, read_world


def agent_version(adapter: str, settings: dict[str, Any], **fields: Any) -> AgentVersion:
    document = {"agent": "desk", "version": "v1", "suite": "customer_support", "adapter": adapter, "settings": settings}
    return AgentVersion.model_validate(document | fields)


def question(message: str = "hello", number: int = 1, **fields: Any) -> AgentRequest:
    document = {"scenario_id": f"S{number:03d}", "message": message, "context": {}, "seed": number}
    return AgentRequest.model_validate(document | fields)


def ask(version: AgentVersion, *requests: AgentRequest, root: Path | None = None) -> list[Answer | AgentCallError]:
    """Answers, or what was raised instead, of questions that are asked at once."""

    async def work() -> list[Answer | AgentCallError]:
        agent = open_agent(version, root)

        async def one(request: AgentRequest) -> Answer | AgentCallError:
            try:
                async with asyncio.timeout(version.limits.timeout_s):
                    return await agent.answer(request)
            except AgentCallError as error:
                return error
            except TimeoutError:
                return AgentTimeoutError(version.limits.timeout_s)

        try:
            if isinstance(agent, PacedAgent):
                await agent.ready()
            return list(await asyncio.gather(*map(one, requests)))
        finally:
            await agent.aclose()

    return asyncio.run(work())


def ask_one(version: AgentVersion, request: AgentRequest | None = None, root: Path | None = None) -> Answer:
    """The answer; raises what the agent raised."""
    (outcome,) = ask(version, request or question(), root=root)
    if isinstance(outcome, AgentCallError):
        raise outcome
    return outcome


def messages_as_scenarios(messages: Sequence[str]) -> pd.DataFrame:
    """One scenario a message, named like it."""
    return pd.DataFrame(
        {
            "scenario_id": list(messages),
            "inputs_digest": [f"{number:064x}" for number in range(len(messages))],
            "message": list(messages),
            "context_json": ["{}"] * len(messages),
            "expected_json": ["{}"] * len(messages),
        }
    )


def run(folder: Path, version: AgentVersion, scenarios: pd.DataFrame, root: Path | None = None) -> LocalRun:
    """Every scenario through the real runner, as the sealed tables have it."""
    tables = TableStore(folder / "tables")
    store = RunStore(folder / "runs", tables)
    started = store.start(make_plan(version, scenarios, Scope(), path_field=None))
    store.execute(started, open_agent(version, root), quiet)
    executed, calls = (
        tables.read(tables.run_path(table, str(version.key), started.run_id))
        for table in ("executed_evaluations", "agent_calls")
    )
    return LocalRun(executed, calls)


def customer_support() -> World:
    return read_world("customer_support")


def quiet(_: Progress) -> None:
    """Nobody listens."""


def clocked(started: float) -> float:
    return time.perf_counter() - started
