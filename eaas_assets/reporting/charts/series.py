"""Estimates and outcomes over time: a confidence sequence, an event study, a series beside its counterfactual."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eaas_assets.reporting import text
from eaas_assets.reporting.charts.plot import FOOT, TYPE, WIDTH, new_axes, place_axis, place_margin, value_axis
from eaas_assets.reporting.svg import INK, PALETTE, Labels, inline_svg, new_figure

MAX_PLACES = 400
_HEIGHT = 250.0
_LEFT = 74.0
_TOLD = 8

Form = Callable[[float], str]
Values = Sequence[float | None]


class Band(NamedTuple):
    """Values with the band around them, one for each place; None where there is none."""

    values: Values
    low: Values
    high: Values


def estimate_chart(
    places: Sequence[str], band: Band, name: str, title: str, axis: str, form: Form, start: int | None = None
) -> Markup | None:
    """An estimate over time with its band and a line at nought: a confidence sequence or an event study.

    Args:
        places: What stands at the bottom, in order: days, looks, or periods since the change.
        band: The estimates.
        name: Distinguishes the charts of one page.
        title: What the chart shows.
        axis: What the bottom axis measures.
        form: How a value stands at the axis.
        start: Place before which the change had not happened; None without one.
    """
    if sum(value is not None for value in band.values) < 2:
        return None
    places, band = _latest(places, band)
    figure, axes = _canvas(places)
    labels = Labels()
    _draw_band(axes, band.low, band.high, PALETTE["blue"])
    _draw_line(axes, band.values, PALETTE["blue"], marker="o" if len(places) <= 40 else None)
    axes.axhline(0, color=INK, alpha=0.7, linewidth=1, linestyle=(0, (4, 3)))
    _draw_start(axes, start)
    _finish(axes, places, labels, axis, form)
    return inline_svg(figure, name, title, _told_estimates(places, band, form), labels)


def outcome_chart(
    places: Sequence[str],
    observed: Values,
    counterfactual: Band,
    name: str,
    title: str,
    form: Form,
    start: int | None = None,
) -> Markup | None:
    """What was observed beside what would have been: a synthetic control, or a forecast with its band.

    Args:
        places: Periods in order.
        observed: The treated series.
        counterfactual: The same without the change; its band may be empty.
        name: Distinguishes the charts of one page.
        title: What the chart shows.
        form: How a value stands at the axis.
        start: First place after the change; None where it is not known.
    """
    if sum(value is not None for value in observed) < 2:
        return None
    names, band = _latest(places, counterfactual)
    seen = list(observed)[-MAX_PLACES:]
    figure, axes = _canvas(names)
    labels = Labels()
    _draw_band(axes, band.low, band.high, PALETTE["orange"])
    _draw_line(axes, band.values, PALETTE["orange"], dashed=True)
    _draw_line(axes, seen, PALETTE["blue"])
    _draw_start(axes, None if start is None else start - (len(places) - len(names)))
    _finish(axes, names, labels, "solid: observed, dashed: without the change", form)
    pairs = [
        f"{text.inline(place, 20)}: observed {form(value)}, without the change {form(other)}"
        for place, value, other in zip(names, seen, band.values, strict=True)
        if value is not None and other is not None
    ]
    return inline_svg(figure, name, title, f"The latest periods. {'; '.join(pairs[-_TOLD:])}.", labels)


def _canvas(places: Sequence[str]) -> tuple[Figure, Axes]:
    figure = new_figure(WIDTH, _HEIGHT)
    right = place_margin(places)
    return figure, new_axes(figure, left=_LEFT, right=right, top=12, bottom=FOOT, height=_HEIGHT)


def _latest(places: Sequence[str], band: Band) -> tuple[list[str], Band]:
    cut = slice(-MAX_PLACES, None)
    return list(places)[cut], Band(*(list(values)[cut] for values in band))


def _draw_band(axes: Axes, low: Values, high: Values, colour: str) -> None:
    known = [(place, below, above) for place, (below, above) in enumerate(zip(low, high, strict=True))
             if below is not None and above is not None]  # fmt: skip
    if not known:
        return
    places = [place for place, _, _ in known]
    axes.fill(
        [*places, *places[::-1]],
        [*(below for _, below, _ in known), *(above for _, _, above in known[::-1])],
        color=colour, alpha=0.18, linewidth=0,
    )  # fmt: skip
    for place, below, above in known if len(known) <= 60 else []:
        axes.plot([place, place], [below, above], color=colour, alpha=0.5, linewidth=1.4)


def _draw_line(axes: Axes, values: Values, colour: str, *, dashed: bool = False, marker: str | None = None) -> None:
    known = [(place, value) for place, value in enumerate(values) if value is not None]
    axes.plot(
        [place for place, _ in known], [value for _, value in known], color=colour, linewidth=1.8,
        linestyle=(0, (5, 3)) if dashed else "-", marker=marker, markersize=5,
    )  # fmt: skip


def _draw_start(axes: Axes, start: int | None) -> None:
    if start is not None and start > 0:
        axes.axvline(start - 0.5, color=INK, alpha=0.6, linewidth=1)


def _finish(axes: Axes, places: Sequence[str], labels: Labels, axis: str, form: Form) -> None:
    place_axis(axes, places, labels)
    value_axis(axes, "y", form)
    axes.margins(y=0.08)
    axes.set_xlabel(axis, color=INK, fontsize=TYPE, labelpad=8)


def _told_estimates(places: Sequence[str], band: Band, form: Form) -> str:
    told = []
    for place, value, low, high in zip(places, *band, strict=True):
        if value is None:
            continue
        reach = f" ({form(low)} to {form(high)})" if low is not None and high is not None else ""
        told.append(f"{text.inline(place, 20)}: {form(value)}{reach}")
    return f"The latest estimates with their intervals. {'; '.join(told[-_TOLD:])}."
