"""Ranges of money and shares as they stand in the sentences of the portfolio."""

from __future__ import annotations

from eaas_assets.decisions.wording import usd
from eaas_assets.history.wording import percent


def usd_range(low: float, high: float) -> str:
    """``1,200 to 3,400 USD``."""
    return f"{usd(low).removesuffix(' USD')} to {usd(high)}"


def percent_range(low: float, high: float) -> str:
    """``2 to 7 %``."""
    return f"{percent(low).removesuffix(' %')} to {percent(high)}"
