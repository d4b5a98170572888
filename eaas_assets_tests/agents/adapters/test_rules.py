from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.agents.adapters.rules.agent import uniform
from eaas_assets.contracts.agent import AgentResponse
from eaas_assets_tests.agents.adapters.rule_settings import request, rules_agent

BIG = [{"field": "orders.total", "operator": "at_least", "value": 100}]
ASKS = [{"field": "message", "operator": "contains_any", "value": ["refund", "money back"]}]


def answer(agent, asked):
    return agent.respond(asked).content["answer"]


def test_the_first_rule_that_holds_decides_and_otherwise_the_last_case():
    rules = [
        {"name": "huge", "when": [{"field": "orders.total", "operator": "above", "value": 1000}], "case": "small"},
        {"name": "big", "when": BIG, "case": "large"},
    ]
    agent = rules_agent(classification=rules, rule_field="decided_by")
    assert answer(agent, request(orders__total=100)) == {"size": "large", "decided_by": "big"}
    assert answer(agent, request(orders__total=5000)) == {"size": "small", "decided_by": "huge"}
    assert answer(agent, request(orders__total=99.99)) == {"size": "small", "decided_by": "otherwise"}
    assert answer(agent, request()) == {"size": "small", "decided_by": "otherwise"}


def test_confidence_comes_from_the_rule_then_from_the_settings():
    rules = [{"name": "big", "when": BIG, "case": "large", "confidence": 0.9}]
    agent = rules_agent(classification=rules, otherwise={"case": "small", "confidence": 0.3}, confidence=0.7)
    assert agent.respond(request(orders__total=500)).content["confidence"] == 0.9
    assert agent.respond(request()).content["confidence"] == 0.3
    assert rules_agent(confidence=0.7).respond(request()).content["confidence"] == 0.7


def test_missing_and_null_facts_count_as_the_settings_say():
    agent = rules_agent(missing_values={"orders.total": 100})
    assert answer(agent, request()) == {"size": "large"}
    assert answer(agent, request(orders__total=None)) == {"size": "large"}
    assert answer(agent, request(orders__total=1)) == {"size": "small"}


def derived(**changes):
    words = {"when": ASKS, "value": "refund_wish"}
    classification = [
        {"name": "wish", "when": [{"field": "kind", "operator": "equals", "value": "refund_wish"}], "case": "large"}
    ]
    facts = [{"fact": "kind", "rules": [words], "default": "other"}]
    return rules_agent(facts=facts, classification=classification, **changes)


@pytest.mark.parametrize(
    ("message", "size"),
    [
        ("I want a REFUND, please", "large"),
        ("Give me my money  back!", "large"),
        ("refunding is not the word", "small"),  # whole words only
        ("", "small"),
    ],
)
def test_facts_are_read_from_whole_words_of_the_message(message, size):
    assert answer(derived(), request(message)) == {"size": size}


def test_a_fact_that_the_request_has_is_not_derived_again():
    assert answer(derived(), request("a refund", kind="other")) == {"size": "small"}


def test_refinements_apply_in_order_each_on_the_result_of_the_last():
    refinements = [
        {"name": "label", "when": BIG, "set": {"priority": 2}, "add": {"labels": ["large", "old"]}},
        {
            "name": "step",
            "when": [{"field": "answer.priority", "operator": "equals", "value": 2}],
            "set": {"priority": 1},
        },
        {"name": "more", "when": BIG, "add": {"labels": ["new", "large"], "notes": ["n"]}},
    ]
    cases = {"large": {"answer": {"priority": 3, "labels": ["old"]}}, "small": {"answer": {"priority": 3}}}
    agent = rules_agent(refinements=refinements, cases=cases)
    for _ in range(2):  # the settings themselves do not change
        assert answer(agent, request(orders__total=100)) == {
            "priority": 1, "labels": ["old", "large", "new"], "notes": ["n"],
        }  # fmt: skip
    assert answer(agent, request()) == {"priority": 3}


def orchestrator(**changes):
    specialists = {
        "payer": {
            "action": "pay",
            "response": {"status": "paid", "amount": "{amount}", "notes": "{orders.items} ({urgency})"},
            "latency": {"base_s": 0.2, "variation_s": 0.1},
        },
        "writer": {"response": {"status": "written"}, "latency": {"base_s": 0.1}},
    }
    cases = {
        "large": {"answer": {"size": "large"}, "path": ["payer", "writer"], "message": "You get {amount}."},
        "small": {"answer": {"size": "small"}},
    }
    lookups = {
        "amount": {"of": "orders.items", "table": {"Mouse": 0.1, "Cable": 0.2}},
        "urgency": {"of": "answer.size", "table": {"large": "high"}, "default": "low"},
    }
    return rules_agent(specialists=specialists, cases=cases, lookups=lookups, path_field="path", **changes)


