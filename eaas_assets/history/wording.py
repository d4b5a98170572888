"""Numbers as they stand in a sentence: rates with their counts, changes in their unit, names in moderation.

Belongs here: the text of values. What is said about them is decided where it is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from eaas_assets.history.measures import FIELD_SUFFIX, Measure, is_rate

MINUS = "\N{MINUS SIGN}"


def number(value: float, decimals: int = 1) -> str:
    """A number with at most ``decimals`` decimals, more only where it would vanish otherwise."""
    rounded = round(value, decimals)
    text = f"{value:.2g}" if rounded == 0 != value else f"{rounded:,.{decimals}f}"
    if "." in text and "e" not in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", MINUS)


def percent(value: float) -> str:
    """A share as a percentage."""
    return f"{number(100 * value)} %"


def points(value: float) -> str:
    """A difference of shares in percentage points."""
    text = number(100 * value)
    return f"{text} point" if text in {"1", f"{MINUS}1"} else f"{text} points"


def count(n: int, noun: str) -> str:
    """A number of things."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def joined(names: Iterable[str], most: int = 10) -> str:
    """Names in a row: at most ``most`` of them, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - most:,} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


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
