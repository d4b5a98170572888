"""What a narrator is given, all that it is given, and what came of asking."""

from __future__ import annotations

from typing import NamedTuple

from eaas_assets.contracts.reports import NarrativeOutcome


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


class Narrative(NamedTuple):
    """What came of asking a narrator.

    Attributes:
        told: The text; None where the deterministic one has to stand.
        reason: Why it has to; None where nobody was asked, or the text is there.
    """

    outcome: NarrativeOutcome
    told: Told | None = None
    reason: str | None = None


OFF = Narrative("off")
"""Nobody was asked."""
