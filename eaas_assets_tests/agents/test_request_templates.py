from __future__ import annotations

import pytest

from eaas_assets.agents.request_templates import compile_template, plain_request
from eaas_assets_tests.agents.asking import question

FACTS = {"orders.status": "lost", "orders.items": ["mouse", "cable"], "customers.churn_risk": 0.25}


def test_a_slot_alone_keeps_the_type_of_what_is_filled_in() -> None:
    template = {"risk": "{{context.customers.churn_risk}}", "items": ["{{ context.orders.items }}"], "n": "{{seed}}"}
    filled = compile_template(template)(question(number=7, context=FACTS))
    assert filled == {"risk": 0.25, "items": [["mouse", "cable"]], "n": 7}


def test_slots_within_a_text_become_text() -> None:
    filled = compile_template("{{scenario_id}}: {{message}} ({{context.orders.status}}, {{context.orders.items}})")
    assert filled(question("Hi", context=FACTS)) == 'S001: Hi (lost, ["mouse", "cable"])'


def test_a_missing_fact_is_null_alone_and_unknown_within_a_text() -> None:
    assert compile_template("{{context.orders.carrier}}")(question(context=FACTS)) is None
    assert compile_template("by {{context.orders.carrier}}")(question(context=FACTS)) == "by unknown"


def test_what_is_filled_in_is_not_looked_through_for_slots() -> None:
    filled = compile_template("Customer: {{message}}")(
        question("{{context.customers.churn_risk}} {seed}", context=FACTS)
    )
    assert filled == "Customer: {{context.customers.churn_risk}} {seed}"


def test_all_facts_can_be_filled_in_at_once() -> None:
    assert compile_template("{{context}}")(question(context=FACTS)) == FACTS
    assert compile_template("Facts: {{context}}")(question(context={"b": 1, "a": "ü"})) == 'Facts: {"a": "ü", "b": 1}'


def test_values_without_slots_stay() -> None:
    value = {"temperature": 0.5, "on": True, "none": None, "braces": "{x} {{}"}
    assert compile_template(value)(question()) == value


@pytest.mark.parametrize("text", ["{{expected}}", "{{context.}}", "{{message.upper}}", "{{__class__}}", "{{}}"])
def test_unknown_slots_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="slots named message"):
        compile_template({"deep": [text]})


def test_the_plain_request_has_what_an_agent_may_know_and_no_more() -> None:
    request = question("Hi", context=FACTS, trial=3, idempotency_key="RUN-1")
    assert plain_request(request) == {"scenario_id": "S001", "message": "Hi", "context": FACTS, "seed": 1}
