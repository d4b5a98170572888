"""An evaluation's metrics as they stand in a sentence: names, rates with their counts, changes in their unit.

Belongs here: the text of values. What is said about them is decided where it is known.
"""

from __future__ import annotations

import math

from eaas_assets.history.measures import FIELD_SUFFIX, Measure, is_rate
from eaas_assets.wording import number, percent, points


def title(metric: str) -> str:
    """A metric's name in words."""
    if metric.endswith(FIELD_SUFFIX):
        return f"{metric.removesuffix(FIELD_SUFFIX).replace('_', ' ')} accuracy"
    named = {
        "high_risk_failures": "high-risk failures",
        "average_response_time_ms": "average response time",
        "p95_response_time_ms": "95th percentile of the response time",
        "human_review_rate": "share that asked for a person",
        "execution_failure_rate": "share that failed while executing",
    }
    return named.get(metric, metric.removesuffix("_ms").removesuffix("_usd").replace("_", " "))


def amount(metric: str, value: float) -> str:
    """A value, or a change of it, in the metric's unit."""
    if math.isnan(value):
        return "unknown"
    if metric.endswith("_ms"):
        return f"{number(value)} ms"
    if metric.endswith("_usd"):
        return f"{number(value, 4)} USD"
    return number(value, 3)


def level(metric: str, measure: Measure) -> str:
    """A metric's value with the counts that it rests on."""
    if not is_rate(metric) or not measure.known:
        return amount(metric, measure.value)
    if measure.denominator is None:
        return percent(measure.value)
    if measure.numerator is None:
        return f"{percent(measure.value)} (stated for {measure.denominator:,})"
    return f"{percent(measure.value)} ({measure.numerator:,} of {measure.denominator:,})"


def change(metric: str, value: float) -> str:
    """The size of a change in the metric's unit, without its sign."""
    return points(abs(value)) if is_rate(metric) else amount(metric, abs(value))
