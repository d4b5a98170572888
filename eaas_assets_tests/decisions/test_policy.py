"""The engine: order, caps, what was missing, and policies that are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from eaas_assets.contracts.decision_policy import DecisionPolicy
from eaas_assets.decisions.policy import read_decision_policy, rule_on
from eaas_assets.errors import PolicyError
from eaas_assets_tests.decisions.facts_by_hand import WIN
from eaas_assets_tests.worlds import write_yaml

ALWAYS: list[dict[str, Any]] = []


def rule(name: str, word: str, when: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    fixed = {"phase": "concluded", "because": f"By {name}.", "confidence": "low", "review_days": 7}
    return {"rule": name, "decision": word, "when": when, **fixed, **changes}


def policy_of(*rules: dict[str, Any], caps: tuple[dict[str, Any], ...] = ()) -> DecisionPolicy:
    return DecisionPolicy.model_validate({"policy": "decisions", "rules": list(rules), "caps": list(caps)})


def asks(fact: str, operator: str, value: Any = None) -> dict[str, Any]:
    return {"field": fact, "operator": operator, **({} if value is None else {"value": value})}


def cap(strength: str = "before_after", **changes: Any) -> dict[str, Any]:
    return {"strength": strength, "forbidden": ["scale"], "instead": "pivot", "because": "Never."} | changes


def test_the_first_rule_whose_conditions_all_hold_decides() -> None:
    policy = policy_of(
        rule("both", "retire", [asks("segments.harmed", "at_least", 0), asks("segments.harmed", "above", 0)]),
        rule("one", "scale", [asks("segments.harmed", "at_least", 0)]),
        rule("rest", "pause", ALWAYS),
    )
    ruling = rule_on({"segments.harmed": 0}, "concluded", policy)
    assert (ruling.rule.rule, ruling.position, ruling.word) == ("one", 2, "scale")
    assert rule_on({"segments.harmed": 1}, "concluded", policy).rule.rule == "both"


def test_money_reaches_its_bound_exactly() -> None:
    policy = policy_of(rule("enough", "scale", [asks("value.net_usd", "at_least", 0.1)]), rule("rest", "pause", ALWAYS))
    assert rule_on({"value.net_usd": 0.1}, "concluded", policy).word == "scale"
    assert rule_on({"value.net_usd": 0.35 - 0.25}, "concluded", policy).word == "pause"  # not what was written
    assert rule_on({"value.net_usd": 0.09999999999999999}, "concluded", policy).word == "pause"


def test_a_missing_fact_makes_no_condition_hold_and_is_named_where_it_alone_held_a_rule_back() -> None:
    policy = policy_of(
        rule("harm", "retire", [asks("guardrails.harmed", "at_least", 1)]),
        rule("small", "pivot", [asks("primary.minimum_ratio", "below", 1), asks("segments.harmed", "at_least", 9)]),
        rule("absent", "continue", [asks("value.p_loss", "is_missing"), asks("segments.harmed", "at_least", 9)]),
        rule("rest", "pause", ALWAYS),
    )
    ruling = rule_on({"segments.harmed": 0}, "concluded", policy)
    assert ruling.word == "pause"
    assert ruling.missing == ("guardrails.harmed",)  # of `small` what is known fails already


def test_a_cap_replaces_the_word_and_tells_both() -> None:
    policy = policy_of(rule("win", "scale", ALWAYS), caps=(cap(),))
    ruling = rule_on({"design.strength": "before_after"}, "concluded", policy)
    assert (ruling.word, ruling.capped_from, ruling.rationale) == ("pivot", "scale", "By win. Never.")
    assert rule_on({"design.strength": "paired"}, "concluded", policy).capped_from is None


def test_a_strength_that_is_not_known_is_capped_as_none() -> None:
    policy = policy_of(rule("win", "scale", ALWAYS), caps=(cap("none"),))
    assert rule_on({}, "concluded", policy).word == "pivot"


def test_a_phase_without_rules_is_an_error_of_the_policy() -> None:
    with pytest.raises(PolicyError, match="no rule for phase running"):
        rule_on(WIN, "running", policy_of(rule("rest", "pause", ALWAYS)))


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ([rule("a", "pause", [asks("segments.hurt", "at_least", 1)])], "segments.hurt"),
        ([rule("a", "start", ALWAYS)], "phase concluded"),
        ([rule("a", "pause", ALWAYS, because="It is {segments.hurt}.")], "segments.hurt"),
        ([rule("a", "pause", [asks("segments.harmed", "at_least", 1)])], "last rule"),
        ([rule("a", "pause", ALWAYS), rule("a", "pivot", ALWAYS)], "different names"),
    ],
)
def test_a_policy_that_cannot_decide_is_refused_when_it_is_read(
    tmp_path: Path, document: list[dict[str, Any]], fault: str
) -> None:
    write_yaml(tmp_path, "policies/decisions.yaml", {"policy": "decisions", "rules": document})
    with pytest.raises(PolicyError, match=fault):
        read_decision_policy(tmp_path)


@pytest.mark.parametrize(
    "caps",
    [(cap(), cap()), (cap(instead="scale"),), (cap(instead="start"),), (cap(forbidden=["continue"], instead="pivot"),)],
)
def test_a_cap_that_cannot_be_kept_is_refused(caps: tuple[dict[str, Any], ...]) -> None:
    with pytest.raises(ValidationError):
        policy_of(rule("win", "scale", ALWAYS), caps=caps)


def test_a_missing_policy_is_an_error_of_the_policy(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="missing_file"):
        read_decision_policy(tmp_path)
