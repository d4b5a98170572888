"""The grade follows from outcomes alone, by the documented rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.experiments.design.finding import Finding
from eaas_assets.experiments.design.grade import TOLERATED, grade


def finding(outcome, forbids=False, essential=False):
    return Finding("data", outcome, outcome, f"It is {outcome}.", forbids=forbids, essential=essential)


PASSED, WARNING, ERROR, UNKNOWN = (finding(outcome) for outcome in ("passed", "warning", "error", "not_known"))


@pytest.mark.parametrize(
    ("findings", "letter"),
    [
        ([], "A"),
        ([PASSED, UNKNOWN], "A"),
        ([finding("not_known", essential=True)], "B"),
        ([WARNING] * TOLERATED, "B"),
        ([WARNING] * (TOLERATED + 1), "C"),
        ([WARNING] * TOLERATED + [finding("not_known", essential=True)], "C"),
        ([ERROR], "D"),
        ([ERROR] * 9, "D"),
        ([finding("error", forbids=True)], "F"),
        ([finding("passed", forbids=True)], "A"),
    ],
)
def test_the_rule(findings, letter):
    assert grade(findings).letter == letter


@given(st.lists(st.sampled_from([PASSED, WARNING, ERROR, UNKNOWN, finding("error", forbids=True)]), max_size=8))
def test_one_more_fault_never_makes_a_grade_better(findings):
    letters = "ABCDF"
    for worse in (WARNING, ERROR, finding("error", forbids=True)):
        assert letters.index(grade([*findings, worse]).letter) >= letters.index(grade(findings).letter)


@given(st.lists(st.sampled_from([PASSED, WARNING, ERROR, UNKNOWN]), max_size=8))
def test_every_grade_below_a_has_its_reasons_and_a_has_none(findings):
    found = grade(findings)
    assert bool(found.reasons) == (found.letter != "A")


def test_only_what_decides_the_grade_is_a_reason():
    assert grade([WARNING, finding("error", forbids=True)]).reasons == ["error: It is error."]
