"""Sample sizes, detectable effects and durations, each both ways."""

import json
from datetime import timedelta

import numpy as np
import pytest

from eaas_assets.experiments.design.learned import Learned
from eaas_assets.stats.experiments.planning import proportion_plan, required_units
from eaas_assets_tests.experiments.design.asking import SOUND, START, check, concluded, grade_of, judge, outcome, units
from eaas_assets_tests.experiments.observations_by_hand import (
    metric_by_hand,
)


def test_a_proposal_that_is_too_small_is_an_error_with_the_units_it_needs():
    rows = judge(sample={"planned": 300, "per_day": 100})
    row = check(rows, "detectable_effect")
    assert outcome(rows, "detectable_effect") == "error"
    assert json.loads(row["evidence_json"])["units_needed"] > 2000
    assert "days" in row["action"]
    assert grade_of(rows) == "D"


def test_after_the_start_a_small_sample_is_a_warning():
    assert outcome(concluded(units(n=600), sample={"planned": 600}), "detectable_effect") == "warning"


def test_units_needed_are_those_of_the_textbook():
    """As `stats.experiments.planning`, which is pinned to published sizes."""
    metrics = [metric_by_hand("won", kind="proportion", minimum_effect=0.25, expected={"value": 0.5})]
    row = check(judge(metrics=metrics, hypothesis="won more"), "detectable_effect")
    needed = required_units(proportion_plan(0.5), 0.25, 0.8, 0.05).total
    assert json.loads(row["evidence_json"])["units_needed"] == int(np.ceil(needed))


def test_a_relative_minimum_is_a_share_of_the_controls_value():
    metrics = [{**SOUND["metrics"][0], "minimum_effect": 0.05, "scale": "relative"}]
    evidence = json.loads(check(judge(metrics=metrics), "detectable_effect")["evidence_json"])
    assert evidence["minimum_effect"] == pytest.approx(0.25)


def test_a_decrease_is_planned_as_one():
    metrics = [
        metric_by_hand("won", kind="proportion", direction="decrease", minimum_effect=0.05, expected={"value": 0.5})
    ]
    assert json.loads(check(judge(metrics=metrics), "detectable_effect")["evidence_json"])["minimum_effect"] == -0.05


def test_an_effect_that_cannot_be_is_an_error():
    metrics = [metric_by_hand("won", kind="proportion", minimum_effect=0.6, expected={"value": 0.5})]
    rows = judge(metrics=metrics)
    assert outcome(rows, "detectable_effect") == "error"
    assert "not possible" in check(rows, "detectable_effect")["statement"]


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"sample": None}, "a planned sample"),
        ({"metrics": [metric_by_hand("spend", minimum_effect=1.0)]}, "the value and spread"),
        ({"metrics": [metric_by_hand("spend", expected={"value": 5.0, "sd": 2.0})]}, "no minimum effect"),
    ],
)
def test_power_is_not_known_without_its_ingredients(changes, missing):
    rows = judge(**changes)
    assert outcome(rows, "detectable_effect") == "not_known"
    assert missing in check(rows, "detectable_effect")["statement"]
    assert grade_of(rows) != "A"


def test_what_was_not_expected_is_taken_from_the_control_arm():
    metrics = [{**SOUND["metrics"][0], "expected": None}]
    evidence = json.loads(check(concluded(metrics=metrics), "detectable_effect")["evidence_json"])
    assert evidence["source"] == "as observed"
    assert evidence["unit_variance"] == pytest.approx(5.0, rel=0.15)
    assert evidence["variance_left"] == pytest.approx(0.2, rel=0.2)


def test_several_arms_share_the_error_rate_and_the_units():
    arms = ("control", "a", "b", "c")
    variants = [{"name": name, "allocation": 0.25} for name in arms]
    evidence = json.loads(check(judge(variants=variants), "detectable_effect")["evidence_json"])
    assert evidence["alpha"] == pytest.approx(0.05 / 3)
    assert evidence["units_of_the_pair"] == 1400


def test_an_arm_below_the_minimum_is_an_error():
    variants = [{"name": "control", "allocation": 0.97}, {"name": "treatment", "allocation": 0.03}]
    assert outcome(judge(variants=variants), "smallest_arm") == "error"
    assert outcome(concluded(units(n=150), sample={"planned": 150}), "smallest_arm") == "error"
    assert outcome(concluded(), "smallest_arm") == "passed"


def test_too_long_an_experiment_is_an_error_before_and_a_warning_after_the_start():
    long = {"planned_end": START + timedelta(days=97)}
    assert outcome(judge(**long), "duration") == "error"
    assert outcome(judge(units(), status="running", **long), "duration") == "warning"


def test_days_that_do_not_suffice_for_the_sample_are_an_error():
    rows = judge(sample={"planned": 2800, "per_day": 50})
    assert outcome(rows, "duration") == "error"
    assert "need 56 days" in check(rows, "duration")["statement"]


def test_without_dates_the_rate_tells_the_duration():
    rows = judge(planned_start=None, planned_end=None)
    assert json.loads(check(rows, "duration")["evidence_json"])["days"] == 28
    assert outcome(judge(planned_start=None, planned_end=None, sample={"planned": 2800}), "duration") == "not_known"


def test_an_experiment_that_ended_short_of_its_plan_is_told_so():
    assert outcome(concluded(sample={"planned": 9000}), "planned_sample") == "warning"
    assert outcome(judge(units(), status="running", sample={"planned": 9000}), "planned_sample") == "passed"
    assert outcome(judge(sample=None), "planned_sample") == "not_known"


def test_wins_where_few_win_are_mostly_luck():
    """Kohavi, Deng & Vermeer (2022): at 10 % true wins 22 % of the significant ones are none; at 33 % 5.9 %."""
    assert outcome(judge(learned=Learned({"sales": 0.33})), "false_positive_risk") == "passed"
    row = check(judge(learned=Learned({"sales": 0.10})), "false_positive_risk")
    assert json.loads(row["evidence_json"])["risk"] == pytest.approx(0.22, abs=0.001)
    assert outcome(judge(learned=Learned({"sales": 0.08})), "false_positive_risk") == "warning"
    assert outcome(judge(learned=Learned({"sales": 0.0})), "false_positive_risk") == "not_known"
    assert not [row for row in judge(learned=Learned({"hr": 0.1})) if row["check"] == "false_positive_risk"]


def test_a_proposal_is_told_whether_it_would_see_what_changes_of_its_class_usually_bring():
    name = "growth, mean"
    shown = json.loads(check(judge(), "detectable_effect")["evidence_json"])
    smallest = shown["detectable_effect"] / shown["baseline"]
    enough = check(judge(learned=Learned(gains={name: smallest * 1.01})), "typical_effect")
    assert enough["outcome"] == "passed"
    assert json.loads(enough["evidence_json"])["detectable_relative_effect"] == pytest.approx(smallest)
    too_few = check(judge(learned=Learned(gains={name: smallest * 0.99})), "typical_effect")
    assert too_few["outcome"] == "warning"
    assert "it would miss most of them" in too_few["statement"]


def test_without_estimates_of_its_class_or_after_its_start_a_typical_effect_is_no_question():
    other = judge(learned=Learned(gains={"growth, ratio": 0.1}))
    begun = judge(units(), status="running", learned=Learned(gains={"growth, mean": 0.1}))
    assert not [row for row in (*other, *begun) if row["check"] == "typical_effect"]
