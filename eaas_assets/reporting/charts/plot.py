"""What the pictures share: their width, margins, axes and rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from eaas_assets.reporting.svg import INK, LABEL_LIMIT, PALETTE, Labels

WIDTH = 520.0
ROW = 22.0
FOOT = 46.0
TYPE = 11
PLACE_LIMIT = 11
CHARACTER = 8.2  # wide enough for the larger type that small screens get

Tone = Literal["good", "warn", "bad", "plain"]
MARKS: dict[Tone, tuple[str, str]] = {
    "good": ("o", PALETTE["blue"]),
    "warn": ("^", PALETTE["orange"]),
    "bad": ("X", PALETTE["vermilion"]),
    "plain": ("s", INK),
}
"""Marker and colour of a tone: each says the same as the other."""


def new_axes(figure: Figure, *, left: float, right: float, top: float, bottom: float, height: float) -> Axes:
    """Axes with fixed margins in units, without a frame."""
    axes = figure.add_axes((left / WIDTH, bottom / height, (WIDTH - left - right) / WIDTH,
                            (height - top - bottom) / height))  # fmt: skip
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_edgecolor(INK)
        spine.set_alpha(0.4)
    axes.tick_params(length=0, labelsize=TYPE, labelcolor=INK, pad=6)
    axes.set_axisbelow(True)
    return axes


def percent_axis(axes: Axes, which: Any) -> None:
    """Shares of 0 to 1 along an axis."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.0f} %"))
    axes.grid(axis=which, color=INK, alpha=0.15, linewidth=0.8)


def rows_axis(axes: Axes, labels: list[str]) -> None:
    """One row for each label, the first on top."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(color=INK, alpha=0.15, linewidth=0.8)


def threshold_line(axes: Axes, threshold: float) -> None:
    """A dashed upright line at a value."""
    axes.axvline(threshold, color=INK, alpha=0.7, linewidth=1, linestyle=(0, (4, 3)))


def label_width(labels: Sequence[str]) -> float:
    """Units that the longest of the labels needs."""
    return 18 + CHARACTER * max(min(len(label), LABEL_LIMIT) for label in labels)


def value_axis(axes: Axes, which: Literal["x", "y"], form: Callable[[float], str]) -> None:
    """A few round values along an axis, as ``form`` writes them."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(5))
    axis.set_major_formatter(FuncFormatter(lambda value, _: form(value)))
    axes.grid(axis=which, color=INK, alpha=0.15, linewidth=0.8)


def places_shown(count: int, most: int = 5) -> list[int]:
    """Which of ``count`` places along an axis are labelled, the last always among them."""
    return list(range(count - 1, -1, -max(1, -(-count // most))))[::-1]


def place_width(names: Sequence[str]) -> float:
    """Units that the longest name of a place along the bottom needs."""
    return CHARACTER * max(min(len(name), PLACE_LIMIT) for name in names)


def place_margin(names: Sequence[str]) -> float:
    """Units right of the last place, so that half of its name fits; a picture that stands alone is cut there."""
    return max(14.0, 0.5 * place_width(names) + 2.0)


def place_axis(axes: Axes, names: Sequence[str], labels: Labels) -> None:
    """Names of the places 0, 1, … along the bottom, as many as fit."""
    room = axes.get_position().width * WIDTH
    shown = places_shown(len(names), max(2, min(5, int(room / (place_width(names) + 6.0)))))
    axes.set_xticks(shown, [labels.token(names[place], PLACE_LIMIT) for place in shown])
    axes.set_xlim(-0.6, max(len(names), 2) - 0.4)
