"""Whether a rule can fire at all is decided by logic; the answer agrees with trying every value there is."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.contracts.conditions import Condition, all_hold
from eaas_assets.contracts.suite import Suite
from eaas_assets.suites.audit.reachability import Budget, cannot_fire
from eaas_assets_tests.suites.audit.readings import reading_of, when

_COLUMNS = {
    "n": {"type": "integer", "min": 0, "max": 3},
    "s": {"type": "string", "one_of": ["a", "b", "c"]},
    "b": {"type": "boolean"},
}
_VALUES: dict[str, list[Any]] = {"t.n": [None, 0, 1, 2, 3], "t.s": [None, "a", "b", "c"], "t.b": [None, True, False]}


def _suite(columns: dict[str, Any] | None = None) -> Suite:
    table = {"table": "t", "file": "t.json", "key": "k", "columns": _COLUMNS if columns is None else columns}
    suite = reading_of([{"label": "x"}], context=[table]).suite
    assert suite is not None
    return suite


def _conditions(*whens: list[dict[str, Any]]) -> list[list[Condition]]:
    return [[Condition.model_validate(condition) for condition in conditions] for conditions in whens]


def _dead(*whens: list[dict[str, Any]], columns: dict[str, Any] | None = None, **stand_ins: Any) -> bool:
    facts = {name.replace("__", "."): value for name, value in stand_ins.items()}
    return cannot_fire(_conditions(*whens), _suite(columns), facts, Budget())


@pytest.mark.parametrize(
    "whens",
    [
        [when(("t.n", "above", 1)), when(("t.n", "above", 2))],
        [when(("t.n", "above", 1)), when(("t.n", "equals", 2))],
        [when(("t.n", "at_most", 0.5)), when(("t.n", "above", 0.5)), when(("t.n", "at_least", 0), ("t.b", "is_true"))],
        [when(("t.b", "is_true")), when(("t.s", "equals", "a"), ("t.b", "is_true"))],
        [when(("t.s", "one_of", ["a", "b"])), when(("t.s", "equals", "c")), when(("t.s", "not_equals", "z"))],
        [when(), when(("t.b", "is_true"))],
        [when(("t.s", "contains_any", ["refund", "money back"])), when(("t.s", "contains_any", ["Money  back"]))],
        [when(("t.n", "above", 2), ("t.n", "below", 1))],
        [when(("t.b", "is_true"), ("t.b", "is_missing"))],
    ],
)
def test_rule_that_earlier_rules_cover_cannot_fire(whens: list[list[dict[str, Any]]]) -> None:
    assert _dead(*whens)


@pytest.mark.parametrize(
    "whens",
    [
        [when(("t.n", "above", 2)), when(("t.n", "above", 1))],
        [when(("t.n", "below", 0.5)), when(("t.n", "above", 0.5)), when(("t.n", "at_least", 0))],
        [when(("t.b", "is_true")), when(("t.b", "is_false")), when(("t.b", "is_missing"))],
        [when(("t.s", "contains_any", ["refund"])), when(("t.s", "contains_any", ["refund", "money back"]))],
        [when(("t.s", "matches", "^a")), when(("t.s", "matches", "^b"))],
        [when(("free.x", "equals", {"deep": 1})), when(("free.x", "not_equals", "y"))],
        [when(("free.x", "above", 1e300)), when(("free.x", "above", 1e17))],
    ],
)
def test_rule_with_a_case_of_its_own_can_fire(whens: list[list[dict[str, Any]]]) -> None:
    assert not _dead(*whens, columns={"s": {"type": "string"}} if "contains" in str(whens) else None)


def test_declared_values_limit_what_can_be() -> None:
    rule = when(("t.s", "equals", "cancelled"))
    assert _dead(rule)
    assert not _dead(rule, columns={})
    assert _dead(when(("t.n", "above", 3)))
    assert not _dead(when(("t.n", "above", 3)), columns={"n": {"type": "integer", "min": 0}})


def test_stand_in_for_a_missing_fact_leaves_nothing_between_two_halves() -> None:
    halves = [when(("t.n", "at_most", 1)), when(("t.n", "above", 1)), when(("t.b", "is_true"))]
    assert not _dead(*halves)
    assert _dead(*halves, t__n=0)


def test_fixed_facts_narrow_the_question() -> None:
    whens = _conditions(when(("t.s", "equals", "a")), when(("t.b", "is_true")))
    assert cannot_fire(whens, _suite(), {}, Budget(), {"t.s": "a"})
    assert not cannot_fire(whens, _suite(), {}, Budget(), {"t.s": "b"})


def test_search_that_takes_too_long_claims_nothing() -> None:
    names = [f"x{i}" for i in range(24)]
    earlier = [when((f"t.{a}", "is_true"), (f"t.{b}", "is_false")) for a, b in itertools.pairwise(names)]
    hard = [*earlier, *(when((f"t.{a}", "is_missing")) for a in names)]
    hard += [when((f"t.{names[0]}", "is_false"), (f"t.{names[-1]}", "is_true")), when(("t.n", "above", 5))]
    columns = {name: {"type": "boolean"} for name in names}
    budget = Budget(2_000)
    assert not cannot_fire(_conditions(*hard, when(("t.s", "is_missing"))), _suite(columns), {}, budget)
    assert budget.steps < 0


_CONDITION = st.one_of(
    st.builds(
        lambda operator, value: {"field": "t.n", "operator": operator, "value": value},
        st.sampled_from(["at_least", "above", "at_most", "below", "equals", "not_equals"]),
        st.integers(-1, 4),
    ),
    st.builds(
        lambda operator, value: {"field": "t.s", "operator": operator, "value": value},
        st.sampled_from(["one_of", "not_one_of", "contains_any"]),
        st.lists(st.sampled_from("abcz"), min_size=1, max_size=2),
    ),
    st.builds(
        lambda field, operator: {"field": field, "operator": operator},
        st.sampled_from(["t.n", "t.s", "t.b"]),
        st.sampled_from(["is_missing", "is_true", "is_false"]),
    ),
)


@settings(max_examples=200)
@given(st.lists(st.lists(_CONDITION, max_size=3), min_size=1, max_size=5))
def test_answer_agrees_with_trying_every_value(whens: list[list[dict[str, Any]]]) -> None:
    """Definition: the last rule fires for some facts among all that the declared columns allow."""
    conditions = _conditions(*whens)
    *earlier, last = conditions
    worlds = [dict(zip(_VALUES, values, strict=True)) for values in itertools.product(*_VALUES.values())]
    fires = any(all_hold(last, facts) and not any(all_hold(rule, facts) for rule in earlier) for facts in worlds)
    proven_dead = cannot_fire(conditions, _suite(), {}, Budget())
    assert not (fires and proven_dead)  # a proof is never wrong
    if all(
        condition["operator"] not in {"above", "below", "at_most", "at_least"} for rule in whens for condition in rule
    ):
        assert proven_dead == (not fires)  # and complete, but for numbers between two integers
