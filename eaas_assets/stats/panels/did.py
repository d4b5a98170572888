"""Difference-in-differences: one date of change, some units changed, some not.

Belongs here: the two-way estimator on panels, the 2×2 estimator on repeated cross-sections, and the choice of errors
that their number of clusters allows. Does not: several adoption dates (`staggered`), weights on controls
(`synthetic_control`).
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from eaas_assets.errors import EstimateRefused
from eaas_assets.stats.panels.cluster import Slope, TwoWay, slope
from eaas_assets.stats.panels.contrasts import Cohorts, JointTest, joint_zero
from eaas_assets.stats.panels.effect import (
    FloatArray,
    IntArray,
    PanelEffect,
    relative_to_observed,
    t_interval,
)
from eaas_assets.stats.panels.inference import (
    MANY_CLUSTERS,
    MIN_CLUSTERS,
    Inference,
    clustered_inference,
    permutation_inference,
    require_variance,
    sides_of,
)
from eaas_assets.stats.panels.panel import Panel, balanced_panel, codes, finite, zero_one

PanelErrors = Literal["auto", "cr1", "wild", "permutation"]
RowErrors = Literal["auto", "classical", "hc2", "cr1", "wild"]

PARALLEL_TRENDS = "without the treatment, treated and control units would have moved in parallel"
NO_SPILLOVER = "control units are untouched by the treatment of others, and nobody reacts before its date"
EXCHANGEABLE = "any unit was as likely to be treated as any other, with equal spread of outcomes"


def two_way_effect(unit: ArrayLike, time: ArrayLike, outcome: ArrayLike, treated: ArrayLike) -> float:
    """Coefficient of a 0/1 treatment next to unit and time effects: the estimate alone, any treatment pattern.

    With several adoption dates this is a weighted average of effects whose weights can be negative (Goodman-Bacon
    2021; de Chaisemartin & D'Haultfœuille 2020). It is here as a diagnostic, not as an answer.

    Raises:
        EstimateRefused: ``no_data``, ``not_finite``, ``bad_treatment`` or ``no_control``.
    """
    y = finite(outcome, "outcome")
    _, group = codes(unit, y.size, "unit")
    _, period = codes(time, y.size, "time")
    return slope(TwoWay(group, period), y, zero_one(treated, y.size, "treatment")).estimate


def difference_in_differences(
    unit: ArrayLike,
    time: ArrayLike,
    outcome: ArrayLike,
    treated: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    errors: PanelErrors = "auto",
    confidence: float = 0.95,
    draws: int = 1999,
    rng: np.random.Generator | None = None,
) -> PanelEffect:
    """Two-way difference-in-differences on a balanced panel with one adoption date.

    Args:
        unit: Unit label of each row.
        time: Sortable time label of each row.
        outcome: Outcome of each row.
        treated: 1 where the unit is under treatment at that time.
        cluster: Cluster label of each row; None clusters by unit.
        errors: ``auto`` takes CR1 with t(G−1) from 20 clusters on the smaller side, the wild cluster bootstrap from 5,
            and below that the permutation of the treated units, or refuses where clusters are not the units or too few
            permutations exist for this confidence.
        confidence: Nominal coverage.
        draws: Bootstrap or permutation draws.
        rng: Source of the draws; None uses a fixed seed, so equal data give equal answers.

    Raises:
        EstimateRefused: A hole in the panel (see `balanced_panel`, `Panel.single_adoption`), ``no_variance`` when
            outcomes leave no residual, ``too_few_clusters`` when no error can be promised.
    """
    panel = balanced_panel(unit, time, outcome, treated)
    first = panel.single_adoption()
    y = finite(outcome, "outcome")
    _, group = codes(unit, y.size, "unit")
    _, period = codes(time, y.size, "time")
    labels = group if cluster is None else codes(cluster, y.size, "cluster")[1]
    d = zero_one(treated, y.size, "treatment")
    two_way = TwoWay(group, period)
    fit = slope(two_way, y, d)
    require_variance(fit)
    generator = rng if rng is not None else np.random.default_rng(0)
    sides = sides_of(labels, d)
    method = errors if errors != "auto" else _panel_errors(sides)
    if method == "permutation":
        if cluster is not None:
            raise EstimateRefused(
                "too_few_clusters", f"{min(sides)} clusters on the smaller side, and the clusters are not the units"
            )
        inference = permutation_inference(panel, first, confidence, draws, generator)
    else:
        inference = clustered_inference(two_way, fit, labels, group, sides, method, confidence, draws, generator)
    leads = JointTest(math.nan, 0) if method == "permutation" else _leads(panel, first, cluster, group, labels)
    return _panel_result(panel, first, fit, inference, sides, leads, confidence, method)


def _panel_errors(sides: tuple[int, int]) -> Literal["cr1", "wild", "permutation"]:
    if min(sides) >= MANY_CLUSTERS:
        return "cr1"
    return "wild" if min(sides) >= MIN_CLUSTERS else "permutation"


def did_2x2(
    treated_group: ArrayLike,
    post: ArrayLike,
    outcome: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    errors: RowErrors = "auto",
    confidence: float = 0.95,
    draws: int = 1999,
    rng: np.random.Generator | None = None,
) -> PanelEffect:
    """Difference-in-differences of four cells of rows: repeated cross-sections, two groups, two periods.

    Args:
        treated_group: 1 for rows of the group that is treated in the second period.
        post: 1 for rows of the second period.
        outcome: Outcome of each row.
        cluster: Cluster label of each row; None for independent rows.
        errors: ``classical`` (one variance for all cells), ``hc2`` (one per cell, Satterthwaite's degrees of freedom),
            ``cr1`` or ``wild`` with clusters; ``auto`` is ``hc2`` without clusters, otherwise as in
            `difference_in_differences`.
        confidence: Nominal coverage.
        draws: Bootstrap draws.
        rng: Source of the draws; None uses a fixed seed.

    Raises:
        EstimateRefused: ``not_finite``, ``bad_treatment``, ``no_control``, ``no_treated``, ``no_pre_period``,
            ``no_variance`` or ``too_few_clusters``.
    """
    y = finite(outcome, "outcome")
    group = zero_one(treated_group, y.size, "treated_group").astype(np.int64)
    period = zero_one(post, y.size, "post").astype(np.int64)
    size = np.bincount(2 * group + period, minlength=4)
    for cell, code in enumerate(("no_control", "no_control", "no_pre_period", "no_treated")):
        if size[cell] == 0:
            raise EstimateRefused(code, f"no rows with treated_group = {cell // 2} and post = {cell % 2}")
    mean = np.bincount(2 * group + period, y, 4) / size
    residual = y - mean[2 * group + period]
    estimate = float(mean[3] - mean[2] - mean[1] + mean[0])
    if cluster is None:
        inference = _cell_errors(estimate, residual, 2 * group + period, size, errors, confidence)
        n_clusters = y.size
    else:
        inference, n_clusters = _cell_clusters(y, group, period, cluster, errors, confidence, draws, rng)
    counterfactual, relative, relative_ci, why = relative_to_observed(estimate, inference.ci, float(mean[3]))
    return PanelEffect(
        design="difference_in_differences",
        method=f"2×2 difference-in-differences, {inference.how}",
        estimate=estimate,
        se=inference.se,
        ci=inference.ci,
        p=inference.p,
        confidence=confidence,
        counterfactual=counterfactual,
        relative=relative,
        relative_ci=relative_ci,
        assumptions=(PARALLEL_TRENDS, NO_SPILLOVER, "the make-up of each group is the same in both periods"),
        n_units=y.size,
        n_periods=2,
        n_clusters=n_clusters,
        diagnostics={"relative_reason": why, "smallest_cell": int(size.min())},
        paths={"time": np.array([0, 1]), "treated": mean[2:], "control": mean[:2]},
    )


def _cell_errors(
    estimate: float, residual: FloatArray, cell: IntArray, size: IntArray, errors: RowErrors, confidence: float
) -> Inference:
    squares = np.bincount(cell, residual**2, 4)
    if not squares.sum() > 0.0:
        raise EstimateRefused("no_variance", "outcomes do not vary within the four cells")
    if errors == "classical":
        df = float(size.sum() - 4)
        se = math.sqrt(float(squares.sum()) / df * float((1.0 / size).sum()))
    elif errors in ("auto", "hc2"):
        if size.min() < 2:
            raise EstimateRefused("no_variance", "a cell with one row has no variance of its own")
        parts = squares / (size - 1) / size
        df = float(parts.sum() ** 2 / (parts**2 / (size - 1)).sum())
        se = math.sqrt(float(parts.sum()))
        errors = "hc2"
    else:
        raise ValueError(f"errors={errors!r} needs clusters")
    ci, p = t_interval(estimate, se, df, confidence)
    return Inference(se, ci, p, f"{errors} errors, t({df:.4g})")


def _cell_clusters(
    y: FloatArray,
    group: IntArray,
    period: IntArray,
    cluster: ArrayLike,
    errors: RowErrors,
    confidence: float,
    draws: int,
    rng: np.random.Generator | None,
) -> tuple[Inference, int]:
    _, labels = codes(cluster, y.size, "cluster")
    two_way = TwoWay(group, period)
    fit = slope(two_way, y, (group * period).astype(np.float64))
    require_variance(fit)
    sides = sides_of(labels, group)
    if errors == "auto":
        errors = "cr1" if min(sides) >= MANY_CLUSTERS else "wild"
    if errors not in ("cr1", "wild"):
        raise ValueError(f"errors={errors!r} cannot be clustered")
    generator = rng if rng is not None else np.random.default_rng(0)
    inference = clustered_inference(two_way, fit, labels, group, sides, errors, confidence, draws, generator)
    return inference, int(labels.max()) + 1


def _leads(panel: Panel, first: int, cluster: ArrayLike | None, group: IntArray, labels: IntArray) -> JointTest:
    """Joint test that treated and control units moved in parallel before the change."""
    if first < 2:
        return JointTest(math.nan, 0)
    per_unit = np.zeros(panel.n_units, dtype=np.int64)
    per_unit[group] = labels
    if (per_unit[group] != labels).any():  # units that move between clusters: the test has no error for them
        return JointTest(math.nan, 0)
    cohorts = Cohorts(panel, None if cluster is None else per_unit)
    weights = np.zeros((first - 1, 2, panel.n_periods))
    for lead in range(first - 1):
        weights[lead, 0, lead], weights[lead, 1, lead] = 1.0, -1.0
        weights[lead, 0, first - 1], weights[lead, 1, first - 1] = -1.0, 1.0
    return joint_zero(cohorts.estimate(weights))


def _panel_result(
    panel: Panel,
    first: int,
    fit: Slope,
    inference: Inference,
    sides: tuple[int, int],
    leads: JointTest,
    confidence: float,
    method: str,
) -> PanelEffect:
    treated, control = panel.outcome[panel.treated].mean(axis=0), panel.outcome[~panel.treated].mean(axis=0)
    counterfactual, relative, relative_ci, why = relative_to_observed(
        fit.estimate, inference.ci, float(treated[first:].mean())
    )
    diverged = leads.p <= 1.0 - confidence
    extra = (EXCHANGEABLE,) if method == "permutation" else ("clusters are independent of each other",)
    return PanelEffect(
        design="difference_in_differences",
        method=f"two-way difference-in-differences, {inference.how}",
        estimate=fit.estimate,
        se=inference.se,
        ci=inference.ci,
        p=inference.p,
        confidence=confidence,
        counterfactual=counterfactual,
        relative=relative,
        relative_ci=relative_ci,
        assumptions=(PARALLEL_TRENDS, NO_SPILLOVER, *extra),
        n_units=panel.n_units,
        n_periods=panel.n_periods,
        n_clusters=sum(sides),
        status="inconclusive" if diverged else "estimated",
        reason="treated and control units moved apart before the change" if diverged else "",
        diagnostics={
            "relative_reason": why,
            "treated_clusters": sides[0],
            "control_clusters": sides[1],
            "pretrend_p": leads.p,
            "pretrend_tested": leads.tested,
        },
        paths={
            "time": panel.times,
            "treated": treated,
            "control": control,
            "counterfactual": control + float((treated - control)[:first].mean()),
        },
    )
