"""Rollouts that reach units at different dates: group-time effects and their averages.

Belongs here: ATT(g, t) of Callaway & Sant'Anna (2021) without covariates, its aggregations, the event study and the
test of leads. Does not: errors of contrasts (`contrasts`), one adoption date with few clusters (`did`).

Each effect compares a cohort only with units that are not treated yet, so effects may differ by cohort and grow with
time; the two-way regression takes treated units as controls and can then even have the wrong sign.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

from eaas_assets.errors import EstimateRefused
from eaas_assets.stats.panels.contrasts import (
    Cohorts,
    Estimates,
    joint_zero,
    simultaneous_critical_value,
)
from eaas_assets.stats.panels.effect import (
    FloatArray,
    IntArray,
    PanelEffect,
    relative_to_observed,
    t_interval,
)
from eaas_assets.stats.panels.panel import Panel, adoption_panel, codes

Control = Literal["never", "not_yet"]
Base = Literal["varying", "universal"]
Aggregation = Literal["simple", "group", "dynamic", "calendar"]
MIN_CLUSTERS = 5
"""Clusters (above the unit) on either side below which their errors are not trusted."""


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


def _averages(effects: GroupTimeEffects, kind: Aggregation) -> tuple[IntArray, FloatArray, FloatArray]:
    """Keys, averaging weights (keys × effects) and weights of the overall average (effects,).

    Callaway & Sant'Anna (2021), section 3. Cohort sizes are taken as given, as in a rollout whose dates were planned.
    """
    g, t, size = effects.cohort, effects.period, effects.size.astype(np.float64)
    after = t >= g
    label = {
        "simple": np.zeros_like(g),
        "group": g,
        "dynamic": t - g,
        "calendar": t,
    }[kind]
    used = after if kind != "dynamic" else np.ones_like(after)
    keys = np.unique(label[used])
    table = np.where((label[None, :] == keys[:, None]) & used, 1.0 if kind == "group" else size, 0.0)
    table /= table.sum(axis=1, keepdims=True)
    first = np.array([size[label == k][0] for k in keys])
    weight = first if kind == "group" else (keys >= 0).astype(np.float64)
    return keys, table, weight / weight.sum() @ table


def staggered_effect(
    effects: GroupTimeEffects,
    *,
    aggregation: Aggregation = "simple",
    rng: np.random.Generator | None = None,
) -> PanelEffect:
    """One average effect on the treated, with the event study as its picture.

    Args:
        effects: From `group_time_effects`.
        aggregation: ``simple`` weighs all treated unit-periods equally; ``group`` averages within cohorts first, then
            by their size; ``dynamic`` averages over time since adoption; ``calendar`` over periods.
        rng: For the simultaneous band; None uses a fixed seed.

    Returns:
        The effect. ``paths`` holds the event study (``event``, ``event_estimate``, ``event_se``, pointwise
        ``event_low``/``event_high`` and simultaneous ``band_low``/``band_high``) and the cohorts' group-time effects
        (``gt_cohort``, ``gt_time``, ``gt_estimate``, ``gt_se``). Status is ``inconclusive`` when the leads differ from
        zero.

    Raises:
        EstimateRefused: ``no_variance`` when outcomes follow the cohort means exactly.
    """
    keys, table, overall = _averages(effects, aggregation)
    found = _combine(effects, overall[None, :])
    estimate, se = float(found.value[0]), math.sqrt(float(found.covariance[0, 0]))
    if not se > 1e-12 * max(float(np.abs(effects.cohorts.mean).max()), 1e-300):
        raise EstimateRefused("no_variance", "outcomes do not vary around their cohort means")
    ci, p = t_interval(estimate, se, float(found.df[0]), effects.confidence)
    counterfactual, relative, relative_ci, why = relative_to_observed(estimate, ci, _treated_mean(effects, overall))
    leads = joint_zero(_leads(effects))
    diverged = leads.p <= 1.0 - effects.confidence
    cohorts = effects.cohorts
    pooled = ("small cohorts vary as much as the others",) if cohorts.pooled else ()
    return PanelEffect(
        design="staggered_rollout",
        method=f"group-time effects (Callaway–Sant'Anna), {aggregation} average, t({float(found.df[0]):.4g})",
        estimate=estimate,
        se=se,
        ci=ci,
        p=p,
        confidence=effects.confidence,
        counterfactual=counterfactual,
        relative=relative,
        relative_ci=relative_ci,
        assumptions=(
            "without the treatment, each cohort would have moved in parallel with its not yet treated controls",
            "control units are untouched by the treatment of others, and nobody reacts before the allowed time",
            "adoption is not undone",
            *pooled,
        ),
        n_units=effects.panel.n_units,
        n_periods=effects.panel.n_periods,
        n_clusters=cohorts.n_clusters,
        status="inconclusive" if diverged else "estimated",
        reason="treated and control units moved apart before adoption" if diverged else "",
        diagnostics={
            "relative_reason": why,
            "pretrend_p": leads.p,
            "pretrend_tested": leads.tested,
            "cohorts": int((cohorts.adoption < effects.panel.n_periods).sum()),
            "smallest_cohort": int(cohorts.size.min()),
            "always_treated_left_out": effects.left_out,
        },
        paths={
            **_event_study(effects, rng if rng is not None else np.random.default_rng(0)),
            "gt_cohort": effects.panel.times[effects.cohort],
            "gt_time": effects.panel.times[effects.period],
            "gt_estimate": effects.estimate,
            "gt_se": effects.se,
            "average_key": keys,
            "average_estimate": table @ effects.estimate,
        },
    )


def _combine(effects: GroupTimeEffects, table: FloatArray) -> Estimates:
    return effects.cohorts.estimate(np.tensordot(table, effects.weights, axes=1))


def _treated_mean(effects: GroupTimeEffects, overall: FloatArray) -> float:
    row = np.searchsorted(effects.cohorts.adoption, effects.cohort)
    return float(overall @ effects.cohorts.mean[row, effects.period])


def _leads(effects: GroupTimeEffects) -> Estimates:
    keys, table, _ = _averages(effects, "dynamic")
    if not (keys < 0).any():
        empty = np.empty(0)
        return Estimates(empty, np.empty((0, 0)), empty)
    return _combine(effects, table[keys < 0])


def _event_study(effects: GroupTimeEffects, rng: np.random.Generator) -> dict[str, NDArray[np.generic]]:
    keys, table, _ = _averages(effects, "dynamic")
    found = _combine(effects, table)
    se = np.sqrt(np.diag(found.covariance))
    pointwise = stdtrit(found.df, 0.5 + effects.confidence / 2.0) * se
    band = simultaneous_critical_value(found, effects.confidence, rng) * se
    return {
        "event": keys,
        "event_estimate": found.value,
        "event_se": se,
        "event_low": found.value - pointwise,
        "event_high": found.value + pointwise,
        "band_low": found.value - band,
        "band_high": found.value + band,
    }
