"""Errors, intervals and p-values of a difference-in-differences, as far as its clusters allow.

Belongs here: CR1, the wild cluster bootstrap and the permutation of treated units behind one shape, and the thresholds
between them. Does not: the estimate (`did`), the projections and draws (`cluster`).

What was measured (5 % level, no effect, normal and exponential errors, treated units with twice the spread): with five
or more clusters on the smaller side the wild bootstrap rejects .045–.10, CR1 .06–.16; with two to four both are off in
either direction (0 to .35). Hence the thresholds below.
"""

from __future__ import annotations

import itertools
import math
from typing import Literal, NamedTuple

import numpy as np

from eaas_assets.errors import EstimateRefused
from eaas_assets.stats.panels.cluster import Slope, TwoWay, WildBootstrap, cr1_error
from eaas_assets.stats.panels.effect import NO_INTERVAL, FloatArray, IntArray, Interval, t_interval
from eaas_assets.stats.panels.panel import Panel

MIN_CLUSTERS = 5
"""Clusters on the smaller side below which no cluster-robust error is trusted."""
MANY_CLUSTERS = 20
"""Clusters on the smaller side from which CR1 with t(G−1) needs no bootstrap."""


class Inference(NamedTuple):
    """Error, interval and p-value of one estimate, and how they were found."""

    se: float
    ci: Interval
    p: float
    how: str


def require_variance(fit: Slope) -> None:
    """Refuse (``no_variance``) when the regression fits every row exactly."""
    if not float(fit.residual @ fit.residual) > 1e-18 * max(float(fit.outcome @ fit.outcome), 1e-300):
        raise EstimateRefused("no_variance", "outcomes leave no residual variation, so no error can be estimated")


def sides_of(cluster: IntArray, treated: FloatArray | IntArray) -> tuple[int, int]:
    """Clusters with any treated row, and the others."""
    touched = np.bincount(cluster, treated) > 0
    return int(touched.sum()), int((~touched).sum())


def clustered_inference(
    two_way: TwoWay,
    fit: Slope,
    cluster: IntArray,
    group: IntArray,
    sides: tuple[int, int],
    method: Literal["cr1", "wild"],
    confidence: float,
    draws: int,
    rng: np.random.Generator,
) -> Inference:
    """CR1 with t(G−1), or the wild cluster bootstrap.

    Args:
        two_way: The fixed effects.
        fit: The regression.
        cluster: Cluster index of every row.
        group: Group (unit) index of every row.
        sides: Treated and untreated clusters, from `sides_of`.
        method: Which of the two.
        confidence: Nominal coverage.
        draws: Bootstrap draws.
        rng: Source of the draws.

    Raises:
        EstimateRefused: ``too_few_clusters`` or ``no_variance``.
    """
    if min(sides) < MIN_CLUSTERS:
        raise EstimateRefused(
            "too_few_clusters",
            f"{sides[0]} treated and {sides[1]} untreated clusters; cluster-robust errors need {MIN_CLUSTERS} of each",
        )
    pairs = np.unique(np.stack([group, cluster]), axis=1)
    nested = int((np.bincount(pairs[0]) == 1).sum())
    se = cr1_error(fit, cluster, nested)
    if not se > 1e-12 * max(abs(fit.estimate), math.sqrt(float(fit.outcome @ fit.outcome) / fit.outcome.size)):
        raise EstimateRefused("no_variance", "clusters do not differ once the effect is taken out")
    if method == "cr1":
        df = float(sum(sides) - 1)
        ci, p = t_interval(fit.estimate, se, df, confidence)
        return Inference(se, ci, p, f"cluster-robust (CR1), t({df:g})")
    bootstrap = WildBootstrap(two_way, fit, cluster, draws, rng)
    return Inference(
        se, bootstrap.interval(confidence, se), bootstrap.p_value(), f"wild cluster bootstrap, {draws} draws"
    )


def permutation_inference(
    panel: Panel, first: int, confidence: float, draws: int, rng: np.random.Generator
) -> Inference:
    """Exact test under exchangeable units: every choice of as many treated units, all of them or a sample.

    With the hypothesised effect taken out, a permuted effect is a − τb; |a − τb| ≥ |τ̂ − τ| on one interval of τ around
    the estimate, so the confidence bounds are order statistics of those intervals' ends.
    """
    change = panel.outcome[:, first:].mean(axis=1) - panel.outcome[:, :first].mean(axis=1)
    n, k = panel.n_units, int(panel.treated.sum())
    if math.comb(n, k) <= 20_000:
        chosen = np.array(list(itertools.combinations(range(n), k)))
    else:
        chosen = np.array([rng.choice(n, k, replace=False) for _ in range(draws)])
        chosen = np.vstack([np.flatnonzero(panel.treated)[None, :], chosen])
    alpha = 1.0 - confidence
    if chosen.shape[0] * alpha < 1.0 - 1e-9:
        raise EstimateRefused(
            "too_few_clusters",
            f"{chosen.shape[0]} ways to choose {k} of {n} units cannot reach p ≤ {alpha:.3g}",
        )

    def effects(values: FloatArray) -> FloatArray:
        inside = values[chosen].sum(axis=1)
        return inside / k - (values.sum() - inside) / (n - k)

    a, b = effects(change), effects(panel.treated.astype(np.float64))
    estimate = float(change[panel.treated].mean() - change[~panel.treated].mean())
    same = np.abs(b) > 1.0 - 1e-12  # the actual choice, and its mirror image when both sides are equal
    p = float(np.count_nonzero(np.abs(a) >= abs(estimate) * (1.0 - 1e-9)) / a.size)
    a, b = a[~same], b[~same]
    centre, half = (estimate - a * b) / (1.0 - b * b), np.abs(a - estimate * b) / (1.0 - b * b)
    # A value stays in the interval while (same + covering) / all > alpha.
    rank = math.floor(alpha * chosen.shape[0] - int(same.sum()) + 1e-9) + 1
    ci = NO_INTERVAL
    if rank >= 1:
        ci = Interval(float(np.sort(centre - half)[rank - 1]), float(-np.sort(-(centre + half))[rank - 1]))
    se = math.sqrt(float(np.mean((a - estimate * b) ** 2)))
    return Inference(se, ci, p, f"permutation of the treated units, {chosen.shape[0]} assignments")
