"""Measures and money as words: a metric's value in its unit, effects with their sign, amounts of dollars.

As in ``text``: pure formatting, a null is a dash with its reason, and nothing is rounded to nought that is not.
"""

from __future__ import annotations

import math
from typing import Any

from eaas_assets.reporting import text

_MOST_DIGITS = 6
_LEAST = 0.0001  # a probability below it, or as near to 1, is told as a bound


def _digits(*values: float, base: int) -> int:
    """Decimals that give the largest of ``values`` its significant digits: ``base`` + 1 of them below ten."""
    largest = max((abs(value) for value in values), default=0.0)
    if largest == 0:
        return 0
    return min(_MOST_DIGITS, max(0, base - math.floor(math.log10(largest))))


def _fine(value: float, digits: int) -> str:
    """``value`` with ``digits`` decimals, or with more where it would become nought."""
    shown = text.decimals(value, digits)
    while digits < _MOST_DIGITS and value != 0 and not shown.strip("−0.,"):
        digits += 1
        shown = text.decimals(value, digits)
    return shown


def _amounts(*values: float) -> list[str]:
    """Values of one kind, all as fine as the largest needs to have three significant digits."""
    whole = all(float(value).is_integer() for value in values)
    digits = 0 if whole else _digits(*values, base=2)
    return [_fine(value, digits) for value in values]


def _points(*shares: float) -> list[str]:
    """Differences of rates in percentage points, signed."""
    exact = [round(float(share) * 100, 10) for share in shares]
    digits = 0 if all(value.is_integer() for value in exact) else max(1, _digits(*exact, base=1))
    return [text.signed(_fine(value, digits)) for value in exact]


def measure(value: Any, kind: str, unit: Any, total: Any = None, reason: str = "not known") -> str:
    """A metric's value: a percentage for a proportion, else a number with the metric's unit.

    Args:
        value: The value.
        kind: The metric's kind.
        unit: Its unit; null for none.
        total: Denominator of a proportion.
        reason: Why it is null, where it is.
    """
    if not text.known(value):
        return text.missing(reason)
    if kind == "proportion":
        return text.percent(value, int(total) if text.known(total) else None)
    return f"{_amounts(value)[0]}{_unit(unit)}"


def change(value: Any, kind: str, unit: Any, reason: str = "refused") -> str:
    """An effect with its sign: points for a proportion, else the metric's unit."""
    if not text.known(value):
        return text.missing(reason)
    if kind == "proportion":
        return f"{_points(value)[0]} points"
    return f"{text.signed(_amounts(value)[0])}{_unit(unit)}"


def change_interval(low: Any, high: Any, kind: str, unit: Any) -> str:
    """Both ends of an effect's interval: ``+2.9 to +13.0 points``."""
    if not (text.known(low) and text.known(high)):
        return text.missing("no interval")
    if kind == "proportion":
        return f"{' to '.join(_points(low, high))} points"
    return f"{' to '.join(map(text.signed, _amounts(low, high)))}{_unit(unit)}"


def _unit(unit: Any) -> str:
    return f" {text.inline(unit, 24)}" if text.known(unit) else ""


def relative(value: Any, reason: str = "refused") -> str:
    """A relative change: ``+12.5 %``."""
    return f"{_points(value)[0]} %" if text.known(value) else text.missing(reason)


def relative_interval(low: Any, high: Any) -> str:
    """Both ends of a relative change: ``−2 to +12 %``."""
    if not (text.known(low) and text.known(high)):
        return text.missing("no interval")
    return f"{' to '.join(_points(low, high))} %"


def usd(value: Any, reason: str = "not known") -> str:
    """An amount of dollars: to the cent below a thousand, else whole."""
    return f"USD {_cents(value)}" if text.known(value) else text.missing(reason)


def usd_interval(low: Any, high: Any) -> str:
    """``USD −3,000 to 15,000``."""
    if not (text.known(low) and text.known(high)):
        return text.missing("no interval")
    return f"USD {_cents(low)} to {_cents(high)}"


def _cents(value: float) -> str:
    return text.decimals(value, 0 if abs(value) >= 1000 or float(value).is_integer() else 2)


def short_usd(value: float) -> str:
    """An amount for an axis: ``1.5 m``, ``20 k``, ``300``."""
    for size, name in ((1e9, " bn"), (1e6, " m"), (1e3, " k")):
        if abs(value) >= size:
            return f"{text.number(round(value / size, 1))}{name}"
    return text.number(round(value, 2))


def probability(value: Any, reason: str = "not known") -> str:
    """A probability as a percentage, never rounded to 0 % or 100 %."""
    if not text.known(value):
        return text.missing(reason)
    if 0 < value < _LEAST:
        return "< 0.01 %"
    return "> 99.99 %" if 1 - _LEAST < value < 1 else text.percent(value, 100)


def short(value: float) -> str:
    """A value for an axis, to three significant digits."""
    return text.number(float(f"{value:.3g}"))


def figure(value: Any, unit: str, reason: Any = None) -> str:
    """A figure of the portfolio in its unit."""
    if not text.known(value):
        return text.missing(text.inline(reason, 160) if text.known(reason) else "not known")
    told = {
        "usd": usd,
        "share": probability,
        "count": lambda count: _amounts(count)[0],
        "days": lambda days: f"{_amounts(days)[0]} days",
        "nats": lambda nats: f"{_amounts(nats)[0]} nats",
    }
    return told.get(unit, lambda number: _amounts(number)[0])(value)


def figure_interval(low: Any, high: Any, unit: str) -> str:
    """Both ends of a figure's interval; empty where there is none."""
    if not (text.known(low) and text.known(high)):
        return ""
    if unit == "usd":
        return usd_interval(low, high)
    if unit == "share":
        return text.percent_interval(low, high)
    return " to ".join(_amounts(low, high))
