from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from eaas_assets.contracts.conditions import Condition, all_hold


def condition(operator: str, value: Any = None) -> Condition:
    return Condition.model_validate({"field": "fact", "operator": operator, "value": value})


@pytest.mark.parametrize(
    ("operator", "value", "fact", "expected"),
    [
        ("equals", "a", "a", True),
        ("equals", 1, True, False),
        ("equals", True, True, True),
        ("not_equals", "a", "b", True),
        ("one_of", ["a", "b"], "b", True),
        ("not_one_of", ["a", "b"], "c", True),
        ("at_least", 0.1, 0.35 - 0.25, False),
        ("at_least", 0.1, 0.1, True),
        ("above", 0.25, 0.28, True),
        ("above", 0.25, 0.25, False),
        ("at_most", 0.3, 0.3, True),
        ("below", 1, 0, True),
        ("contains_any", ["late"], "it is LATE again", True),
        ("contains_any", ["late"], "translate this later", False),
        ("contains_any", ["not received"], "I have not  received it", True),
        ("matches", r"ord.r", "my order", True),
        ("is_true", None, True, True),
        ("is_true", None, 1, False),
        ("is_false", None, False, True),
        ("is_missing", None, None, True),
        ("is_missing", None, 0, False),
    ],
)
def test_each_operator_compares_as_its_name_says(operator: str, value: Any, fact: Any, expected: bool) -> None:
    assert condition(operator, value).holds({"fact": fact}) is expected


VALUED = {
    "equals": "a", "not_equals": "a", "one_of": ["a"], "not_one_of": ["a"], "at_least": 1, "above": 1, "at_most": 1,
    "below": 1, "contains_any": ["a"], "matches": "a", "is_true": None, "is_false": None,
}  # fmt: skip


@pytest.mark.parametrize(("operator", "value"), VALUED.items())
def test_missing_evidence_never_makes_a_condition_hold(operator: str, value: Any) -> None:
    assert not condition(operator, value).holds({})
    assert not condition(operator, value).holds({"fact": None})


@pytest.mark.parametrize(("operator", "value"), VALUED.items())
@given(fact=st.none() | st.text() | st.integers() | st.floats() | st.booleans() | st.lists(st.text()))
def test_a_fact_of_any_type_never_breaks_a_condition(operator: str, value: Any, fact: Any) -> None:
    assert condition(operator, value).holds({"fact": fact}) in {True, False}


@pytest.mark.parametrize(
    ("operator", "value"),
    [
        ("at_least", "1"),
        ("at_least", True),
        ("one_of", "a"),
        ("one_of", []),
        ("is_true", True),
        ("equals", None),
        ("matches", "["),
        ("contains_any", [""]),
        ("like", "a"),
    ],
)
def test_a_value_that_does_not_suit_its_operator_is_refused(operator: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        condition(operator, value)


def test_all_conditions_must_hold_and_no_condition_always_holds() -> None:
    both = [condition("at_least", 1), condition("below", 3)]
    assert all_hold(both, {"fact": 2})
    assert not all_hold(both, {"fact": 3})
    assert all_hold([], {})
