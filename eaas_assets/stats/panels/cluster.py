"""One coefficient between two sets of fixed effects, and its errors when rows of a cluster move together.

Belongs here: the exact two-way projection, the cluster-robust (CR1) error and the wild cluster bootstrap.
Does not: which of them a design deserves (`did`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from eaas_assets.errors import EstimateRefused
from eaas_assets.stats.panels.effect import NO_INTERVAL, FloatArray, IntArray, Interval

WEBB = np.array([-math.sqrt(1.5), -1.0, -math.sqrt(0.5), math.sqrt(0.5), 1.0, math.sqrt(1.5)])
"""Six-point weights for fewer than a dozen clusters (Webb 2023): two points give only 2^G different draws."""
RADEMACHER = np.array([-1.0, 1.0])


class TwoWay:
    """Projects out group and period effects exactly, whatever cells are missing or repeated.

    The group effects are concentrated out, which leaves one small system in the periods; memory stays at the size of
    the rows.
    """

    def __init__(self, group: IntArray, period: IntArray) -> None:
        self.group, self.period = group, period
        self.n_groups, self.n_periods = int(group.max()) + 1, int(period.max()) + 1
        counts = np.zeros((self.n_groups, self.n_periods))
        np.add.at(counts, (group, period), 1.0)
        self.group_size = counts.sum(axis=1)
        self.share = counts / self.group_size[:, None]
        system = np.diag(counts.sum(axis=0)) - counts.T @ self.share
        # Singular by one for every connected part of the panel; those directions must be cut, not divided by.
        values, vectors = np.linalg.eigh(system)
        kept = values > 1e-10 * max(float(values[-1]), 1e-300)
        self.solver = vectors[:, kept] / values[kept] @ vectors[:, kept].T
        self.rank = self.n_groups + int(kept.sum())

    def residual(self, values: FloatArray) -> FloatArray:
        """``values`` minus their fitted group and period effects."""
        group_mean = np.bincount(self.group, values, self.n_groups) / self.group_size
        centred = values - group_mean[self.group]
        period = self.solver @ np.bincount(self.period, centred, self.n_periods)
        return centred - period[self.period] + (self.share @ period)[self.group]


class Slope(NamedTuple):
    """A coefficient, ready for inference.

    Attributes:
        estimate: The coefficient.
        regressor: Residualised regressor.
        residual: Residuals of the full regression.
        outcome: Residualised outcome.
        n_params: Fitted parameters, all fixed effects counted.
    """

    estimate: float
    regressor: FloatArray
    residual: FloatArray
    outcome: FloatArray
    n_params: int


def slope(two_way: TwoWay, outcome: FloatArray, regressor: FloatArray) -> Slope:
    """Least squares of the outcome on the regressor and both sets of effects (Frisch–Waugh–Lovell).

    Raises:
        EstimateRefused: ``no_control`` when the effects explain the regressor wholly.
    """
    x = two_way.residual(regressor)
    y = two_way.residual(outcome)
    power = float(x @ x)
    if power <= 1e-10 * max(float(regressor @ regressor), 1.0):
        raise EstimateRefused("no_control", "nothing untreated to compare with, in the same periods and groups")
    estimate = float(x @ y) / power
    return Slope(estimate, x, y - estimate * x, y, two_way.rank + 1)


def cr1_error(fit: Slope, cluster: IntArray, nested: int) -> float:
    """Cluster-robust standard error with the factor G/(G−1) · (N−1)/(N−K) (Liang & Zeger 1986; Arellano 1987).

    Args:
        fit: The regression.
        cluster: Cluster index of every row.
        nested: Group effects that lie inside one cluster each. They are not counted in K: the cluster sums already
            allow for them (Cameron & Miller 2015, section VI.B).
    """
    scores = np.bincount(cluster, fit.regressor * fit.residual)
    g, n = scores.size, fit.residual.size
    k = fit.n_params - max(nested - 1, 0)
    factor = g / (g - 1) * (n - 1) / (n - k)
    return math.sqrt(factor * float(scores @ scores)) / float(fit.regressor @ fit.regressor)


class WildBootstrap:
    """Wild cluster bootstrap-t with the null imposed (Cameron, Gelbach & Miller 2008; Roodman et al. 2019).

    Everything is linear in the hypothesised effect, so one set of draws serves the test and the interval, which is
    found by inverting the test.
    """

    def __init__(self, two_way: TwoWay, fit: Slope, cluster: IntArray, draws: int, rng: np.random.Generator) -> None:
        g = int(cluster.max()) + 1
        self.fit = fit
        self.power = float(fit.regressor @ fit.regressor)
        self.cluster_power = np.bincount(cluster, fit.regressor**2, g)
        self.error = math.sqrt(float(np.square(np.bincount(cluster, fit.regressor * fit.residual)).sum()))
        weights = self._weights(g, draws, rng)
        # Row g, column h: what cluster h's residuals, projected again, add to the score of cluster g.
        spread_y, spread_x = np.empty((g, g)), np.empty((g, g))
        for h in range(g):
            inside = cluster == h
            for source, target in ((fit.outcome, spread_y), (fit.regressor, spread_x)):
                again = two_way.residual(np.where(inside, source, 0.0))
                target[:, h] = np.bincount(cluster, fit.regressor * again, g)
        self.drawn_y, self.drawn_x = spread_y @ weights, spread_x @ weights

    @staticmethod
    def _weights(g: int, draws: int, rng: np.random.Generator) -> FloatArray:
        if g < 12:
            return rng.choice(WEBB, size=(g, draws))
        return rng.choice(RADEMACHER, size=(g, draws))

    def p_value(self, effect: float = 0.0) -> float:
        """Two-sided p-value of the hypothesis that the coefficient equals ``effect``."""
        scores = self.drawn_y - effect * self.drawn_x
        estimates = scores.sum(axis=0) / self.power
        scores = scores - estimates * self.cluster_power[:, None]
        drawn = np.abs(estimates) * self.power / np.maximum(np.sqrt((scores**2).sum(axis=0)), 1e-300)
        observed = abs(self.fit.estimate - effect) * self.power / self.error
        # Ties count against the finding; the tolerance is for draws that equal the sample up to rounding.
        return float((1 + np.count_nonzero(drawn >= observed * (1.0 - 1e-9))) / (drawn.size + 1))

    def interval(self, confidence: float, se: float) -> Interval:
        """Effects that the test does not reject; nan when a bound lies beyond 100 standard errors."""
        alpha = 1.0 - confidence
        ends = []
        for side in (-1.0, 1.0):
            outside = 2.0
            while self.p_value(self.fit.estimate + side * outside * se) > alpha:
                outside *= 1.6
                if outside > 100.0:
                    return NO_INTERVAL
            inside = 0.0
            for _ in range(40):
                middle = (inside + outside) / 2.0
                if self.p_value(self.fit.estimate + side * middle * se) > alpha:
                    inside = middle
                else:
                    outside = middle
            ends.append(self.fit.estimate + side * outside * se)
        return Interval(ends[0], ends[1])
