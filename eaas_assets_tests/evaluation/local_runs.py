"""A small loop over agents for tests: the sample world's scenarios in, executed evaluations and calls out.

It knows nothing of plans, ledgers or time limits; the runner has its own tests.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

import pandas as pd

from eaas_assets.agents.protocol import Agent, Answer
from eaas_assets.contracts.agent import AgentRequest, AgentResponse
from eaas_assets.contracts.evaluation import AgentCalls, ExecutedEvaluations
from eaas_assets.contracts.policies import EvaluationPolicy
from eaas_assets.contracts.readings import read_document
from eaas_assets.contracts.suite import Suite
from eaas_assets.contracts.tables import build
from eaas_assets.evaluation.performance import agent_performance
from eaas_assets.evaluation.scoring.score import score
from eaas_assets.evaluation.scoring.specialists import specialist_names
from eaas_assets.evaluation.summary import summarise
from eaas_assets.storage.files import canonical_json, digest
from eaas_assets.suites.reading import read_suite
from eaas_assets.suites.tables import journey_scenarios, specialist_agents
from eaas_assets_tests.worlds import SAMPLE_DATA

SCORED_AT = datetime(2026, 2, 1, 9, tzinfo=UTC)


class World(NamedTuple):
    """A suite with its scenarios and the names of its specialists."""

    suite: Suite
    scenarios: pd.DataFrame
    names: dict[str, str]


class LocalRun(NamedTuple):
    """What an agent did."""

    executed: pd.DataFrame
    calls: pd.DataFrame


@cache
def read_world(name: str) -> World:
    reading = read_suite(SAMPLE_DATA, name)
    assert reading.suite is not None
    return World(reading.suite, journey_scenarios([reading]), specialist_names(specialist_agents([reading]), name))


@cache
def shipped_policy() -> EvaluationPolicy:
    return read_document(EvaluationPolicy, SAMPLE_DATA, "policies/evaluation.yaml")[0]


def requests(world: World, extra: Mapping[str, Mapping[str, Any]] | None = None) -> list[AgentRequest]:
    """One request a scenario; ``extra`` adds facts to single ones."""
    return [
        AgentRequest(
            scenario_id=row.scenario_id,
            message=row.message,
            context=json.loads(row.context_json) | dict((extra or {}).get(row.scenario_id, {})),
            seed=int(digest(row.scenario_id)[:15], 16),
        )
        for row in world.scenarios.itertuples()
    ]


async def _answers(agent: Agent, asked: list[AgentRequest]) -> list[Answer]:
    return [await agent.answer(request) for request in asked]


def execute(
    agent: Agent, world: World, run_id: str = "RUN", extra: Mapping[str, Mapping[str, Any]] | None = None
) -> LocalRun:
    """Ask every scenario once."""
    asked = requests(world, extra)
    answers = asyncio.run(_answers(agent, asked))
    inputs_digest = dict(zip(world.scenarios["scenario_id"], world.scenarios["inputs_digest"], strict=True))
    executed, calls = [], []
    for request, answer in zip(asked, answers, strict=True):
        response = AgentResponse.model_validate(answer.content)
        own = {
            "run_id": run_id,
            "evaluation_key": digest(request.scenario_id),
            "scenario_id": request.scenario_id,
            "trial": 1,
        }
        executed.append(
            own
            | {
                "agent": "agent",
                "version": "v1",
                "suite": world.suite.suite,
                "inputs_digest": inputs_digest[request.scenario_id],
                "status": "completed",
                "answer_json": canonical_json(response.answer),
                "message": response.message,
                "confidence": response.confidence,
                "needs_human_review": response.needs_human_review,
                "simulated_s": answer.simulated_s,
                "attempts": 1,
            }
        )
        calls += [
            own
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


class Judged(NamedTuple):
    """What the policy makes of a run."""

    scores: pd.DataFrame
    field_scores: pd.DataFrame
    performance: pd.DataFrame
    summary: pd.Series


def judge(run: LocalRun, world: World) -> Judged:
    policy = shipped_policy()
    scored = score(run.executed, run.calls, world.scenarios, world.suite, policy, SCORED_AT, world.names)
    assert scored.unscored == []
    performance = agent_performance(
        scored.scores, run.calls, world.scenarios, world.suite, policy, "agent", world.names
    )
    totals = summarise(run.executed, scored.scores, performance, policy, policy.digest_for(world.suite))
    return Judged(scored.scores, scored.field_scores, performance, totals.iloc[0])
