"""A changed policy over past decisions: what would differ, and what that is worth where the outcome is known."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from eaas_assets.contracts.decision_policy import DecisionPolicy
from eaas_assets.contracts.decisions import PolicyBacktest
from eaas_assets.contracts.tables import build, contract_problems
from eaas_assets.decisions.backtest import NO_MONEY, replay
from eaas_assets.decisions.policy import fire
from eaas_assets_tests.decisions.facts_by_hand import HARM, OPEN, PROPOSAL, RELEASE, RUNNING, WIN, Facts, shipped
from eaas_assets_tests.decisions.logs_by_hand import NOON

POLICY = shipped()


def past(facts: Facts, number: int, subject: str = "E1") -> dict[str, Any]:
    fired = fire(facts, facts["subject.phase"], POLICY)
    return {
        "decision_id": f"d{number}",
        "subject_kind": facts["subject.kind"],
        "subject_id": subject,
        "phase": facts["subject.phase"],
        "decided_at": NOON + timedelta(days=number),
        "decision": fired.word,
        "rule": fired.rule.rule,
        "facts_json": json.dumps(facts),
        "evidence_id": f"evidence {number}",
        "policy_hash": POLICY.digest,
    }


def changed(phase: str, word: str) -> DecisionPolicy:
    """The shipped policy with one rule before all others of a phase, which always holds."""
    fixed = {"because": "So it is.", "confidence": "low", "review_days": 7}
    document = POLICY.model_dump()
    document["rules"].insert(0, {"rule": "always", "phase": phase, "decision": word, "when": [], **fixed})
    return DecisionPolicy.model_validate(document)


def test_the_same_policy_changes_nothing() -> None:
    rows = replay([past(WIN, 1), past(HARM, 2), past(RELEASE, 3, "bot@v1")], POLICY, NOON)
    assert not any(row["differs"] for row in rows)
    assert [row["difference_usd"] for row in rows] == [0.0, 0.0, 0.0]
    assert contract_problems(PolicyBacktest, build(PolicyBacktest, rows)) == []


def test_a_scale_that_lost_money_later_would_have_been_better_left() -> None:
    rows = replay([past(WIN, 1), past(HARM, 2)], changed("concluded", "pivot"), NOON)
    assert (rows[0]["old_decision"], rows[0]["new_decision"], rows[0]["new_rule"]) == ("scale", "pivot", "always")
    assert rows[0]["difference_usd"] == 70_000  # HARM knows a net value of −70,000 a year
    assert "d2" in rows[0]["reason"]


def test_a_win_that_was_missed_is_what_it_later_turned_out_to_be_worth() -> None:
    rows = replay([past(OPEN, 1), past(WIN, 2)], changed("concluded", "scale"), NOON)
    assert (rows[0]["old_decision"], rows[0]["difference_usd"]) == ("pivot", 70_000)


def test_neither_word_keeps_the_change_so_the_difference_is_zero() -> None:
    rows = replay([past(OPEN, 1), past(WIN, 2)], changed("concluded", "retire"), NOON)
    assert (rows[0]["differs"], rows[0]["difference_usd"]) == (True, 0.0)


def test_a_proposal_is_worth_what_its_experiment_brought_less_its_cost() -> None:
    rows = replay([past(PROPOSAL, 1), past(WIN, 2)], changed("proposal", "do_not_start"), NOON)
    assert rows[0]["difference_usd"] == -(70_000 - 1132)
    dear = {**HARM, "cost.to_date_usd": 500.0}
    rows = replay([past(PROPOSAL, 1), past(dear, 2)], changed("proposal", "do_not_start"), NOON)
    assert rows[0]["difference_usd"] == 500.0  # it was retired: only its cost would have been saved


@pytest.mark.parametrize(
    ("decisions", "phase", "word", "reason"),
    [
        ([past(WIN, 1)], "concluded", "pivot", NO_MONEY),
        ([past(WIN, 1), past(HARM, 2, "E2")], "concluded", "pivot", NO_MONEY),
        ([past(WIN, 1), {**past(HARM, 2), "evidence_id": "evidence 1"}], "concluded", "pivot", NO_MONEY),
        ([past(RUNNING, 1), past(WIN, 2)], "running", "pause", "other course"),
        ([past(RELEASE, 1), past(RELEASE, 2)], "release", "retire", NO_MONEY),
    ],
)
def test_what_is_not_known_is_null_with_a_reason(
    decisions: list[dict[str, Any]], phase: str, word: str, reason: str
) -> None:
    row = replay(decisions, changed(phase, word), NOON)[0]
    assert row["differs"]
    assert row["difference_usd"] is None
    assert reason in row["reason"]


def test_a_replay_is_named_by_its_policies_and_decisions() -> None:
    decisions = [past(WIN, 1), past(HARM, 2)]
    names = {
        replay(decisions, POLICY, NOON)[0]["replay_id"],
        replay(decisions, changed("concluded", "pivot"), NOON)[0]["replay_id"],
        replay(decisions[:1], POLICY, NOON)[0]["replay_id"],
    }
    assert len(names) == 3
    assert replay(decisions, POLICY, NOON + timedelta(days=9))[0]["replay_id"] in names
