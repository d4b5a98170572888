"""Numbers of experiments as they stand in a sentence: levels, changes and intervals in the metric's unit.

Belongs here: the text of values. What is said about them is in `statements`.
"""

from __future__ import annotations

import math

from eaas_assets.contracts.experiment import Metric
from eaas_assets.errors import shown

MINUS = "\N{MINUS SIGN}"
_LONGEST_UNIT = 20


def number(value: float) -> str:
    """Three significant digits, all digits of whole thousands."""
    if math.isnan(value):
        return "unknown"
    size = abs(value)
    text = f"{value:,.0f}" if size >= 1000.0 else f"{value:.1f}" if size >= 100.0 else f"{value:.3g}"
    if "." in text and "e" not in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "0") else text.replace("-", MINUS)


def signed(value: float) -> str:
    """A change, with its sign."""
    text = number(value)
    return text if value < 0.0 or text in ("0", "unknown") else f"+{text}"


def unit_of(metric: Metric) -> str:
    """The unit with a space before it; nothing without one. Free text: one line, shortened."""
    return f" {shown(metric.unit, _LONGEST_UNIT)[1:-1]}" if metric.unit else ""


def level(metric: Metric, value: float) -> str:
    """A value of the metric."""
    if metric.kind == "proportion":
        return "unknown" if math.isnan(value) else f"{number(100.0 * value)} %"
    return f"{number(value)}{unit_of(metric)}"


def change(metric: Metric, value: float) -> str:
    """A difference of two values: points for shares."""
    if metric.kind == "proportion":
        points = signed(100.0 * value)
        return f"{points} point{'' if points in ('+1', f'{MINUS}1') else 's'}"
    return f"{signed(value)}{unit_of(metric)}"


def interval(metric: Metric, low: float, high: float, confidence: float) -> str:
    """Limits of a difference."""
    factor = 100.0 if metric.kind == "proportion" else 1.0
    return f"{number(100.0 * confidence)} % interval {signed(factor * low)} to {signed(factor * high)}"


def size(metric: Metric, amount: float) -> str:
    """A minimum effect or margin on its scale."""
    if metric.scale == "relative":
        return f"{number(100.0 * amount)} %"
    if metric.kind == "proportion":
        points = number(100.0 * amount)
        return f"{points} point{'' if points == '1' else 's'}"
    return f"{number(amount)}{unit_of(metric)}"


def p_value(p: float) -> str:
    """A p-value, never as zero."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"


def counted(count: int, noun: str) -> str:
    """A number of things."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
