"""What an effect is worth in a year, with its interval and the probability of a loss.

The uncertainty is that of the effect; prices and volumes are taken as declared. Where outcomes are needed between or
beyond the limits of an interval, they are those of two half normal distributions that meet at the mean and run
through the limits, so that a lower limit of zero always means a probability of loss of half of 1 − level.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from eaas_assets.stats.experiments.distributions import normal_quantile, normal_sf


class Spread(NamedTuple):
    """An uncertain amount of money.

    Attributes:
        mean: Expected amount.
        low: Lower limit at ``level``.
        high: Upper limit.
        level: Confidence level of the limits.
    """

    mean: float
    low: float
    high: float
    level: float = 0.95

    @property
    def _z(self) -> float:
        return normal_quantile((1.0 + self.level) / 2.0)

    @property
    def sd_below(self) -> float:
        """Standard deviation of the half below the mean."""
        return max(0.0, self.mean - self.low) / self._z

    @property
    def sd_above(self) -> float:
        """Standard deviation of the half above the mean."""
        return max(0.0, self.high - self.mean) / self._z

    @property
    def sd(self) -> float:
        """Standard deviation by the whole interval."""
        return (self.high - self.low) / (2.0 * self._z)

    def below(self, amount: float) -> float:
        """Probability of less than ``amount``."""
        distance = amount - self.mean
        if distance == 0.0:
            return 0.5 if self.sd_below > 0.0 else 0.0
        sd = self.sd_below if distance < 0.0 else self.sd_above
        return normal_sf(-distance / sd) if sd > 0.0 else float(distance > 0.0)


class Money(NamedTuple):
    """What a relative benefit of one is worth.

    Attributes:
        usd_per_benefit: Yearly money per relative benefit of 1 (of 100 %).
        rollout_usd: Yearly cost of keeping the change.
    """

    usd_per_benefit: float
    rollout_usd: float

    def net(self, benefit: float) -> float:
        """Yearly net value of a relative benefit."""
        return self.usd_per_benefit * benefit - self.rollout_usd

    @property
    def break_even(self) -> float:
        """Relative benefit that pays for itself; nan where a benefit brings no money."""
        return self.rollout_usd / self.usd_per_benefit if self.usd_per_benefit else math.nan


def money_of(
    usd_per_unit: float, units_per_year: float, control_size: float, sign: int, rollout_usd: float | None
) -> Money:
    """Money per relative benefit.

    Args:
        usd_per_unit: Money per one unit of the metric and unit of the population; negative for what costs.
        units_per_year: Units per year that the change would apply to.
        control_size: Size of the control's value, not negative.
        sign: 1 where the metric should rise, −1 where it should fall.
        rollout_usd: Yearly cost of keeping the change; None: none is declared, and none is taken off.
    """
    return Money(usd_per_unit * units_per_year * control_size * sign, rollout_usd or 0.0)


def yearly_value(money: Money, benefit: float, low: float, high: float, level: float = 0.95) -> Spread:
    """Yearly net value of a relative benefit with its interval.

    Args:
        money: What a benefit is worth.
        benefit: Relative benefit.
        low: Its lower limit.
        high: Its upper limit.
        level: Level of the limits.
    """
    ends = sorted((money.net(low), money.net(high)))
    return Spread(money.net(benefit), ends[0], ends[1], level)
