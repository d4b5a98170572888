"""How many more units, days and dollars a change would take, and why no number can be given where none can."""

from __future__ import annotations

import math
from typing import NamedTuple

from eaas_assets.contracts.facts import BY_NAME
from eaas_assets.decisions.counterfactuals.trial import Flip


class Settling(NamedTuple):
    """What would settle an inconclusive release, as its comparison says.

    Attributes:
        claim: Verdict that would be shown if the difference is as it looks.
        scenarios: Further scenarios for both versions.
        usd: Their cost; None where not known.
        seconds: Their answering time; None where not known.
    """

    claim: str
    scenarios: int
    usd: float | None
    seconds: float | None


class Supply(NamedTuple):
    """How data come in.

    Attributes:
        units_per_day: Units that come in a day; None where not known.
        usd_per_unit: What a unit costs.
        usd_per_day: What a day costs besides.
        settling: Of a release.
    """

    units_per_day: float | None = None
    usd_per_unit: float | None = None
    usd_per_day: float | None = None
    settling: Settling | None = None


class Further(NamedTuple):
    """Further data; None where not known. ``reason``: why there is no number of units."""

    units: int | None = None
    days: int | None = None
    usd: float | None = None
    reason: str | None = None


SECONDS_PER_DAY = 86_400


def further(flip: Flip, supply: Supply) -> Further:
    """What more data the change of a flip takes."""
    if flip.kind == "threshold":
        return Further(reason="a bound of the policy moves with no data")
    settling = supply.settling
    if flip.fact == "release.verdict" and settling is not None and flip.flipped == settling.claim:
        days = None if settling.seconds is None else math.ceil(settling.seconds / SECONDS_PER_DAY)
        return Further(settling.scenarios, days, settling.usd)
    if flip.fact == "primary.se":
        return _units(flip, supply)
    if not BY_NAME[flip.fact].evidence:
        return Further(reason="it is declared, not measured")
    if flip.fact == "primary.benefit":
        return Further(reason="the estimate itself would have to be another; more units only narrow its interval")
    return Further(reason="how many units it takes cannot be told from the evidence")


def _units(flip: Flip, supply: Supply) -> Further:
    before, after = flip.before.get("sample.observed"), flip.facts.get("sample.observed")
    if before is None or after is None or after <= before:
        return Further(reason="the error of this design does not shrink with the number of units alone")
    units = int(after - before)
    days = math.ceil(units / supply.units_per_day) if supply.units_per_day else None
    usd = None
    if supply.usd_per_unit is not None:
        usd = units * supply.usd_per_unit
        if supply.usd_per_day:
            usd = None if days is None else usd + days * supply.usd_per_day
    return Further(units, days, usd)
