"""The few shapes that every report page is made of: status words, table cells, tables, figures.

Plain values, ready to be printed: each text has been shortened and made visible here, so that a template only lays
out. What a particular report says is put together in its own module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

from eaas_assets.reporting import text

Tone = Literal["good", "warn", "bad", "plain"]
Kind = Literal["text", "code", "number", "status"]


class Status(NamedTuple):
    """A state as a word with a symbol; the tone only colours what both already say."""

    word: str
    symbol: str
    tone: Tone


_GOOD = (
    "passed",
    "healthy",
    "ok",
    "better",
    "not_worse",
    "improvement",
    "gained",
    "improving",
    "clear",
    "ship",
    "match",
    "scale",
    "start",
    "improved",
    "non_inferior",
    "approved",
    "funded",
)
_WARN = (
    "degraded",
    "partly",
    "warning",
    "inconclusive",
    "undetermined",
    "not known",
    "no_baseline",
    "review",
    "slow",
    "not_run",
    "continue",
    "pause",
    "pivot",
    "fix_design",
    "pending_approval",
    "overridden",
    "refused",
    "not_known",
)
_BAD = (
    "failed",
    "critical",
    "error",
    "worse",
    "regression",
    "lost",
    "declining",
    "timeout",
    "raised",
    "stop",
    "differs",
    "retire",
    "do_not_start",
    "harmed",
    "rejected",
    "alarm",
)
_SYMBOLS: dict[Tone, str] = {"good": "✓", "warn": "▲", "bad": "✕", "plain": "○"}
_TONES: dict[str, Tone] = {
    **dict.fromkeys(_GOOD, "good"),
    **dict.fromkeys(_WARN, "warn"),
    **dict.fromkeys(_BAD, "bad"),
}


def status(word: str, shown: str | None = None) -> Status:
    """The status that ``word`` stands for.

    Args:
        word: A state of the contracts, e.g. ``healthy``; any other word gets a neutral symbol.
        shown: What to print instead of the word.
    """
    tone = _TONES.get(word, "plain")
    return Status(text.inline(shown if shown is not None else word.replace("_", " ")), _SYMBOLS[tone], tone)


class Cell(NamedTuple):
    """One table cell: ``text`` is printed as it is; ``status`` is set for a cell of that kind."""

    text: str
    kind: Kind = "text"
    status: Status | None = None


def words(value: object) -> Cell:
    """A cell of prose."""
    return Cell(text.inline(value))


def code(value: object) -> Cell:
    """A cell with an identifier or a value that an agent or user wrote."""
    return Cell(text.inline(value), "code")


def figure(formatted: str) -> Cell:
    """A cell with a number that has been formatted already."""
    return Cell(formatted, "number")


def state(word: str, shown: str | None = None) -> Cell:
    """A cell with a status."""
    found = status(word, shown)
    return Cell(found.word, "status", found)


def optional_code(value: Any, reason: str) -> Cell:
    """As :func:`code`; a dash with its reason where ``value`` is null."""
    return code(value) if text.known(value) else Cell(text.missing(reason))


class Column(NamedTuple):
    """A table's column; numbers are set right, in figures of one width."""

    title: str
    numeric: bool = False


Columns: TypeAlias = Sequence[Column | str]
"""Columns of a table; a bare string is a column of text."""


@dataclass(frozen=True)
class TableView:
    """A table as a page shows it.

    Attributes:
        caption: What it lists; also its accessible name.
        rows: As many as are shown.
        total: How many there are.
        source: The table that has them all, e.g. ``evaluation_scores``.
        folded: Whether it starts folded, being detail.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int
    source: str
    folded: bool = False

    @property
    def remainder(self) -> str:
        """What is not shown, and where it is; empty when all is."""
        return remainder(self.total - len(self.rows), self.source)


def remainder(hidden: int, source: str) -> str:
    """How many rows are not shown, and which table has them; empty for none."""
    return f"{text.counted(hidden, 'more row')} not shown here: see the table {source}." if hidden else ""


def table(
    caption: str,
    columns: Columns,
    rows: Sequence[Sequence[Cell]],
    source: str,
    *,
    total: int | None = None,
    folded: bool = False,
) -> TableView:
    """A :class:`TableView`; ``total`` defaults to the rows given."""
    titled = tuple(column if isinstance(column, Column) else Column(column) for column in columns)
    return TableView(caption, titled, tuple(map(tuple, rows)), len(rows) if total is None else total, source, folded)


class KeyFigure(NamedTuple):
    """One number that a decision maker looks for: its name, the number, and what it rests on."""

    label: str
    value: str
    note: str


class Link(NamedTuple):
    """Another page of this package; ``path`` is relative to the page and made of nothing that others wrote."""

    title: str
    path: str


class TraceItem(NamedTuple):
    """One thing by which a page can be traced back to its inputs."""

    label: str
    value: str


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or good to know.

    Attributes:
        mark: Its severity.
        name: What kind of finding it is.
        subject: What it is about.
        evidence: The rows or numbers that show it.
    """

    mark: Status
    name: str
    subject: str
    statement: str
    advice: str
    evidence: str


@dataclass(frozen=True)
class Findings:
    """Findings of one sort.

    Attributes:
        shown: As many as are shown.
        remainder: How many are not, and where they are; empty when all are.
        folded: Whether they start folded, being detail.
    """

    caption: str
    shown: tuple[Finding, ...]
    remainder: str
    folded: bool
