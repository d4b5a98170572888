"""The three pictures of an evaluation report: where the agent is heading, its scores, its specialists' health.

Every function takes finished numbers and returns inline SVG, or None where there is nothing to draw. Shapes say the
same as colours: ● passed, ✕ failed; hollow for runs made before this system.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from eaas_assets.reporting import text
from eaas_assets.reporting.svg import INK, LABEL_LIMIT, PALETTE, Labels, inline_svg, new_figure

WIDTH = 520.0
MAX_RUNS = 40
MAX_ROWS = 40
_TICKS = 8
_ROW = 20.0
_FOOT = 40.0
_CHARACTER = 6.0
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


class ScorePoint(NamedTuple):
    """One evaluation: its scenario, overall score of 0 to 1, and whether it passed."""

    scenario: str
    score: float
    passed: bool


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
    axes = _axes(figure, left=44, right=10, top=12, bottom=_FOOT, height=240)
    labels = Labels()
    for version in dict.fromkeys(run.version for run in shown):
        places = [place for place, run in enumerate(shown) if run.version == version]
        current = any(shown[place].current for place in places)
        _draw_version(axes, shown, places, PALETTE["blue"] if current else INK, 1.0 if current else 0.6)
    axes.set_xlim(-0.6, len(shown) - 0.4)
    axes.set_ylim(-0.04, 1.04)
    _percent_axis(axes, "y")
    ticks = range(len(shown) - 1, -1, -max(1, -(-len(shown) // _TICKS)))
    axes.set_xticks(list(ticks), [labels.token(shown[place].version) for place in ticks])
    for place in ticks:
        axes.annotate(shown[place].day[2:], (place, 0), xycoords=("data", "axes fraction"), xytext=(0, -29),
                      textcoords="offset points", ha="center", color=INK, fontsize=8.5, alpha=0.8)  # fmt: skip
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


def score_chart(scores: Sequence[ScorePoint], threshold: float, title: str) -> Markup | None:
    """Overall scores: a row of dots per scenario, or counts by score where the scenarios are too many for rows."""
    if not scores:
        return None
    rows = list(dict.fromkeys(point.scenario for point in scores))
    failed = sum(not point.passed for point in scores)
    said = (f"{text.counted(len(scores), 'evaluation')} of {text.counted(len(rows), 'scenario')}, {failed:,} not "
            f"passed. Passing needs {text.score(threshold)}.")  # fmt: skip
    if len(rows) > MAX_ROWS:
        return _score_counts(scores, threshold, title, said)
    height = _ROW * len(rows) + _FOOT + 10
    figure = new_figure(WIDTH, height)
    axes = _axes(figure, left=_label_width(rows), right=14, top=10, bottom=_FOOT, height=height)
    labels = Labels()
    position = {scenario: place for place, scenario in enumerate(rows)}
    _draw_scores(axes, [point for point in scores if point.passed], position, "o", PALETTE["blue"])
    _draw_scores(axes, [point for point in scores if not point.passed], position, "x", PALETTE["vermilion"])
    _rows_axis(axes, [labels.token(row) for row in rows])
    axes.set_xlim(-0.03, 1.03)
    axes.set_xlabel("overall score (● passed, ✕ failed)", color=INK, fontsize=10)
    _threshold(axes, threshold)
    worst = "; ".join(f"{point.scenario} {text.score(point.score)}" for point in scores[:12])
    return inline_svg(figure, "scores", title, f"{said} {text.inline(worst, 600)}.", labels)


def _draw_scores(axes: Axes, points: list[ScorePoint], position: dict[str, int], marker: str, colour: str) -> None:
    axes.plot([point.score for point in points], [position[point.scenario] for point in points], linestyle="none",
              marker=marker, color=colour, markersize=7, markeredgewidth=2, alpha=0.85)  # fmt: skip


def _score_counts(scores: Sequence[ScorePoint], threshold: float, title: str, said: str) -> Markup:
    figure = new_figure(WIDTH, 220)
    axes = _axes(figure, left=54, right=14, top=10, bottom=_FOOT, height=220)
    edges = np.linspace(0, 1, _BINS + 1)
    values = np.array([point.score for point in scores])
    passed = np.array([point.passed for point in scores])
    below = np.zeros(_BINS)
    for mask, colour, hatch in ((passed, PALETTE["blue"], None), (~passed, PALETTE["vermilion"], "////")):
        counts = np.histogram(values[mask], edges)[0]
        axes.bar(edges[:-1], counts, width=1 / _BINS, align="edge", bottom=below, color=colour if hatch is None else
                 "none", edgecolor=colour, hatch=hatch, linewidth=0.8, alpha=0.85)  # fmt: skip
        below = below + counts
    axes.set_xlim(-0.01, 1.01)
    axes.grid(axis="y", color=INK, alpha=0.15, linewidth=0.8)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel("overall score (solid: passed, hatched: failed)", color=INK, fontsize=10)
    _threshold(axes, threshold)
    return inline_svg(figure, "scores", title, said, Labels())


def health_chart(agents: Sequence[HealthPoint], title: str) -> Markup | None:
    """Pass rate of each specialist with its interval, one row each; the first :data:`MAX_ROWS`."""
    shown = list(agents)[:MAX_ROWS]
    if not shown:
        return None
    height = _ROW * 1.2 * len(shown) + _FOOT
    figure = new_figure(WIDTH, height)
    axes = _axes(figure, left=_label_width([point.agent for point in shown]), right=120, top=6, bottom=_FOOT,
                 height=height)  # fmt: skip
    labels = Labels()
    shapes = {"healthy": ("o", PALETTE["blue"]), "degraded": ("^", PALETTE["orange"])}
    for place, point in enumerate(shown):
        marker, colour = shapes.get(point.health, ("X", PALETTE["vermilion"]))
        if point.low is not None and point.high is not None:
            axes.plot([point.low, point.high], [place, place], color=colour, alpha=0.6, linewidth=2.5)
        axes.plot([point.rate], [place], marker=marker, color=colour, markersize=8, linestyle="none")
        axes.annotate(f"{point.health}, {point.counts}", (1, place), xycoords=("axes fraction", "data"),
                      xytext=(8, 0), textcoords="offset points", va="center", color=INK, fontsize=9.5)  # fmt: skip
    _rows_axis(axes, [labels.token(point.agent) for point in shown])
    axes.set_xlim(-0.03, 1.03)
    _percent_axis(axes, "x")
    axes.set_xlabel("pass rate with 95 % interval", color=INK, fontsize=10)
    said = "; ".join(f"{point.agent} {point.health}, passed {point.counts}" for point in shown)
    return inline_svg(figure, "health", title, text.inline(said, 1200) + ".", labels)


def _axes(figure: Figure, *, left: float, right: float, top: float, bottom: float, height: float) -> Axes:
    """Axes with fixed margins in units, without a frame."""
    axes = figure.add_axes((left / WIDTH, bottom / height, (WIDTH - left - right) / WIDTH,
                            (height - top - bottom) / height))  # fmt: skip
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_edgecolor(INK)
        spine.set_alpha(0.4)
    axes.tick_params(length=0, labelsize=10, labelcolor=INK, pad=6)
    axes.set_axisbelow(True)
    return axes


def _percent_axis(axes: Axes, which: Any) -> None:
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.0f} %"))
    axes.grid(axis=which, color=INK, alpha=0.15, linewidth=0.8)


def _rows_axis(axes: Axes, labels: list[str]) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(color=INK, alpha=0.15, linewidth=0.8)


def _threshold(axes: Axes, threshold: float) -> None:
    axes.axvline(threshold, color=INK, alpha=0.7, linewidth=1, linestyle=(0, (4, 3)))


def _label_width(labels: Sequence[str]) -> float:
    return 18 + _CHARACTER * max(min(len(label), LABEL_LIMIT) for label in labels)
