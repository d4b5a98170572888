"""What was learned, by domain and kind of change: how often it worked, how large effects are, and for whom."""

from __future__ import annotations

from typing import Any

from eaas_assets.reporting import quantities, ruling, sections, text, views
from eaas_assets.reporting.portfolio.tables import PortfolioReportTables
from eaas_assets.reporting.records import records
from eaas_assets.reporting.sections import Section
from eaas_assets.reporting.views import Column, Columns, TableView

_SHOWN = 15


def learning(tables: PortfolioReportTables) -> Section | None:
    """The section."""
    rows = tables.learning.sort_values("experiments", ascending=False, kind="stable")
    return sections.section(
        "learning",
        "What was learned",
        [
            sections.points(list(rows["statement"]), cap=6, source="learning_summaries"),
            sections.table(_table(tables)),
        ],
    )


def _table(tables: PortfolioReportTables) -> TableView:
    rows = tables.learning.sort_values("experiments", ascending=False, kind="stable")
    columns: Columns = ["Domain", "Kind of change", Column("Worked", True), "Success rate", Column("Harmed", True),
                        Column("Open or refused", True), Column("Typical effect", True), Column("Predicted", True),
                        Column("Realised", True), "Next design should show"]  # fmt: skip
    lines = []
    for row in records(rows.head(_SHOWN)):
        reason = text.inline(row.reason, 120) if text.known(row.reason) else "not known"
        lines.append((
            views.words(row.domain), views.words(row.type),
            views.figure(text.count_of(row.worked, row.experiments)), views.words(_success(row, reason)),
            views.figure(f"{row.harmed:,}"), views.figure(f"{row.inconclusive + row.refused:,}"),
            views.figure(quantities.relative(row.typical_effect, reason)),
            views.figure(quantities.relative(row.predicted, "none predicted")),
            views.figure(quantities.relative(row.realised, "not comparable")),
            views.words(quantities.relative(row.suggested_minimum_effect, reason)),
        ))  # fmt: skip
    return views.table("By domain and kind of change", columns, lines, "learning_summaries", total=len(rows))


def _success(row: Any, reason: str) -> str:
    if not text.known(row.success_rate):
        return text.missing(reason)
    between = text.percent_interval(row.success_low, row.success_high)
    return f"{quantities.probability(row.success_rate)}, interval {between}"


def releases(tables: PortfolioReportTables) -> Section | None:
    """What is decided on the agent versions."""
    columns: Columns = ["Version", "Decision", "State", "Confidence", "Why"]
    ordered = tables.releases.sort_values("subject_id", kind="stable")
    lines = [
        (views.code(row.subject_id), views.state(row.decision, ruling.word(row.decision)),
         views.Cell(ruling.state_status(row).word, "status", ruling.state_status(row)), views.words(row.confidence),
         views.words(row.rationale))
        for row in records(ordered.head(_SHOWN))
    ]  # fmt: skip
    view = views.table("Decisions on agent versions", columns, lines, "decisions", total=len(ordered))
    return sections.section("releases", "Agent versions", [sections.table(view)])
