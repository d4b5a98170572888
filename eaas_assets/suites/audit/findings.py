"""A finding about a suite, and the rows that show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from eaas_assets.storage.files import canonical_json

MAX_EVIDENCE = 50
"""Rows of evidence that one finding shows; its statement counts them all."""

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about a suite before its numbers are believed.

    Attributes:
        finding: Stable kind, e.g. ``contradictory_labels``.
        severity: error: numbers built on it are wrong; warning: they may mislead; info: a limit to know.
        subject: The scenarios, rule or field concerned.
        statement: What is wrong, in one sentence, with its numbers.
        advice: What to do about it.
        evidence: The rows that show it.
    """

    suite: str
    finding: str
    severity: Severity
    subject: str
    statement: str
    advice: str
    evidence: list[dict[str, Any]]

    def as_row(self) -> dict[str, str]:
        """The finding as a row of SuiteAudit."""
        return {
            "suite": self.suite,
            "finding": self.finding,
            "severity": self.severity,
            "subject": self.subject,
            "statement": self.statement,
            "advice": self.advice,
            "evidence_json": canonical_json(self.evidence[:MAX_EVIDENCE]),
        }


def listed(names: Iterable[str], most: int = 10) -> str:
    """Names for a sentence: at most ``most`` of them, and how many more there are."""
    known = list(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more


def counted(number: int, noun: str) -> str:
    """``1 scenario``, ``2 scenarios``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
