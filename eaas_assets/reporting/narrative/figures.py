"""The numbers of a text with their units, in order, so that two texts can be held against each other."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

_PLAIN = re.compile(r"([+\-\u2212]?)(USD|\$)?([+\-\u2212]?)(\d[\d,]*(?:\.\d+)?)(%?)")
_UNITS = {
    "%": "%", "percent": "%", "per cent": "%", "points": "points", "point": "points", "usd": "usd", "dollars": "usd",
    "k": "k", "m": "m", "bn": "bn", "million": "m", "thousand": "k", "ms": "ms", "s": "s", "days": "days",
    "day": "days", "units": "units", "unit": "units",
}  # fmt: skip
_AROUND = "()[]“”\"'’‘.,;:!?…"


class Figure(NamedTuple):
    """A number as it stands in a text: its value, or the token where it is no plain number; and its unit."""

    value: Decimal | str
    unit: str


def figures(text: str) -> tuple[Figure, ...]:
    """Every token of ``text`` that has a digit, in order."""
    tokens = text.split()
    found = []
    for place, raw in enumerate(tokens):
        token = raw.strip(_AROUND)
        if any(character.isdigit() for character in token):
            found.append(_figure(token, _neighbour(tokens, place - 1), _neighbour(tokens, place + 1), raw))
    return tuple(found)


def _neighbour(tokens: list[str], place: int) -> str:
    return tokens[place].strip(_AROUND).lower() if 0 <= place < len(tokens) else ""


def _figure(token: str, before: str, after: str, raw: str) -> Figure:
    ended = raw[-1] in ".;!?"  # a unit does not reach over the end of a sentence
    unit = "" if ended else _UNITS.get(after, "")
    match = _PLAIN.fullmatch(token)
    if match is None:
        return Figure(token, unit)
    first, money, second, digits, share = match.groups()
    if first and second:
        return Figure(token, unit)
    value = Decimal(digits.replace(",", ""))
    unit = "usd" if money or before == "usd" else "%" if share else unit
    return Figure(-value if (first or second) in {"-", "\u2212"} else value, unit)
