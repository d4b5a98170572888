from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.contracts.evaluation import EvaluationFieldScores, EvaluationScores
from eaas_assets.contracts.policies import EvaluationPolicy
from eaas_assets.contracts.suite import FieldRule
from eaas_assets.errors import PolicyError, StorageError
from eaas_assets_tests.evaluation.local_runs import shipped_policy
from eaas_assets_tests.evaluation.tables_by_hand import (
    FIELDS,
    RIGHT,
    calls_of,
    evaluation,
    scenario,
    score_one,
    score_rows,
)

FOUR = ["correctness_score", "response_time_score", "output_quality_score", "overall_score"]


def issues(row) -> list[str]:
    return json.loads(row["issues_json"])


# -- published check values (the original evaluator's printed examples) ------------------------------------------------


def test_a_perfect_answer_scores_1_in_everything():
    row = score_one()
    assert (
        row[["correctness_score", "response_time_score", "output_quality_score", "overall_score"]].tolist() == [1.0] * 4
    )
    assert row["passed"]
    assert row["all_fields_match"]
    assert issues(row) == []


def test_only_the_issue_type_wrong_scores_0_7():
    row = score_one(RIGHT | {"issue_type": "late"})
    assert row["correctness_score"] == 0.7
    assert row["overall_score"] == 0.85
    assert issues(row) == ["issue_type_mismatch: late != lost"]


@pytest.mark.parametrize(
    ("seconds", "score", "slow"), [(0.5, 1.0, False), (5.0, 0.3, True), (4.0, 0.6, False), (7.0, 0.0, True)]
)
def test_slow_answers_lose_points_and_are_told_above_twice_the_target(seconds, score, slow):
    row = score_one(simulated_s=seconds)
    assert row["response_time_score"] == score
    assert issues(row) == ["slow_response_time"] * slow


def test_issue_strings_are_those_of_the_original():
    row = score_one({"issue_type": "late", "resolution_path": ["A"], "outcome": "wait"}, simulated_s=9.0)
    assert issues(row) == [
        "issue_type_mismatch: late != lost",
        "resolution_path_mismatch",
        "outcome_mismatch: wait != refund",
        "slow_response_time",
    ]


@pytest.mark.parametrize("status", ["failed", "timeout"])
def test_a_failed_execution_scores_0_in_everything(status):
    row = score_one(None, calls=(), status=status, simulated_s=None, measured_s=30.0, error_code="x", error="x")
    assert (
        row[["correctness_score", "response_time_score", "output_quality_score", "overall_score"]].tolist() == [0.0] * 4
    )
    assert not row["passed"]
    assert not row["all_fields_match"]
    assert pd.isna(row["response_time_s"])
    assert issues(row) == ["evaluation_failed"]


# -- what was answered -------------------------------------------------------------------------------------------------


def test_exactly_on_the_threshold_passes():
    row = score_one(RIGHT | {"outcome": "wait"})  # 0.5·0.6 + 0.2 + 0.3
    assert row["overall_score"] == 0.8
    assert row["passed"]


def test_a_missing_field_is_a_mismatch_and_has_no_actual_value():
    scored = score_rows([evaluation(answer={"outcome": "refund"})], calls_of(1, "S", "A"))
    fields = scored.field_scores.set_index("field")
    assert fields["matched"].to_dict() == {"issue_type": False, "resolution_path": False, "outcome": True}
    assert fields["actual_json"].isna().to_dict() == {"issue_type": True, "resolution_path": True, "outcome": False}
    assert issues(scored.scores.iloc[0])[0] == "issue_type_mismatch: nothing != lost"


def test_expected_stands_against_actual_for_every_field_also_of_a_failure():
    scored = score_rows(
        [evaluation(1, RIGHT | {"outcome": None}), evaluation(2, None, status="failed")],
        calls_of(1, "S"),
        [scenario(1), scenario(2)],
    )
    fields = scored.field_scores.set_index(["scenario_id", "field"])
    assert len(fields) == 6
    assert fields.loc[("S001", "resolution_path"), "expected_json"] == '["S","A"]'
    assert fields.loc[("S001", "outcome"), "actual_json"] == "null"
    assert not fields.loc["S002", "matched"].any()
    assert fields.loc["S002", "actual_json"].isna().all()
    assert list(scored.field_scores.columns) == list(EvaluationFieldScores.to_schema().columns)
    assert list(scored.scores.columns) == list(EvaluationScores.to_schema().columns)


@pytest.mark.parametrize(
    "hostile",
    ["x" * 100_000, "line\nbreak\x1b[31m", "\u202eright to left", '"quoted"', "<script>"],
)
def test_text_of_an_agent_is_short_and_on_one_line_in_issues(hostile):
    (issue,) = issues(score_one(RIGHT | {"issue_type": hostile}))
    assert issue.startswith("issue_type_mismatch: ")
    assert issue.endswith(" != lost")
    assert len(issue) < 120
    assert issue.isprintable()


