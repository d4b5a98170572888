"""What happens next: approvals and reviews that are due, proposals to fund, and what would change a decision."""

from __future__ import annotations

from typing import Any

import pandas as pd

from eaas_assets.reporting import quantities, ruling, sections, text, views
from eaas_assets.reporting.portfolio.outcomes import name
from eaas_assets.reporting.portfolio.tables import PortfolioReportTables
from eaas_assets.reporting.records import records
from eaas_assets.reporting.sections import Section
from eaas_assets.reporting.views import Column, Columns, TableView

_SHOWN = 15


def upcoming(tables: PortfolioReportTables) -> Section | None:
    """Pending approvals, overdue and coming reviews."""
    overdue = int((tables.current["next_review_on"] < tables.as_of).sum())
    return sections.section(
        "next",
        "What happens next",
        [
            sections.prose(
                f"{text.count_of(len(tables.pending), len(tables.current))} current decisions wait for approval."
                if len(tables.current)
                else "Nothing has been decided yet."
            ),
            sections.prose(
                f"{text.counted(overdue, 'decision')} should have been looked at again by now." if overdue else ""
            ),
            sections.table(_pending(tables)),
            sections.table(_reviews(tables)),
            sections.table(_refused(tables)),
        ],
    )


def _pending(tables: PortfolioReportTables) -> TableView:
    columns: Columns = ["Subject", "Decision", Column("At stake", True), "Risk", "Missing", "Owner", "Decided"]
    lines = [
        (views.words(_subject(row)), views.state(row.decision, ruling.word(row.decision)),
         views.figure(quantities.usd(row.at_stake_usd)), views.words(row.risk),
         views.words(ruling.needed(row.missing_json) or "an approval"), views.optional_code(row.owner, "none declared"),
         views.words(text.moment(row.decided_at)))
        for row in records(tables.pending.head(_SHOWN))
    ]  # fmt: skip
    return views.table("Waiting for approval, the most money first", columns, lines, "decisions",
                       total=len(tables.pending))  # fmt: skip


def _subject(row: Any) -> str:
    return f"{text.inline(row.subject_id, 130)}: {text.inline(row.title, 80)}"


def _reviews(tables: PortfolioReportTables) -> TableView:
    columns: Columns = ["To be looked at on", "Subject", "Decision", "State"]
    ordered = tables.current.sort_values("next_review_on", kind="stable")
    lines = [
        (views.words(text.day(row.next_review_on)), views.words(_subject(row)),
         views.state(row.decision, ruling.word(row.decision)),
         views.Cell(ruling.state_status(row).word, "status", ruling.state_status(row)))
        for row in records(ordered.head(_SHOWN))
    ]  # fmt: skip
    return views.table("The next reviews", columns, lines, "decisions", total=len(ordered), folded=True)


def _refused(tables: PortfolioReportTables) -> TableView:
    rows = tables.approvals[~tables.approvals["valid"].astype(bool)]
    view = ruling.approvals_table(rows, subjects=True, shown=_SHOWN)
    return views.table("Approvals that do not count", view.columns, view.rows, "approvals", total=len(rows),
                       folded=True)  # fmt: skip


def changes(tables: PortfolioReportTables) -> Section | None:
    """The changes that are nearest to flipping a current decision."""
    rows = tables.counterfactuals[tables.counterfactuals["decision_id"].isin(tables.current["decision_id"])]
    ordered = rows.sort_values(["rank", "standard_errors"], na_position="last", kind="stable")
    return sections.section(
        "change",
        "What would change the recommendations",
        [
            sections.points(_flips(ordered.head(5)), steps=True),
            sections.prose("No single change is known that would flip a decision." if rows.empty else ""),
            sections.table(ruling.counterfactual_table(ordered, tables.current, subjects=True, shown=_SHOWN)),
        ],
    )


def _flips(rows: pd.DataFrame) -> list[str]:
    return [f"{text.inline(row.subject_id, 130)}: {row.statement}" for row in records(rows)]


def funding(tables: PortfolioReportTables) -> Section | None:
    """Which proposals the budget should pay for, and why."""
    rows = tables.by_rank[tables.by_rank["funded"].notna()]
    ordered = rows.assign(order=~rows["funded"].astype(bool)).sort_values("order", kind="stable")
    columns: Columns = ["Proposal", "Fund it", Column("Costs", True), Column("Expected value", True), "Interval", "Why"]
    lines = [
        (views.words(name(row)), views.state("funded", "yes") if row.funded else views.state("not_known", "not now"),
         views.figure(quantities.usd(row.funding_cost_usd)), views.figure(quantities.usd(row.expected_value_usd)),
         views.words(quantities.usd_interval(row.value_low_usd, row.value_high_usd)),
         views.words(row.funding_reason if text.known(row.funding_reason) else text.missing("no reason given")))
        for row in records(ordered.head(_SHOWN))
    ]  # fmt: skip
    funded = int(rows["funded"].astype(bool).sum())
    told = f"{text.count_of(funded, len(rows))} proposals should be funded." if len(rows) else ""
    view = views.table("Proposals under the budget", columns, lines, "experiment_portfolio", total=len(rows))
    return sections.section("funding", "Which proposals to fund", [sections.prose(told), sections.table(view)])
