"""What a narrator is given, and all that it is given: finished sentences and the word of the decision."""

from __future__ import annotations

from typing import NamedTuple


class Facts(NamedTuple):
    """A finding in finished sentences.

    Attributes:
        subject: What it is about.
        decision: The decision word of the policy, e.g. ``do_not_start``; empty where nothing is decided.
        statements: Sentences with their numbers, denominators and intervals.
    """

    subject: str
    decision: str
    statements: tuple[str, ...]


class Told(NamedTuple):
    """A finding in a narrator's words, checked against its facts, and who wrote it."""

    text: str
    source: str
