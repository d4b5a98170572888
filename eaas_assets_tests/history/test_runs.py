from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from eaas_assets.contracts.evaluation import EvaluationFieldScores, EvaluationScores
from eaas_assets.errors import StorageError
from eaas_assets.history.imports import read_history
from eaas_assets.history.record import combine, empty_record, read_run
from eaas_assets.history.runs import executed_run, historical_runs
from eaas_assets.stats.intervals import clustered_proportion, wilson
from eaas_assets_tests.history.runs_by_hand import AGENT, DATA, SCORING, outcomes, run, run_tables


def test_each_version_has_its_two_imported_runs():
    history = read_history(DATA)
    for version, runs in {
        "v0.9": ["RUN_2025_12_20", "RUN_2025_12_27"],
        "v1.0": ["RUN_2026_01_03", "RUN_2026_01_10"],
        "v1.1": ["RUN_2026_01_17", "RUN_2026_01_24"],
    }.items():
        record = historical_runs(history, AGENT, version)
        assert record.runs["run_id"].tolist() == runs
        assert set(record.metrics["run_id"]) == set(record.scenarios["run_id"]) == set(runs)
        assert set(record.runs["source"]) == {"historical"}
    assert historical_runs(history, AGENT, "v1.2").runs.empty
    assert historical_runs(history, "another_agent", "v1.0").metrics.empty


def test_imported_metrics_take_the_names_of_this_system():
    record = historical_runs(read_history(DATA), AGENT, "v1.1")
    measures = read_run(record, "RUN_2026_01_17").measures
    assert {name: measure.value for name, measure in measures.items()} == {
        "pass_rate": 0.8,
        "issue_type_accuracy": 0.82,
        "resolution_path_accuracy": 0.78,
        "outcome_accuracy": 0.8,
        "human_review_rate": 0.35,
        "high_risk_failures": 3.0,
        "average_response_time_ms": 860.0,
        "p95_response_time_ms": 1350.0,
    }


def test_an_imported_rate_has_a_count_and_an_interval_only_where_it_can_be_one():
    measures = read_run(historical_runs(read_history(DATA), AGENT, "v1.1"), "RUN_2026_01_17").measures
    possible, impossible = measures["pass_rate"], measures["issue_type_accuracy"]
    assert (possible.numerator, possible.denominator) == (8, 10)
    assert (round(possible.low, 3), round(possible.high, 3)) == (0.490, 0.943)  # Wilson, 8 of 10, from the facts
    assert (impossible.numerator, impossible.denominator) == (None, 10)
    assert math.isnan(impossible.low)
    assert math.isnan(impossible.high)


def test_an_imported_scenario_row_passes_when_every_recorded_field_matched():
    rows = historical_runs(read_history(DATA), AGENT, "v1.0").scenarios.set_index("scenario_id")
    assert rows["passed"].to_dict() == {"S004": True, "S005": False}
    assert json.loads(rows.loc["S005", "matches_json"]) == {
        "issue_type": True,
        "resolution_path": False,
        "outcome": False,
    }
    assert json.loads(rows.loc["S005", "actual_json"])["outcome"] == "notify_customer_only"
    assert rows.loc["S005", "response_time_ms"] == 820


def test_an_executed_run_has_rates_with_counts_and_intervals():
    record = run("R1", "v1.0", outcomes(["S001", "S002", "S003"], ["S004"]))
    measures = read_run(record, "R1").measures
    assert measures["pass_rate"][:3] == (0.75, 3, 4)
    assert measures["pass_rate"][3:] == wilson(3, 4)[:2]
    assert measures["outcome_accuracy"][:3] == (0.75, 3, 4)
    assert measures["human_review_rate"][:3] == (0.25, 1, 4)
    assert measures["execution_failure_rate"][:3] == (0.0, 0, 4)
    assert measures["average_score"].value == 0.875
    assert measures["average_response_time_ms"].value == 500.0
    assert measures["p95_response_time_ms"].value == 500.0


