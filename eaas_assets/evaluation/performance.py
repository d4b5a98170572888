"""How each specialist did in the evaluations that it took part in, and where it was missing or uncalled-for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eaas_assets.contracts.evaluation import AgentPerformanceSummary
from eaas_assets.contracts.policies import EvaluationPolicy
from eaas_assets.contracts.suite import Suite
from eaas_assets.contracts.tables import build
from eaas_assets.evaluation.alignment import Codes, positions
from eaas_assets.evaluation.measures import exact_mean, health_status, pass_rate
from eaas_assets.evaluation.specialists import Calls, align_calls, expected_specialists
from eaas_assets.storage.files import canonical_json

MOST_COMMON = 3


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
    rows: list[dict[str, Any]] = []
    for run_id, part in scores.groupby("run_id", sort=False):
        run = part.reset_index(drop=True)
        credit = _Credit(run, policy)
        if suite.path_field is None:
            everything = np.arange(len(run))
            rows.append(credit.row(agent, everything, everything))
            continue
        scenario = positions(run, judged, ["scenario_id"])
        expected = expected_specialists(judged["expected_json"].tolist(), suite)
        own_calls = calls[calls["run_id"] == run_id]
        aligned = align_calls(run, own_calls, scenario, expected, names or {})
        for code in sorted(range(len(aligned.names)), key=lambda code: aligned.names[code]):
            rows.append(credit.row(aligned.names[code], *_taking_part(aligned, code)))
    return build(AgentPerformanceSummary, rows)


def _taking_part(aligned: Calls, code: int) -> tuple[Codes, Codes]:
    """Rows of the evaluations in which a specialist was called, and of those in which it should have been."""
    size = len(aligned.names)
    called = aligned.called[aligned.called % size == code] // size
    expected = aligned.expected[aligned.expected % size == code] // size
    return called, expected


class _Credit:
    """The scores of one run, and rows made of parts of them."""

    def __init__(self, scores: pd.DataFrame, policy: EvaluationPolicy) -> None:
        self.policy = policy
        self.run_id = scores["run_id"].iloc[0]
        self.policy_hash = scores["policy_hash"].iloc[0]
        self.scenario, self.scenarios = pd.factorize(scores["scenario_id"])
        self.passed: NDArray[np.bool_] = scores["passed"].to_numpy()
        self.overall = scores["overall_score"].to_numpy()
        self.seconds = scores["response_time_s"].to_numpy(dtype=np.float64, na_value=np.nan)
        self.issues_code, issues = pd.factorize(scores["issues_json"])
        self.issues: list[list[str]] = [json.loads(text) for text in issues]

    def row(self, name: str, called: Codes, expected: Codes) -> dict[str, Any]:
        """The row of one specialist."""
        rate = pass_rate(self.passed[called], self.scenario[called])
        mean = exact_mean(self.overall[called], self.policy.rounding)
        seconds = self.seconds[called][~np.isnan(self.seconds[called])]
        missed, unexpected = np.setdiff1d(expected, called), np.setdiff1d(called, expected)
        return {
            "run_id": self.run_id,
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
            "common_issues_json": self._common_issues(called),
            "policy_hash": self.policy_hash,
        }

    def _scenarios(self, rows: Codes) -> str:
        return canonical_json(sorted(self.scenarios[np.unique(self.scenario[rows])].tolist()))

    def _common_issues(self, rows: Codes) -> str:
        """The most frequent issues; the alphabet decides between equals."""
        counts: Counter[str] = Counter()
        for code, count in enumerate(np.bincount(self.issues_code[rows], minlength=len(self.issues)).tolist()):
            if count:
                for issue in self.issues[code]:
                    counts[issue] += count
        first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_COMMON]
        return canonical_json([{"issue": issue, "count": count} for issue, count in first])
