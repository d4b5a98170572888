"""Foreign text made harmless to look at and to open: nothing invisible, no live formula."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

_FORMULA = ("=", "+", "-", "@", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}", "\N{FULLWIDTH HYPHEN-MINUS}",
            "\N{FULLWIDTH COMMERCIAL AT}", "\N{SMALL PLUS SIGN}", "\N{SMALL HYPHEN-MINUS}", "\N{SMALL EQUALS SIGN}",
            "\N{SMALL COMMERCIAL AT}", "\N{MINUS SIGN}", "|", "%")  # fmt: skip
_LEADING = {"\t", "\r", "\n"}
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_BLANK = {
    "\N{HANGUL CHOSEONG FILLER}",
    "\N{HANGUL JUNGSEONG FILLER}",
    "\N{HANGUL FILLER}",
    "\N{HALFWIDTH HANGUL FILLER}",
}


def visible(text: str) -> str:
    """``text`` with control, bidirectional, zero-width and unassigned characters and lone surrogates written out."""
    return written_out(text, lambda char: f"⟨U+{ord(char):04X}⟩")


def written_out(text: str, spell: Callable[[str], str]) -> str:
    """``text`` in which every hidden character is spelled by ``spell``."""
    if text.isprintable() and text.isascii():
        return text
    hidden = [char for char in set(text) if unicodedata.category(char) in _HIDDEN or char in _BLANK]
    return text.translate({ord(char): spell(char) for char in hidden})


def inert(text: str) -> str:
    """``text`` as a cell that no spreadsheet takes for a formula: an apostrophe stands before what could be one.

    Leading blanks count too, because a spreadsheet may drop them.
    """
    shown = visible(text)
    begins = text.lstrip()[:1]  # blanks, tabs and line breaks of all kinds
    return f"'{shown}" if begins in _FORMULA or text[:1] in _LEADING else shown
