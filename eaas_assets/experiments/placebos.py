"""Rollouts in which nothing happened: untreated units of the user's own panel, some of them called treated at random.

Belongs here: the pseudo-rollouts, and the p-values that the estimator of the real one gives them. Which metric is tried
and what follows from it is in ``calibration``.

Units that are never treated are used, with the dates and in about the proportion of the real rollout, so that the test
meets the shape and the memory of the metric as they are. Where they are too few, all units are used up to the first
date of the rollout, and its dates are moved into that time in proportion. Units are drawn as wholes (groups, where
errors are related in groups). That treated units would have moved like the others is not tried: no draw can.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from eaas_assets.contracts.experiment import Experiment, Metric
from eaas_assets.errors import EstimateRefused
from eaas_assets.experiments.impact.panel_refusals import require_complete, require_finite
from eaas_assets.experiments.impact.panel_rows import rows_of_arm, rows_where
from eaas_assets.experiments.impact.rollout import panel_effect, shape_of
from eaas_assets.experiments.observations.access import FloatArray, IntArray, PanelData
from eaas_assets.stats.panels.inference import MIN_CLUSTERS

FEWEST_UNTREATED = 20
"""Untreated units, or groups, that are needed: of fewer the same ones are drawn again and again."""
FEWEST_PERIODS = 4
"""Periods before the first date of the rollout that are needed where these are used instead."""
MOST_ROWS = 20_000
"""Rows of untreated units that are used at most."""
MOST_PLACEBOS = 100
"""Pseudo-rollouts that are tried at most; each is a whole analysis."""
DRAWS = 399
"""Of the bootstrap in each: enough for a p-value at 5 %, a fifth of what an interval takes."""


def placebo_p_values(
    experiment: Experiment, metric: Metric, panel: PanelData, level: float, replays: int, rng: np.random.Generator
) -> FloatArray:
    """P-values of a metric in pseudo-rollouts; nan where the estimator refuses.

    Args:
        experiment: A rollout.
        metric: Metric.
        panel: Its observations.
        level: Confidence level.
        replays: Pseudo-rollouts that are wanted.
        rng: Source of the draws.

    Raises:
        EstimateRefused: The metric cannot be tried.
    """
    chosen = rows_of_arm(experiment, panel, experiment.treatments[0].name)
    require_finite(chosen, metric)
    everybody = np.ones(chosen.unit.size, dtype=np.bool_)
    shape = shape_of(chosen, everybody)
    if not shape.one_period_each:
        require_complete(chosen, everybody)
    if shape.dates == 0:
        raise EstimateRefused("no_treated", "no unit is treated yet")
    if shape.dates == 1 and not shape.one_period_each and min(shape.sides) < MIN_CLUSTERS:
        reason = "it is judged by its rank among placebos, which are untreated units already"
        raise EstimateRefused("placebos", reason)
    untreated, dates = _without_effect(chosen)
    untreated = _some_units(untreated, rng)
    groups = np.unique(_group(untreated)).size
    treated = round(groups * shape.sides[0] / sum(shape.sides))
    treated = min(max(treated, MIN_CLUSTERS), groups - MIN_CLUSTERS)
    given = dates[np.linspace(0, dates.size - 1, treated).round().astype(np.int64)]
    return np.array([_p_value(untreated, metric, given, level, rng) for _ in range(min(replays, MOST_PLACEBOS))])


def _without_effect(panel: PanelData) -> tuple[PanelData, IntArray]:
    """Rows in which nothing happened, and the dates of the rollout, one for each treated group.

    Raises:
        EstimateRefused: ``too_few_units``, or ``short_pre_period`` where the time before the rollout is needed.
    """
    never = panel.adoption > panel.time.max()
    _, first = np.unique(_group(panel)[~never], return_index=True)
    dates = np.sort(panel.adoption[~never][first])
    untreated = np.unique(_group(panel)[never]).size
    if untreated >= FEWEST_UNTREATED:
        return rows_where(panel, never), dates
    groups = np.unique(_group(panel)).size
    if groups < FEWEST_UNTREATED:
        raise EstimateRefused("too_few_units", f"there are {groups} units or groups, {FEWEST_UNTREATED} are needed")
    before = panel.time < dates[0]
    times, early = np.unique(panel.time), np.unique(panel.time[before])
    if early.size < FEWEST_PERIODS:
        few = f"{untreated} units or groups are never treated, {FEWEST_UNTREATED} are needed, or {FEWEST_PERIODS} "
        raise EstimateRefused("short_pre_period", f"{few}periods before the first date; there are {early.size}")
    place = np.searchsorted(times, dates) * early.size // times.size
    return rows_where(panel, before), early[np.maximum(place, 1)]


def _p_value(untreated: PanelData, metric: Metric, dates: IntArray, level: float, rng: np.random.Generator) -> float:
    groups, place = np.unique(_group(untreated), return_inverse=True)
    adoption = np.full(groups.size, int(untreated.time.max()) + 1, dtype=np.int64)
    adoption[rng.permutation(groups.size)[: dates.size]] = dates
    pseudo = replace(untreated, adoption=adoption[place])
    inside = np.ones(place.size, dtype=np.bool_)
    try:
        found = panel_effect(pseudo, pseudo.outcome[metric.name], inside, shape_of(pseudo, inside), level, DRAWS)
    except EstimateRefused:
        return float("nan")
    return found.p


def _group(panel: PanelData) -> NDArray[np.str_] | IntArray:
    """What is drawn as a whole: the group of each row, or its unit."""
    return panel.unit if panel.cluster is None else panel.cluster


def _some_units(panel: PanelData, rng: np.random.Generator) -> PanelData:
    """At most about ``MOST_ROWS`` rows, by whole groups."""
    if panel.unit.size <= MOST_ROWS:
        return panel
    groups, place, rows = np.unique(_group(panel), return_inverse=True, return_counts=True)
    order = rng.permutation(groups.size)
    taken = order[: max(1, int(np.searchsorted(np.cumsum(rows[order]), MOST_ROWS, side="right")))]
    return rows_where(panel, np.isin(place, taken))