def test_specialists_are_called_in_order_with_filled_templates():
    response = AgentResponse.model_validate(
        orchestrator().respond(request(orders__total=100, orders__items=["Mouse", "Cable"])).content
    )
    assert response.answer == {"size": "large", "path": ["payer", "writer"]}
    assert response.message == "You get 0.3."  # 0.1 + 0.2 exactly, not 0.30000000000000004
    assert [(step.agent, step.action) for step in response.steps] == [("payer", "pay"), ("writer", None)]
    assert response.steps[0].output == {"status": "paid", "amount": 0.3, "notes": "Mouse, Cable (high)"}


def test_an_amount_that_is_not_known_stays_unknown():
    for items in (["Mouse", "Ghost"], ["Mouse", None], None, "Ghost"):
        steps = orchestrator().respond(request(orders__total=100, orders__items=items)).content["steps"]
        assert steps[0]["output"]["amount"] is None


def test_a_case_without_a_path_calls_nobody():
    content = orchestrator().respond(request()).content
    assert content["answer"] == {"size": "small", "path": []}
    assert content["steps"] == []


def test_human_review_follows_its_rules():
    review = [
        {"name": "unsure", "when": [{"field": "confidence", "operator": "below", "value": 0.5}]},
        {"name": "dear", "when": [{"field": "amount", "operator": "above", "value": 0.25}]},
    ]
    agent = orchestrator(human_review=review, otherwise={"case": "small", "confidence": 0.4})
    assert agent.respond(request()).content["needs_human_review"] is True
    needs = {
        items: agent.respond(request(orders__total=100, orders__items=items.split())).content["needs_human_review"]
        for items in ("Mouse", "Mouse Cable")
    }
    assert needs == {"Mouse": False, "Mouse Cable": True}


def test_simulated_time_is_the_agents_own_and_its_specialists():
    agent = orchestrator()
    result = agent.respond(request(orders__total=100))
    steps = result.content["steps"]
    assert result.simulated_s == pytest.approx(0.5 + sum(step["response_time_s"] for step in steps))
    assert 0.1 <= steps[0]["response_time_s"] <= 0.3
    assert steps[1]["response_time_s"] == 0.1


def test_one_request_with_one_seed_always_gets_one_answer():
    first, again = (orchestrator().respond(request(orders__total=100, seed=7)) for _ in range(2))
    other = orchestrator().respond(request(orders__total=100, seed=8))
    assert first == again
    assert first.content["answer"] == other.content["answer"]
    assert first.simulated_s != other.simulated_s


def test_the_protocols_call_gives_the_same_answer():
    agent, asked = orchestrator(), request(orders__total=100)
    assert asyncio.run(agent.answer(asked)) == agent.respond(asked)
    asyncio.run(agent.aclose())


def test_uniform_numbers_are_even_and_unrelated_between_seeds_and_calls():
    draws = np.array([[uniform(seed, call) for call in range(5)] for seed in range(2000)])
    assert 0 <= draws.min() < draws.max() < 1
    # 10,000 draws: standard error of the mean 0.0029, of a correlation 0.022
    assert abs(draws.mean() - 0.5) < 0.012
    assert abs(draws.var() - 1 / 12) < 0.003
    correlations = np.corrcoef(draws, rowvar=False)[np.triu_indices(5, 1)]
    assert np.abs(correlations).max() < 0.09


def test_uniform_numbers_are_those_of_splitmix64():
    """First outputs for seed 1234567 as published (Rosetta Code, "Pseudo-random numbers/Splitmix64")."""
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert [uniform(1234567, index) for index in range(4)] == [(value >> 11) / 2**53 for value in published]


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
facts = st.dictionaries(
    st.sampled_from(["orders.total", "orders.items", "kind"]), scalars | st.lists(scalars, max_size=3)
)


@given(message=st.text(max_size=200), context=facts, seed=st.integers(0, 2**63))
def test_any_facts_get_a_valid_answer(message, context, seed):
    asked = request(message, seed).model_copy(update={"context": context})
    before = dict(context)
    result = orchestrator().respond(asked)
    response = AgentResponse.model_validate(result.content)
    assert response.answer["size"] in {"large", "small"}
    assert context == before