@pytest.mark.parametrize("answer", [{"issue_type": {"a": 1}}, {"issue_type": ["lost"]}, {"issue_type": {}}])
def test_answers_that_are_no_single_value_are_not_spread_out_in_issues(answer):
    assert issues(score_one(RIGHT | answer)) == ["issue_type_mismatch"]


def test_an_answer_nested_beyond_reach_matches_nothing_and_spares_the_others():
    deep = '{"issue_type":' + "[" * 90_000 + "]" * 90_000 + "}"
    scored = score_rows(
        [evaluation(1) | {"answer_json": deep}, evaluation(2)], calls_of(2, "S", "A"), [scenario(1), scenario(2)]
    )
    assert scored.scores["correctness_score"].tolist() == [0.0, 1.0]


# -- what is not known is not zero -------------------------------------------------------------------------------------


def test_without_a_clock_the_other_weights_share_the_score():
    row = score_one(RIGHT | {"outcome": "wait"}, simulated_s=None)
    assert pd.isna(row["response_time_score"])
    assert pd.isna(row["response_time_source"])
    assert row["overall_score"] == round((0.5 * 0.6 + 0.3 * 1.0) / 0.8, 3)


def test_a_suite_without_a_path_has_no_output_quality():
    fields = [
        {"field": "queue", "column": "x1", "compare": "exact", "weight": 0.5},
        {"field": "priority", "column": "x2", "compare": "number", "tolerance": 1, "weight": 0.2},
        {"field": "labels", "column": "x3", "compare": "set", "weight": 0.3},
    ]
    wanted = {"queue": "q", "priority": 2, "labels": ["a", "b"]}
    row = score_one(
        {"queue": "q", "priority": 3, "labels": ["b"]}, calls=("S",), fields=fields, scenarios=[scenario(1, wanted)]
    )
    assert row["correctness_score"] == 0.7
    assert pd.isna(row["output_quality_score"])
    assert row["overall_score"] == round((0.5 * 0.7 + 0.2) / 0.7, 3)
    assert issues(row) == ["labels_mismatch"]


@pytest.mark.parametrize(
    ("called", "expected", "output", "quality"),
    [
        (("S", "A"), ["S", "A"], {"status": "x"}, 1.0),
        (("A", "S"), ["S", "A"], {"status": "x"}, 1.0),  # as sets; order is correctness
        (("S", "A", "E"), ["S", "A"], {"status": "x"}, 1.0),  # calls that nobody expected are not punished
        (("S",), ["S", "A"], {"status": "x"}, 0.7),
        (("E", "R"), ["S"], {"status": "x"}, 0.4),
        (("S", "A"), ["S", "A", "E"], {"status": "x"}, 0.8),
        (("S", "S"), ["S", "A"], {"status": "x"}, 0.7),
        (("S", "A"), ["S", "A"], {"note": "x"}, 0.8),
        (("S", "A"), ["S", "A"], [], 0.8),
        ((), ["S", "A"], None, 0.0),
        (("S",), [], {"status": "x"}, 1.0),
        (("s_v1", "A"), ["S", "A"], {"status": "x"}, 1.0),  # an identifier stands for its name
    ],
)
def test_output_quality_is_coverage_and_structure(called, expected, output, quality):
    row = score_one(
        RIGHT | {"resolution_path": list(called)},
        calls=called,
        output=output,
        scenarios=[scenario(1, RIGHT | {"resolution_path": expected})],
        names={"s_v1": "S", "S": "S"},
    )
    assert row["output_quality_score"] == quality


def test_calling_nobody_where_nobody_is_expected_leaves_nothing_to_judge():
    row = score_one(RIGHT | {"resolution_path": []}, (), scenarios=[scenario(1, RIGHT | {"resolution_path": []})])
    assert pd.isna(row["output_quality_score"])
    assert row["overall_score"] == 1.0


def test_a_policy_with_all_weight_on_undefined_scores_is_refused():
    overall = {"correctness": 0.0, "response_time": 1.0, "output_quality": 0.0}
    policy = EvaluationPolicy.model_validate(shipped_policy().model_dump() | {"overall": overall})
    with pytest.raises(PolicyError, match="undefined"):
        score_one(simulated_s=None, policy=dict(policy))


def test_a_failure_is_worth_nothing_also_where_only_time_is_weighed():
    overall = {"correctness": 0.0, "response_time": 1.0, "output_quality": 0.0}
    policy = EvaluationPolicy.model_validate(
        shipped_policy().model_dump() | {"overall": overall, "pass_threshold": 0.0}
    )
    row = score_one(None, status="failed", simulated_s=None, policy=dict(policy))
    assert (row["overall_score"], row["passed"]) == (0.0, False)


