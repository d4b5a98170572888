"""How each specialist did in the evaluations that it took part in, and where it was missing or uncalled-for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eaas_assets.contracts.evaluation import AgentPerformanceSummary
from eaas_assets.contracts.policies import EvaluationPolicy
from eaas_assets.contracts.suite import Suite
from eaas_assets.contracts.tables import build
from eaas_assets.evaluation.measures import exact_mean, health_status, pass_rate
from eaas_assets.evaluation.scoring.alignment import Codes, positions
from eaas_assets.evaluation.scoring.specialists import align_calls, expected_specialists
from eaas_assets.storage.files import canonical_json

MOST_COMMON = 3
NOWHERE: Codes = np.array([], dtype=np.int64)


def agent_performance(
    scores: pd.DataFrame,
    calls: pd.DataFrame,
    scenarios: pd.DataFrame,
    suite: Suite,
    policy: EvaluationPolicy,
    agent: str,
    names: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Roll scores up by specialist.

    A specialist is credited with an evaluation when it was called in it: with the evaluation's overall score, pass or
    fail, and response time. Listed are those of the catalogue, those expected, and whoever else was called; one that
    was never called has counts of 0 and no rates. An evaluation that failed to execute counts as missed for those who
    were expected in it. A suite without a path has no specialists: its one row is the agent itself.

    Args:
        scores: Table `evaluation_scores`, of one run or several.
        calls: Table `agent_calls`.
        scenarios: Table `journey_scenarios`.
        suite: The suite.
        policy: The health bands and the rounding of the scores.
        agent: The agent itself.
        names: Name of a specialist by name and identifier; see `specialists.specialist_names`.

    Returns:
        Table `agent_performance_summary`, by run and specialist.
    """
    judged = scenarios[scenarios["suite"] == suite.suite].reset_index(drop=True)
    credit = _Credit(scores, policy)
    if suite.path_field is None:
        rows = [credit.row(run, agent, own, own) for run, own in enumerate(credit.evaluations)]
        return build(AgentPerformanceSummary, rows)
    # Nobody is expected in a scenario that has left the suite: position -1, the last of the list.
    expected = [*expected_specialists(judged["expected_json"].tolist(), suite), []]
    scenario = positions(scores, judged, ["scenario_id"])
    aligned = align_calls(scores, calls, scenario, expected, names or {})
    size = len(aligned.names)
    called, wanted = (_by_run_and_specialist(pairs, credit.run, size) for pairs in (aligned.called, aligned.expected))
    listed = {code for code, name in enumerate(aligned.names) if name in set((names or {}).values())}
    rows = []
    for run in range(len(credit.runs)):
        taking_part = {key % size for key in (*called, *wanted) if key // size == run}
        for code in sorted(listed | taking_part, key=aligned.names.__getitem__):
            key = run * size + code
            rows.append(credit.row(run, aligned.names[code], called.get(key, NOWHERE), wanted.get(key, NOWHERE)))
    return build(AgentPerformanceSummary, rows)


def _by_run_and_specialist(pairs: Codes, run: Codes, size: int) -> dict[int, Codes]:
    """Rows of the evaluations of each ``run * size + specialist``."""
    rows = pairs // size if size else pairs
    keys = run[rows] * size + pairs % max(size, 1)
    order = np.argsort(keys, kind="stable")
    different, starts = np.unique(keys[order], return_index=True)
    return dict(zip(different.tolist(), np.split(rows[order], starts[1:]), strict=True)) if len(different) else {}


class _Credit:
    """Scores, and rows made of parts of them."""

    def __init__(self, scores: pd.DataFrame, policy: EvaluationPolicy) -> None:
        self.policy = policy
        self.run, self.runs = pd.factorize(scores["run_id"])
        self.policy_hash = scores["policy_hash"].iloc[0] if len(scores) else ""
        self.scenario, self.scenarios = pd.factorize(scores["scenario_id"])
        self.passed: NDArray[np.bool_] = scores["passed"].to_numpy()
        self.overall = scores["overall_score"].to_numpy()
        self.seconds = scores["response_time_s"].to_numpy(dtype=np.float64, na_value=np.nan)
        self.issues = _Issues(scores["issues_json"])

    @property
    def evaluations(self) -> list[Codes]:
        """Rows of each run."""
        return [np.flatnonzero(self.run == run) for run in range(len(self.runs))]

    def row(self, run: int, name: str, called: Codes, expected: Codes) -> dict[str, Any]:
        """The row of one specialist: the evaluations in which it was called, and in which it should have been."""
        rate = pass_rate(self.passed[called], self.scenario[called])
        mean = exact_mean(self.overall[called], self.policy.rounding)
        seconds = self.seconds[called][~np.isnan(self.seconds[called])]
        missed = np.setdiff1d(expected, called, assume_unique=True)
        unexpected = np.setdiff1d(called, expected, assume_unique=True)
        return {
            "run_id": self.runs[run],
            "agent_id": name,
            "total_evaluations": rate.total,
            "passed_count": rate.passed,
            "failed_count": rate.total - rate.passed,
            "pass_rate": rate.rate,
            "pass_rate_low": rate.low,
            "pass_rate_high": rate.high,
            "average_score": None if mean is None else float(mean),
            "average_response_time": float(seconds.mean()) if len(seconds) else None,
            "health_status": health_status(mean, self.policy.health),
            "expected_evaluations": len(expected),
            "unexpected_count": len(unexpected),
            "missed_count": len(missed),
            "unexpected_scenarios_json": self._scenarios(unexpected),
            "missed_scenarios_json": self._scenarios(missed),
            "common_issues_json": self.issues.most_common(called),
            "policy_hash": self.policy_hash,
        }

    def _scenarios(self, rows: Codes) -> str:
        return canonical_json(sorted(self.scenarios[pd.unique(self.scenario[rows])].tolist()))


class _Issues:
    """The issues of all evaluations, countable for any part of them without a loop over evaluations."""

    def __init__(self, issues_json: pd.Series) -> None:
        self.code, lists = pd.factorize(issues_json)  # the list of each evaluation
        index: dict[str, int] = {}
        members = [[index.setdefault(issue, len(index)) for issue in json.loads(text)] for text in lists.tolist()]
        self.texts = list(index)
        self.lists = len(members)
        self.member = np.array([issue for issues in members for issue in issues], dtype=np.int64)
        sizes = np.array([len(issues) for issues in members], dtype=np.int64)
        self.member_of = np.repeat(np.arange(len(members)), sizes)

    def most_common(self, rows: Codes) -> str:
        """The most frequent issues of some evaluations with their counts; the alphabet decides between equals."""
        times = np.bincount(self.code[rows], minlength=self.lists)
        counts = np.bincount(self.member, weights=times[self.member_of], minlength=len(self.texts)).astype(np.int64)
        present = np.flatnonzero(counts)
        if len(present) > MOST_COMMON:
            least = np.partition(counts[present], -MOST_COMMON)[-MOST_COMMON]
            present = present[counts[present] >= least]
        first = sorted((-int(counts[issue]), self.texts[issue]) for issue in present)[:MOST_COMMON]
        return canonical_json([{"issue": issue, "count": -count} for count, issue in first])
