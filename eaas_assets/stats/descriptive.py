"""Percentiles, and comparisons that come out as decimals say they should.

In binary floating point 0.35 - 0.25 is a little less than 0.10, so a rule "falls by at least 0.10"
would not fire. Every comparison of a measured number with a threshold goes through this module.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from eaas_assets.stats.intervals import finite_values

Number = int | float | Decimal | None

_DIGITS = 12
"""Significant digits to which computed floats are told apart: their rounding errors lie well below."""


def percentile(values: ArrayLike, percent: float) -> float:
    """Nearest-rank percentile: the smallest observation that ``percent`` % of them do not exceed.

    It is always a value that occurred, so "95 % of the answers took no longer" is true of the data
    themselves (Hyndman & Fan 1996, definition 1). With fewer than 20 values the 95th is the largest.

    Args:
        values: Shape (n,), finite; empty gives nan.
        percent: 0 < percent <= 100.
    """
    if not 0 < percent <= 100:
        raise ValueError(f"percent == {percent}, must lie in (0, 100]")
    array = np.sort(finite_values(values))
    if array.size == 0:
        return math.nan
    rank = math.ceil(Fraction(str(percent)) * array.size / 100)  # exact: 0.95 * 20 may not be 19
    return float(array[rank - 1])


def p95(values: ArrayLike) -> float:
    """Nearest-rank 95th percentile; nan without values."""
    return percentile(values, 95)


def _decimal(value: int | float | Decimal) -> tuple[Decimal, bool]:
    """The number that its shortest text names, and whether it is exact (no float)."""
    if isinstance(value, Decimal):
        return value, True
    if isinstance(value, Integral):
        return Decimal(int(value)), True
    return Decimal(str(float(value))), False


def _operands(*values: Number) -> tuple[list[Decimal], Decimal] | None:
    """Values as decimals with the slack that their rounding errors ask for; None if one is unknown."""
    numbers: list[Decimal] = []
    slack_needed = False
    for value in values:
        if value is None or value != value:
            return None
        number, exact = _decimal(value)
        numbers.append(number)
        slack_needed = slack_needed or not exact
    finite = [abs(number) for number in numbers if number.is_finite()]
    slack = max(finite, default=Decimal(0)).scaleb(-_DIGITS) if slack_needed else Decimal(0)
    return numbers, slack


def at_least(value: Number, threshold: Number) -> bool | None:
    """Whether ``value >= threshold``, equality being equality to 12 significant digits.

    Integers and ``Decimal`` compare exactly; a float stands for the decimal that it prints as, give or
    take 1e-12 of the largest number involved. None if either is None or nan: unknown is not "no".
    """
    operands = _operands(value, threshold)
    if operands is None:
        return None
    (left, right), slack = operands
    return left >= right - slack


def falls_by(before: Number, after: Number, points: Number) -> bool | None:
    """Whether ``before - after >= points``, equality as in ``at_least``; None if any is unknown.

    A rise is a fall with ``before`` and ``after`` exchanged. Rates are shares: 5 points are 0.05.
    """
    operands = _operands(before, after, points)
    if operands is None:
        return None
    (first, second, needed), slack = operands
    if first.is_infinite() and first == second:
        return None
    return first - second >= needed - slack


def difference_exact(first: Number, second: Number) -> float:
    """``first - second`` as decimals: 0.35 - 0.25 is 0.1. nan if either is unknown.

    Floats are rounded to 12 significant digits of the larger operand, where their errors lie.
    """
    operands = _operands(first, second)
    if operands is None:
        return math.nan
    (left, right), slack = operands
    if left.is_infinite() or right.is_infinite():
        return float(first) - float(second)  # type: ignore[arg-type]
    difference = left - right
    if slack:
        difference = round(difference, _DIGITS - 1 - max(abs(left), abs(right)).adjusted())
    return float(difference)
