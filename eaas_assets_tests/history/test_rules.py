"""Thresholds compare as decimals say, never as binary floats do."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.contracts.policies import MetricRule
from eaas_assets.history.measures import UNKNOWN, Measure
from eaas_assets.history.rules import exceeds, judge_change, rule_for, ruled_metrics
from eaas_assets_tests.history.runs_by_hand import release_policy


def of(hits: int, total: int) -> Measure:
    return Measure(hits / total, hits, total)


HIGHER_5 = MetricRule(better="higher", by=0.05)
LOWER_10 = MetricRule(better="lower", by=0.10)


def test_a_fall_from_35_to_25_hundredths_reaches_ten_points():
    """In binary floating point 0.35 − 0.25 is 0.09999999999999998."""
    assert 0.35 - 0.25 < 0.10
    found = judge_change("human_review_rate", Measure(0.35), Measure(0.25), LOWER_10)
    assert (found.verdict, found.difference) == ("improvement", -0.10)
    assert judge_change("human_review_rate", Measure(0.25), Measure(0.35), LOWER_10).verdict == "regression"


def test_a_fall_from_80_to_75_hundredths_reaches_five_points_but_does_not_exceed_them():
    """In binary floating point 0.80 − 0.75 is 0.050000000000000044."""
    assert 0.80 - 0.75 > 0.05
    assert exceeds(Measure(0.80), Measure(0.75), 0.05) is False
    assert exceeds(Measure(0.80), Measure(0.7499), 0.05) is True
    found = judge_change("pass_rate", Measure(0.80), Measure(0.75), HIGHER_5)
    assert (found.verdict, found.difference) == ("regression", -0.05)


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 400), st.data())
def test_thresholds_agree_with_fractions(n_before, n_now, thousandths, data):
    before, now = data.draw(st.integers(0, n_before)), data.draw(st.integers(0, n_now))
    fall, limit = Fraction(before, n_before) - Fraction(now, n_now), Fraction(thousandths, 1000)
    rule = MetricRule(better="higher", by=thousandths / 1000)
    assert exceeds(of(before, n_before), of(now, n_now), thousandths / 1000) is (fall > limit)
    verdict = judge_change("pass_rate", of(before, n_before), of(now, n_now), rule).verdict
    assert (verdict == "regression") == (fall >= limit)
    assert (verdict == "improvement") == (-fall >= limit)


@given(st.integers(0, 100), st.integers(0, 100), st.integers(1, 50))
def test_thresholds_agree_with_hundredths(before, now, by):
    rule = MetricRule(better="lower", by=by / 100)
    verdict = judge_change("human_review_rate", Measure(before / 100), Measure(now / 100), rule).verdict
    assert (verdict == "regression") == (now - before >= by)
    assert (verdict == "improvement") == (before - now >= by)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_one_evaluation_beyond_a_threshold_on_the_grid_is_seen(hits, other):
    """Rates of a million evaluations, a limit of exactly their distance: reached, never exceeded; one less exceeds."""
    before, now = max(hits, other, 1), min(hits, other)
    limit = (before - now) / 10**6
    assert exceeds(of(before, 10**6), of(now, 10**6), limit) is False
    if now > 0:
        assert exceeds(of(before, 10**6), of(now - 1, 10**6), limit) is True


def test_unknown_values_are_undetermined_never_zero():
    for before, now in ((UNKNOWN, of(8, 10)), (of(8, 10), UNKNOWN), (UNKNOWN, UNKNOWN)):
        found = judge_change("pass_rate", before, now, HIGHER_5)
        assert found.verdict == "undetermined"
        assert math.isnan(found.difference)
        assert exceeds(before, now, 0.05) is None


def test_a_change_smaller_than_one_scenario_is_undetermined_where_the_rule_asks_for_less():
    found = judge_change("pass_rate", Measure(0.90, 9, 10), Measure(0.88, None, 10), HIGHER_5)
    assert found.verdict == "undetermined"
    assert "less than one evaluation, which is 10 points" in found.statement
    assert judge_change("pass_rate", of(900, 1000), of(880, 1000), HIGHER_5).verdict == "unchanged"


def test_no_change_is_unchanged():
    assert judge_change("pass_rate", of(7, 10), of(7, 10), HIGHER_5).verdict == "unchanged"
    assert judge_change("pass_rate", of(7, 10), of(14, 20), HIGHER_5).difference == 0


def test_statements_carry_counts_and_the_limit():
    found = judge_change("pass_rate", of(9, 10), of(7, 10), HIGHER_5)
    assert (
        found.statement
        == "Pass rate: 70 % (7 of 10) after 90 % (9 of 10), worse by 20 points; it counts from 5 points on."
    )
    times = MetricRule(better="lower", by=250)
    assert judge_change("average_response_time_ms", Measure(780.0), Measure(1030.0), times).statement == (
        "Average response time: 1,030 ms after 780 ms, worse by 250 ms; it counts from 250 ms on."
    )


def test_the_rule_for_accuracy_serves_every_field_that_has_none_of_its_own():
    rules = release_policy().metrics
    assert rule_for("queue_accuracy", rules) == rules["accuracy"]
    own = rules | {"queue_accuracy": HIGHER_5}
    assert rule_for("queue_accuracy", own) is HIGHER_5
    assert rule_for("unheard_of", rules) is None
    assert rule_for("queue_accuracy", {"pass_rate": HIGHER_5}) is None


def test_metrics_are_judged_in_the_order_of_the_policy():
    rules = release_policy().metrics
    metrics = ["p95_response_time_ms", "b_accuracy", "unheard_of", "a_accuracy", "pass_rate"]
    assert ruled_metrics(metrics, rules) == ["pass_rate", "a_accuracy", "b_accuracy", "p95_response_time_ms"]


@pytest.mark.parametrize("metric", ["pass_rate", "human_review_rate"])
def test_the_shipped_policy_says_which_way_is_better(metric):
    policy = release_policy()
    assert policy.metrics[metric].better == {"pass_rate": "higher", "human_review_rate": "lower"}[metric]
    assert policy.baseline.regression_points == 0.05
    assert policy.gates.regression == "error"
    assert len(policy.digest) == 64
