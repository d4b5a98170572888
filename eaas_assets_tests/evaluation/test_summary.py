from __future__ import annotations

import pandas as pd
import pytest

from eaas_assets.contracts.evaluation import EvaluationSummary
from eaas_assets.evaluation.performance import agent_performance
from eaas_assets.evaluation.summary import summarise
from eaas_assets_tests.evaluation.local_runs import shipped_policy
from eaas_assets_tests.evaluation.tables_by_hand import (
    calls_of,
    calls_table,
    evaluation,
    executed_table,
    scenario,
    scenario_table,
    scores_table,
    suite,
)


def summary_of(*scores: tuple[int, int, float, str], calls=()):
    """Rows of (scenario, trial, overall score, status)."""
    executed = executed_table([evaluation(number, trial=trial) for number, trial, _, _ in scores] or [evaluation()])
    table = scores_table(
        [
            {
                "evaluation_key": f"key of {number}/{trial}",
                "scenario_id": f"S{number:03d}",
                "trial": trial,
                "overall_score": overall,
                "passed": overall >= 0.8,
                "status": status,
            }
            for number, trial, overall, status in scores
        ]
    )
    scenarios = scenario_table([scenario(number) for number in {row[0] for row in scores} or {1}])
    performance = agent_performance(table, calls_table(list(calls)), scenarios, suite(), shipped_policy(), "boss")
    return summarise(executed, table, performance, shipped_policy(), "hash")


def test_the_toy_set_gives_the_published_summary():
    """Overall 0.95, 0.75, 0.88: 2 of 3 passed, 66.7 %; against 0.88 that is −0.213."""
    calls = calls_of(1, "S") + calls_of(2, "S", "A") + calls_of(3, "A")
    frame = summary_of((1, 1, 0.95, "completed"), (2, 1, 0.75, "completed"), (3, 1, 0.88, "completed"), calls=calls)
    assert list(frame.columns) == list(EvaluationSummary.to_schema().columns)
    row = frame.iloc[0]
    assert (row["agent"], row["version"], row["suite"], row["policy_hash"]) == ("boss", "v1", "desk", "hash")
    assert (row["total_scenarios"], row["total_evaluations"], row["total_passed"], row["total_failed"]) == (3, 3, 2, 1)
    assert round(row["overall_pass_rate"], 3) == 0.667
    assert round(row["overall_pass_rate"] - 0.88, 3) == -0.213
    assert row["average_score"] == 0.86
    assert row["health_status"] == "healthy"
    assert (row["agents_evaluated"], row["healthy_count"], row["degraded_count"], row["critical_count"]) == (2, 1, 1, 0)


def test_execution_failures_are_failures_and_counted_apart():
    row = summary_of((1, 1, 1.0, "completed"), (2, 1, 0.0, "failed"), (3, 1, 0.0, "timeout")).iloc[0]
    assert (row["total_passed"], row["total_failed"], row["execution_failures"]) == (1, 2, 2)
    assert row["health_status"] == "critical"


def test_trials_are_clustered_by_scenario():
    rows = [(number, trial, float(number % 2), "completed") for number in range(1, 11) for trial in range(1, 21)]
    many, few = summary_of(*rows).iloc[0], summary_of(*rows[::20]).iloc[0]
    assert (many["total_scenarios"], many["total_evaluations"]) == (10, 200)
    width = many["pass_rate_high"] - many["pass_rate_low"]
    assert width == pytest.approx(few["pass_rate_high"] - few["pass_rate_low"], rel=0.15)


def test_a_run_of_which_nothing_was_scored_has_a_row_without_rates():
    row = summary_of().iloc[0]
    assert (row["total_evaluations"], row["agents_evaluated"]) == (0, 0)
    for name in ("overall_pass_rate", "pass_rate_low", "average_score", "health_status"):
        assert pd.isna(row[name])
