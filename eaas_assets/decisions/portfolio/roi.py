"""Return on what was spent: of one experiment over the coming year, and of all of them together.

ROI = (yearly value − yearly cost of keeping it − cost to date) / (cost to date + yearly cost). Of the whole portfolio,
every experiment's cost counts, and only the value of changes whose decision to scale holds. A trial that is being
mended, refused or not yet decided brings nothing; it only costs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from eaas_assets.decisions.portfolio.value import Spread

DAYS_PER_YEAR = 365.25


class Roi(NamedTuple):
    """A return, as a ratio: 0.5 is 50 %. Its limits come from those of the value.

    Attributes:
        reason: Why there is none; None where there is one.
    """

    value: float | None
    low: float | None
    high: float | None
    reason: str | None


def roi(net: Spread | None, cost_to_date: float | None, rollout_usd: float | None, why_no_value: str = "") -> Roi:
    """Return of the coming year on the cost to date and the yearly cost.

    Args:
        net: Yearly value less the yearly cost; None where it is not known.
        cost_to_date: Spent so far; None where not known.
        rollout_usd: Yearly cost of keeping the change; None: none is declared.
        why_no_value: Reason where ``net`` is None.
    """
    if net is None:
        return Roi(None, None, None, why_no_value or "no value can be told")
    if cost_to_date is None:
        return Roi(None, None, None, "the cost to date is not known")
    spent = cost_to_date + (rollout_usd or 0.0)
    if spent <= 0.0:
        return Roi(None, None, None, "nothing was spent, so there is no return on it")
    value, low, high = ((amount - cost_to_date) / spent for amount in net[:3])
    return Roi(value, low, high, None)


def accrued(net: Spread, since: datetime, now: datetime) -> Spread:
    """What a change brought since the day it was scaled, if its effect has lasted since.

    Args:
        net: Yearly net value.
        since: When the decision to scale was made.
        now: Until when it is counted.
    """
    years = max(0.0, (now - since).total_seconds() / 86_400 / DAYS_PER_YEAR)
    return Spread(net.mean * years, net.low * years, net.high * years, net.level)


def total(values: Iterable[Spread], level: float) -> Spread:
    """Sum of amounts whose errors are independent; 0 of none.

    Args:
        values: The amounts, with limits at ``level``.
        level: Level of the sum's limits.
    """
    known = list(values)
    mean = math.fsum(value.mean for value in known)
    below = math.hypot(*(value.mean - value.low for value in known))
    above = math.hypot(*(value.high - value.mean for value in known))
    return Spread(mean, mean - below, mean + above, level)
