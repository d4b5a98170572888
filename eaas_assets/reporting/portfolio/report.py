"""The executives' page: the portfolio in one sentence, then what worked, what did not, why, and what happens next."""

from __future__ import annotations

from typing import Any

from eaas_assets.reporting import text, views
from eaas_assets.reporting.narrative.facts import Facts, Told
from eaas_assets.reporting.pages import RenderedReport, render
from eaas_assets.reporting.portfolio.figures import areas, key_figures
from eaas_assets.reporting.portfolio.learning import learning, releases
from eaas_assets.reporting.portfolio.outcomes import counts, outcomes
from eaas_assets.reporting.portfolio.ranking import ranking
from eaas_assets.reporting.portfolio.tables import PortfolioReportTables
from eaas_assets.reporting.portfolio.upcoming import changes, funding, upcoming
from eaas_assets.reporting.sections import SectionedPage
from eaas_assets.reporting.views import Link, Status, TraceItem

TITLE = "Portfolio of experiments"


def render_portfolio_report(tables: PortfolioReportTables, told: Told | None = None) -> RenderedReport:
    """The page, as HTML and Markdown. The same tables give the same bytes.

    Args:
        tables: Its rows.
        told: The finding as a narrator told it; None: the deterministic text stands.
    """
    page = portfolio_page(tables, told)
    return render("sectioned", page.verdict, page=page)


def portfolio_page(tables: PortfolioReportTables, told: Told | None = None) -> SectionedPage:
    """The page, ready to be laid out."""
    facts = portfolio_facts(tables)
    parts = [
        *outcomes(tables), upcoming(tables), changes(tables), ranking(tables), funding(tables), releases(tables),
        *areas(tables), learning(tables),
    ]  # fmt: skip
    return SectionedPage(
        title=TITLE,
        trail=(Link("All reports", "index.html"),),
        subtitle=f"As of {text.moment(tables.as_of)}",
        decision=_status(tables),
        marks=(),
        verdict=_sentence(tables),
        remarks=(),
        summary=told.text if told is not None else text.inline(" ".join(facts.statements[1:]), 1500),
        summary_source=told.source if told is not None else "",
        figures=key_figures(tables),
        sections=tuple(part for part in parts if part is not None),
        trace=_trace(tables),
    )


def portfolio_facts(tables: PortfolioReportTables) -> Facts:
    """The finding in finished sentences. The portfolio as a whole has no decision word."""
    whole = tables.summary[tables.summary["grouping"].isna()]
    whole = whole.assign(unknown=whole["value"].isna()).sort_values("unknown", kind="stable")  # what is known says more
    told = [
        text.inline(statement, 400)
        for area in ("value", "cost", "risk", "error_budget")
        for statement in whole.loc[whole["area"] == area, "statement"].head(1)
    ]
    return Facts(TITLE, "", (_sentence(tables), *told))


def _sentence(tables: PortfolioReportTables) -> str:
    if tables.portfolio.empty:
        return "No experiment is registered yet."
    return f"{text.counted(len(tables.portfolio), 'experiment')}: {counts(tables)}."


def _status(tables: PortfolioReportTables) -> Status:
    if tables.current.empty:
        return views.status("undecided", "Nothing decided yet")
    waiting = text.counted(len(tables.pending), "decision")
    if len(tables.pending):
        return views.status("pending_approval", f"{waiting} waiting for approval")
    return views.status("clear", "No decision waits for approval")


def _trace(tables: PortfolioReportTables) -> tuple[TraceItem, ...]:
    items: dict[str, Any] = {"As of": text.moment(tables.as_of)}
    sources = (
        ("Policy decisions", tables.current["policy_hash"]),
        ("Policy approvals", tables.current["approvals_policy_hash"]),
        ("Policy portfolio", tables.portfolio["policy_hash"]),
    )
    for name, hashes in sources:
        items[name] = text.listed(hashes.drop_duplicates(), 4) or text.missing("it was not asked")
    items["Decisions"] = f"{len(tables.current):,} current of {len(tables.decisions):,}"
    items["Head of the audit log"] = tables.audit_head or text.missing("there is no log")
    items |= {f"Version of {name}": value for name, value in tables.data_versions.items()}
    return tuple(TraceItem(text.inline(name, 120), text.inline(value, 400)) for name, value in list(items.items())[:40])
