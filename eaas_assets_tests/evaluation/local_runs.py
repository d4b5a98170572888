"""A small loop over agents for tests: the sample world's scenarios in, executed evaluations and calls out.

It knows nothing of plans, ledgers or time limits; the runner has its own tests.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from eaas_assets.agents.protocol import Agent, Answer
from eaas_assets.contracts.agent import AgentRequest, AgentResponse
from eaas_assets.contracts.evaluation import AgentCalls, ExecutedEvaluations
from eaas_assets.contracts.inputs import JourneyScenarios
from eaas_assets.contracts.readings import read_document
from eaas_assets.contracts.suite import Suite
from eaas_assets.contracts.tables import build
from eaas_assets.storage.files import canonical_json, digest
from eaas_assets.storage.records import read_records

DATA = Path(__file__).parents[2] / "data"


class World(NamedTuple):
    suite: Suite
    scenarios: pd.DataFrame
    names: dict[str, str]

    def request(self, scenario_id: str, seed: int = 0) -> AgentRequest:
        row = self.scenarios.set_index("scenario_id").loc[scenario_id]
        return AgentRequest(
            scenario_id=scenario_id, message=row["message"], context=_load(row["context_json"]), seed=seed
        )


class LocalRun(NamedTuple):
    executed: pd.DataFrame
    calls: pd.DataFrame


def read_world(name: str) -> World:
    folder = f"suites/{name}"
    suite, _ = read_document(Suite, DATA, f"{folder}/suite.yaml")
    tables = {
        table.table: {
            row[table.key]: row
            for _, row in read_records(DATA, f"{folder}/{table.file}", tuple(table.nested_by)).rows
        }
        for table in suite.context
    }
    rows = []
    for number, record in read_records(DATA, f"{folder}/{suite.scenarios.file}").rows:
        context: dict[str, Any] = {column: record[column] for column in suite.scenarios.inputs}
        for table in suite.context:
            facts = tables[table.table][record[table.key]]
            context |= {f"{table.table}.{column}": _typed(facts[column]) for column in facts}
        message = record[suite.scenarios.message or ""]
        rows.append(
            {
                "suite": name,
                "scenario_id": record["scenario_id"],
                "row": number,
                "message": message,
                "risk": record.get("risk"),
                "severity": record.get("severity"),
                "segments_json": "{}",
                "context_json": canonical_json(context),
                "expected_json": canonical_json({field.field: record[field.column] for field in suite.expected}),
                "inputs_digest": digest(canonical_json([message, context])),
            }
        )
    names = {}
    if suite.catalogue.specialists:
        for _, entry in read_records(DATA, f"{folder}/{suite.catalogue.specialists}", ("name",)).rows:
            names |= {entry["name"]: entry["name"], entry["agent_id"]: entry["name"]}
    return World(suite, build(JourneyScenarios, rows), names)


def _typed(cell: Any) -> Any:
    return {"true": True, "false": False}.get(cell, cell) if isinstance(cell, str) else cell


def _load(text: str) -> Any:
    import json

    return json.loads(text)


def execute(
    agent: Agent, world: World, run_id: str = "RUN", trials: int = 1, extra: dict[str, dict[str, Any]] | None = None
) -> LocalRun:
    """Ask every scenario; ``extra`` adds facts to the context of single scenarios."""
    executed, calls = [], []
    for scenario in world.scenarios.to_dict("records"):
        for trial in range(1, trials + 1):
            key = digest(f"{scenario['scenario_id']}/{trial}")
            context = _load(scenario["context_json"]) | (extra or {}).get(scenario["scenario_id"], {})
            request = AgentRequest(
                scenario_id=scenario["scenario_id"],
                message=scenario["message"],
                context=context,
                seed=int(key[:16], 16),
            )
            answer: Answer = asyncio.run(agent.answer(request))
            response = AgentResponse.model_validate(answer.content)
            base = {
                "run_id": run_id,
                "evaluation_key": key,
                "scenario_id": scenario["scenario_id"],
                "trial": trial,
            }
            executed.append(
                base
                | {
                    "agent": "agent",
                    "version": "v1",
                    "suite": world.suite.suite,
                    "inputs_digest": scenario["inputs_digest"],
                    "status": "completed",
                    "answer_json": canonical_json(response.answer),
                    "message": response.message,
                    "confidence": response.confidence,
                    "needs_human_review": response.needs_human_review,
                    "simulated_s": answer.simulated_s,
                    "measured_s": 0.001,
                }
            )
            calls += [
                base
                | {
                    "step": number,
                    "agent_id": step.agent,
                    "action": step.action,
                    "output_json": canonical_json(step.output),
                    "response_time_s": step.response_time_s,
                }
                for number, step in enumerate(response.steps, start=1)
            ]
    return LocalRun(build(ExecutedEvaluations, executed), build(AgentCalls, calls))
