"""One coefficient between two sets of fixed effects, and its errors when rows of a cluster move together.

Belongs here: the exact two-way projection, the cluster-robust (CR1) error and the wild cluster bootstrap.
Does not: which of them a design deserves (`did`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array

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
        self.counts = counts
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
        self.estimate = fit.estimate
        self.power = float(fit.regressor @ fit.regressor)
        self.error = math.sqrt(float(np.square(np.bincount(cluster, fit.regressor * fit.residual)).sum()))
        weights = self._weights(int(cluster.max()) + 1, draws, rng)
        cluster_power = np.bincount(cluster, fit.regressor**2)[:, None]
        e = self._drawn_scores(two_way, fit.regressor, fit.residual, cluster, weights)
        x = self._drawn_scores(two_way, fit.regressor, fit.regressor, cluster, weights)
        # Residuals under the null are e + (estimate − effect) · x, so the drawn coefficient is linear in that distance
        # and its squared error quadratic.
        self.coefficient = e.sum(axis=0) / self.power, x.sum(axis=0) / self.power
        e -= self.coefficient[0] * cluster_power
        x -= self.coefficient[1] * cluster_power
        self.square = (e**2).sum(axis=0), (e * x).sum(axis=0), (x**2).sum(axis=0)

    @staticmethod
    def _drawn_scores(
        two_way: TwoWay, x: FloatArray, values: FloatArray, cluster: IntArray, weights: FloatArray
    ) -> FloatArray:
        """Cluster sums of x · M(w ∘ values), M the projection: shape (clusters, draws).

        The projection is expanded into its group and period effects, so that no draw ever has the size of the rows.
        """
        g, periods = weights.shape[0], two_way.n_periods
        cell, shape = cluster * periods + two_way.period, (g, two_way.n_groups)
        x_by_period = np.bincount(cell, x, g * periods).reshape(g, periods)
        values_by_period = np.bincount(cell, values, g * periods).reshape(g, periods)
        at = (cluster, two_way.group)
        x_by_group = coo_array((x, at), shape=shape).tocsr()
        mean_by_group = coo_array((values / two_way.group_size[two_way.group], at), shape=shape).tocsr()
        group_mean = mean_by_group.T @ weights
        period_effect = two_way.solver @ (values_by_period.T @ weights - two_way.counts.T @ group_mean)
        group_effect = group_mean - two_way.share @ period_effect
        own = np.bincount(cluster, x * values, g)[:, None] * weights
        return np.asarray(own - x_by_group @ group_effect - x_by_period @ period_effect, dtype=np.float64)

    @staticmethod
    def _weights(g: int, draws: int, rng: np.random.Generator) -> FloatArray:
        if g < 12:
            return rng.choice(WEBB, size=(g, draws))
        return rng.choice(RADEMACHER, size=(g, draws))

    def p_value(self, effect: float = 0.0) -> float:
        """Two-sided p-value of the hypothesis that the coefficient equals ``effect``."""
        away = self.estimate - effect
        coefficient = self.coefficient[0] + away * self.coefficient[1]
        square = self.square[0] + 2.0 * away * self.square[1] + away**2 * self.square[2]
        drawn = np.abs(coefficient) * self.power / np.sqrt(np.maximum(square, 1e-300))
        observed = abs(away) * self.power / self.error
        # Ties count against the finding; the tolerance is for draws that equal the sample up to rounding.
        return float((1 + np.count_nonzero(drawn >= observed * (1.0 - 1e-9))) / (drawn.size + 1))

    def interval(self, confidence: float, se: float) -> Interval:
        """Effects that the test does not reject; nan when a bound lies beyond 100 standard errors.

        Args:
            confidence: Nominal coverage.
            se: A standard error, the yardstick of the search.
        """
        alpha = 1.0 - confidence
        ends = []
        for side in (-1.0, 1.0):
            outside = 2.0
            while self.p_value(self.estimate + side * outside * se) > alpha:
                outside *= 1.6
                if outside > 100.0:
                    return NO_INTERVAL
            inside = 0.0
            for _ in range(40):
                middle = (inside + outside) / 2.0
                if self.p_value(self.estimate + side * middle * se) > alpha:
                    inside = middle
                else:
                    outside = middle
            ends.append(self.estimate + side * outside * se)
        return Interval(ends[0], ends[1])
