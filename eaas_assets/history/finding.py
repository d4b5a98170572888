"""A finding about the recorded history, and the rows that show it."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from eaas_assets.storage.files import canonical_json

MOST_EVIDENCE = 50
"""Rows of evidence that one finding shows; its statement counts them all."""


class HistoryFinding(NamedTuple):
    """What is wrong with the record of a run, who says so, and what to do.

    Attributes:
        finding: Stable kind.
        severity: error | warning | info, as in SuiteAudit.
        subject: Run, or run and scenario, or value.
        evidence: The rows that show it.
    """

    finding: str
    severity: str
    subject: str
    statement: str
    advice: str
    evidence: list[dict[str, Any]]

    def as_row(self) -> dict[str, str]:
        """The finding as a row of SuiteAudit."""
        return {
            "suite": "history",
            "finding": self.finding,
            "severity": self.severity,
            "subject": self.subject,
            "statement": self.statement,
            "advice": self.advice,
            "evidence_json": canonical_json(self.evidence[:MOST_EVIDENCE]),
        }


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values, null as None."""
    columns = {name: frame[name].astype(object).where(frame[name].notna(), None).tolist() for name in frame.columns}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
