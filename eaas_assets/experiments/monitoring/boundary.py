"""Limits and p-values that hold at every look, from the arms' estimates at that look.

Belongs here: one look through `stats.experiments.sequential`. What is alarming about it is in the checks' own modules.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from eaas_assets.experiments.monitoring.estimates import Estimates
from eaas_assets.stats.experiments.distributions import normal_quantile, normal_sf, t_quantile, t_sf
from eaas_assets.stats.experiments.sequential import anytime_p, critical_value
from eaas_assets.stats.experiments.skewness import remove_skewness, restore_skewness


class Look(NamedTuple):
    """An effect at one look; limits and p-value are nan where ``reason`` says why.

    Attributes:
        estimate: Treatment − control; nan where it is not finite.
        low: Lower limit of the confidence sequence.
        high: Upper limit.
        p_value: Two-sided, valid at every look.
        control: The control's value.
        units: Units of both arms.
        reason: Empty where there is an interval.
    """

    estimate: float
    low: float
    high: float
    p_value: float
    control: float
    units: int
    reason: str


def look(found: Estimates, place: int, planned: float, level: float, fraction: float | None = None) -> Look:
    """The confidence sequence at one look.

    Args:
        found: Estimates at all looks.
        place: Which look.
        planned: Planned units of both arms.
        level: Level, over all looks together.
        fraction: Share of the plan that is reached; by default the units over the planned ones.
    """
    units = int(found.n_treatment[place] + found.n_control[place])
    control = float(found.control[place])
    estimate = float(found.treatment[place]) - control
    if not math.isfinite(estimate):  # a ratio over nothing
        estimate = math.nan
    if found.reason[place]:
        return Look(estimate, math.nan, math.nan, math.nan, control, units, str(found.reason[place]))
    reached = units / planned if fraction is None else fraction
    se = math.sqrt(_variance(found, place, 1.0))
    df, skewness = float(found.df[place]), float(found.skewness[place])
    wide = -t_quantile(normal_sf(_critical(reached, round(1.0 - level, 12))), df)
    centre = float(found.treatment_centre[place] - found.control_centre[place])
    low = centre - restore_skewness(wide, skewness) * se
    high = centre - restore_skewness(-wide, skewness) * se
    p_value = anytime_p(deviate(centre / se, df, skewness), reached)
    return Look(estimate, low, high, p_value, control, units, "")


def harm_p(
    found: Estimates,
    place: int,
    planned: float,
    higher_is_better: bool,
    margin: float = 0.0,
    relative: bool = False,
    fraction: float | None = None,
) -> float:
    """One-sided p-value of harm beyond a margin, valid at every look; nan where no look is possible.

    As ``anytime_harm_p``; with ``relative`` the margin is a share of the control's size, whose error is then part of
    the test.
    """
    if found.reason[place]:
        return math.nan
    units = float(found.n_treatment[place] + found.n_control[place])
    control = float(found.control_centre[place])
    bad = -1.0 if higher_is_better else 1.0
    ratio = 1.0 + bad * math.copysign(margin, control) if relative else 1.0
    worse = bad * (float(found.treatment_centre[place]) - ratio * control) - (0.0 if relative else margin)
    if worse <= 0.0:
        return 1.0
    t = bad * worse / math.sqrt(_variance(found, place, ratio))
    z = deviate(t, float(found.df[place]), float(found.skewness[place]))
    return anytime_p(z, units / planned if fraction is None else fraction) / 2.0


def deviate(t: float, df: float, skewness: float = 0.0) -> float:
    """The normal deviate with the same tail as a t statistic, its skewness removed."""
    plain = remove_skewness(t, skewness)
    return math.copysign(-normal_quantile(t_sf(abs(plain), df)), plain)


def _variance(found: Estimates, place: int, ratio: float) -> float:
    shared = 2.0 * ratio * float(found.covariance[place])
    return float(found.var_treatment[place]) - shared + ratio * ratio * float(found.var_control[place])


@lru_cache(maxsize=4096)
def _critical(fraction: float, alpha: float) -> float:
    return critical_value(fraction, alpha)
