"""Effects and values with their intervals, one row each: what stands clear of nought, and on which side.

● good, ✕ bad, ▲ uncertain, ■ neither: shapes say the same as colours. An interval that is far wider than the rest is
cut, and an arrow stands where it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from markupsafe import Markup
from matplotlib.axes import Axes

from eaas_assets.reporting import text
from eaas_assets.reporting.charts.plot import (
    FOOT,
    MARKS,
    ROW,
    TYPE,
    WIDTH,
    Tone,
    label_width,
    new_axes,
    rows_axis,
    value_axis,
)
from eaas_assets.reporting.svg import INK, LABEL_LIMIT, Labels, inline_svg, new_figure

MAX_ROWS = 40
LEGEND = "● better, ✕ worse, ▲ not certain, ■ not tested. Bars: intervals; arrows: the interval goes on."
_REACH = 2.0  # intervals may reach so many times as far from the reference as the farthest value


class IntervalPoint(NamedTuple):
    """One row: a value with its interval; ``low`` and ``high`` are None without one."""

    label: str
    value: float
    low: float | None
    high: float | None
    tone: Tone


def interval_chart(
    points: Sequence[IntervalPoint],
    name: str,
    title: str,
    axis: str,
    form: Callable[[float], str],
    told: Callable[[float], str],
) -> Markup | None:
    """A forest plot: the first :data:`MAX_ROWS` points, and a line at nought.

    Args:
        points: The rows, the first on top.
        name: Distinguishes the charts of one page.
        title: What the chart shows.
        axis: What the axis measures.
        form: How a value stands at the axis.
        told: How a value stands in the text alternative.
    """
    shown = list(points)[:MAX_ROWS]
    if not shown:
        return None
    height = ROW * len(shown) + FOOT + 12
    figure = new_figure(WIDTH, height)
    names = [point.label for point in shown]
    axes = new_axes(figure, left=min(label_width(names), 0.45 * WIDTH), right=18, top=8, bottom=FOOT, height=height)
    labels = Labels()
    left, right = _reach(shown)
    axes.axvline(0, color=INK, alpha=0.7, linewidth=1, linestyle=(0, (4, 3)))
    for place, point in enumerate(shown):
        _draw(axes, place, point, left, right)
    rows_axis(axes, [labels.token(row) for row in names])
    margin = 0.04 * (right - left)
    axes.set_xlim(left - margin, right + margin)
    value_axis(axes, "x", form)
    axes.set_xlabel(axis, color=INK, fontsize=TYPE, labelpad=8)
    said = "; ".join(
        f"{text.inline(point.label, LABEL_LIMIT)} {told(point.value)}"
        + (f" ({told(point.low)} to {told(point.high)})" if point.low is not None and point.high is not None else "")
        for point in shown
    )
    more = f" The first {len(shown)} of {len(points):,} are drawn." if len(points) > len(shown) else ""
    return inline_svg(figure, name, title, f"{text.inline(said, 2400)}.{more}", labels)


def _reach(points: Sequence[IntervalPoint]) -> tuple[float, float]:
    farthest = max(abs(point.value) for point in points)
    ends = [end for point in points for end in (point.low, point.high) if end is not None]
    if farthest == 0:
        farthest = max((abs(end) for end in ends), default=1.0) or 1.0
    inside = [max(-_REACH * farthest, min(_REACH * farthest, end)) for end in ends]
    everything = [0.0, *(point.value for point in points), *inside]
    left, right = min(everything), max(everything)
    return (left, right) if right > left else (left - 1.0, right + 1.0)


def _draw(axes: Axes, place: int, point: IntervalPoint, left: float, right: float) -> None:
    marker, colour = MARKS[point.tone]
    if point.low is not None and point.high is not None:
        low, high = max(point.low, left), min(point.high, right)
        axes.plot([low, high], [place, place], color=colour, alpha=0.6, linewidth=2.5)
        for end, cut, arrow in ((low, point.low < left, "<"), (high, point.high > right, ">")):
            if cut:
                axes.plot([end], [place], marker=arrow, color=colour, markersize=6, linestyle="none")
    axes.plot([point.value], [place], marker=marker, color=colour, markersize=8, linestyle="none")
