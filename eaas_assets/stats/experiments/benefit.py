"""What an effect is worth: money per unit of the metric, times units, less the cost.

The uncertainty is that of the effect; prices and volumes are taken as given. Nothing here decides whether it is
worth it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from eaas_assets.stats.experiments.distributions import t_sf
from eaas_assets.stats.experiments.results import Effect


class Benefit(NamedTuple):
    """Net benefit of a treatment in money.

    Attributes:
        value: Expected net benefit: effect × value per unit × units − cost; nan without an effect.
        low: Lower limit at the effect's level, from the limits of the effect's interval.
        high: Upper limit.
        p_negative: Probability of a loss under the effect's confidence distribution (the distribution that puts its
            own p-value on every claim); for an effect that holds at every look it is that of its current estimate.
        break_even: The effect at which the net benefit is zero, in the metric's unit; nan if nothing is gained per
            unit.
    """

    value: float
    low: float
    high: float
    p_negative: float
    break_even: float


def net_benefit(effect: Effect, value_per_unit: float, units: float, cost: float) -> Benefit:
    """Net benefit of rolling a treatment out.

    Args:
        effect: Absolute effect per unit of randomisation.
        value_per_unit: Money per one unit of the metric; negative for a metric that costs, such as minutes of handling.
        units: Units per horizon to which the treatment would be applied, not negative.
        cost: Cost of building and running it over the same horizon.

    Raises:
        ValueError: If an amount is not finite or ``units`` is negative.
    """
    if not (math.isfinite(value_per_unit) and math.isfinite(cost) and 0.0 <= units < math.inf):
        raise ValueError("value_per_unit, units and cost must be finite, units not negative")
    factor = value_per_unit * units
    ends = sorted((factor * effect.low - cost, factor * effect.high - cost))
    break_even = cost / factor if factor != 0.0 else math.nan
    if not effect.answered or factor == 0.0 or not effect.se > 0.0:
        p_negative = math.nan if math.isnan(effect.estimate) or factor != 0.0 else float(cost > 0.0)
    else:
        p_negative = t_sf(math.copysign(1.0, factor) * (effect.estimate - break_even) / effect.se, effect.df)
    return Benefit(factor * effect.estimate - cost, ends[0], ends[1], p_negative, break_even)
