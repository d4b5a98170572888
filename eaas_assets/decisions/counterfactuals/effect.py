"""Facts that are one number: what else moves when the effect, its precision or the declared minimum moves.

Belongs here: how linked facts follow. Which moves are tried is the matter of `moves`.

* The effect moves: its interval moves with it, as wide as it was; so do the relative benefit, the ratio to the minimum
  effect, the money (by the declared money per unit of benefit) and the two probabilities.
* The precision moves: standard error and interval shrink by one factor around the estimate as it stands, with the
  interval of the money; z values grow by its inverse. More units shrink it by the square root of their number.
* The declared minimum moves: the ratio to it and whether the interval excludes it.

Probabilities move by their z value: that of ``primary.p`` in proportion to the benefit, that of ``value.p_loss`` by the
change of the net value in its standard errors. Both are what they were where nothing moves. The verdict of a release is
a word of its own and does not follow.
"""

from __future__ import annotations

import math
from decimal import Decimal
from functools import lru_cache
from statistics import NormalDist
from typing import Any

from eaas_assets.contracts import conditions

Facts = dict[str, Any]
NORMAL = NormalDist()
exact = lru_cache(maxsize=4096)(conditions.exact)
"""Decimals of numbers; those of a subject are asked for again with every move."""
NOTHING = 1e-6
"""Share of a standard error below which a benefit tells nothing of its own z value."""
EFFECT = frozenset(
    {
        "primary.benefit",
        "primary.benefit_low",
        "primary.benefit_high",
        "primary.p",
        "primary.relative_benefit",
        "primary.minimum_ratio",
        "primary.excludes_minimum",
        "value.net_usd",
        "value.net_low_usd",
        "value.p_loss",
    }
)
PRECISION = frozenset(
    {
        "primary.benefit_low",
        "primary.benefit_high",
        "primary.se",
        "primary.p",
        "primary.excludes_minimum",
        "value.net_low_usd",
        "value.se_usd",
        "value.p_loss",
        "sample.observed",
        "sample.fraction",
    }
)
MINIMUM = frozenset({"primary.minimum_effect", "primary.minimum_ratio", "primary.excludes_minimum"})


def with_benefit(facts: Facts, benefit: float) -> Facts:
    """The facts with another estimate. ``primary.benefit`` must be known."""
    changed = {**facts, "primary.benefit": benefit}
    before = exact(facts["primary.benefit"])
    by = exact(benefit) - before
    for name in ("primary.benefit_low", "primary.benefit_high"):
        _add(changed, name, by)
    relative = facts.get("primary.relative_benefit")
    if relative is not None and before:
        changed["primary.relative_benefit"] = float(exact(relative) * exact(benefit) / before)
    _follow_minimum(changed)
    z_per_benefit = slope_of_z(facts)
    if facts.get("primary.p") is not None and z_per_benefit is not None:
        changed["primary.p"] = two_sided(z_per_benefit * benefit)
    slope = facts.get("value.usd_per_benefit")
    if slope is not None:
        money = exact(slope) * by
        _add(changed, "value.net_usd", money)
        _add(changed, "value.net_low_usd", money)
        error = facts.get("value.se_usd")
        if facts.get("value.p_loss") is not None and error:
            changed["value.p_loss"] = NORMAL.cdf(-(z_of_loss(facts) + float(money) / error))
    return changed


def with_precision(facts: Facts, factor: float, observed: int | None = None) -> Facts:
    """The facts with a standard error that is ``factor`` times as large, and the units that it takes where known."""
    changed = dict(facts)
    share = exact(factor)
    for end, middle in (
        ("primary.benefit_low", "primary.benefit"),
        ("primary.benefit_high", "primary.benefit"),
        ("value.net_low_usd", "value.net_usd"),
    ):
        if facts.get(end) is not None and facts.get(middle) is not None:
            centre = exact(facts[middle])
            changed[end] = float(centre + (exact(facts[end]) - centre) * share)
    for name in ("primary.se", "value.se_usd"):
        if facts.get(name) is not None:
            changed[name] = float(exact(facts[name]) * share)
    if facts.get("primary.p") is not None:
        changed["primary.p"] = two_sided(z_of_p(facts) / factor)
    if facts.get("value.p_loss") is not None:
        changed["value.p_loss"] = NORMAL.cdf(-z_of_loss(facts) / factor)
    if observed is not None:
        if facts.get("sample.fraction") is not None:
            fraction = exact(facts["sample.fraction"]) * observed / facts["sample.observed"]
            changed["sample.fraction"] = float(fraction)
        changed["sample.observed"] = observed
    _follow_minimum(changed)
    return changed


def with_minimum(facts: Facts, minimum: float) -> Facts:
    """The facts with another declared minimum effect."""
    changed = {**facts, "primary.minimum_effect": minimum}
    _follow_minimum(changed)
    return changed


def _follow_minimum(facts: Facts) -> None:
    minimum = facts.get("primary.minimum_effect")
    if minimum is None or minimum <= 0:
        return
    benefit, high = facts.get("primary.benefit"), facts.get("primary.benefit_high")
    if benefit is not None and facts.get("primary.minimum_ratio") is not None:
        facts["primary.minimum_ratio"] = float(exact(benefit) / exact(minimum))
    if high is not None and facts.get("primary.excludes_minimum") is not None:
        facts["primary.excludes_minimum"] = exact(high) < exact(minimum)


def _add(facts: Facts, name: str, by: Decimal) -> None:
    if facts.get(name) is not None:
        facts[name] = float(exact(facts[name]) + by)


def two_sided(z: float) -> float:
    """P-value of a z value, accurate in the tail."""
    return math.erfc(abs(z) / math.sqrt(2.0))


def z_of_p(facts: Facts) -> float:
    """The z value of ``primary.p``; of the benefit in standard errors where the p-value is 0."""
    p = facts["primary.p"]
    if p / 2.0 > 0.0:
        return -NORMAL.inv_cdf(p / 2.0) if p < 1.0 else 0.0
    error = facts.get("primary.se")
    return abs(facts["primary.benefit"]) / error if error else math.inf


def slope_of_z(facts: Facts) -> float | None:
    """The z value of ``primary.p`` per unit of benefit; by the standard error where the benefit is as good as 0."""
    size, error = abs(facts["primary.benefit"]), facts.get("primary.se")
    if facts.get("primary.p") is not None and size > NOTHING * (error or 0.0):
        return z_of_p(facts) / size
    return 1.0 / error if error else None


def z_of_loss(facts: Facts) -> float:
    """The z value of ``value.p_loss``: positive where a gain is likely."""
    p = facts["value.p_loss"]
    if 0.0 < p < 1.0:
        return -NORMAL.inv_cdf(p)
    error, net = facts.get("value.se_usd"), facts.get("value.net_usd")
    return net / error if error and net is not None else math.copysign(math.inf, 0.5 - p)
