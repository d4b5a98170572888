"""Group-time effects of a staggered rollout: ATT(g, t) of Callaway & Sant'Anna (2021), without covariates.

Belongs here: which cells are compared with which, and their errors. Does not: averages over cells and the event study
(`staggered`), errors of contrasts (`contrasts`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

from eaas_assets.errors import EstimateRefused
from eaas_assets.stats.panels.contrasts import Cohorts
from eaas_assets.stats.panels.effect import FloatArray, IntArray
from eaas_assets.stats.panels.inference import MIN_CLUSTERS
from eaas_assets.stats.panels.panel import Panel, adoption_panel, codes

Control = Literal["never", "not_yet"]
Base = Literal["varying", "universal"]


@dataclass(frozen=True, slots=True, eq=False)
class GroupTimeEffects:
    """ATT(g, t): the effect at period t on the cohort that adopted at g.

    Attributes:
        cohort: First treated period (index) of each effect.
        period: Period (index) of each effect; before ``cohort`` it is a lead and should be zero.
        estimate: The effects.
        se: Their standard errors.
        low: Lower pointwise bounds.
        high: Upper pointwise bounds.
        p: Two-sided p-values.
        weights: Contrasts behind the effects, shape (effects, cohorts, periods).
        cohorts: The cohorts those contrasts apply to.
        size: Units in the cohort of each effect.
        panel: The panel used, units that were treated from the start left out.
        left_out: Number of those units.
        confidence: Nominal coverage.
    """

    cohort: IntArray
    period: IntArray
    estimate: FloatArray
    se: FloatArray
    low: FloatArray
    high: FloatArray
    p: FloatArray
    weights: FloatArray
    cohorts: Cohorts
    size: IntArray
    panel: Panel
    left_out: int
    confidence: float


def group_time_effects(
    unit: ArrayLike,
    time: ArrayLike,
    outcome: ArrayLike,
    adoption: ArrayLike,
    *,
    control: Control = "not_yet",
    base: Base = "varying",
    anticipation: int = 0,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
) -> GroupTimeEffects:
    """All group-time effects of a staggered rollout.

    Args:
        unit: Unit label of each row.
        time: Sortable time label of each row.
        outcome: Outcome of each row.
        adoption: Adoption time of the row's unit, in the labels of ``time``; nan, NaT or infinity for never.
        control: ``never`` compares with never-treated units, ``not_yet`` also with those treated later.
        base: Period that leads are compared with: the one before (``varying``) or always the last before adoption
            (``universal``). Effects after adoption are the same under both.
        anticipation: Periods before adoption in which units may already react.
        cluster: Cluster label of each row, above the unit; None for independent units.
        confidence: Nominal coverage.

    Raises:
        EstimateRefused: A hole in the panel (see `adoption_panel`), ``no_treated``, ``no_pre_period``, ``no_control``
            or ``too_few_clusters``.
    """
    full = adoption_panel(unit, time, outcome, adoption)
    per_unit = _unit_clusters(unit, cluster, full)
    panel, kept = _without_always_treated(full, anticipation)
    if per_unit is not None:
        per_unit = np.unique(per_unit[kept], return_inverse=True)[1].reshape(-1).astype(np.int64)
        _require_clusters(panel, per_unit)
    cohorts = Cohorts(panel, per_unit)
    pairs, weights = _contrasts(cohorts, panel, control, base, anticipation)
    found = cohorts.estimate(weights)
    se = np.sqrt(np.diag(found.covariance))
    reach = stdtrit(found.df, 0.5 + confidence / 2.0) * se
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(se > 0.0, 2.0 * stdtr(found.df, -np.abs(found.value / se)), math.nan)
    return GroupTimeEffects(
        cohort=pairs[:, 0],
        period=pairs[:, 1],
        estimate=found.value,
        se=se,
        low=found.value - reach,
        high=found.value + reach,
        p=p,
        weights=weights,
        cohorts=cohorts,
        size=cohorts.size[np.searchsorted(cohorts.adoption, pairs[:, 0])],
        panel=panel,
        left_out=full.n_units - panel.n_units,
        confidence=confidence,
    )


def _unit_clusters(unit: ArrayLike, cluster: ArrayLike | None, panel: Panel) -> IntArray | None:
    if cluster is None:
        return None
    size = panel.n_units * panel.n_periods
    _, row = codes(unit, size, "unit")
    _, label = codes(cluster, size, "cluster")
    per_unit = np.zeros(panel.n_units, dtype=np.int64)
    per_unit[row] = label
    if (per_unit[row] != label).any():
        raise EstimateRefused("cluster_changes", "a unit moves between clusters")
    return per_unit


def _without_always_treated(full: Panel, anticipation: int) -> tuple[Panel, NDArray[np.bool_]]:
    if not bool(full.treated.any()):
        raise EstimateRefused("no_treated", "no unit is ever treated")
    kept = full.adoption > anticipation
    if not bool((full.treated & kept).any()):
        raise EstimateRefused("no_pre_period", "every treated unit is treated from the first period on")
    return Panel(full.outcome[kept], full.units[kept], full.times, full.adoption[kept]), kept


def _require_clusters(panel: Panel, cluster: IntArray) -> None:
    touched = np.bincount(cluster, panel.treated) > 0
    smaller = min(int(touched.sum()), int((~touched).sum()))
    if smaller < MIN_CLUSTERS:
        raise EstimateRefused("too_few_clusters", f"{smaller} clusters on the smaller side, {MIN_CLUSTERS} needed")


def _contrasts(
    cohorts: Cohorts, panel: Panel, control: Control, base: Base, anticipation: int
) -> tuple[IntArray, FloatArray]:
    """Pairs (g, t) that have a control group, and the contrast of each."""
    never = panel.n_periods
    pairs: list[tuple[int, int]] = []
    weights: list[FloatArray] = []
    for c, g in enumerate(cohorts.adoption):
        if g == never:
            continue
        last_before = int(g) - 1 - anticipation
        for t in range(panel.n_periods):
            reference = t - 1 if base == "varying" and t <= last_before else last_before
            if reference < 0 or reference == t:
                continue
            clean = cohorts.adoption == never
            if control == "not_yet":
                clean = clean | (cohorts.adoption > max(t, reference) + anticipation)
            clean[c] = False
            if not clean.any():
                continue
            share = np.where(clean, cohorts.size, 0) / cohorts.size[clean].sum()
            share[c] = -1.0
            contrast = np.zeros(cohorts.mean.shape)
            contrast[:, t], contrast[:, reference] = -share, share
            pairs.append((int(g), t))
            weights.append(contrast)
    if not any(t >= g for g, t in pairs):
        raise EstimateRefused("no_control", "no untreated unit remains to compare any treated cohort with")
    return np.array(pairs, dtype=np.int64), np.array(weights)
