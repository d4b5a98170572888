import json

import pytest

from eaas_assets.contracts.decisions import Decisions
from eaas_assets.contracts.tables import build
from eaas_assets.notifications.messages import TOLD_ONE_BY_ONE, decision_messages, gate_message
from eaas_assets.notifications.payloads import payload
from eaas_assets_tests.reporting.experiment.world import decision_row, earlier_row
from eaas_assets_tests.reporting.hostile import PAYLOADS, has_invisible


def told(**changed):
    return decision_messages(build(Decisions, [decision_row(**changed), earlier_row()]))


def test_a_pending_decision_is_two_messages_and_a_past_one_none():
    messages = told()
    assert [message.event for message in messages] == ["new_decision", "pending_approval"]
    assert messages[0].headline == "Decided: pivot, E105, Shorter replies"
    assert messages[0].sentence == "The average rose by 8.0 points but 1 of 2 segments is harmed."
    assert dict(messages[1].facts)["missing"] == "legal; different people: 1"


def test_a_decision_that_is_made_waits_for_nobody():
    assert [message.event for message in told(state="made")] == ["new_decision"]


def test_the_same_thing_has_the_same_key_and_another_state_another():
    assert [message.key for message in told()] == [message.key for message in told()]
    keys = {
        message.key for changed in ({}, {"state": "approved"}, {"decision_id": "e" * 64}) for message in told(**changed)
    }
    assert len(keys) == 5


def test_only_what_is_new_or_stands_differently_is_told():
    before = build(Decisions, [decision_row(), earlier_row()])
    assert decision_messages(before, before) == []
    approved = decision_messages(build(Decisions, [decision_row(state="approved"), earlier_row()]), before)
    assert [(message.event, message.headline) for message in approved] == [
        ("new_decision", "Approved: pivot, E105, Shorter replies")
    ]
    overridden = decision_row(state="overridden", effective_decision="scale")
    (message,) = decision_messages(build(Decisions, [overridden, earlier_row()]), before)
    assert message.headline == "Overridden: scale instead of pivot, E105, Shorter replies"


def test_many_at_once_are_told_in_one_message():
    rows = [decision_row(decision_id=f"{n:064x}", subject_id=f"E{n}") for n in range(TOLD_ONE_BY_ONE + 1)]
    messages = decision_messages(build(Decisions, rows))
    assert [message.event for message in messages] == ["new_decision", "pending_approval"]
    assert messages[0].headline == "Decided: 21 at once"
    assert messages[0].facts == (("pivot", "21"),)


def test_a_red_gate_tells_its_first_reasons_and_how_many_more_there_are():
    message = gate_message("agent@v1", "RUN_1", "v1 is worse.", [f"reason {n}" for n in range(9)])
    assert message.event == "red_gate"
    assert len(message.facts) == 7
    assert message.facts[-1] == ("further reasons", "4")


@pytest.mark.parametrize("text", PAYLOADS.values(), ids=PAYLOADS)
@pytest.mark.parametrize("kind", ["webhook", "slack"])
def test_hostile_text_is_short_and_inert_in_every_payload(text, kind):
    changed = {"title": text, "rationale": text, "rule": text, "subject_id": text,
               "missing_json": json.dumps({"roles": [text], "people": 1})}  # fmt: skip
    messages = [*told(**changed), gate_message(text, text, text, [text] * 9)]
    for message in messages:
        body = json.dumps(payload(message, kind))
        assert len(body) < 20_000
        shown = payload(message, kind)
        assert not has_invisible(json.dumps(shown, ensure_ascii=False))
        if kind == "slack":
            assert not set("<>") & set(shown["text"])
            assert [block["text"]["type"] for block in shown["blocks"]] == ["plain_text", "plain_text"]
            assert not any(set("<>") & set(block["text"]["text"]) for block in shown["blocks"])


def test_nobody_can_call_everybody_in_slack():
    shown = payload(told(rationale="<!channel> <@U1> <https://evil.example|ok>")[0], "slack")
    assert "&lt;!channel&gt;" in shown["text"]
    assert "<" not in json.dumps(shown)


def test_slacks_limits_are_kept():
    shown = payload(gate_message("a" * 900, "r" * 900, "&" * 900, ["&" * 900] * 9), "slack")
    header, section = (block["text"]["text"] for block in shown["blocks"])
    assert len(header) <= 150
    assert len(section) <= 3000
