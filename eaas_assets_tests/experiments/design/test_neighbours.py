"""Overlaps and repetitions among experiments; hostile text in any of them."""

from datetime import timedelta

import pytest

from eaas_assets_tests.experiments.design.asking import SOUND, START, check, judge, outcome, units
from eaas_assets_tests.experiments.observations_by_hand import (
    experiment_by_hand,
)


def neighbour(**changes):
    return experiment_by_hand(**{**SOUND, "experiment": "E901", "hypothesis": "Colours please", **changes})


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, "warning"),
        ({"population": "others"}, "passed"),
        ({"planned_start": START + timedelta(days=28), "planned_end": START + timedelta(days=40)}, "passed"),
        ({"planned_start": START + timedelta(days=27), "planned_end": START + timedelta(days=40)}, "warning"),
        ({"planned_start": None, "planned_end": None}, "not_known"),
        ({"status": "archived"}, "passed"),
    ],
)
def test_overlaps_on_one_population_are_told(changes, wanted):
    assert outcome(judge(others=[neighbour(**changes)]), "overlapping_experiments") == wanted


def test_two_running_experiments_overlap_whatever_their_dates():
    other = neighbour(status="running", planned_start=None, planned_end=None)
    rows = judge(units(), status="running", others=[other])
    assert outcome(rows, "overlapping_experiments") == "warning"


def test_an_experiment_is_not_its_own_neighbour():
    myself = experiment_by_hand(**SOUND)
    rows = judge(others=[myself])
    assert outcome(rows, "overlapping_experiments") == "passed"
    assert outcome(rows, "duplicate_hypotheses") == "passed"


def test_a_hypothesis_that_was_asked_before_is_told():
    other = neighbour(hypothesis="Shorter answers raise spending of the customers", population="others")
    rows = judge(others=[other])
    assert outcome(rows, "duplicate_hypotheses") == "warning"
    assert "E901" in check(rows, "duplicate_hypotheses")["statement"]
    assert outcome(judge(others=[neighbour()]), "duplicate_hypotheses") == "passed"


def test_hostile_text_is_shortened_to_one_line():
    conditions = {**SOUND["conditions"], "blockers": ["<script>\n" + "x" * 500], "changed_mid_test": "a\x00b\nc"}
    for row in judge(units(), status="running", conditions=conditions):
        assert "\n" not in row["statement"]
        assert "\x00" not in row["statement"]
        assert len(row["statement"]) < 600
