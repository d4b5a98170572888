"""The three pictures of an evaluation report: where the agent is heading, its scores, its specialists' health.

Every function takes finished numbers and returns inline SVG, or None where there is nothing to draw. Shapes say the
same as colours: ● passed, ✕ failed; hollow for runs made before this system.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from eaas_assets.reporting import text
from eaas_assets.reporting.charts.plot import (
    FOOT,
    ROW,
    TYPE,
    WIDTH,
    label_width,
    new_axes,
    percent_axis,
    rows_axis,
    threshold_line,
)
from eaas_assets.reporting.svg import INK, LABEL_LIMIT, PALETTE, Labels, inline_svg, new_figure

MAX_RUNS = 40
MAX_ROWS = 40
_TICKS = 5
_VERSION_LIMIT = 10
_BINS = 20


class RunPoint(NamedTuple):
    """One run in the trend: rates are shares of 0 to 1; ``low`` and ``high`` are None without an interval."""

    day: str
    version: str
    rate: float
    low: float | None
    high: float | None
    executed: bool
    current: bool


class HealthPoint(NamedTuple):
    """One specialist: its pass rate with interval, counts, and health word."""

    agent: str
    rate: float
    low: float | None
    high: float | None
    counts: str
    health: str


def trend_chart(runs: Sequence[RunPoint], title: str) -> Markup | None:
    """Pass rate by run, oldest left; the latest :data:`MAX_RUNS`. Runs of one version are joined by a line."""
    if len(runs) < 2:
        return None
    shown = list(runs)[-MAX_RUNS:]
    figure = new_figure(WIDTH, 240)
    axes = new_axes(figure, left=56, right=14, top=12, bottom=FOOT, height=240)
    labels = Labels()
    for version in dict.fromkeys(run.version for run in shown):
        places = [place for place, run in enumerate(shown) if run.version == version]
        current = any(shown[place].current for place in places)
        _draw_version(axes, shown, places, PALETTE["blue"] if current else INK, 1.0 if current else 0.6)
    axes.set_xlim(-0.6, len(shown) - 0.4)
    axes.set_ylim(-0.04, 1.04)
    percent_axis(axes, "y")
    ticks = range(len(shown) - 1, -1, -max(1, -(-len(shown) // _TICKS)))
    axes.set_xticks(list(ticks), [labels.token(shown[place].version, _VERSION_LIMIT) for place in ticks])
    for place in ticks:
        axes.annotate(shown[place].day[2:], (place, 0), xycoords=("data", "axes fraction"), xytext=(0, -35),
                      textcoords="offset points", ha="center", color=INK, fontsize=9.5, alpha=0.8)  # fmt: skip
    said = "; ".join(f"{run.day} {run.version} {text.percent(run.rate)}" for run in shown[-12:])
    return inline_svg(figure, "trend", title, f"The latest runs, oldest first: {text.inline(said, 1200)}.", labels)


def _draw_version(axes: Axes, runs: Sequence[RunPoint], places: list[int], colour: str, alpha: float) -> None:
    axes.plot(places, [runs[place].rate for place in places], color=colour, alpha=0.5 * alpha, linewidth=1.2)
    for place in places:
        run = runs[place]
        if run.low is not None and run.high is not None:
            axes.plot([place, place], [run.low, run.high], color=colour, alpha=0.55 * alpha, linewidth=2)
        axes.plot([place], [run.rate], marker="o", color=colour, alpha=alpha, linestyle="none",
                  markersize=9 if run.current else 6, markeredgewidth=1.5,
                  markerfacecolor=colour if run.executed else "none")  # fmt: skip


def score_chart(
    scenarios: Sequence[str],
    scores: NDArray[np.float64],
    passed: NDArray[np.bool_],
    threshold: float,
    title: str,
) -> Markup | None:
    """Overall scores: a row of dots per scenario, or counts by score where the scenarios are too many for rows.

    Args:
        scenarios: The scenario of each evaluation, in the order in which the rows are to stand.
        scores: Overall score of each evaluation, 0 to 1.
        passed: Whether each evaluation passed.
        threshold: The score that passing needs.
        title: What the chart shows.
    """
    if not len(scenarios):
        return None
    rows = list(dict.fromkeys(scenarios))
    said = (f"{text.counted(len(scores), 'evaluation')} of {text.counted(len(rows), 'scenario')}, "
            f"{int((~passed).sum()):,} not passed. Passing needs {text.score(threshold)}.")  # fmt: skip
    if len(rows) > MAX_ROWS:
        return _score_counts(scores, passed, threshold, title, said)
    height = ROW * len(rows) + FOOT + 10
    figure = new_figure(WIDTH, height)
    axes = new_axes(figure, left=label_width(rows), right=14, top=10, bottom=FOOT, height=height)
    labels = Labels()
    position = {scenario: place for place, scenario in enumerate(rows)}
    places = np.array([position[scenario] for scenario in scenarios])
    for mask, marker, colour in ((passed, "o", PALETTE["blue"]), (~passed, "x", PALETTE["vermilion"])):
        axes.plot(scores[mask], places[mask], linestyle="none", marker=marker, color=colour, markersize=7,
                  markeredgewidth=2, alpha=0.85)  # fmt: skip
    rows_axis(axes, [labels.token(row) for row in rows])
    axes.set_xlim(-0.03, 1.03)
    axes.set_xlabel("overall score (● passed, ✕ failed)", color=INK, fontsize=TYPE, labelpad=8)
    threshold_line(axes, threshold)
    first = zip(scenarios[:12], scores[:12], strict=True)
    told = "; ".join(f"{text.inline(scenario, LABEL_LIMIT)} {text.score(score)}" for scenario, score in first)
    return inline_svg(figure, "scores", title, f"{said} {told}.", labels)


def _score_counts(
    scores: NDArray[np.float64], passed: NDArray[np.bool_], threshold: float, title: str, said: str
) -> Markup:
    figure = new_figure(WIDTH, 220)
    axes = new_axes(figure, left=62, right=14, top=10, bottom=FOOT, height=220)
    edges = np.linspace(0, 1, _BINS + 1)
    below = np.zeros(_BINS)
    for mask, colour, hatch in ((passed, PALETTE["blue"], None), (~passed, PALETTE["vermilion"], "////")):
        counts = np.histogram(scores[mask], edges)[0]
        axes.bar(edges[:-1], counts, width=1 / _BINS, align="edge", bottom=below, color=colour if hatch is None else
                 "none", edgecolor=colour, hatch=hatch, linewidth=0.8, alpha=0.85)  # fmt: skip
        below = below + counts
    axes.set_xlim(-0.01, 1.01)
    axes.grid(axis="y", color=INK, alpha=0.15, linewidth=0.8)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel("overall score (solid: passed, hatched: failed)", color=INK, fontsize=TYPE, labelpad=8)
    threshold_line(axes, threshold)
    return inline_svg(figure, "scores", title, said, Labels())


def health_chart(agents: Sequence[HealthPoint], title: str) -> Markup | None:
    """Pass rate of each specialist with its interval, one row each; the first :data:`MAX_ROWS`."""
    shown = list(agents)[:MAX_ROWS]
    if not shown:
        return None
    height = ROW * len(shown) + FOOT + 10
    figure = new_figure(WIDTH, height)
    notes = [f"{point.health}, {point.counts}" for point in shown]
    axes = new_axes(figure, left=label_width([point.agent for point in shown]), right=label_width(notes), top=6,
                 bottom=FOOT, height=height)  # fmt: skip
    labels = Labels()
    shapes = {"healthy": ("o", PALETTE["blue"]), "degraded": ("^", PALETTE["orange"])}
    for place, (point, note) in enumerate(zip(shown, notes, strict=True)):
        marker, colour = shapes.get(point.health, ("X", PALETTE["vermilion"]))
        if point.low is not None and point.high is not None:
            axes.plot([point.low, point.high], [place, place], color=colour, alpha=0.6, linewidth=2.5)
        axes.plot([point.rate], [place], marker=marker, color=colour, markersize=8, linestyle="none")
        axes.annotate(note, (1, place), xycoords=("axes fraction", "data"),
                      xytext=(8, 0), textcoords="offset points", va="center", color=INK, fontsize=TYPE)  # fmt: skip
    rows_axis(axes, [labels.token(point.agent) for point in shown])
    axes.set_xlim(-0.03, 1.03)
    percent_axis(axes, "x")
    axes.set_xlabel("pass rate with 95 % interval", color=INK, fontsize=TYPE, labelpad=8)
    said = "; ".join(f"{point.agent} {point.health}, passed {point.counts}" for point in shown)
    return inline_svg(figure, "health", title, text.inline(said, 1200) + ".", labels)
