"""Evaluation tables written down row by row, for tests of scoring, performance and summaries."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pandas as pd

from eaas_assets.contracts.evaluation import AgentCalls, EvaluationScores, ExecutedEvaluations
from eaas_assets.contracts.inputs import JourneyScenarios
from eaas_assets.contracts.suite import Suite
from eaas_assets.contracts.tables import Table, build
from eaas_assets.evaluation.scoring.score import Scored, score
from eaas_assets_tests.evaluation.local_runs import SCORED_AT, shipped_policy

RIGHT = {"issue_type": "lost", "resolution_path": ["S", "A"], "outcome": "refund"}
FIELDS = [
    {"field": "issue_type", "column": "x1", "compare": "exact", "weight": 0.3},
    {"field": "resolution_path", "column": "x2", "compare": "sequence", "weight": 0.3, "role": "path"},
    {"field": "outcome", "column": "x3", "compare": "exact", "weight": 0.4},
]


def suite(fields: list[dict[str, Any]] | None = None) -> Suite:
    return Suite.model_validate(
        {"suite": "desk", "title": "", "scenarios": {"file": "s.json"}, "expected": fields or FIELDS}
    )


def scenario(number: int = 1, expected: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "suite": "desk",
        "scenario_id": f"S{number:03d}",
        "row": number,
        "message": "",
        "risk": "low",
        "severity": 3,
        "segments_json": "{}",
        "context_json": "{}",
        "expected_json": json.dumps(RIGHT if expected is None else expected),
        "inputs_digest": f"inputs of {number}",
    } | changes


def evaluation(number: int = 1, answer: Any = RIGHT, trial: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "run_id": "RUN1",
        "evaluation_key": f"key of {number}/{trial}",
        "agent": "boss",
        "version": "v1",
        "suite": "desk",
        "scenario_id": f"S{number:03d}",
        "trial": trial,
        "inputs_digest": f"inputs of {number}",
        "status": "completed",
        "answer_json": None if answer is None else json.dumps(answer),
        "simulated_s": 0.5,
        "attempts": 1,
    } | changes


def calls_of(
    number: int, *agents: str, trial: int = 1, run_id: str = "RUN1", output: Any = None
) -> list[dict[str, Any]]:
    return [
        {
            "run_id": run_id,
            "evaluation_key": f"key of {number}/{trial}",
            "scenario_id": f"S{number:03d}",
            "trial": trial,
            "step": step,
            "agent_id": agent,
            "output_json": json.dumps({"status": "done"} if output is None else output),
        }
        for step, agent in enumerate(agents, start=1)
    ]


def executed_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return _table(ExecutedEvaluations, rows)


def calls_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return _table(AgentCalls, rows)


def scenario_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return _table(JourneyScenarios, rows)


def _table(contract: type[Table], rows: list[dict[str, Any]]) -> pd.DataFrame:
    """As ``build``, without its checks: properties are tried on hundreds of tables."""
    types = _types(contract)
    return pd.DataFrame(rows, columns=list(types)).astype(types)


@cache
def _types(contract: type[Table]) -> dict[Any, Any]:
    return build(contract, []).dtypes.to_dict()


def score_rows(
    evaluations: list[dict[str, Any]],
    calls: list[dict[str, Any]],
    scenarios: list[dict[str, Any]] | None = None,
    fields: list[dict[str, Any]] | None = None,
    policy: dict[str, Any] | None = None,
    names: dict[str, str] | None = None,
) -> Scored:
    return score(
        executed_table(evaluations),
        calls_table(calls),
        scenario_table(scenarios or [scenario()]),
        suite(fields),
        shipped_policy().model_copy(update=policy or {}),
        SCORED_AT,
        names,
    )


def score_one(answer: Any = RIGHT, calls: tuple[str, ...] = ("S", "A"), **changes: Any) -> Any:
    """The score row of one evaluation of one scenario."""
    output = changes.pop("output", None)
    rows = {name: changes.pop(name) for name in ("scenarios", "fields", "policy", "names") if name in changes}
    scored = score_rows([evaluation(answer=answer, **changes)], calls_of(1, *calls, output=output), **rows)
    return scored.scores.iloc[0]


def scores_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    defaults = {
        "run_id": "RUN1",
        "trial": 1,
        "risk": "low",
        "status": "completed",
        "correctness_score": 1.0,
        "response_time_s": 0.5,
        "response_time_source": "simulated",
        "response_time_score": 1.0,
        "output_quality_score": 1.0,
        "all_fields_match": True,
        "issues_json": "[]",
        "policy_hash": "hash",
        "scored_at": SCORED_AT,
    }
    return build(EvaluationScores, [defaults | row for row in rows])
