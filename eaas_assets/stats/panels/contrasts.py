"""Linear contrasts of cohort means over time, with errors that hold for small cohorts.

Every group-time effect, every average of them and every lead is one array of weights over (cohort, period) applied to
the cohorts' mean outcomes. Belongs here: those means, the covariance of any set of contrasts, the joint test and the
simultaneous band. Does not: which weights make which effect (`staggered`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import fdtrc

from eaas_assets.errors import EstimateRefused
from eaas_assets.stats.panels.effect import FloatArray, IntArray
from eaas_assets.stats.panels.panel import Panel

OWN_VARIANCE_SIZE = 5
"""Cohorts below this size borrow the variance of all units: their own is known with under four degrees of freedom."""


class Estimates(NamedTuple):
    """Contrasts with their errors.

    Attributes:
        value: Shape (contrasts,).
        covariance: Shape (contrasts, contrasts).
        df: Degrees of freedom of each standard error (Satterthwaite 1946).
    """

    value: FloatArray
    covariance: FloatArray
    df: FloatArray


class Cohorts:
    """Units grouped by adoption date.

    Attributes:
        adoption: First treated period index of each cohort, ascending; the number of periods for never.
        size: Units in each cohort.
        mean: Mean outcome, shape (cohorts, periods).
    """

    def __init__(self, panel: Panel, cluster: IntArray | None = None) -> None:
        self.adoption, self._code = np.unique(panel.adoption, return_inverse=True)
        self.size = np.bincount(self._code)
        self.mean = np.empty((self.adoption.size, panel.n_periods))
        for c in range(self.adoption.size):
            self.mean[c] = panel.outcome[self._code == c].mean(axis=0)
        self._residual = panel.outcome - self.mean[self._code]
        self._cluster = cluster
        self.n_clusters = panel.n_units if cluster is None else int(cluster.max()) + 1

    @property
    def pooled(self) -> bool:
        """Whether some cohort borrows the common variance."""
        return self._cluster is None and bool((self.size < OWN_VARIANCE_SIZE).any())

    def estimate(self, weights: FloatArray) -> Estimates:
        """Contrasts of shape (contrasts, cohorts, periods).

        A cohort of n units adds S/n, S being the sample covariance of its units' contrasts; with two cohorts this is
        Welch's two-sample error, exact where the influence function's (Callaway & Sant'Anna 2021, theorem 2) is too
        small by (n−1)/n. With clusters above the unit, the influence functions are summed by cluster and scaled by
        G/(G−1), with G−1 degrees of freedom.

        Raises:
            EstimateRefused: ``too_few_clusters`` without five residual degrees of freedom.
        """
        value = np.einsum("kct,ct->k", weights, self.mean)
        if self._cluster is not None:
            return Estimates(value, *self._clustered(weights, self._cluster))
        return Estimates(value, *self._independent(weights))

    def _independent(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        k = weights.shape[0]
        spare = int(self.size.sum() - self.size.size)
        if spare < OWN_VARIANCE_SIZE:
            raise EstimateRefused("too_few_clusters", f"{int(self.size.sum())} units leave no room for errors")
        covariance, pooled = np.zeros((k, k)), np.zeros((k, k))
        information = np.zeros(k)
        for c, n in enumerate(self.size):
            if not weights[:, c].any():
                continue
            own = n >= OWN_VARIANCE_SIZE
            part = (self._residual[self._code == c] if own else self._residual) @ weights[:, c].T
            part = part.T @ part / ((n - 1 if own else spare) * n)
            if own:
                covariance += part
                information += np.diag(part) ** 2 / (n - 1)
            else:
                pooled += part
        information += np.diag(pooled) ** 2 / spare
        covariance += pooled
        with np.errstate(divide="ignore", invalid="ignore"):
            df = np.where(information > 0.0, np.diag(covariance) ** 2 / information, float(spare))
        return covariance, df

    def _clustered(self, weights: FloatArray, cluster: IntArray) -> tuple[FloatArray, FloatArray]:
        g = self.n_clusters
        scores = np.zeros((g, weights.shape[0]))
        for c, n in enumerate(self.size):
            inside = self._code == c
            np.add.at(scores, cluster[inside], self._residual[inside] @ weights[:, c].T / n)
        covariance = g / (g - 1) * scores.T @ scores
        return covariance, np.full(weights.shape[0], g - 1.0)


class JointTest(NamedTuple):
    """Test that several contrasts are all zero.

    Attributes:
        p: p-value; nan when it cannot be tested.
        tested: Number of contrasts in the test.
    """

    p: float
    tested: int


def joint_zero(estimates: Estimates) -> JointTest:
    """Hotelling's T² test that the contrasts are all zero, those nearest to adoption (the last) first.

    The Wald chi-square rejects far too often when contrasts are many and units few; T² with ν degrees of freedom
    refers W·(ν−q+1)/(νq) to F(q, ν−q+1). As many contrasts are tested as a third of their degrees of freedom allows,
    so that the covariance is known well enough to be inverted; ν is their mean.
    """
    count = estimates.value.size
    fits = [q for q in range(1, count + 1) if q <= estimates.df[-q:].min() / 3.0]
    if not fits:
        return JointTest(math.nan, 0)
    df = float(estimates.df[-fits[-1] :].mean())
    value, covariance = estimates.value[-fits[-1] :], estimates.covariance[-fits[-1] :, -fits[-1] :]
    # Leads of cohorts that serve as each other's controls can repeat one another: test what is left of them.
    spread, axes = np.linalg.eigh(covariance)
    kept = spread > 1e-10 * max(float(spread[-1]), 1e-300)
    q = int(kept.sum())
    if q == 0:
        return JointTest(math.nan, 0)
    wald = float(((axes[:, kept].T @ value) ** 2 / spread[kept]).sum())
    return JointTest(float(fdtrc(q, df - q + 1.0, wald * (df - q + 1.0) / (df * q))), q)


def simultaneous_critical_value(
    estimates: Estimates, confidence: float, rng: np.random.Generator, draws: int = 4000
) -> float:
    """Multiplier of the standard errors for a band that covers all contrasts at once (sup-t).

    The Gaussian multiplier bootstrap of Callaway & Sant'Anna (2021, section 4.1), given the data, is exactly a normal
    with this covariance; it is drawn directly and divided by the chi of the smallest degrees of freedom.
    """
    se = np.sqrt(np.diag(estimates.covariance))
    if not (se > 0.0).all():
        return math.nan
    correlation = estimates.covariance / np.outer(se, se)
    values, vectors = np.linalg.eigh(correlation)
    normal = rng.standard_normal((draws, se.size)) @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
    df = float(estimates.df.min())
    scale = np.sqrt(rng.chisquare(df, draws) / df)
    return float(np.quantile(np.abs(normal).max(axis=1) / scale, confidence))
