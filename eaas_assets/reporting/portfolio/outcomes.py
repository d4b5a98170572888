"""What worked and what did not, and why: the experiments in groups of what was decided on them."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import pandas as pd

from eaas_assets.reporting import quantities, ruling, sections, text, views
from eaas_assets.reporting.portfolio.tables import PortfolioReportTables
from eaas_assets.reporting.records import records
from eaas_assets.reporting.sections import Entry, Section
from eaas_assets.reporting.views import Column

SHOWN = 10
SOURCE = "experiment_portfolio"


class Group(NamedTuple):
    """Experiments whose decisions belong together."""

    anchor: str
    title: str
    decisions: tuple[str, ...]
    none: str


GROUPS = (
    Group("worked", "What worked", ("scale",), "No experiment is to be scaled."),
    Group("failed", "What did not work", ("retire", "pivot"), "No experiment is to be retired or changed."),
    Group("open", "What is still open", ("continue", "pause"), "No experiment is still open."),
    Group("proposed", "What was proposed", ("start", "fix_design", "do_not_start"), "Nothing is proposed."),
)
_TO = {
    "scale": "to scale", "pivot": "to change course", "pause": "to pause", "continue": "to continue",
    "retire": "to retire", "start": "to start", "fix_design": "to mend before they start",
    "do_not_start": "not to start",
}  # fmt: skip


def counts(tables: PortfolioReportTables) -> str:
    """How many experiments have which decision, in words."""
    held = tables.portfolio["decision"].value_counts()
    parts = [f"{int(held[name]):,} {words}" for name, words in _TO.items() if name in held.index]
    undecided = int(tables.portfolio["decision"].isna().sum())
    parts += [f"{undecided:,} without a decision"] if undecided else []
    return text.joined(parts)


def outcomes(tables: PortfolioReportTables) -> list[Section | None]:
    """A section of each group."""
    return [_group(tables, group) for group in GROUPS]


def _group(tables: PortfolioReportTables, group: Group) -> Section | None:
    rows = tables.by_rank[tables.by_rank["decision"].isin(group.decisions)]
    if rows.empty:
        return sections.section(group.anchor, group.title, [sections.prose(group.none)])
    total = len(tables.portfolio)
    told = f"{text.count_of(len(rows), total)} experiments: {_split(rows, group)}."
    return sections.section(
        group.anchor,
        group.title,
        [
            sections.prose(told),
            sections.entries([_entry(tables, row) for row in records(rows.head(SHOWN))], len(rows), SOURCE),
            *_by_domain(rows, group),
        ],
    )


def _split(rows: pd.DataFrame, group: Group) -> str:
    held = rows["decision"].value_counts()
    return text.joined([f"{int(held[name]):,} {_TO[name]}" for name in group.decisions if name in held.index])


def _entry(tables: PortfolioReportTables, row: Any) -> Entry:
    state = (ruling.state_word(row.decision_state),) if text.known(row.decision_state) else ()
    return Entry(
        name=text.inline(row.experiment_id, 64),
        title=text.inline(row.title, 120),
        path=tables.pages.get(row.experiment_id, ""),
        marks=(views.status(row.decision, ruling.word(row.decision)), *state),
        statement=text.inline(tables.reasons.get(row.experiment_id, row.statement), 400),
        facts=_facts(row),
    )


def _facts(row: Any) -> tuple[str, ...]:
    """What is known of its value and effect; why there is no value, where there is none."""
    told = [f"Net value a year: {_value(row)}"]
    if text.known(row.p_loss):
        told.append(f"probability of a loss: {quantities.probability(row.p_loss)}")
    if text.known(row.shrunk_effect):
        told.append(f"effect, drawn towards others of its kind: {quantities.relative(row.shrunk_effect)}")
    return tuple(told)


def _value(row: Any) -> str:
    if not text.known(row.expected_value_usd):
        return text.missing(value_reason(row))
    between = quantities.usd_interval(row.value_low_usd, row.value_high_usd)
    return f"{quantities.usd(row.expected_value_usd)} (interval {between})"


def name(row: Any) -> str:
    """An experiment's id and title."""
    return f"{text.inline(row.experiment_id, 64)}: {text.inline(row.title, 80)}"


def value_reason(row: Any) -> str:
    """Why an experiment has no value."""
    return text.inline(row.value_reason, 200) if text.known(row.value_reason) else "not known"


def _by_domain(rows: pd.DataFrame, group: Group) -> list[sections.Part | None]:
    """Where the experiments are too many for rows: how many there are of each domain."""
    if len(rows) <= SHOWN:
        return []
    held = Counter(zip(rows["domain"].tolist(), rows["decision"].tolist(), strict=True))
    lines = [
        (views.words(domain), views.state(decision, ruling.word(decision)), views.figure(f"{count:,}"))
        for (domain, decision), count in held.most_common(SHOWN)
    ]
    view = views.table(f"{group.title}, counted by domain", ["Domain", "Decision", Column("Experiments", True)], lines,
                       SOURCE, total=len(held), folded=True)  # fmt: skip
    return [sections.table(view)]