def test_repeats_of_a_scenario_widen_the_interval():
    record = run("R1", "v1.0", {"S001": [True] * 5, "S002": [False] * 5, "S003": [True] * 5})
    found = read_run(record, "R1").measures["pass_rate"]
    clustered = clustered_proportion([1.0] * 5 + [0.0] * 5 + [1.0] * 5, np.repeat([0, 1, 2], 5)).interval
    assert found[1:3] == (10, 15)
    assert found[3:] == clustered[:2]
    assert found.low < wilson(10, 15).low


def test_failures_of_high_risk_count_against_the_evaluations_of_high_risk():
    high = read_run(run("R1", "v1.0", outcomes(["S001"], ["S002", "S003"]), risk="high"), "R1").measures
    assert high["high_risk_failures"][:3] == (2.0, 2, 3)
    low = read_run(run("R1", "v1.0", outcomes(["S001"], ["S002"])), "R1").measures
    assert low["high_risk_failures"][:3] == (0.0, 0, 0)


def test_a_suite_without_risks_does_not_have_zero_failures_of_high_risk():
    measures = read_run(run("R1", "v1.0", outcomes(["S001"], ["S002"]), risk=None), "R1").measures
    assert math.isnan(measures["high_risk_failures"].value)


def test_unknown_cost_stays_unknown_and_says_how_much_is_known():
    tables = run_tables("R1", "v1.0", outcomes(["S001", "S002"], ["S003", "S004"]))
    nothing = read_run(executed_run(*tables, SCORING), "R1").measures
    assert math.isnan(nothing["total_cost_usd"].value)
    assert nothing["average_cost_usd"][1:3] == (0, 4)
    tables[1]["cost_usd"] = [0.1, 0.3, None, None]
    tables[1]["input_tokens"] = pd.array([10, 20, 30, None], dtype="Int64")
    some = read_run(executed_run(*tables, SCORING), "R1").measures
    assert some["average_cost_usd"][:3] == (0.2, 2, 4)
    assert math.isnan(some["total_cost_usd"].value)
    assert some["average_input_tokens"][:3] == (20.0, 3, 4)
    tables[1]["cost_usd"] = [0.1, 0.3, 0.2, 0.4]
    assert read_run(executed_run(*tables, SCORING), "R1").measures["total_cost_usd"].value == 1.0


def test_an_evaluation_that_was_not_scored_is_in_no_rate():
    record = run("R1", "v1.0", {"S001": [True], "S002": [False], "S003": [None]})
    rows = record.scenarios.set_index("scenario_id")
    assert pd.isna(rows.loc["S003", "passed"])
    assert rows.loc["S003", "failure_reason"] == "not scored"
    measures = read_run(record, "R1").measures
    assert measures["pass_rate"][:3] == (0.5, 1, 2)
    assert measures["average_score"][1:3] == (2, 3)


def test_a_run_of_which_nothing_was_scored_has_no_pass_rate_rather_than_zero():
    measures = read_run(run("R1", "v1.0", {"S001": [None], "S002": [None]}), "R1").measures
    assert math.isnan(measures["pass_rate"].value)
    assert measures["pass_rate"].denominator == 0


def test_expected_and_actual_values_stand_side_by_side():
    rows = run("R1", "v1.0", outcomes(["S001"], ["S002"])).scenarios.set_index("scenario_id")
    assert json.loads(rows.loc["S002", "matches_json"]) == {"outcome": False}
    assert json.loads(rows.loc["S002", "expected_json"]) == {"outcome": "right for S002"}
    assert json.loads(rows.loc["S002", "actual_json"]) == {"outcome": "wrong"}
    assert rows.loc["S002", "failure_reason"] == "outcome_mismatch: wrong != right"
    assert pd.isna(rows.loc["S001", "failure_reason"])


