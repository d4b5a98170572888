"""The grade of a design: one rule, from its findings alone.

    F   an error that forbids deciding (see the findings), or nothing observed although it runs
    D   any other error
    C   no error, but more than three warnings or essential unknowns
    B   one to three of them
    A   none

Checks that are not known and not essential leave the grade as it is: they say what nobody looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from eaas_assets.experiments.design.finding import Finding

TOLERATED = 3
"""Most warnings of a design that still deserves a B."""


class Grade(NamedTuple):
    """A letter, and why it is no better one."""

    letter: str
    reasons: list[str]


def grade(findings: Sequence[Finding]) -> Grade:
    """The grade of these findings."""
    errors = [finding for finding in findings if finding.outcome == "error"]
    forbidding = [finding for finding in errors if finding.forbids]
    doubts = [finding for finding in findings if _doubt(finding)]
    if forbidding:
        return Grade("F", _reasons(forbidding))
    if errors:
        return Grade("D", _reasons(errors))
    if doubts:
        return Grade("B" if len(doubts) <= TOLERATED else "C", _reasons(doubts))
    return Grade("A", [])


def _doubt(finding: Finding) -> bool:
    return finding.outcome == "warning" or (finding.outcome == "not_known" and finding.essential)


def _reasons(findings: Sequence[Finding]) -> list[str]:
    return [f"{finding.check}: {finding.statement}" for finding in findings]
