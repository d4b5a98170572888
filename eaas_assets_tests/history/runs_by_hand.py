"""Executed runs made by hand: who passed in which trial, and everything else filled in."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from eaas_assets.contracts.evaluation import (
    EvaluationFieldScores,
    EvaluationPlan,
    EvaluationScores,
    ExecutedEvaluations,
)
from eaas_assets.contracts.history import EvaluationRuns, RunMetrics, ScenarioEvaluations
from eaas_assets.contracts.policies import ReleasePolicy
from eaas_assets.contracts.readings import read_document
from eaas_assets.contracts.tables import Table, build
from eaas_assets.history.record import RunRecord
from eaas_assets.history.runs import executed_run

DATA = Path(__file__).parents[2] / "data"
AGENT, SUITE, SCORING = "customer_support_orchestrator", "customer_support", "a" * 64
START = datetime(2026, 2, 1, 2, tzinfo=UTC)
SAMPLE_SCENARIOS = [f"S{number:03d}" for number in range(1, 11)]

Results = Mapping[str, Sequence[bool | None]]
"""Scenario → whether each trial passed; None: executed, but not scored."""


_empty = cache(lambda contract: build(contract, []))


def _table(contract: type[Table], rows: list[dict[str, object]]) -> pd.DataFrame:
    """Rows with the types of their contract; its checks are left to whoever reads them, since they take long."""
    empty = _empty(contract)
    return pd.DataFrame(rows, columns=empty.columns).astype(empty.dtypes.to_dict())


@cache
def release_policy() -> ReleasePolicy:
    """The policy that is shipped."""
    return read_document(ReleasePolicy, DATA, "policies/release.yaml")[0]


def outcomes(passed: Sequence[str], failed: Sequence[str]) -> dict[str, list[bool | None]]:
    """One trial per scenario."""
    return {**{name: [True] for name in passed}, **{name: [False] for name in failed}}


def run_tables(
    run_id: str,
    version: str,
    results: Results,
    *,
    day: int = 0,
    partial: bool = False,
    expected: Mapping[str, str] | None = None,
    risk: str | None = "low",
    response_time_s: float = 0.5,
    scoring: str = SCORING,
    simulated: bool = True,
    cost_usd: float | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Plan, executed evaluations, scores and field scores of one run of one field, ``outcome``.

    A simulated agent answers the same every time, so every change of its results is a fact.
    """
    tried = [(name, trial, passed) for name, trials in results.items() for trial, passed in enumerate(trials, 1)]
    at = START + timedelta(days=day)
    shared = {"run_id": run_id, "agent": AGENT, "version": version, "suite": SUITE}
    plan = {
        **shared,
        "created_at": at,
        "evaluation_type": "nightly",
        "goal": "for a test",
        "scope_scenario_id": next(iter(results)) if partial else None,
        "success_criteria_json": "{}",
        "scenarios": len(results),
        "trials": max(len(trials) for trials in results.values()),
        "planned_evaluations": len(tried),
        "concurrency": 1,
        **dict.fromkeys(("agent_digest", "suite_digest", "plan_digest"), "d"),
        "resumed": False,
    }
    keys = {(name, trial): f"{run_id}/{name}/{trial}" for name, trial, _ in tried}
    executed = [
        {
            **shared,
            "evaluation_key": keys[name, trial],
            "scenario_id": name,
            "trial": trial,
            "inputs_digest": "i",
            "status": "completed",
            "attempts": 1,
            "answer_json": "{}",
            "confidence": 0.9,
            "needs_human_review": passed is False,
            "simulated_s" if simulated else "measured_s": response_time_s,
            "cost_usd": cost_usd,
        }
        for name, trial, passed in tried
    ]
    scored = [(name, trial, passed) for name, trial, passed in tried if passed is not None]
    scores = [
        {
            "run_id": run_id,
            "evaluation_key": keys[name, trial],
            "scenario_id": name,
            "trial": trial,
            "risk": risk,
            "status": "completed",
            "correctness_score": float(passed),
            "response_time_s": response_time_s,
            "response_time_source": "simulated",
            "overall_score": 1.0 if passed else 0.5,
            "passed": passed,
            "all_fields_match": passed,
            "issues_json": "[]" if passed else '["outcome_mismatch: wrong != right"]',
            "policy_hash": scoring,
            "scored_at": at,
        }
        for name, trial, passed in scored
    ]
    right = expected or {}
    field_scores = [
        {
            "run_id": run_id,
            "evaluation_key": keys[name, trial],
            "scenario_id": name,
            "trial": trial,
            "field": "outcome",
            "compare": "exact",
            "weight": 1.0,
            "expected_json": json.dumps(right.get(name, f"right for {name}")),
            "actual_json": json.dumps(right.get(name, f"right for {name}") if passed else "wrong"),
            "matched": passed,
            "policy_hash": scoring,
        }
        for name, trial, passed in scored
    ]
    return (
        _table(EvaluationPlan, [plan]),
        _table(ExecutedEvaluations, executed),
        _table(EvaluationScores, scores),
        _table(EvaluationFieldScores, field_scores),
    )


def run(run_id: str, version: str, results: Results, **options: Any) -> RunRecord:
    """The record of such a run; ``options`` as in :func:`run_tables`. Callers do not change it: it is made once."""
    return _run(run_id, version, repr(dict(results)), repr(options))


@cache
def _run(run_id: str, version: str, results: str, options: str) -> RunRecord:
    given = ast.literal_eval(options)
    tables = run_tables(run_id, version, ast.literal_eval(results), **given)
    return executed_run(*tables, given.get("scoring", SCORING))


def stated_run(run_id: str, version: str, metrics: Mapping[str, float], *, day: int = 0, n: int = 10) -> RunRecord:
    """A run of which only totals are known, as imported ones are."""
    at = START + timedelta(days=day)
    shared = {"run_id": run_id, "run_timestamp": at, "agent": AGENT, "version": version, "source": "historical"}
    runs = [shared | {"evaluation_type": "test", "scenario_count": n, "evaluation_count": n, "scope": "full"}]
    rows = [shared | {"metric": metric, "value": value, "denominator": n} for metric, value in metrics.items()]
    return RunRecord(_table(EvaluationRuns, runs), _table(RunMetrics, rows), _table(ScenarioEvaluations, []))
