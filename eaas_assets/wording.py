"""Numbers, shares, counts and lists of names as they stand in a sentence.

Belongs here: the text of values of any kind, without any import. What belongs to one stage's metrics is in that stage.
"""

from __future__ import annotations

from collections.abc import Iterable

MINUS = "\N{MINUS SIGN}"


def number(value: float, decimals: int = 1) -> str:
    """A number with at most ``decimals`` decimals, more only where it would vanish otherwise."""
    rounded = round(value, decimals)
    text = f"{value:.2g}" if rounded == 0 != value else f"{rounded:,.{decimals}f}"
    if "." in text and "e" not in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", MINUS)


def percent(value: float) -> str:
    """A share as a percentage."""
    return f"{number(100 * value)} %"


def points(value: float) -> str:
    """A difference of shares in percentage points."""
    text = number(100 * value)
    return f"{text} point" if text in {"1", f"{MINUS}1"} else f"{text} points"


def count(n: int, noun: str) -> str:
    """A number of things."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def joined(names: Iterable[str], most: int = 10) -> str:
    """Names in a row: at most ``most`` of them, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - most:,} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
