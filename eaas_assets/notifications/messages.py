"""What people are told: a new decision, one that waits for approval, a gate that went red.

A message is made from finished rows. Its key names what happened: the same thing, told again, has the same key, and
those who receive a message twice can tell by it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from eaas_assets.contracts.notification_policy import Event

LINE = 300
"""Characters of a title or a reason."""
SENTENCE = 700
TOLD_ONE_BY_ONE = 20
"""Decisions of one kind of message that are told one by one; more at once are told in one message."""


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


def decision_messages(decisions: pd.DataFrame, before: pd.DataFrame | None = None) -> list[Message]:
    """Messages on the current decisions that are new: one on each, and one more on each that waits for approval.

    A decision whose state has changed is new too. Where many are new at once, such as on the first run, they are told
    in one message: nobody reads a thousand.

    Args:
        decisions: Table `decisions`.
        before: The table as it was when people were last told; None: never.
    """
    known = set() if before is None else set(zip(before["decision_id"], before["state"], strict=True))
    current = decisions[decisions["current"].astype(bool)].to_dict("records")
    rows = [row for row in current if (row["decision_id"], row["state"]) not in known]
    waiting = [row for row in rows if row["state"] == "pending_approval"]
    return [*_told(rows, "new_decision", "Decided"), *_told(waiting, "pending_approval", "Waits for approval")]


_STATES = {"approved": "Approved", "rejected": "Rejected", "overridden": "Overridden"}


def _told(rows: Sequence[Mapping[Any, Any]], event: Event, what: str) -> list[Message]:
    if len(rows) <= TOLD_ONE_BY_ONE:
        return [_decision(row, event, what) for row in rows]
    words = Counter(str(row["decision"]).replace("_", " ") for row in rows)
    facts = {word: f"{count:,}" for word, count in words.most_common()}
    identity = tuple(f"{row['decision_id']} {row['state']}" for row in rows)
    sentence = "They stand in the index page, each with its reason."
    return [_message(event, f"{len(rows):,} subjects", identity, f"{what}: {len(rows):,} at once", sentence, facts)]


def _decision(row: Mapping[Any, Any], event: Event, what: str) -> Message:
    word = str(row["decision"]).replace("_", " ")
    facts = {"decision": word, "state": str(row["state"]).replace("_", " "), "risk": row["risk"],
             "confidence": row["confidence"], "rule": row["rule"]}  # fmt: skip
    if event == "pending_approval":
        facts |= {"missing": _missing(row["missing_json"])}
    if event == "new_decision":
        what = _STATES.get(str(row["state"]), what)
    if what == "Overridden":
        word = f"{str(row['effective_decision']).replace('_', ' ')} instead of {word}"
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
    """A gate that went red.

    Args:
        subject: ``agent@version``, or what else the gate is about.
        run_id: What it judged: the same red on the same is told once.
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
