"""One series before and after an intervention, without a control group: the weakest design, told honestly.

Belongs here: the effect as the gap to a forecast from before, its interval over noise models that the data cannot tell
apart, and the verdict "inconclusive" where they cannot carry one. Does not: the noise models themselves (`series`).

Two readings of the pre-period must agree before an effect is reported:

* the average over all noise models around a linear trend, weighted by their likelihood (regression, AR(1) errors and
  local level are members);
* unless the data reject a unit root, the average over local level models alone, with a drift only if it is evident. A
  random walk looks like a trend with short memory in a hundred points, and a forecast from that trend is far too sure.

Each alone fails somewhere: the first rejects .17 of random walks at the 5 % level, the second is blind under AR(1).
The constants below were set by simulation at 90 + 30 points and checked at 28 + 14 to 365 + 60.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from eaas_assets.errors import EstimateRefused
from eaas_assets.stats.panels.effect import FloatArray, IntArray, Interval, PanelEffect, relative_to_observed
from eaas_assets.stats.panels.local_level import local_level
from eaas_assets.stats.panels.panel import finite
from eaas_assets.stats.panels.placebo import PlaceboInTime, placebo_in_time
from eaas_assets.stats.panels.series import (
    Grid,
    Mixture,
    filter_columns,
    forecast,
    moments,
    noise_grid,
    posterior_weights,
)

UNIT_ROOT_DROP = 2.0
"""A unit root stays plausible while its restricted log likelihood is within this of the best model's."""
LEVEL_TILT = 0.1
"""Prior power of the signal-to-noise ratio in the second reading: guards against a walk estimated as no walk."""
EVIDENT_DRIFT = 0.01
"""p-value below which the second reading takes a drift for real."""
MIN_PRE = 14
"""Shortest pre-period, and at least three times the fitted coefficients."""

ADD_CONTROL = "inconclusive: add a control series"


class Reading(NamedTuple):
    """Distributions of the average gap and of every period's gap, one pair per reading; and what was learnt."""

    average: tuple[Mixture, ...]
    periods: tuple[Mixture, ...]
    fitted: FloatArray
    persistence: float
    unit_root_drop: float


def before_after(
    time: ArrayLike,
    outcome: ArrayLike,
    intervention: int,
    *,
    season: int | None = None,
    control: ArrayLike | None = None,
    confidence: float = 0.95,
    minimum_effect: float | None = None,
) -> PanelEffect:
    """Average effect after an intervention on one series.

    Args:
        time: Integer time of each row (days, weeks …); gaps are allowed, order is not required.
        outcome: Outcome of each row.
        intervention: First treated time.
        season: Periods in a season (7 for days in weeks); None for no season.
        control: Series that the intervention cannot have touched, shape (rows,) or (rows, series); they enter as
            regressors, before and after.
        confidence: Nominal coverage.
        minimum_effect: Smallest effect that matters; an interval inside ± this is a result, not a failure to tell.

    Returns:
        The effect. Status is ``inconclusive`` when the interval holds zero and effects that matter, or when the same
        analysis finds effects before the intervention. ``paths``: ``time``, ``observed``, ``counterfactual`` and, after
        the intervention, pointwise ``low`` and ``high`` of the counterfactual (nan before).

    Raises:
        EstimateRefused: ``not_finite``, ``duplicate_cells``, ``no_pre_period``, ``no_post_period``,
            ``short_pre_period``, ``collinear`` or ``no_variance``.
    """
    at, y, extra = _sorted(time, outcome, control)
    n_pre = int(np.count_nonzero(at < intervention))
    if n_pre == 0:
        raise EstimateRefused("no_pre_period", "no row lies before the intervention")
    if n_pre == at.size:
        raise EstimateRefused("no_post_period", "no row lies after the intervention")
    columns = _columns(at, y, extra, season, n_pre)
    grid = noise_grid()
    reading = _read(columns, at, n_pre, grid)
    estimate = float(np.mean([m.mean for m in reading.average]))
    ci = _hull(reading.average, confidence)
    p = _p_value(reading.average)
    placebos = _placebos(columns, at, n_pre, grid)
    counterfactual, relative, relative_ci, why = relative_to_observed(estimate, ci, float(y[n_pre:].mean()))
    status, reason = _verdict(ci, p, placebos, confidence, minimum_effect)
    level = local_level(y[:n_pre], at[:n_pre])
    return PanelEffect(
        design="before_after",
        method="forecast from before, averaged over trend, AR(1) and local level noise models",
        estimate=estimate,
        se=math.sqrt(float(np.mean([m.variance for m in reading.average]))),
        ci=ci,
        p=p,
        confidence=confidence,
        counterfactual=counterfactual,
        relative=relative,
        relative_ci=relative_ci,
        assumptions=(
            "nothing else changed at the time of the intervention",
            "trend, season and memory after it are as before",
            *(("the control series is untouched by the intervention",) if extra.shape[1] else ()),
        ),
        n_units=1,
        n_periods=at.size,
        n_clusters=1,
        status=status,
        reason=reason,
        diagnostics={
            "relative_reason": why,
            "n_pre": n_pre,
            "persistence": reading.persistence,
            "unit_root_plausible": len(reading.average) > 1,
            "unit_root_drop": reading.unit_root_drop,
            "placebo_in_time_p": placebos.p,
            "irregular_variance": level.irregular,
            "level_variance": level.level,
        },
        paths=_paths(at, y, n_pre, reading, confidence),
    )


