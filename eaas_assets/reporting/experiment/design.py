"""How sound the design is: its grade with reasons, what was found, and whether the metrics keep their error rate."""

from __future__ import annotations

import pandas as pd

from eaas_assets.reporting import quantities, sections, text, views
from eaas_assets.reporting.experiment.tables import ExperimentReportTables
from eaas_assets.reporting.records import first, records
from eaas_assets.reporting.sections import Section
from eaas_assets.reporting.views import Column, Columns, Finding, Findings, TableView

_SHOWN = 20
_EVIDENCE_LIMIT = 800
_GROUPS = (
    ("Errors", "error", False),
    ("Warnings", "warning", False),
    ("Not known", "not_known", True),
    ("Passed", "passed", True),
)


def design(tables: ExperimentReportTables) -> Section | None:
    """The section."""
    return sections.section(
        "design",
        "Design",
        [
            sections.prose(_grade(tables)),
            sections.points(_reasons(tables), source="design_validation"),
            *(sections.findings(_findings(tables.design, *group)) for group in _GROUPS),
            sections.table(_calibration(tables.calibration)),
        ],
    )


def _grade(tables: ExperimentReportTables) -> str:
    row = first(tables.design)
    if row is None:
        return ""
    return (
        f"Grade {row.grade}, from A (sound) to F (must not decide anything){', because:' if _reasons(tables) else '.'}"
    )


def _reasons(tables: ExperimentReportTables) -> list[str]:
    row = first(tables.design)
    told = None if row is None else text.parsed(row.grade_reasons_json)
    return [str(reason) for reason in told] if isinstance(told, list) else []


def _findings(checks: pd.DataFrame, caption: str, outcome: str, folded: bool) -> Findings:
    rows = checks[checks["outcome"] == outcome]
    shown = tuple(
        Finding(
            mark=views.status(row.outcome),
            name=text.inline(row.check.replace("_", " "), 120),
            subject=text.inline(row.area, 40),
            statement=text.inline(row.statement, sections.STATEMENT_LIMIT),
            advice=text.inline(row.action, sections.STATEMENT_LIMIT) if text.known(row.action) else "",
            evidence=text.block(row.evidence_json, _EVIDENCE_LIMIT),
        )
        for row in records(rows.head(_SHOWN))
    )
    rest = views.remainder(len(rows) - len(shown), "design_validation")
    return Findings(f"{caption} ({len(rows):,})", shown, rest, folded)


def _calibration(rows: pd.DataFrame) -> TableView:
    columns: Columns = ["Metric", "Keeps its promise", Column("False alarms", True), Column("Promised", True),
                        "In words"]  # fmt: skip
    lines = [
        (views.code(row.metric),
         views.state("not_known", "not tried") if not text.known(row.passed)
         else views.state("passed", "yes") if row.passed else views.state("failed", "no"),
         views.figure(text.rate(row.rejected, row.replays, row.rate, row.rate_low, row.rate_high,
                                reason=text.inline(row.reason, 120) if text.known(row.reason) else "not tried")),
         views.figure(quantities.probability(row.promised)), views.words(row.statement))
        for row in records(rows.head(_SHOWN))
    ]  # fmt: skip
    return views.table("Tests of the metrics where nothing happened", columns, lines, "metric_calibration",
                       total=len(rows), folded=True)  # fmt: skip
