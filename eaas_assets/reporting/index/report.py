"""The index page: the portfolio, every experiment by what is decided on it, and the latest report of each version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from eaas_assets.reporting import ruling, text, views
from eaas_assets.reporting.evaluation.verdict import Decision, decision_of
from eaas_assets.reporting.pages import RenderedReport, relative_link, render
from eaas_assets.reporting.views import Status

MOST_OF_A_GROUP = 400
FOLD_FROM = 12
WORDS = ("scale", "start", "continue", "pivot", "pause", "fix_design", "retire", "do_not_start")


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
        ruled: What is decided on the version by the policy of decisions; None where nothing is.
        state: State of that decision; None likewise.
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
    ruled: str | None = None
    state: str | None = None


@dataclass(frozen=True)
class ExperimentEntry:
    """The page of one experiment.

    Attributes:
        decision: What holds or is proposed, a decision word; None where nothing is decided.
        state: State of the decision; None likewise.
        verdict: The page's first sentence, as the table ``experiment_report`` has it.
        path: Where the HTML page is, relative to the index page.
    """

    experiment_id: str
    title: str | None
    decision: str | None
    state: str | None
    verdict: str
    path: str


@dataclass(frozen=True)
class PortfolioEntry:
    """The page of the portfolio: its first sentence, and where it is."""

    verdict: str
    path: str


@dataclass(frozen=True)
class IndexRow:
    """One version as the page shows it."""

    version: str
    path: str
    decision: Status
    ruled: Status | None
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
class ExperimentRow:
    """One experiment as the page shows it."""

    name: str
    title: str
    path: str
    decision: Status
    state: Status | None
    verdict: str


@dataclass(frozen=True)
class ExperimentGroup:
    """Experiments with one decision; many start folded.

    Attributes:
        anchor: By which the page refers to it.
        remainder: How many are not shown, and where they are.
    """

    anchor: str
    title: str
    rows: tuple[ExperimentRow, ...]
    folded: bool
    remainder: str


@dataclass(frozen=True)
class IndexView:
    """The whole page."""

    title: str
    subtitle: str
    decision: Status
    verdict: str
    portfolio: PortfolioEntry | None
    experiments: tuple[ExperimentGroup, ...]
    groups: tuple[IndexGroup, ...]


def render_index(
    entries: Sequence[IndexEntry],
    experiments: Sequence[ExperimentEntry] = (),
    portfolio: PortfolioEntry | None = None,
) -> RenderedReport:
    """The index page.

    Args:
        entries: The latest report of each agent version.
        experiments: The page of each experiment.
        portfolio: The page of the portfolio; None where there is none.

    Raises:
        ValueError: A path is not made of safe names, or a verdict does not end with a decision.
    """
    ordered = sorted(entries, key=lambda entry: (entry.run_at, entry.version), reverse=True)
    ordered = sorted(ordered, key=lambda entry: entry.agent)
    groups = tuple(
        IndexGroup(text.inline(agent), tuple(map(_row, rows)))
        for agent, rows in groupby(ordered, key=lambda entry: entry.agent)
    )
    told = [] if portfolio is None else [text.inline(portfolio.verdict, 700)]
    verdict = " ".join([*told, _verdict(ordered)])
    latest = max((entry.run_at for entry in entries), default=None)
    view = IndexView(
        title="Reports",
        subtitle=f"Latest run: {text.moment(latest, 'none yet')}",
        decision=_overall(ordered),
        verdict=verdict,
        portfolio=None
        if portfolio is None
        else PortfolioEntry(text.inline(portfolio.verdict, 700), relative_link(portfolio.path)),
        experiments=_experiment_groups(experiments),
        groups=groups,
    )
    return render("index/report", verdict, index=view)


def _experiment_groups(entries: Sequence[ExperimentEntry]) -> tuple[ExperimentGroup, ...]:
    """The experiments by decision, in the order in which a reader wants them."""
    groups = []
    for decision in (*WORDS, None):
        own = sorted((entry for entry in entries if entry.decision == decision), key=lambda entry: entry.experiment_id)
        if not own:
            continue
        title = ruling.word(decision) if decision is not None else "No decision yet"
        rows = tuple(map(_experiment_row, own[:MOST_OF_A_GROUP]))
        rest = views.remainder(len(own) - len(rows), "experiment_report")
        anchor = f"experiments-{(decision or 'undecided').replace('_', '-')}"
        groups.append(ExperimentGroup(anchor, f"{title} ({len(own):,})", rows, len(own) > FOLD_FROM, rest))
    return tuple(groups)


def _experiment_row(entry: ExperimentEntry) -> ExperimentRow:
    word = ruling.word(entry.decision) if entry.decision is not None else "No decision yet"
    return ExperimentRow(
        name=text.inline(entry.experiment_id, 64),
        title=text.inline(entry.title, 160) if entry.title is not None else text.missing("its document cannot be read"),
        path=relative_link(entry.path),
        decision=views.status(entry.decision or "undecided", word),
        state=ruling.state_word(entry.state) if entry.state is not None else None,
        verdict=text.inline(entry.verdict.removeprefix(f"{word}: "), 500),
    )


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
        ruled=_ruled(entry),
        rate=text.rate(entry.passed, entry.total, entry.pass_rate, entry.low, entry.high),
        health=views.status(entry.health or "not known", entry.health or "health not known"),
        verdict=text.inline(entry.verdict, 1_000),
        run_id=text.inline(entry.run_id),
        when=text.moment(entry.run_at),
    )


def _ruled(entry: IndexEntry) -> Status | None:
    """What is decided on a version, with its state."""
    if entry.ruled is None or entry.state is None:
        return None
    state = ruling.state_word(entry.state).word
    return views.status(entry.ruled, f"Decided: {ruling.word(entry.ruled).lower()}, {state}")
