"""Rollouts that reach units at different dates: averages of group-time effects, and the event study.

Belongs here: the aggregations of Callaway & Sant'Anna (2021, section 3) and the test of leads. Does not: the group-time
effects (`group_time`), one adoption date with few clusters (`did`).

Each effect compares a cohort only with units that are not treated yet, so effects may differ by cohort and grow with
time; the two-way regression takes treated units as controls and can then even have the wrong sign.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from eaas_assets.errors import EstimateRefused
from eaas_assets.stats.panels.contrasts import Estimates, joint_zero, simultaneous_critical_value
from eaas_assets.stats.panels.effect import FloatArray, IntArray, PanelEffect, relative_to_observed, t_interval
from eaas_assets.stats.panels.group_time import GroupTimeEffects

Aggregation = Literal["simple", "group", "dynamic", "calendar"]


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
