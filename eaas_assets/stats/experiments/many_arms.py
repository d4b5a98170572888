"""Several treatments against one control: which level each comparison needs so that all hold together.

Dunnett's test decides: its critical value accounts for the control that all comparisons share, so it is narrower
than Bonferroni's or Holm's and has intervals that agree with its p-values. It comes as a confidence level per
comparison, so it serves every estimator. Different metrics of one experiment are another question: use Holm's
procedure there.

Source: C. W. Dunnett (1955), A multiple comparison procedure for comparing several treatments with a control, JASA
50.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from scipy.special import gammainccinv, gammaincinv, ndtr, roots_legendre

from eaas_assets.stats.experiments.contrast import check_level
from eaas_assets.stats.experiments.distributions import LARGE_DF, normal_quantile, t_quantile, t_sf
from eaas_assets.stats.experiments.results import Effect
from eaas_assets.stats.roots import crossing

_NODES, _WEIGHTS = roots_legendre(64)
_SCALE_NODES, _SCALE_WEIGHTS = roots_legendre(32)
_TAIL = 1e-13


def compare_with_control(
    estimate: Callable[[str, float], Effect], arms: Sequence[str], level: float = 0.95
) -> dict[str, Effect]:
    """Effects of all treatments with intervals that hold together and p-values adjusted to match.

    Args:
        estimate: Any estimator of one treatment against the common control: (arm, confidence level) → Effect.
        arms: The treatments.
        level: Joint confidence level.

    Returns:
        An effect per arm. Its interval is simultaneous and its ``p_value`` adjusted; the unadjusted one is the
        diagnostic ``unadjusted_p``. Refused comparisons stay as they are and are not counted.
    """
    check_level(level)
    first = {arm: estimate(arm, level) for arm in arms}
    answered = [arm for arm, effect in first.items() if effect.answered]
    if len(answered) < 2:
        return first
    loadings = np.array([_loading(first[arm]) for arm in answered])
    df = min(first[arm].df for arm in answered)
    each = 1.0 - 2.0 * t_sf(dunnett_critical(loadings, level, df), df)
    result = dict(first)
    for arm in answered:
        effect = estimate(arm, each)
        statistic = -t_quantile(effect.p_value / 2.0, df)
        result[arm] = replace(
            effect,
            level=level,
            method=effect.method + ", Dunnett",
            p_value=_outside(loadings, statistic, df),
            diagnostics={**effect.diagnostics, "unadjusted_p": effect.p_value, "comparisons": float(len(answered))},
        )
    return result


def dunnett_critical(loadings: np.ndarray, level: float = 0.95, df: float = math.inf) -> float:
    """Two-sided critical value of the largest of several t statistics with one common control.

    Args:
        loadings: Square roots of the control's share of each comparison's variance, shape (comparisons,); √½ for arms
            of equal size and variance. Two comparisons correlate by the product of theirs.
        level: Joint confidence level.
        df: Degrees of freedom of the common variance estimate.
    """
    widest = 2.0 + t_quantile(1.0 - (1.0 - level) / (2.0 * loadings.size), df)
    return crossing(lambda critical: _outside(loadings, critical, df) - (1.0 - level), 0.0, widest)


def _outside(loadings: np.ndarray, critical: float, df: float) -> float:
    """P(max |T_j| > critical)."""
    if math.isinf(critical):
        return 0.0
    if df >= LARGE_DF:
        normal = -normal_quantile(t_sf(critical, df))  # the normal deviate with the same tail
        return float(_outside_normal(loadings, np.array([normal]))[0])
    # The common scale, chi over the root of its degrees of freedom, between its extreme quantiles.
    shape = df / 2.0
    ends = np.log([gammaincinv(shape, _TAIL), gammainccinv(shape, _TAIL)])
    log_gamma = ends[0] + (_SCALE_NODES + 1.0) * (ends[1] - ends[0]) / 2.0
    log_density = shape * log_gamma - np.exp(log_gamma)
    density = _SCALE_WEIGHTS * np.exp(log_density - log_density.max())
    scale = np.sqrt(np.exp(log_gamma) / shape)
    return float(_outside_normal(loadings, critical * scale) @ (density / density.sum()))


def _outside_normal(loadings: np.ndarray, critical: np.ndarray) -> np.ndarray:
    """P(max |Z_j| > critical) for normal Z_j that share one factor, by integrating over it."""
    u = 8.5 * _NODES
    density = 8.5 * _WEIGHTS * np.exp(-0.5 * u * u) / math.sqrt(2.0 * math.pi)
    shift = loadings[:, None, None] * u[None, None, :]
    own = np.sqrt(np.clip(1.0 - loadings**2, 1e-12, None))[:, None, None]
    bound = critical[None, :, None]
    inside = ndtr((bound - shift) / own) - ndtr((-bound - shift) / own)
    return np.clip(1.0 - np.prod(inside, axis=0) @ density, 0.0, 1.0)


def _loading(effect: Effect) -> float:
    if effect.arms is None:
        return 0.0
    variance = effect.arms.contrast()[1]
    return math.sqrt(min(1.0, effect.arms.var_control / variance)) if variance > 0.0 else 0.0
