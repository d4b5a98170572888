"""The benchmark's work as this product has it: a suite, its scenarios, an agent version, and an agent in memory."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pandas as pd

from eaas_assets.agents.protocol import Answer
from eaas_assets.contracts.agent import AgentRequest, AgentVersion
from eaas_assets.contracts.inputs import JourneyScenarios
from eaas_assets.contracts.suite import Suite
from eaas_assets.contracts.tables import build
from eaas_assets.evaluation.execution.plan import Plan, Scope, make_plan
from eaas_assets.evaluation.execution.runs import RunStore
from eaas_assets.storage.files import canonical_json, digest
from eaas_assets.storage.tables import TableStore

sys.path.insert(0, str(Path(__file__).parent / "rivals"))

from measuring import CONCURRENCY, answer, expected, question

PARTITION = "echo@v1"


class EchoAgent:
    """Answers at once or after a fixed time. It costs next to nothing, so that what is measured is ours."""

    def __init__(self, delay_s: float = 0.0) -> None:
        self._delay_s = delay_s

    async def answer(self, request: AgentRequest) -> Answer:
        """The answer to a question, right nine times in ten."""
        if self._delay_s:
            await asyncio.sleep(self._delay_s)
        return Answer({"answer": {"text": answer(request.message)}})

    async def aclose(self) -> None:
        """Nothing is held open."""


def suite() -> Suite:
    return Suite.model_validate(
        {
            "suite": "echo",
            "title": "Echo",
            "scenarios": {"file": "scenarios.jsonl"},
            "expected": [{"field": "text", "column": "expected_text", "compare": "exact", "weight": 1.0}],
        }
    )


def scenarios(count: int) -> pd.DataFrame:
    messages = [question(number) for number in range(count)]
    return build(
        JourneyScenarios,
        pd.DataFrame(
            {
                "suite": "echo",
                "scenario_id": [f"S{number:07d}" for number in range(count)],
                "row": range(1, count + 1),
                "message": messages,
                "risk": None,
                "severity": None,
                "segments_json": "{}",
                "context_json": "{}",
                "expected_json": [canonical_json({"text": expected(number)}) for number in range(count)],
                "inputs_digest": [digest(message) for message in messages],
            }
        ),
    )


def version(trials: int = 1) -> AgentVersion:
    return AgentVersion.model_validate(
        {
            "agent": "echo",
            "version": "v1",
            "suite": "echo",
            "adapter": "python",
            "trials": trials,
            "limits": {"concurrency": CONCURRENCY},
        }
    )


def plan(asked: pd.DataFrame, trials: int = 1) -> Plan:
    return make_plan(version(trials), asked, Scope(), None)


def run_store(folder: Path) -> RunStore:
    return RunStore(folder / "runs", TableStore(folder / "tables"))
