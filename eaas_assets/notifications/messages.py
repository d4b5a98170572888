"""What people are told: a new decision, one that waits for approval, a gate that went red.

A message is made from finished rows. Its key names what happened: the same thing, told again, has the same key, and
those who receive a message twice can tell by it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from eaas_assets.contracts.notification_policy import Event

LINE = 300
"""Characters of a title or a reason."""
SENTENCE = 700


class Message(NamedTuple):
    """One thing that happened.

    Attributes:
        key: Names it; the idempotency key of its delivery.
        event: What kind of thing it is.
        subject: Experiment, or agent@version.
        headline: It in a few words.
        sentence: Why, in a sentence.
        facts: Name → value, in plain texts.
    """

    key: str
    event: Event
    subject: str
    headline: str
    sentence: str
    facts: tuple[tuple[str, str], ...]


def decision_messages(decisions: pd.DataFrame) -> list[Message]:
    """Messages on the current decisions: one on each, and one more on each that waits for approval.

    Args:
        decisions: Table `decisions`.
    """
    rows = decisions[decisions["current"].astype(bool)].to_dict("records")
    told = [_decision(row, "new_decision", "Decided") for row in rows]
    waiting = [row for row in rows if row["state"] == "pending_approval"]
    return told + [_decision(row, "pending_approval", "Waits for approval") for row in waiting]


def _decision(row: Mapping[Any, Any], event: Event, what: str) -> Message:
    word = str(row["decision"]).replace("_", " ")
    facts = {"decision": word, "state": str(row["state"]).replace("_", " "), "risk": row["risk"],
             "confidence": row["confidence"], "rule": row["rule"]}  # fmt: skip
    if event == "pending_approval":
        facts |= {"missing": _missing(row["missing_json"])}
    headline = f"{what}: {word}, {line(row['subject_id'])}, {line(row['title'])}"
    return _message(event, row["subject_id"], (row["decision_id"], row["state"]), headline, row["rationale"], facts)


def _missing(missing_json: str) -> str:
    missing = json.loads(missing_json)
    if not isinstance(missing, dict):
        return "an approval"
    roles = ", ".join(str(role) for role in missing.get("roles", []))
    people = missing.get("people", 0)
    return f"{roles or 'any listed person'}; different people: {people}"


def gate_message(subject: str, run_id: str, sentence: str, reasons: Sequence[str]) -> Message:
    """A release gate that went red.

    Args:
        subject: ``agent@version``.
        run_id: The run that it judged.
        sentence: The finding in one sentence.
        reasons: What stops the release; the first few are told.
    """
    facts = {"run": run_id} | {f"reason {place}": reason for place, reason in enumerate(reasons[:5], start=1)}
    facts |= {"further reasons": f"{len(reasons) - 5:,}"} if len(reasons) > 5 else {}
    return _message("red_gate", subject, (run_id,), f"Gate is red: {line(subject)}", sentence, facts)


def _message(
    event: Event, subject: str, identity: tuple[str, ...], headline: str, sentence: str, facts: Mapping[str, Any]
) -> Message:
    named = json.dumps([event, subject, *identity], ensure_ascii=True).encode()
    return Message(
        key=hashlib.sha256(named).hexdigest(),
        event=event,
        subject=line(subject),
        headline=line(headline, SENTENCE),
        sentence=line(sentence, SENTENCE),
        facts=tuple((line(name, 64), line(value)) for name, value in facts.items()),
    )


def line(value: object, limit: int = LINE) -> str:
    """A foreign text in one line: shortened, and without characters that cannot be seen."""
    whole = str(value)
    seen = "".join(character if character.isprintable() else " " for character in whole[:limit])
    return " ".join(seen.split()) + (" …" if len(whole) > limit else "")
