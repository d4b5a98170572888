"""Small agents and plans for tests of the runner; they answer at once, late, wrongly or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from eaas_assets.agents.protocol import Answer
from eaas_assets.contracts.agent import AgentRequest, AgentVersion
from eaas_assets.evaluation.execution.plan import Plan, Scope, make_plan
from eaas_assets.evaluation.execution.runs import RunStore
from eaas_assets.storage.tables import TableStore


class ScriptedAgent:
    """Answers what a function says, after an optional delay, and counts how often it was asked."""

    def __init__(self, script: Callable[[AgentRequest], Any], delay_s: float = 0.0) -> None:
        self.script = script
        self.delay_s = delay_s
        self.asked: list[str] = []
        self.in_flight = self.most_in_flight = 0
        self.closed = False

    async def answer(self, request: AgentRequest) -> Answer:
        self.asked.append(request.scenario_id)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            content = self.script(request)
        finally:
            self.in_flight -= 1
        return content if isinstance(content, Answer) else Answer(content)

    async def aclose(self) -> None:
        self.closed = True


def echo(request: AgentRequest) -> dict[str, Any]:
    return {"answer": {"text": request.message}, "steps": [{"agent": "echo", "output": {"status": "done"}}]}


def simulated(request: AgentRequest) -> Answer:
    """Deterministic from the seed, as simulated agents are."""
    return Answer({"answer": {"draw": request.seed % 1000}}, simulated_s=(request.seed % 90) / 100)


def agent_version(**changes: Any) -> AgentVersion:
    fields: dict[str, Any] = {"agent": "tester", "version": "v1", "suite": "plain", "adapter": "rules"}
    return AgentVersion.model_validate(fields | changes)


def scenarios(count: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "scenario_id": [f"S{number:05d}" for number in range(count)],
            "inputs_digest": [f"{number:064x}" for number in range(count)],
            "message": [f"question {number}" for number in range(count)],
            "context_json": ["{}"] * count,
            "expected_json": ['{"path": ["echo"]}'] * count,
        }
    )


def plan(count: int, scope: Scope | None = None, **changes: Any) -> Plan:
    return make_plan(agent_version(**changes), scenarios(count), scope or Scope(), path_field="path")


def run_store(root: Path) -> RunStore:
    return RunStore(root / "runs", TableStore(root / "tables"))


def executed(store: RunStore, run_id: str, version: str = "tester@v1") -> pd.DataFrame:
    return store.tables.read(store.tables.run_path("executed_evaluations", version, run_id))