# -- what cannot be scored ---------------------------------------------------------------------------------------------


def test_an_answer_is_only_held_against_the_question_that_was_asked():
    numeric = [FIELDS[0] | {"weight": 0.7}, {"field": "sum", "column": "x9", "compare": "number", "weight": 0.3}]
    scored = score_rows(
        [evaluation(1), evaluation(2), evaluation(3), evaluation(3, trial=2), evaluation(4)],
        [],
        [
            scenario(1, {"issue_type": "lost", "sum": 3}),
            scenario(2, {"issue_type": "lost", "sum": 3}, inputs_digest="other"),
            scenario(3, {"issue_type": "lost", "sum": "three"}),
        ],
        numeric,
    )
    assert scored.scores["scenario_id"].tolist() == ["S001"]
    assert set(scored.field_scores["scenario_id"]) == {"S001"}
    left_out = {entry.scenario_id: (entry.code, entry.evaluations) for entry in scored.unscored}
    assert left_out == {
        "S002": ("inputs_changed", 1),
        "S003": ("unusable_expectation", 2),
        "S004": ("scenario_removed", 1),
    }
    assert "expected a number" in next(e.reason for e in scored.unscored if e.scenario_id == "S003")


def test_a_run_of_which_nothing_can_be_scored_gives_empty_tables():
    scored = score_rows([evaluation(9)], calls_of(9, "S"))
    assert len(scored.scores) == len(scored.field_scores) == 0
    assert list(scored.scores.columns) == list(EvaluationScores.to_schema().columns)


def test_evaluations_of_another_suite_are_refused():
    with pytest.raises(StorageError, match="other"):
        score_rows([evaluation(suite="other")], [])


def test_scenarios_of_other_suites_are_ignored():
    other = scenario(1, RIGHT | {"outcome": "x"}, suite="other")
    assert score_one(scenarios=[other, scenario()])["correctness_score"] == 1.0


def test_an_evaluation_that_stands_twice_is_refused():
    with pytest.raises(StorageError, match="twice"):
        score_rows([evaluation(), evaluation()], calls_of(1, "S"))


def test_several_runs_of_one_version_are_scored_side_by_side():
    rows = [evaluation(), evaluation(run_id="RUN2")]
    scored = score_rows(rows, calls_of(1, "S", "A") + calls_of(1, "S", run_id="RUN2"))
    assert scored.scores.set_index("run_id")["output_quality_score"].to_dict() == {"RUN1": 1.0, "RUN2": 0.7}


# -- policies ----------------------------------------------------------------------------------------------------------


def test_scoring_again_under_another_policy_gives_other_scores_under_another_hash():
    old = score_one(RIGHT | {"outcome": "wait"})
    again = score_one(RIGHT | {"outcome": "wait"}, policy={"pass_threshold": 0.9})
    assert (old["passed"], again["passed"]) == (True, False)
    assert old["policy_hash"] != again["policy_hash"]


def test_a_policy_can_replace_a_comparison_without_touching_the_suite():
    rules = {"desk": {"resolution_path": FieldRule(compare="set", weight=0.3)}}
    swapped = RIGHT | {"resolution_path": ["A", "S"]}
    assert score_one(swapped)["correctness_score"] == 0.7
    assert score_one(swapped, policy={"field_rules": rules})["correctness_score"] == 1.0


def test_a_policy_that_does_not_fit_the_suite_is_refused():
    rules = {"desk": {"colour": FieldRule(compare="exact", weight=0.3)}}
    with pytest.raises(PolicyError, match="colour"):
        score_one(policy={"field_rules": rules})


def test_rounding_is_half_to_even_on_exact_decimals():
    fields = [
        {"field": "a", "column": "a", "compare": "exact", "weight": weight} for weight in (0.0625, 0.9375)
    ]  # fmt: skip
    fields[1]["field"] = fields[1]["column"] = "b"
    wanted = [scenario(1, {"a": 1, "b": 1})]
    for answer, correctness in (({"a": 1}, 0.062), ({"b": 1}, 0.938)):
        assert score_one(answer, fields=fields, scenarios=wanted)["correctness_score"] == correctness


# -- properties --------------------------------------------------------------------------------------------------------

OPTIONS = {
    "issue_type": ["lost", "late", None, 3, ""],
    "resolution_path": [["S", "A"], ["A", "S"], [], ["S"], "S"],
    "outcome": ["refund", "wait"],
}
answers = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in OPTIONS.items()})
evaluations = st.lists(
    st.tuples(answers, st.sampled_from(["completed", "failed", "timeout"]), st.none() | st.floats(0, 10),
              st.lists(st.sampled_from("SAER"), max_size=4), st.integers(1, 3)),
    min_size=1, max_size=8,
)  # fmt: skip


