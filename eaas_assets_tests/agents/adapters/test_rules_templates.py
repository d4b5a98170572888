from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.agents.adapters.rules.templates import MAX_FILLED, template, templates

FACTS = {"orders.total": 35.0, "orders.items": ["Mouse", "Cable"], "message": "see {orders.total}", "none": None}


def test_one_slot_keeps_the_type_of_its_fact():
    assert template("{orders.total}")(FACTS) == 35.0
    assert template("{orders.items}")(FACTS) == ["Mouse", "Cable"]
    assert template("{absent}")(FACTS) is None


def test_slots_in_text_are_filled_and_missing_facts_are_unknown():
    assert template("{orders.items} for {orders.total} USD")(FACTS) == "Mouse, Cable for 35.0 USD"
    assert template("by {absent} or {none}")(FACTS) == "by unknown or unknown"


def test_what_is_filled_in_is_not_looked_through_again():
    assert template("You wrote: {message}")(FACTS) == "You wrote: see {orders.total}"


def test_attributes_and_indexes_are_never_followed():
    hostile = "{message.__class__} {0} {message[0]} {message!r} {message:>9999999}"
    assert template(hostile)(FACTS) == "unknown {0} {message[0]} {message!r} {message:>9999999}"


def test_a_long_fact_is_shortened():
    assert len(template("x{message}")({"message": "a" * 10_000})) == MAX_FILLED + 1


def test_other_values_stand_for_themselves():
    compiled = dict(templates({"n": 1, "flag": True, "nothing": None, "text": "as it is", "brace": "{}"}))
    assert {name: fill({}) for name, fill in compiled.items()} == {
        "n": 1, "flag": True, "nothing": None, "text": "as it is", "brace": "{}",
    }  # fmt: skip


@given(st.text(), st.text())
def test_any_text_is_a_template_and_any_fact_is_filled_in(text, fact):
    value = template(text)({"a": fact})
    assert isinstance(value, str) or value is None
    assert template("<{a}>")({"a": fact}).startswith("<")
