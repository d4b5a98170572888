"""A page as sections of paragraphs, lists, tables, charts and findings, which one pair of templates lays out.

For pages that are read from top to bottom and whose parts are often absent: an empty part is left out, and so is a
section without parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias
from xml.etree import ElementTree as ET

from markupsafe import Markup

from eaas_assets.reporting import text, views
from eaas_assets.reporting.views import Findings, KeyFigure, Link, Status, TableView, TraceItem

STATEMENT_LIMIT = 600
"""Characters of a statement that a stage wrote, which may hold foreign words."""

Kind = Literal["heading", "prose", "points", "steps", "table", "chart", "findings", "entries"]


class Chart(NamedTuple):
    """A picture, what stands below it, and what it shows in words."""

    svg: Markup
    caption: str
    told: str


class Entry(NamedTuple):
    """One subject of a list: its name, its states, what is said of it, and its numbers.

    Attributes:
        path: Its own page, relative to this one; empty for none.
    """

    name: str
    title: str
    path: str
    marks: tuple[Status, ...]
    statement: str
    facts: tuple[str, ...]


class Entries(NamedTuple):
    """Subjects in a list, and how many are not shown."""

    shown: tuple[Entry, ...]
    remainder: str


class Part(NamedTuple):
    """One part of a section; ``value`` is what a part of its kind shows."""

    kind: Kind
    value: str | tuple[str, ...] | TableView | Chart | Findings | Entries


Parts: TypeAlias = "Sequence[Part | None]"


@dataclass(frozen=True)
class Section:
    """A section: the name by which the page links to it, its title, and its parts."""

    anchor: str
    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class SectionedPage:
    """Everything that the templates lay out, as finished texts.

    Attributes:
        trail: Where to go from here.
        decision: The word that stands first.
        marks: Further states beside it.
        verdict: The sentence that the page begins with.
        remarks: What must be known with it: who must agree, what caps it.
        summary: The finding in a few sentences.
        summary_source: Who wrote the summary, where it was not this package; else empty.
    """

    title: str
    trail: tuple[Link, ...]
    subtitle: str
    decision: Status
    marks: tuple[Status, ...]
    verdict: str
    remarks: tuple[str, ...]
    summary: str
    summary_source: str
    figures: tuple[KeyFigure, ...]
    sections: tuple[Section, ...]
    trace: tuple[TraceItem, ...]


def section(anchor: str, title: str, parts: Parts) -> Section | None:
    """A section of those parts that hold anything; None where none does."""
    held = [part for part in parts if part is not None]
    kept = tuple(part for place, part in enumerate(held) if part.kind != "heading" or _heads(held, place))
    return Section(anchor, title, kept) if kept else None


def _heads(parts: Sequence[Part], place: int) -> bool:
    """Whether anything stands between a heading and the next one."""
    return place + 1 < len(parts) and parts[place + 1].kind != "heading"


def heading(title: str) -> Part:
    """A heading within the section; left out where nothing follows it."""
    return Part("heading", title)


def prose(statement: object, limit: int = STATEMENT_LIMIT) -> Part | None:
    """A paragraph; None for an empty one."""
    shown = text.inline(statement, limit) if text.known(statement) else ""
    return Part("prose", shown) if shown else None


def points(statements: Sequence[object], *, cap: int = 12, source: str = "", steps: bool = False) -> Part | None:
    """Statements as a list, the first ``cap`` of them, and where the rest is; numbered where they are ``steps``."""
    shown = tuple(text.inline(statement, STATEMENT_LIMIT) for statement in statements[:cap])
    hidden = len(statements) - len(shown)
    rest = (views.remainder(hidden, source) if source else f"{hidden:,} more not shown here.",) if hidden > 0 else ()
    return Part("steps" if steps else "points", shown + rest) if shown else None


def table(view: TableView) -> Part | None:
    """A table; None for one without rows."""
    return Part("table", view) if view.rows else None


def chart(svg: Markup | None, caption: str = "") -> Part | None:
    """A picture; None where there was nothing to draw."""
    if svg is None:
        return None
    drawn = ET.fromstring(svg)  # noqa: S314 (made by this package)
    return Part("chart", Chart(svg, caption, f"{drawn.findtext('title')}. {drawn.findtext('desc')}"))


def findings(group: Findings) -> Part | None:
    """Findings; None for none."""
    return Part("findings", group) if group.shown else None


def entries(shown: Sequence[Entry], total: int, source: str) -> Part | None:
    """Subjects as a list; None for none.

    Args:
        shown: As many as are shown.
        total: How many there are.
        source: The table that has them all.
    """
    rest = views.remainder(total - len(shown), source)
    return Part("entries", Entries(tuple(shown), rest)) if shown else None