def tables_of(drawn):
    rows, calls = [], []
    for trial, (answer, status, seconds, called, number) in enumerate(drawn, start=1):
        answered = answer if status == "completed" else None
        rows.append(evaluation(number, answered, trial, status=status, simulated_s=seconds))
        calls += calls_of(number, *called, trial=trial)
    return rows, calls


SCENARIOS = [
    scenario(1),
    scenario(2, RIGHT | {"resolution_path": ["E"]}),
    scenario(3, {"outcome": "wait"} | {"resolution_path": []}),
]
SCENARIOS[2]["expected_json"] = json.dumps({"issue_type": None, "resolution_path": [], "outcome": "wait"})


@settings(max_examples=30)
@given(evaluations)
def test_scores_are_shares_and_failures_are_zero(drawn):
    scores = score_rows(*tables_of(drawn), SCENARIOS).scores
    for name in ("correctness_score", "response_time_score", "output_quality_score", "overall_score"):
        values = scores[name].dropna()
        assert ((values >= 0) & (values <= 1)).all()
    failed = scores[scores["status"] != "completed"]
    assert (failed["overall_score"] == 0).all()
    assert not failed["passed"].any()
    assert (scores["all_fields_match"] == (scores["correctness_score"] == 1.0)).all()


@settings(max_examples=15)
@given(evaluations, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(drawn, random):
    rows, calls = tables_of(drawn)
    left = score_rows(rows, calls, SCENARIOS)
    shuffled = [random.sample(part, len(part)) for part in (rows, calls, SCENARIOS)]
    right = score_rows(*shuffled)
    for one, other, by in (
        (left.scores, right.scores, ["evaluation_key"]),
        (left.field_scores, right.field_scores, ["evaluation_key", "field"]),
    ):
        one, other = (frame.sort_values(by).reset_index(drop=True) for frame in (one, other))
        pd.testing.assert_frame_equal(one, other)


def shares(parts: list[int]) -> list[float]:
    """Three weights of four decimals that sum to 1."""
    first, second = sorted(parts)
    return [first / 10_000, (second - first) / 10_000, (10_000 - second) / 10_000]


weights = st.lists(st.integers(1, 9_999), min_size=2, max_size=2).map(shares)


@settings(max_examples=15)
@given(weights, weights)
def test_a_better_match_never_lowers_a_score(field_weights, overall_weights):
    names = [field["field"] for field in FIELDS]
    fields = [field | {"weight": weight} for field, weight in zip(FIELDS, field_weights, strict=True)]
    overall = dict(zip(("correctness", "response_time", "output_quality"), overall_weights, strict=True))
    policy = dict(EvaluationPolicy.model_validate(shipped_policy().model_dump() | {"overall": overall}))
    rows, calls = [], []
    for pattern in range(8):  # every set of matching fields, as trials of one scenario
        answer = {name: RIGHT[name] if pattern >> index & 1 else "wrong" for index, name in enumerate(names)}
        rows.append(evaluation(1, answer, trial=pattern + 1))
        calls += calls_of(1, "S", "A", trial=pattern + 1)
    scores = score_rows(rows, calls, fields=fields, policy=policy).scores
    for worse in range(8):
        exact = sum(weight for index, weight in enumerate(field_weights) if worse >> index & 1)
        assert abs(scores["correctness_score"][worse] - exact) <= 0.0005 + 1e-12
        for better in (pattern for pattern in range(8) if pattern & worse == worse):
            for column in ("correctness_score", "overall_score", "passed"):
                assert scores[column][better] >= scores[column][worse]


def test_a_suite_may_expect_many_fields():
    names = [f"field{number}" for number in range(20)]
    fields = [{"field": name, "column": name, "compare": "exact", "weight": 0.05} for name in names]
    wanted = dict.fromkeys(names, "yes")
    answers = [dict.fromkeys(names[:right], "yes") for right in range(21)]
    rows = [evaluation(1, answer, trial=trial) for trial, answer in enumerate(answers, start=1)]
    scores = score_rows(rows, [], [scenario(1, wanted)], fields).scores
    assert scores["correctness_score"].tolist() == [round(right * 0.05, 3) for right in range(21)]


def test_many_rows_of_few_different_answers_take_no_time():
    """20,000 evaluations: each different pair of expected and answered values is compared once."""
    import time

    numbers = range(1, 2001)
    rows = [evaluation(number, trial=trial) for number in numbers for trial in range(1, 11)]
    calls = [call for number in numbers for call in calls_of(number, "S", "A")]
    scenarios = [scenario(number) for number in numbers]
    started = time.process_time()
    scored = score_rows(rows, calls, scenarios)
    assert time.process_time() - started < 5
    assert len(scored.scores) == 20_000
    assert np.isclose(scored.scores["correctness_score"], 1.0).all()
