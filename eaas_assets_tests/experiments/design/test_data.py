"""What is wrong with observations, their calendar and their circumstances: each check both ways."""

from datetime import timedelta

import pytest

from eaas_assets.experiments.observations.access import Integrity
from eaas_assets_tests.experiments.design.asking import SOUND, START, check, concluded, grade_of, judge, outcome, units


@pytest.mark.parametrize(
    ("found", "name", "wanted"),
    [
        ({"duplicate_rows": 3}, "duplicates", "warning"),
        ({"conflicting_rows": 3}, "duplicates", "warning"),
        ({"conflicting_rows": 300}, "duplicates", "error"),
        ({}, "duplicates", "passed"),
        ({"rows_after_end": 5}, "rows_outside_plan", "warning"),
        ({"rows_before_start": 5}, "rows_outside_plan", "warning"),
        ({}, "rows_outside_plan", "passed"),
        ({"missing_days": ("2026-01-09",)}, "missing_days", "warning"),
        ({}, "missing_days", "passed"),
        ({"infinite_values": {"complaints": 2}}, "infinite_values", "error"),
        ({}, "infinite_values", "passed"),
        ({"mixed_time_zones": True}, "time_zones", "error"),
        ({"measured_before_treatment": True}, "measured_after_treatment", "error"),
        ({"constant_metrics": ("spend",)}, "constant_metrics", "error"),
        ({"constant_metrics": ("complaints",)}, "constant_metrics", "warning"),
    ],
)
def test_what_readers_found_wrong_is_told(found, name, wanted):
    assert outcome(concluded(units(integrity=Integrity(rows=2800, units=2800, **found))), name) == wanted


@pytest.mark.parametrize("found", [{"measured_before_treatment": True}, {"infinite_values": {"spend": 1}}])
def test_some_faults_of_the_data_forbid_deciding(found):
    assert grade_of(concluded(units(integrity=Integrity(rows=2800, units=2800, **found)))) == "F"


@pytest.mark.parametrize(
    ("nulls", "wanted"),
    [
        ({}, "passed"),
        ({"control": 20, "treatment": 22}, "passed"),
        ({"control": 200, "treatment": 205}, "warning"),
        ({"control": 10, "treatment": 90}, "error"),
    ],
)
def test_missing_values_are_worse_where_the_arms_differ(nulls, wanted):
    integrity = Integrity(rows=2800, units=2800, null_values={"spend": nulls})
    assert outcome(concluded(units(integrity=integrity)), "missing_values") == wanted


def test_flags_of_the_collectors_are_repeated():
    conditions = {**SOUND["conditions"], "data_quality": ["tracking_gap"]}
    rows = judge(conditions=conditions)
    assert outcome(rows, "quality_flags") == "warning"
    assert "tracking_gap" in check(rows, "quality_flags")["statement"]


@pytest.mark.parametrize(("days", "wanted"), [(28, "passed"), (26, "warning")])
def test_whole_weeks_are_asked_for(days, wanted):
    assert outcome(judge(planned_end=START + timedelta(days=days - 1)), "whole_weeks") == wanted


def test_observed_days_count_once_it_is_over():
    row = check(concluded(units(days=20)), "whole_weeks")
    assert row["outcome"] == "warning"
    assert "20 observed days" in row["statement"]


@pytest.mark.parametrize(("days", "wanted"), [(21, "passed"), (14, "warning")])
def test_a_short_experiment_cannot_tell_novelty(days, wanted):
    assert outcome(judge(planned_end=START + timedelta(days=days - 1)), "novelty_risk") == wanted


def test_without_dates_the_calendar_is_not_known():
    rows = judge(planned_start=None, planned_end=None)
    assert outcome(rows, "calendar") == "not_known"
    assert grade_of(rows) == "B"


def test_blockers_forbid_a_start():
    rows = judge(conditions={**SOUND["conditions"], "blockers": ["bias audit", "legal approval"]})
    assert outcome(rows, "blockers") == "error"
    assert grade_of(rows) == "F"
    assert "bias audit" in check(rows, "blockers")["statement"]


def test_what_is_not_declared_is_not_known():
    rows = judge(units(), status="running", conditions={})
    assert {outcome(rows, name) for name in ("interference", "changed_mid_test", "quality_flags")} == {"not_known"}


def test_interference_forbids_unless_groups_are_assigned():
    conditions = {**SOUND["conditions"], "interference": True}
    assert grade_of(judge(conditions=conditions)) == "F"
    assert grade_of(concluded(conditions=conditions)) == "F"
    groups = {"kind": "units", "file": "a.csv", "unit": "u", "variant": "v", "cluster": "team"}
    assert outcome(judge(conditions=conditions, observations=groups), "interference") == "passed"


def test_a_change_while_it_ran_forbids_deciding():
    rows = concluded(conditions={**SOUND["conditions"], "changed_mid_test": "new model"})
    assert outcome(rows, "changed_mid_test") == "error"
    assert grade_of(rows) == "F"
