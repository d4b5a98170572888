"""Figures of the whole portfolio and of its groups, as the table ``portfolio_summary`` has them."""

from __future__ import annotations

from typing import Any

from eaas_assets.reporting import quantities, sections, text, views
from eaas_assets.reporting.portfolio.tables import PortfolioReportTables
from eaas_assets.reporting.records import records
from eaas_assets.reporting.sections import Section
from eaas_assets.reporting.views import Column, Columns, KeyFigure, TableView

_KEY = 6
_ROWS = 20
_AREAS = (
    ("money", "Money", ("value", "cost", "funding")),
    ("risk", "Risk and its concentration", ("risk", "concentration")),
    ("pace", "Pace and error budget", ("velocity", "error_budget")),
)


def key_figures(tables: PortfolioReportTables) -> tuple[KeyFigure, ...]:
    """How many experiments and open approvals there are, then the first figures of the whole."""
    whole = tables.summary[tables.summary["grouping"].isna()]
    order = {"value": 0, "cost": 1, "risk": 2, "error_budget": 3, "velocity": 4}
    ordered = whole.assign(order=whole["area"].map(order).fillna(9)).sort_values("order", kind="stable")
    pending = KeyFigure("Waiting for approval", f"{len(tables.pending):,}",
                        f"of {text.counted(len(tables.current), 'current decision')}")  # fmt: skip
    ranked = KeyFigure("Experiments", f"{len(tables.portfolio):,}", f"{len(tables.ranked):,} of them have a value")
    return (ranked, pending, *(_key(row) for row in records(ordered.groupby("area", sort=False).head(2).head(_KEY))))


def _key(row: Any) -> KeyFigure:
    label = text.label(row.figure)
    if not text.known(row.value):
        return KeyFigure(label, text.MISSING, _reason(row))
    note = _interval(row) or _rate(row) or text.inline(row.statement.partition("; ")[0], 160)
    return KeyFigure(label, quantities.figure(row.value, row.unit), note)


def _reason(row: Any) -> str:
    return text.inline(row.reason, 160) if text.known(row.reason) else "not known"


def _interval(row: Any) -> str:
    between = quantities.figure_interval(row.low, row.high, row.unit)
    return f"interval {between}" if between else ""


def _rate(row: Any) -> str:
    """Both parts of a share or count; amounts of money say theirs in their statement."""
    if row.unit not in {"share", "count"} or not (text.known(row.numerator) and text.known(row.denominator)):
        return ""
    return f"{text.number(row.numerator)} of {text.number(row.denominator)}"


def areas(tables: PortfolioReportTables) -> list[Section | None]:
    """A section of each area: the figures of the whole, then those of its groups."""
    return [
        sections.section(
            anchor, title, [sections.table(view) for view in (_whole(tables, named), _groups(tables, named))]
        )
        for anchor, title, named in _AREAS
    ]


def _whole(tables: PortfolioReportTables, areas: tuple[str, ...]) -> TableView:
    rows = tables.summary[tables.summary["area"].isin(areas) & tables.summary["grouping"].isna()]
    columns: Columns = ["Figure", Column("Value", True), "Interval or rate", "In words"]
    lines = [
        (views.words(text.label(row.figure)), views.figure(quantities.figure(row.value, row.unit, row.reason)),
         views.words(_interval(row) or _rate(row) or text.missing("no interval")), views.words(row.statement))
        for row in records(rows.head(_ROWS))
    ]  # fmt: skip
    return views.table("Of the whole portfolio", columns, lines, "portfolio_summary", total=len(rows))


def _groups(tables: PortfolioReportTables, areas: tuple[str, ...]) -> TableView:
    rows = tables.summary[tables.summary["area"].isin(areas) & tables.summary["grouping"].notna()]
    ordered = rows.sort_values(["figure", "grouping", "value"], ascending=[True, True, False], kind="stable")
    largest = ordered.groupby(["figure", "grouping"], sort=False).head(3)
    columns: Columns = ["By", "Group", "Figure", Column("Value", True), "Interval or rate"]
    lines = [
        (views.words(row.grouping), views.code(row.group) if text.known(row.group) else views.words("all of them"),
         views.words(text.label(row.figure)), views.figure(quantities.figure(row.value, row.unit, row.reason)),
         views.words(_interval(row) or _rate(row) or text.missing("no interval")))
        for row in records(largest.head(2 * _ROWS))
    ]  # fmt: skip
    return views.table(
        "The largest groups", columns, lines, "portfolio_summary", total=len(rows), folded=len(lines) > _ROWS
    )
