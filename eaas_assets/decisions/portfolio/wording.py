"""Ranges of money and shares as they stand in the sentences of the portfolio."""

from __future__ import annotations

from eaas_assets.decisions.wording import usd
from eaas_assets.wording import percent


def usd_range(low: float, high: float) -> str:
    """``1,200 to 3,400 USD``."""
    return f"{usd(low).removesuffix(' USD')} to {usd(high)}"


def chance(probability: float) -> str:
    """A probability; what is next to nothing or next to certain is said so."""
    if probability < 0.001:
        return "below 0.1 %"
    return "above 99.9 %" if probability > 0.999 else percent(probability)


def percent_range(low: float, high: float) -> str:
    """``2 to 7 %``."""
    return f"{percent(low).removesuffix(' %')} to {percent(high)}"
