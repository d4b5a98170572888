from __future__ import annotations

import json

import pandas as pd
import pytest

from eaas_assets.evaluation.performance import agent_performance
from eaas_assets_tests.evaluation.local_runs import shipped_policy
from eaas_assets_tests.evaluation.tables_by_hand import (
    FIELDS,
    RIGHT,
    calls_of,
    calls_table,
    scenario,
    scenario_table,
    scores_table,
    suite,
)

SCENARIOS = [scenario(number, RIGHT | {"resolution_path": path}) for number, path in
             enumerate((["S"], ["S", "A"], ["A"]), start=1)]  # fmt: skip


def scores(*overall: float, **changes):
    return scores_table(
        [
            {
                "evaluation_key": f"key of {number}/1",
                "scenario_id": f"S{number:03d}",
                "overall_score": score,
                "passed": score >= 0.8,
            }
            | changes
            for number, score in enumerate(overall, start=1)
        ]
    )


def performance(score_table, calls, names=None, fields=None, scenarios=SCENARIOS):
    table = agent_performance(
        score_table, calls_table(calls), scenario_table(scenarios), suite(fields), shipped_policy(), "boss", names
    )
    return table.set_index("agent_id")


def test_the_toy_set_gives_the_published_averages():
    """Overall 0.95, 0.75, 0.88; the shipping agent was in the first two: 2 evaluations, average 0.85, healthy."""
    calls = calls_of(1, "S") + calls_of(2, "S", "A") + calls_of(3, "A")
    table = performance(scores(0.95, 0.75, 0.88), calls)
    shipping = table.loc["S"]
    assert (shipping["total_evaluations"], shipping["passed_count"], shipping["failed_count"]) == (2, 1, 1)
    assert shipping["average_score"] == 0.85
    assert shipping["health_status"] == "healthy"
    assert table.loc["A", "average_score"] == 0.815
    assert table.loc["A", "health_status"] == "degraded"


def test_credit_follows_the_calls_and_not_the_expectations():
    calls = calls_of(1, "S", "E") + calls_of(2, "A", "A") + calls_of(3, "S")
    table = performance(scores(1.0, 0.5, 0.2), calls)
    columns = ["total_evaluations", "expected_evaluations", "unexpected_count", "missed_count"]
    assert {name: tuple(row) for name, row in table[columns].iterrows()} == {
        "A": (1, 2, 0, 1),
        "E": (1, 0, 1, 0),
        "S": (2, 2, 1, 1),
    }
    assert json.loads(table.loc["S", "unexpected_scenarios_json"]) == ["S003"]
    assert json.loads(table.loc["S", "missed_scenarios_json"]) == ["S002"]
    assert json.loads(table.loc["A", "missed_scenarios_json"]) == ["S003"]


def test_a_specialist_of_the_catalogue_that_was_never_called_has_counts_and_no_rates():
    names = {"R": "R", "r_v1": "R"}
    row = performance(scores(1.0, 1.0, 1.0), calls_of(1, "S"), names).loc["R"]
    assert (row["total_evaluations"], row["passed_count"], row["failed_count"]) == (0, 0, 0)
    for name in ("pass_rate", "pass_rate_low", "average_score", "average_response_time", "health_status"):
        assert pd.isna(row[name])


def test_identifiers_are_resolved_to_names_on_both_sides():
    names = {"S": "S", "s_v1": "S"}
    scenarios = [scenario(1, RIGHT | {"resolution_path": ["s_v1"]})]
    table = performance(scores(1.0), calls_of(1, "s_v1"), names, scenarios=scenarios)
    assert table.index.tolist() == ["S"]
    assert table.loc["S", ["total_evaluations", "unexpected_count", "missed_count"]].tolist() == [1, 0, 0]


def test_a_failed_execution_counts_as_missed():
    table = performance(scores(0.0, status="failed", passed=False, overall_score=0.0), [])
    assert table.loc["S", ["total_evaluations", "missed_count"]].tolist() == [0, 1]


def test_rates_carry_wilson_intervals_and_times_ignore_what_is_unknown():
    table = scores(1.0, 1.0, 0.1)
    table["response_time_s"] = [0.5, 1.5, None]
    row = performance(table, [call for number in (1, 2, 3) for call in calls_of(number, "S")]).loc["S"]
    assert (row["pass_rate"], row["average_response_time"]) == (pytest.approx(2 / 3), 1.0)
    assert row["pass_rate_low"] == pytest.approx(0.2077, abs=5e-5)  # Wilson 95 % for 2 of 3
    assert row["pass_rate_high"] == pytest.approx(0.9385, abs=5e-5)


def test_the_three_most_common_issues_are_counted_and_ties_are_alphabetical():
    lists = [["b", "a", "d"], ["a", "c"], ["c", "b", "a"]]
    table = scores(0.1, 0.1, 0.1)
    table["issues_json"] = pd.Series([json.dumps(issues) for issues in lists], dtype="str")
    row = performance(table, [call for number in (1, 2, 3) for call in calls_of(number, "S")]).loc["S"]
    assert json.loads(row["common_issues_json"]) == [
        {"issue": "a", "count": 3}, {"issue": "b", "count": 2}, {"issue": "c", "count": 2},
    ]  # fmt: skip


def test_a_suite_without_a_path_reports_the_agent_itself():
    fields = [{key: value for key, value in field.items() if key != "role"} for field in FIELDS]
    table = performance(scores(1.0, 0.5, 0.9), calls_of(1, "helper"), fields=fields)
    assert table.index.tolist() == ["boss"]
    columns = ["total_evaluations", "passed_count", "expected_evaluations", "unexpected_count", "missed_count"]
    assert table.loc["boss", columns].tolist() == [3, 2, 3, 0, 0]


def test_runs_are_kept_apart():
    both = pd.concat([scores(1.0, 1.0), scores(0.0, 0.0, run_id="RUN2")], ignore_index=True)
    calls = calls_of(1, "S") + calls_of(2, "A", run_id="RUN2")
    table = agent_performance(both, calls_table(calls), scenario_table(SCENARIOS), suite(), shipped_policy(), "boss")
    counts = table.set_index(["run_id", "agent_id"])["total_evaluations"].to_dict()
    assert counts == {("RUN1", "A"): 0, ("RUN1", "S"): 1, ("RUN2", "A"): 1, ("RUN2", "S"): 0}


def test_a_scenario_that_left_the_suite_expects_nobody():
    table = performance(scores(1.0, 1.0), calls_of(2, "S"), scenarios=SCENARIOS[:1])
    assert table.loc["S", ["expected_evaluations", "unexpected_count", "missed_count"]].tolist() == [1, 1, 1]


def test_no_scores_give_no_rows():
    assert len(performance(scores(), [])) == 0