def test_fields_are_put_together_whatever_the_order_of_the_rows():
    plan, executed, scores, fields = run_tables("R1", "v1.0", outcomes(["S001", "S002"], ["S003"]))
    second = fields.assign(field='a "quoted" field', expected_json="[1,2]", actual_json=None, matched=False)
    fields = pd.concat([second, fields])
    expected = executed_run(plan, executed, scores, fields, SCORING)
    shuffled = executed_run(plan, executed, scores.iloc[::-1], fields.sample(frac=1, random_state=3), SCORING)
    pd.testing.assert_frame_equal(expected.scenarios, shuffled.scenarios)
    first = expected.scenarios.iloc[0]
    assert json.loads(first["expected_json"]) == {'a "quoted" field': [1, 2], "outcome": "right for S001"}
    assert json.loads(first["actual_json"]) == {'a "quoted" field': None, "outcome": "right for S001"}
    assert json.loads(first["matches_json"]) == {'a "quoted" field': False, "outcome": True}


def test_the_error_of_a_failed_execution_is_the_reason():
    plan, executed, scores, fields = run_tables("R1", "v1.0", outcomes(["S001"], ["S002"]))
    executed = executed.assign(
        status=["completed", "timeout"], error=[None, "no answer within 30 s"], needs_human_review=[False, None]
    )
    record = executed_run(plan, executed, scores, fields, SCORING)
    assert record.scenarios["failure_reason"].tolist()[1] == "no answer within 30 s"
    measures = read_run(record, "R1").measures
    assert measures["execution_failure_rate"][:3] == (0.5, 1, 2)
    assert measures["human_review_rate"][:3] == (0.0, 0, 1)  # nobody knows whether the other would have asked


def test_a_run_with_a_scope_is_partial():
    assert run("R1", "v1.0", outcomes(["S001"], []), partial=True).runs["scope"].tolist() == ["partial"]
    assert run("R1", "v1.0", outcomes(["S001"], [])).runs["scope"].tolist() == ["full"]


def test_other_runs_and_policies_in_the_tables_are_ignored():
    tables = run_tables("R1", "v1.0", outcomes(["S001", "S002"], []))
    other = run_tables("R2", "v1.0", outcomes([], ["S001", "S002"]))
    strict = run_tables("R1", "v1.0", outcomes([], ["S001", "S002"]), scoring="b" * 64)
    executed, scores, fields = (pd.concat([tables[place], other[place]]) for place in (1, 2, 3))
    scores, fields = pd.concat([scores, strict[2]]), pd.concat([fields, strict[3]])
    record = executed_run(tables[0], executed, scores, fields, SCORING)
    pd.testing.assert_frame_equal(record.metrics, executed_run(*tables, SCORING).metrics)
    anew = executed_run(tables[0], executed, scores, fields, "b" * 64)
    assert read_run(anew, "R1").measures["pass_rate"].value == 0.0


def test_scores_of_what_was_not_executed_are_refused():
    plan, executed, scores, fields = run_tables("R1", "v1.0", outcomes(["S001", "S002"], []))
    with pytest.raises(StorageError, match="did not execute"):
        executed_run(plan, executed.iloc[:1], scores, fields, SCORING)
    with pytest.raises(StorageError, match="expected 1"):
        executed_run(plan.iloc[:0], executed, scores, fields, SCORING)


def test_records_combine_in_order_and_the_empty_one_changes_nothing():
    first, second = run("R1", "v1.0", outcomes(["S001"], [])), run("R2", "v1.0", outcomes(["S001"], []), day=1)
    both = combine([empty_record(), first, second])
    assert both.runs["run_id"].tolist() == ["R1", "R2"]
    assert combine([]).runs.empty
    for table, alone in zip(combine([first]), first, strict=True):
        pd.testing.assert_frame_equal(table, alone)


def test_contracts_in_use_are_those_of_the_evaluation():
    """The columns that runs are made of, by name: a change of the evaluation contracts must be seen here."""
    needed = {"evaluation_key", "scenario_id", "risk", "overall_score", "passed", "response_time_s", "issues_json"}
    assert needed <= set(EvaluationScores.to_schema().columns)
    fields = {"field", "expected_json", "actual_json", "matched"}
    assert fields <= set(EvaluationFieldScores.to_schema().columns)
