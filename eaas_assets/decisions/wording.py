"""Facts as people read them: numbers with their units, for sentences of decisions.

Belongs here: plain text of single facts. Pages have their own, richer words in `reporting`, a layer above.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from eaas_assets.contracts.conditions import exact
from eaas_assets.contracts.decision_policy import PLACEHOLDER
from eaas_assets.contracts.facts import BY_NAME

NOT_KNOWN = "not known"
PROBABILITIES = {"primary.p", "value.p_loss"}
POINTS = frozenset({"primary.benefit", "primary.benefit_low", "primary.benefit_high"})
"""Differences of pass rates in facts of releases."""
LONGEST = 80


def filled(sentence: str, facts: Mapping[str, Any]) -> str:
    """A rule's sentence with every ``{fact.name}`` replaced by that fact as people read it."""
    points = POINTS if facts.get("subject.kind") == "release" else frozenset()

    def text(name: str) -> str:
        value = facts.get(name)
        return points_text(value) if name in points and value is not None else fact_text(name, value)

    return PLACEHOLDER.sub(lambda found: text(found[1]), sentence)


def points_text(difference: float) -> str:
    """A difference of two rates as ``+33.3 points``."""
    points = number(float(exact(difference) * 100), 3)
    return f"{'+' if difference > 0 else ''}{points} points"


def fact_text(name: str, value: Any) -> str:
    """One fact as people read it; "not known" for a missing one."""
    if value is None:
        return NOT_KNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value.replace("_", " ")[:LONGEST]
    kind = BY_NAME[name].type
    if kind == "usd":
        return usd(value)
    if kind == "share":
        return probability(value) if name in PROBABILITIES else percent(value)
    return f"{value:,}".replace("-", "−") if kind == "count" and isinstance(value, int) else number(value)


def number(value: float, digits: int = 4) -> str:
    """A number to ``digits`` significant ones, without trailing zeros; the minus is a real one."""
    decimal = exact(value)
    if decimal == 0:
        return "0"
    places = max(0, digits - 1 - decimal.adjusted())
    text = f"{decimal.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "−")


def percent(share: float) -> str:
    """A share as ``44.4 %``."""
    return f"{number(float(exact(share) * 100), 3)} %"


def probability(value: float) -> str:
    """A p-value or probability: three significant digits, "below 0.0001" where it is."""
    return "below 0.0001" if value < 0.0001 else number(value, 3)


def usd(value: float) -> str:
    """Money: whole dollars from 100 on, cents below."""
    cents = abs(value) < 100
    amount = exact(value).quantize(Decimal("0.01") if cents else Decimal(1), ROUND_HALF_UP)
    return f"{amount:,f} USD".replace("-", "−")
