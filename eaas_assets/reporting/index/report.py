"""The index page: the latest report of each agent version, with its verdict and the numbers behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from eaas_assets.reporting import text, views
from eaas_assets.reporting.evaluation.verdict import Decision, decision_of
from eaas_assets.reporting.pages import RenderedReport, relative_link, render
from eaas_assets.reporting.views import Status


@dataclass(frozen=True)
class IndexEntry:
    """The latest report of one agent version.

    Attributes:
        verdict: The report's first sentence, as the table ``evaluation_report`` has it.
        passed: Evaluations passed.
        total: Evaluations.
        pass_rate: passed / total; None where nothing was evaluated.
        low: Lower end of its 95 % interval.
        high: Upper end.
        health: Health of the version; None where nothing was scored.
        path: Where the HTML report is, relative to the index page.
    """

    agent: str
    version: str
    run_id: str
    run_at: datetime
    verdict: str
    passed: int
    total: int
    pass_rate: float | None
    low: float | None
    high: float | None
    health: str | None
    path: str


@dataclass(frozen=True)
class IndexRow:
    """One version as the page shows it."""

    version: str
    path: str
    decision: Status
    rate: str
    health: Status
    verdict: str
    run_id: str
    when: str


@dataclass(frozen=True)
class IndexGroup:
    """The versions of one agent, the latest run first."""

    agent: str
    rows: tuple[IndexRow, ...]


@dataclass(frozen=True)
class IndexView:
    """The whole page."""

    title: str
    subtitle: str
    decision: Status
    verdict: str
    groups: tuple[IndexGroup, ...]


def render_index(entries: Sequence[IndexEntry]) -> RenderedReport:
    """The index page.

    Raises:
        ValueError: A path is not made of safe names, or a verdict does not end with a decision.
    """
    ordered = sorted(entries, key=lambda entry: (entry.run_at, entry.version), reverse=True)
    ordered = sorted(ordered, key=lambda entry: entry.agent)
    groups = tuple(
        IndexGroup(text.inline(agent), tuple(map(_row, rows)))
        for agent, rows in groupby(ordered, key=lambda entry: entry.agent)
    )
    verdict = _verdict(ordered)
    latest = max((entry.run_at for entry in entries), default=None)
    view = IndexView(
        title="Evaluation reports",
        subtitle=f"Latest run: {text.moment(latest, 'none yet')}",
        decision=_overall(ordered),
        verdict=verdict,
        groups=groups,
    )
    return render("index/report", verdict, index=view)


def _verdict(entries: Sequence[IndexEntry]) -> str:
    if not entries:
        return "No agent version has been evaluated yet."
    safe = [entry for entry in entries if decision_of(entry.verdict) is Decision.SHIP]
    names = f": {text.listed([f'{entry.agent} {entry.version}' for entry in safe], 5)}" if safe else ""
    verb = "is" if len(safe) == 1 else "are"
    return f"{text.count_of(len(safe), len(entries))} agent versions {verb} safe to ship{names}."


def _overall(entries: Sequence[IndexEntry]) -> Status:
    stopped = sum(decision_of(entry.verdict) is Decision.STOP for entry in entries)
    review = sum(decision_of(entry.verdict) is Decision.REVIEW for entry in entries)
    word = "stop" if stopped else "review" if review else "ship" if entries else "none"
    return views.status(word, f"{stopped:,} not to ship, {review:,} to review")


def _row(entry: IndexEntry) -> IndexRow:
    decision = decision_of(entry.verdict)
    return IndexRow(
        version=text.inline(entry.version),
        path=relative_link(entry.path),
        decision=views.status(decision.value, decision.words.removesuffix(".")),
        rate=text.rate(entry.passed, entry.total, entry.pass_rate, entry.low, entry.high),
        health=views.status(entry.health or "not known", entry.health or "health not known"),
        verdict=text.inline(entry.verdict, 1_000),
        run_id=text.inline(entry.run_id),
        when=text.moment(entry.run_at),
    )
