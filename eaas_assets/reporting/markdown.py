"""Markdown in which foreign text stays text: nothing that an agent or user wrote can become markup, a link or HTML.

Safe by default, as HTML with autoescape is: whatever a template prints is escaped by :func:`finalize`, unless one of
the functions here has made it. Foreign text belongs in :func:`code` or :func:`fenced`.
"""

from __future__ import annotations

import re
from typing import Any

from eaas_assets.reporting.text import visible
from eaas_assets.reporting.views import Cell, Status, TableView

_SPECIAL = re.compile(r"[\\`*\[\]~$]|(?<![^\W_])_|_(?![^\W_])")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"})
_LINE_START = re.compile(r"^(\s*)(\d+(?=[.)](?:\s|$))|[-+=#](?=[-+=#\s]|$))")
_BARE_LINK = re.compile(r"(?i)(?<=:)(?=//)|(?<=www)(?=\.)|(?=@)|(?<=mailto)(?=:)|(?<=xmpp)(?=:)")


class MarkdownText(str):
    """Markdown that is printed as it is."""

    __slots__ = ()


def escaped(text: str) -> MarkdownText:
    """``text`` as prose: no character of it is markup, no address in it becomes a link."""
    one_line = visible(text).translate(_ENTITIES)
    defanged = _BARE_LINK.sub("\u2060", one_line)  # a word joiner: looks the same, is an address no more
    plain = _SPECIAL.sub(lambda match: "\\" + match.group(), defanged)
    return MarkdownText(_LINE_START.sub(_escape_start, plain))


def _escape_start(match: re.Match[str]) -> str:
    space, start = match.groups()
    return f"{space}{start}\u2060" if start.isdigit() else f"{space}\\{start}"


def code(text: str) -> MarkdownText:
    """``text`` as inline code, between more backticks than it has in a row."""
    shown = visible(text)
    if not shown.strip():
        return escaped("(empty)")
    if "|" in shown:  # parsers differ on pipes in code within tables; prose with an entity is the same everywhere
        return escaped(shown)
    ticks = "`" * (_longest_run(shown) + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return MarkdownText(f"{ticks}{pad}{shown}{pad}{ticks}")


def fenced(text: str) -> MarkdownText:
    """``text`` as a code block, behind a fence longer than any inside."""
    shown = visible(text, block=True)
    fence = "`" * max(3, _longest_run(shown) + 1)
    return MarkdownText(f"{fence}text\n{shown}\n{fence}")


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def status(value: Status) -> MarkdownText:
    """A status: symbol and word."""
    return MarkdownText(f"{value.symbol} {escaped(value.word)}")


def cell(value: Cell) -> MarkdownText:
    """A table cell."""
    if value.status is not None:
        return status(value.status)
    return code(value.text) if value.kind == "code" else escaped(value.text)


def table(view: TableView) -> MarkdownText:
    """A pipe table under its caption, followed by what it does not show."""
    lines = [
        f"**{escaped(view.caption)}**",
        "",
        "| " + " | ".join(escaped(column.title) for column in view.columns) + " |",
        "|" + "|".join(" ---: " if column.numeric else " --- " for column in view.columns) + "|",
        *("| " + " | ".join(map(cell, row)) + " |" for row in view.rows),
    ]
    if view.remainder:
        lines += ["", f"*{escaped(view.remainder)}*"]
    return MarkdownText("\n".join(lines))


def finalize(value: Any) -> Any:
    """What jinja2 calls on every printed value of a Markdown template: strings are escaped unless made here."""
    if isinstance(value, MarkdownText) or not isinstance(value, str):
        return value
    return escaped(value)
