"""One more week of a running experiment: what it costs, and what the data of that week are worth.

The worth of data is the expected value of sample information: what a decision after the week is expected to bring
more than the decision of today. It is never negative, and small where the answer is clear already.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from eaas_assets.stats.experiments.distributions import normal_sf

WEEKS_PER_YEAR = 365.25 / 7


class Waiting(NamedTuple):
    """One more week.

    Attributes:
        running_usd: Cost of running it.
        forgone_usd: Value that a change which is expected to pay does not bring in the meantime.
        worth_usd: Expected gain from deciding with a week more of data.
    """

    running_usd: float
    forgone_usd: float
    worth_usd: float

    @property
    def cost_usd(self) -> float:
        """Everything that the week costs."""
        return self.running_usd + self.forgone_usd

    @property
    def pays(self) -> bool:
        """Whether the week's data are worth more than the week."""
        return self.worth_usd > self.cost_usd


def sample_information(mean: float, sd: float, share: float) -> float:
    """Expected gain from more data before choosing between the change and nothing.

    With a normal belief about the net value and normal data, the mean after the data is itself normal around today's
    mean; the gain is the expected positive part of it less the positive part of today's.

    Args:
        mean: Expected net value of the change.
        sd: Standard deviation of the belief.
        share: New data as a share of all that the belief rests on: 0.1 for a tenth more.

    Source: Raiffa & Schlaifer (1961), Applied Statistical Decision Theory, ch. 5, the unit normal loss integral.
    """
    if sd < 0.0 or share < 0.0:
        raise ValueError("sd and share must not be negative")
    moves = sd * math.sqrt(share / (1.0 + share))
    if moves == 0.0:
        return 0.0
    distance = abs(mean) / moves
    density = math.exp(-0.5 * distance * distance) / math.sqrt(2.0 * math.pi)
    return max(0.0, moves * (density - distance * normal_sf(distance)))


def one_more_week(mean: float, sd: float, share: float, running_usd: float, horizon_factor: float = 1.0) -> Waiting:
    """What another week costs and what it is worth.

    Args:
        mean: Expected yearly net value of the change.
        sd: Standard deviation of that value.
        share: Units of one week as a share of the units so far.
        running_usd: Cost of running the experiment for a week.
        horizon_factor: What one dollar a year over the horizon is worth today.
    """
    worth = sample_information(mean, sd, share) * horizon_factor
    return Waiting(running_usd, max(0.0, mean) / WEEKS_PER_YEAR, worth)