def _sorted(time: ArrayLike, outcome: ArrayLike, control: ArrayLike | None) -> tuple[IntArray, FloatArray, FloatArray]:
    y = finite(outcome, "outcome")
    at = finite(time, "time")
    if at.size != y.size:
        raise ValueError(f"time has {at.size} rows, the outcome has {y.size}")
    if (at != np.round(at)).any():
        raise ValueError("time must count whole periods")
    if np.unique(at).size != at.size:
        raise EstimateRefused("duplicate_cells", "a time has several rows")
    extra = np.empty((y.size, 0))
    if control is not None:
        extra = np.asarray(control, dtype=np.float64)
        extra = extra[:, None] if extra.ndim == 1 else extra
        if extra.shape[0] != y.size:
            raise ValueError(f"control has {extra.shape[0]} rows, the outcome has {y.size}")
        finite(extra, "control")
    order = np.argsort(at)
    return at[order].astype(np.int64), y[order], extra[order]


def _columns(at: IntArray, y: FloatArray, extra: FloatArray, season: int | None, n_pre: int) -> FloatArray:
    """Outcome, level, harmonics of the season, controls and, last, the trend; centred and scaled on the pre-period."""
    centre, span = float(at[:n_pre].mean()), float(np.ptp(at[:n_pre])) or 1.0
    parts: list[FloatArray] = [np.ones(at.size)]
    for k in range(1, (season or 1) // 2 + 1):
        angle = np.asarray(2.0 * math.pi * k * at / (season or 1), dtype=np.float64)
        parts.append(np.cos(angle))
        if 2 * k != season:
            parts.append(np.sin(angle))
    spread = extra[:n_pre].std(axis=0)
    parts.extend(((extra - extra[:n_pre].mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)).T)
    parts.append(np.asarray((at - centre) / span, dtype=np.float64))
    design = np.column_stack(parts)
    needed = max(MIN_PRE, 3 * design.shape[1])
    if n_pre < needed:
        raise EstimateRefused(
            "short_pre_period", f"{n_pre} periods before the intervention, {needed} are needed for this model"
        )
    if np.linalg.matrix_rank(design[:n_pre]) < design.shape[1]:
        raise EstimateRefused("collinear", "trend, season and control series cannot be told apart before")
    residual = y[:n_pre] - design[:n_pre] @ np.linalg.lstsq(design[:n_pre], y[:n_pre], rcond=None)[0]
    if not float(residual.std()) > 1e-10 * max(float(np.abs(y).max()), 1e-300):
        raise EstimateRefused("no_variance", "the series follows trend and season exactly before the intervention")
    return np.column_stack([y, design])


def _read(columns: FloatArray, at: IntArray, n_pre: int, grid: Grid) -> Reading:
    after = (np.arange(at.size) >= n_pre).astype(np.float64)
    filtered = filter_columns(np.column_stack([columns, after]), at, n_pre, grid)
    whole, before = moments(filtered, slice(None)), moments(filtered, slice(0, n_pre))
    step = columns.shape[1]
    everything = np.arange(step)
    unit = grid.persistence == 1.0
    full = forecast(filtered, whole, before, columns, everything, step, np.ones_like(unit))
    weights = posterior_weights(full.log_likelihood, np.zeros(unit.size))
    readings = [(full, weights)]
    drop = float(full.log_likelihood.max() - full.log_likelihood[unit].max())
    if drop < UNIT_ROOT_DROP:
        tilt = LEVEL_TILT * grid.log_ratio[unit]
        walk = forecast(filtered, whole, before, columns, everything, step, unit)
        walk_weights = posterior_weights(walk.log_likelihood, tilt)
        drift = Mixture(walk_weights, walk.coefficients[:, -1], walk.coefficient_error[:, -1], walk.df)
        if _p_value((drift,)) > EVIDENT_DRIFT:
            walk = forecast(filtered, whole, before, columns, everything[:-1], step, unit)
            walk_weights = posterior_weights(walk.log_likelihood, tilt)
        readings.append((walk, walk_weights))
    return Reading(
        tuple(Mixture(w, f.gap, f.gap_error, f.df) for f, w in readings),
        tuple(Mixture(w, f.gaps, f.gaps_error, f.df).pruned() for f, w in readings),
        np.mean([f.fitted @ w for f, w in readings], axis=0),
        float(grid.persistence @ weights),
        drop,
    )


def _hull(mixtures: tuple[Mixture, ...], confidence: float) -> Interval:
    tail = (1.0 - confidence) / 2.0
    return Interval(
        min(float(m.quantile(tail)) for m in mixtures), max(float(m.quantile(1.0 - tail)) for m in mixtures)
    )


def _p_value(mixtures: tuple[Mixture, ...]) -> float:
    """Two-sided p-value on which all readings agree; it is below α exactly when `_hull` leaves zero out."""
    below = [float(m.below(0.0)) for m in mixtures]
    return min(1.0, 2.0 * min(max(below), max(1.0 - b for b in below)))


def _placebos(columns: FloatArray, at: IntArray, n_pre: int, grid: Grid) -> PlaceboInTime:
    """The same analysis at up to three earlier dates, on the pre-period alone."""
    shortest = max(MIN_PRE, 3 * (columns.shape[1] - 1))
    horizon = columns.shape[0] - n_pre
    cutoffs = sorted({max(shortest, round(n_pre * share)) for share in (0.5, 0.65, 0.8)})

    def estimate(cut: int) -> tuple[float, float]:
        window = slice(0, min(n_pre, cut + horizon))
        if np.linalg.matrix_rank(columns[:cut, 1:]) < columns.shape[1] - 1:
            return math.nan, math.nan
        average = _read(columns[window], at[window], cut, grid).average
        return float(np.mean([m.mean for m in average])), _p_value(average)

    return placebo_in_time(estimate, [cut for cut in cutoffs if cut <= n_pre - 3])


def _verdict(
    ci: Interval, p: float, placebos: PlaceboInTime, confidence: float, minimum_effect: float | None
) -> tuple[Literal["estimated", "inconclusive"], str]:
    alpha = 1.0 - confidence
    if placebos.p <= alpha:
        return "inconclusive", f"{ADD_CONTROL}; the same analysis finds an effect before the intervention"
    if p <= alpha:
        return "estimated", ""
    if minimum_effect is not None and -minimum_effect < ci.low and ci.high < minimum_effect:
        return "estimated", ""
    return "inconclusive", f"{ADD_CONTROL}; no effect and every other within the interval fit equally"


def _paths(at: IntArray, y: FloatArray, n_pre: int, reading: Reading, confidence: float) -> dict[str, np.ndarray]:
    tail = (1.0 - confidence) / 2.0
    after = y[n_pre:]
    before = np.full(n_pre, math.nan)
    gap = np.mean([m.mean for m in reading.periods], axis=0)
    high = np.max([m.quantile(1.0 - tail) for m in reading.periods], axis=0)
    low = np.min([m.quantile(tail) for m in reading.periods], axis=0)
    return {
        "time": at,
        "observed": y,
        "counterfactual": np.concatenate([reading.fitted, after - gap]),
        "low": np.concatenate([before, after - high]),
        "high": np.concatenate([before, after - low]),
    }
