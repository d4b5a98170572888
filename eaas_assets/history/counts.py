"""Whether a recorded rate can come from the number of scenarios that it is said to come from.

Belongs here: exact arithmetic of one rate and one count. What follows from an impossible rate is the audit's matter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from eaas_assets.contracts.conditions import exact

LEAST_DECIMALS = 2
"""Files drop trailing zeros: 0.8 may have been written for 0.80, so no rate is taken as coarser than this."""


def written_decimals(rates: Iterable[float]) -> int:
    """Decimals of the most precise rate of a column; at least two."""
    decimals = [-int(exact(float(rate)).normalize().as_tuple().exponent) for rate in rates]
    return max([LEAST_DECIMALS, *decimals])


def possible_counts(rate: float, n: int, decimals: int = LEAST_DECIMALS) -> range:
    """The counts k for which k / n, rounded to ``decimals``, is ``rate``; empty for an impossible rate.

    A value that lies exactly half-way rounds either way.

    Args:
        rate: Between 0 and 1; stands for the decimal that it prints as.
        n: At least 1.
        decimals: To which rates were rounded when they were written.
    """
    written, half = Fraction(exact(float(rate))), Fraction(Decimal(5).scaleb(-decimals - 1))
    least, most = math.ceil((written - half) * n), math.floor((written + half) * n)
    return range(max(least, 0), min(most, n) + 1)


def count_of(rate: float, n: int, decimals: int = LEAST_DECIMALS) -> int | None:
    """The count behind a rate: rate × n where that is whole, else the only count that rounds to it; None if unknown."""
    count = Fraction(exact(float(rate))) * n
    if count.denominator == 1:
        return int(count)
    counts = possible_counts(rate, n, decimals)
    return counts[0] if len(counts) == 1 else None


def neighbours(rate: float, n: int) -> tuple[int, int]:
    """The counts whose rates lie next to ``rate``: at most it, and at least it."""
    count = Fraction(exact(float(rate))) * n
    return math.floor(count), math.ceil(count)
