"""How numbers of experiments stand in the sentences of the design and monitoring tables.

Belongs here: p-values, counts beside their plan and limits in brackets. Levels and changes are worded as in `impact`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from eaas_assets.contracts.experiment import Metric
from eaas_assets.experiments.impact.wording import change, level, number
from eaas_assets.wording import count, joined, percent

__all__ = ["change", "count", "interval", "joined", "level", "number", "p_text", "percent", "shares"]


def p_text(p_value: float) -> str:
    """A p-value: small ones as a bound."""
    if math.isnan(p_value):
        return "p unknown"
    return "p < 0.0001" if p_value < 0.0001 else f"p = {p_value:.2g}"


def interval(metric: Metric, low: float, high: float) -> str:
    """Limits of a change, in brackets and without the unit."""
    scale = 100.0 if metric.kind == "proportion" else 1.0
    return f"[{number(scale * low)}, {number(scale * high)}]"


def shares(counts: Mapping[str, int], allocation: Mapping[str, float]) -> str:
    """Units by arm beside the planned shares."""
    total = sum(counts.values())
    parts = []
    for arm, n in counts.items():
        share = f"{percent(n / total)} for {percent(allocation[arm])} planned" if total else "none yet"
        parts.append(f"{arm} {n:,} ({share})")
    return ", ".join(parts)
