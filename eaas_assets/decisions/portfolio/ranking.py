"""The order of the portfolio: expected value less a charge for risk and a doubt of the design.

The charge is a share c of the distance between the expected value and the mean of its worst outcomes (the conditional
value at risk), so without doubt the risk-adjusted value is (1 − c) × mean + c × mean of the worst: a coherent measure
in the sense of Artzner et al. (1999). The doubt is a share of an expected gain: what a weak design may have mistaken
for its change. Neither more uncertainty nor a weaker design ever ranks higher.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from eaas_assets.decisions.portfolio.value import Spread
from eaas_assets.stats.experiments.distributions import normal_quantile


def worst_mean(value: Spread, worst_share: float) -> float:
    """Mean of the worst ``worst_share`` of outcomes, with the spread of the half below the mean.

    Source: Rockafellar & Uryasev (2000), Optimization of conditional value-at-risk, Journal of Risk 2, for the normal
    distribution.
    """
    z = normal_quantile(worst_share)
    density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    return value.mean - value.sd_below * density / worst_share


def risk_adjusted(value: Spread, charge: float, worst_share: float, doubt: float = 0.0) -> float:
    """Expected value less the charge for risk and the doubt.

    Args:
        value: Yearly net value.
        charge: Share of the way to the worst outcomes, 0 to 1.
        worst_share: Share of outcomes that count as the worst.
        doubt: Share of an expected gain that is not believed, 0 to 1.
    """
    return value.mean - charge * (value.mean - worst_mean(value, worst_share)) - doubt * max(0.0, value.mean)


def ranks(values: Mapping[str, float | None]) -> dict[str, int | None]:
    """Places from 1, the largest value first; equal values in order of their names; None where there is no value."""
    known = sorted((-value, name) for name, value in values.items() if value is not None)
    places: dict[str, int | None] = dict.fromkeys(values)
    places.update({name: place for place, (_, name) in enumerate(known, start=1)})
    return places
