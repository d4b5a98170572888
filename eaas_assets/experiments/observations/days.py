"""Days that are missing between others."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, islice, pairwise

MISSING_DAYS = 60
"""Missing days that are named; one wrong date must not name three million."""


def days_between(seen: Iterable[int], step: int = 1) -> list[int]:
    """Numbers of days, every ``step``, that lie between days seen and were not; the first :data:`MISSING_DAYS`."""
    gaps = (range(day + step, following, step) for day, following in pairwise(sorted(seen)))
    return list(islice(chain.from_iterable(gaps), MISSING_DAYS))
