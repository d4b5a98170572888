"""Replays of a case counted, and what the counts say of the promise."""

from __future__ import annotations

import math
import zlib
from typing import NamedTuple

import numpy as np

from eaas_assets.stats.intervals import clopper_pearson
from simulations.case import Case, Promise

LEVEL = 0.99
"""Of the Monte-Carlo intervals: with sixty rows, 95 % would accuse three sound ones."""


class Row(NamedTuple):
    """One line of the table."""

    area: str
    case: str
    count: str
    promise: Promise
    promised: float
    rate: float
    low: float
    high: float
    replays: int
    refused: int
    others: str

    @property
    def verdict(self) -> str:
        """Whether the promise can be true."""
        if math.isnan(self.promised):
            return "measured"
        if self.promise == "covers":
            return "broken" if self.high < self.promised else "kept"
        if self.promise == "errs":
            return "broken" if self.low > self.promised else "kept"
        return "kept" if self.low <= self.promised + 0.02 and self.high >= self.promised - 0.02 else "off"


def tally(case: Case, replays: int, seed: int) -> list[Row]:
    """Replay a case; each has random numbers of its own, whatever runs beside it."""
    rng = np.random.default_rng([seed, zlib.crc32(case.name.encode())])
    wanted = max(100, math.ceil(replays / case.cost))
    answers = [case.replay(rng) for _ in range(wanted)]
    rows = []
    for name, count in case.counts.items():
        given = [bool(answer[name]) for answer in answers if answer[name] is not None]
        limits = clopper_pearson(sum(given), len(given), LEVEL)
        rate = sum(given) / len(given) if given else math.nan
        rows.append(
            Row(
                case.area,
                case.name,
                name,
                count.promise,
                count.rate,
                rate,
                limits.low,
                limits.high,
                len(given),
                wanted - len(given),
                count.others,
            )
        )
    return rows
