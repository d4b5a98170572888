"""Few treated units: a weighted mix of untreated ones as their counterfactual, judged by placebos.

Belongs here: exact simplex weights, synthetic control (Abadie, Diamond & Hainmueller 2010) and synthetic
difference-in-differences (Arkhangelsky, Athey, Hirshberg, Imbens & Wager 2021), their permutation inference in space
and their placebo in time. Does not: designs with enough treated units for cluster errors (`did`, `staggered`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import nnls

from eaas_assets.errors import EstimateRefused
from eaas_assets.stats.panels.effect import FloatArray, IntArray, PanelEffect, relative_to_observed
from eaas_assets.stats.panels.panel import balanced_panel
from eaas_assets.stats.panels.placebo import interval_around, rank_p_value, rank_reach

Method = Literal["synthetic_control", "synthetic_did", "equal_weights"]
MIN_PRE_PERIODS = 3
MAX_PLACEBOS = 500


def simplex_weights(columns: FloatArray, target: FloatArray, ridge: float = 0.0) -> FloatArray:
    """Non-negative weights with sum one that bring ``columns @ w`` nearest to ``target`` (least squares).

    With the sum fixed, ``columns @ w − target`` is linear in w without a constant, and the point of a simplex nearest
    to the origin comes from one non-negative least squares problem with a row of ones (Wolfe 1976): for any direction
    the best scale only shrinks a monotone function of the misfit. The active-set solution is exact.

    Args:
        columns: Shape (rows, candidates).
        target: Shape (rows,).
        ridge: Added to the squared misfit as ``ridge · |w|²``.

    Returns:
        Weights, shape (candidates,).
    """
    misfit = columns - target[:, None]
    if ridge > 0.0:
        misfit = np.vstack([misfit, math.sqrt(ridge) * np.eye(columns.shape[1])])
    scale = float(np.sqrt((misfit**2).sum(axis=0)).min())
    if scale <= 0.0:  # one candidate equals the target
        exact = (misfit == 0.0).all(axis=0)
        return exact / exact.sum()
    matrix = np.vstack([misfit / scale, np.ones(columns.shape[1])])
    right = np.zeros(matrix.shape[0])
    right[-1] = 1.0
    raw, _ = nnls(matrix, right, maxiter=100 * columns.shape[1])
    return raw / raw.sum()


class Counterfactual(NamedTuple):
    """One synthetic comparison.

    Attributes:
        effect: Average effect after adoption.
        fit_error: Root mean squared gap before adoption, around its mean where the method allows a level difference.
        gap: Treated minus synthetic, per period.
        unit_weights: Weight of each donor.
        time_weights: Weight of each period before adoption (equal for synthetic control).
    """

    effect: float
    fit_error: float
    gap: FloatArray
    unit_weights: FloatArray
    time_weights: FloatArray


def synthesise(
    donors: FloatArray, treated: FloatArray, first: int, method: Method, n_treated: int = 1
) -> Counterfactual:
    """Compare one (averaged) treated series with a synthetic one.

    Args:
        donors: Untreated outcomes, shape (donors, periods).
        treated: Treated outcome, shape (periods,).
        first: Index of the first treated period.
        method: ``synthetic_control`` matches levels; ``synthetic_did`` matches movements, with ridge-regularised unit
            weights and with time weights; ``equal_weights`` is difference-in-differences.
        n_treated: Units behind ``treated``; it enters the regularisation.
    """
    before, after = donors[:, :first], donors[:, first:]
    periods = np.full(first, 1.0 / first)
    units = np.full(donors.shape[0], 1.0 / donors.shape[0])
    if method == "synthetic_control":
        units = simplex_weights(before.T, treated[:first])
        gap = treated - units @ donors
        fit_error = math.sqrt(float(np.mean(gap[:first] ** 2)))
        return Counterfactual(float(gap[first:].mean()), fit_error, gap, units, periods)
    if method == "synthetic_did":
        noise = float(np.diff(before, axis=1).std(ddof=1))
        zeta = (n_treated * after.shape[1]) ** 0.25 * noise  # their section 2, algorithm 1
        level = before.mean(axis=1, keepdims=True)
        units = simplex_weights((before - level).T, treated[:first] - treated[:first].mean(), ridge=first * zeta**2)
        target = after.mean(axis=1)
        # Their footnote 3: a trace of ridge, only to make the time weights unique.
        periods = simplex_weights(
            before - before.mean(axis=0), target - target.mean(), ridge=donors.shape[0] * (1e-6 * noise) ** 2
        )
    raw = treated - units @ donors
    gap = raw - float(periods @ raw[:first])
    centred = raw[:first] - raw[:first].mean()
    return Counterfactual(float(gap[first:].mean()), math.sqrt(float(np.mean(centred**2))), gap, units, periods)


def synthetic_control(
    unit: ArrayLike,
    time: ArrayLike,
    outcome: ArrayLike,
    treated: ArrayLike,
    *,
    method: Method = "synthetic_control",
    confidence: float = 0.95,
    rng: np.random.Generator | None = None,
) -> PanelEffect:
    """Average effect on few treated units with one adoption date, by synthetic comparison and placebos in space.

    Every untreated unit (or set of as many as were treated) plays the treated one, with the other untreated units as
    its donors. The effect is ranked among those placebo effects, for synthetic control after division by the fit error
    before adoption, so that badly matched placebos do not drown it; the interval inverts the same ranking.

    Args:
        unit: Unit label of each row.
        time: Sortable time label of each row.
        outcome: Outcome of each row.
        treated: 1 where the unit is under treatment at that time.
        method: See `synthesise`.
        confidence: Nominal coverage.
        rng: Draws the placebo sets where there are too many; None uses a fixed seed.

    Returns:
        The effect. The interval is nan, with ``interval_reason``, where the donors are too few to rank at this
        confidence (19 for 95 %). ``se`` is the spread of the placebo effects, on the treated unit's scale. ``paths``:
        ``time``, ``treated``, ``synthetic``, ``gap``; ``donor`` and ``weight``; ``pre_time`` and ``time_weight``;
        ``placebo_effect``.

    Raises:
        EstimateRefused: A hole in the panel (see `balanced_panel`, `Panel.single_adoption`), ``no_pre_period`` with
            fewer than three periods before, ``too_few_donors`` with fewer than two donors for each placebo, or
            ``no_variance`` when every placebo effect is zero.
    """
    panel = balanced_panel(unit, time, outcome, treated)
    first = panel.single_adoption()
    if first < MIN_PRE_PERIODS:
        raise EstimateRefused("no_pre_period", f"{first} periods before adoption, {MIN_PRE_PERIODS} are needed")
    donors, own = panel.outcome[~panel.treated], panel.outcome[panel.treated]
    count = own.shape[0]
    if donors.shape[0] - count < 2:
        raise EstimateRefused("too_few_donors", f"{donors.shape[0]} untreated units for {count} treated")
    series = own.mean(axis=0)
    fit = synthesise(donors, series, first, method, count)
    sets = _placebo_sets(donors.shape[0], count, rng if rng is not None else np.random.default_rng(0))
    placebos = [_placebo(donors, inside, first, method) for inside in sets]
    effects = np.array([p.effect for p in placebos])
    if not float(np.abs(effects).max()) > 1e-12 * float(np.abs(panel.outcome).max()):
        raise EstimateRefused("no_variance", "the untreated units have no variation to judge an effect by")
    scale, scales = _scales(fit, placebos, method)
    standard = effects / scales
    reach = rank_reach(standard, confidence) * scale
    ci = interval_around(fit.effect, reach)
    counterfactual, relative, relative_ci, why = relative_to_observed(fit.effect, ci, float(series[first:].mean()))
    short = (
        f"{effects.size} placebos cannot rank an effect at a level of {100.0 * confidence:.3g} %"
        if math.isnan(reach)
        else ""
    )
    return PanelEffect(
        design="synthetic_control",
        method=f"{method.replace('_', ' ')}, {effects.size} placebos in space",
        estimate=fit.effect,
        se=math.sqrt(float(np.mean(standard**2))) * scale,
        ci=ci,
        p=rank_p_value(fit.effect / scale, standard),
        confidence=confidence,
        counterfactual=counterfactual,
        relative=relative,
        relative_ci=relative_ci,
        assumptions=(
            "the mix of untreated units that matched before adoption would have matched after it",
            "untreated units are untouched by the treatment of others, and nobody reacts before its date",
            "any unit was as likely to be treated as any other (for the p-value and the interval)",
        ),
        n_units=panel.n_units,
        n_periods=panel.n_periods,
        n_clusters=panel.n_units,
        diagnostics={
            "relative_reason": why,
            "interval_reason": short,
            "pre_fit_error": fit.fit_error,
            "pre_fit_rank": int(1 + sum(p.fit_error < fit.fit_error for p in placebos)),
            "post_pre_ratio_p": _ratio_p(fit, placebos, first),
            "effective_donors": 1.0 / float(np.square(fit.unit_weights).sum()),
            "n_placebos": int(effects.size),
        },
        paths={
            "time": panel.times,
            "treated": series,
            "synthetic": series - fit.gap,
            "gap": fit.gap,
            "donor": panel.units[~panel.treated],
            "weight": fit.unit_weights,
            "pre_time": panel.times[:first],
            "time_weight": fit.time_weights,
            "placebo_effect": effects,
        },
    )


def _placebo_sets(donors: int, count: int, rng: np.random.Generator) -> IntArray:
    if math.comb(donors, count) <= MAX_PLACEBOS:
        return np.array(list(itertools.combinations(range(donors), count)), dtype=np.int64)
    return np.array([rng.choice(donors, count, replace=False) for _ in range(MAX_PLACEBOS)], dtype=np.int64)


def _placebo(donors: FloatArray, inside: IntArray, first: int, method: Method) -> Counterfactual:
    others = np.delete(donors, inside, axis=0)
    return synthesise(others, donors[inside].mean(axis=0), first, method, inside.size)


def _scales(fit: Counterfactual, placebos: list[Counterfactual], method: Method) -> tuple[float, FloatArray]:
    """What effects are divided by before they are ranked; one for all where a fit is perfect or levels are free."""
    errors = np.array([p.fit_error for p in placebos])
    smallest = min(fit.fit_error, float(errors.min()))
    if method != "synthetic_control" or smallest <= 1e-6 * float(np.median(errors)):
        return 1.0, np.ones_like(errors)
    return fit.fit_error, errors


def _ratio_p(fit: Counterfactual, placebos: list[Counterfactual], first: int) -> float:
    """Rank of the ratio of mean squared gaps after and before (Abadie et al. 2010, figure 8)."""

    def ratio(c: Counterfactual) -> float:
        before = float(np.mean(c.gap[:first] ** 2))
        return float(np.mean(c.gap[first:] ** 2)) / before if before > 0.0 else math.nan

    own, others = ratio(fit), np.array([ratio(p) for p in placebos])
    if math.isnan(own) or np.isnan(others).any():
        return math.nan
    return rank_p_value(own, others)


class TimePlacebo(NamedTuple):
    """Placebo dates before adoption, for the treated unit and for every donor.

    Attributes:
        dates: Pseudo-adoption dates.
        estimates: Effect of the treated units at each date, from data before the real adoption only.
        mean: Their average.
        p: Rank of that average among the donors' averages, effects divided by the fit error where the method does.
    """

    dates: IntArray
    estimates: FloatArray
    mean: float
    p: float


def placebo_dates(
    unit: ArrayLike,
    time: ArrayLike,
    outcome: ArrayLike,
    treated: ArrayLike,
    *,
    method: Method = "synthetic_control",
    dates: int = 5,
) -> TimePlacebo:
    """Run the estimator at dates on which nothing happened; a small ``p`` says that it finds effects anyway.

    Only data before the real adoption are used. The dates lie in the second half of it, evenly.

    Raises:
        EstimateRefused: As `synthetic_control`, with eight periods needed before adoption.
    """
    panel = balanced_panel(unit, time, outcome, treated)
    first = panel.single_adoption()
    if first < 8:
        raise EstimateRefused("no_pre_period", f"{first} periods before adoption, a placebo in time needs 8")
    donors, own = panel.outcome[~panel.treated][:, :first], panel.outcome[panel.treated][:, :first]
    if donors.shape[0] < 3:
        raise EstimateRefused("too_few_donors", f"{donors.shape[0]} untreated units")
    cutoffs = np.unique(np.linspace(first // 2, first - 2, dates).astype(np.int64))
    series = own.mean(axis=0)

    def run(compare: Callable[[int], Counterfactual]) -> tuple[FloatArray, float]:
        found = [compare(int(cut)) for cut in cutoffs]
        effects = np.array([f.effect for f in found])
        errors = np.array([f.fit_error for f in found])
        divided = method == "synthetic_control" and bool((errors > 0.0).all())
        return effects, float(np.mean(effects / errors if divided else effects))

    effects, own_mean = run(lambda cut: synthesise(donors, series, cut, method, own.shape[0]))
    others = [
        run(lambda cut, j=j: _placebo(donors, np.array([j]), cut, method))[1]  # type: ignore[misc]
        for j in range(donors.shape[0])
    ]
    return TimePlacebo(cutoffs, effects, float(effects.mean()), rank_p_value(own_mean, np.array(others)))
