"""One time series as trend, season, control series and noise of unknown memory: the likelihoods and forecasts.

Belongs here: the noise family, its exact restricted likelihood on a grid, the forecast it implies, mixtures over
it. Does not: what a gap after an intervention means (`before_after`).

The noise is white noise plus a first-order autoregression: variance 1 − w, innovation variance w, persistence ρ.
ρ = 0 is ordinary regression, w = 1 regression with AR(1) errors (Prais & Winsten 1954), ρ = 1 the local level model
(Harvey 1989, section 2.3). Restricted likelihood does not change when a constant is added to the covariance, so
ρ = 1 is the limit of ρ → 1 and one grid can hold both.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from eaas_assets.stats.panels.effect import FloatArray, IntArray

PERSISTENCE = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 1.0)
SIGNAL_TO_NOISE = (3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0)
"""Innovation variance over white-noise variance; the last stands for no white noise at all."""


class Grid(NamedTuple):
    """Noise models, one per entry: persistence ρ, innovation share w, and the log of w/(1−w)."""

    persistence: FloatArray
    share: FloatArray
    log_ratio: FloatArray


def noise_grid() -> Grid:
    """White noise, and every pair of `PERSISTENCE` and `SIGNAL_TO_NOISE`."""
    pairs = [(0.0, 0.0)] + [(rho, q) for rho in PERSISTENCE for q in SIGNAL_TO_NOISE]
    rho, q = np.array(pairs).T
    share = np.where(q == SIGNAL_TO_NOISE[-1], 1.0, q / (1.0 + q))
    return Grid(rho, share, np.log(np.maximum(q, SIGNAL_TO_NOISE[0])))


class Filtered(NamedTuple):
    """Columns (outcome first, then regressors) run through every noise model.

    Attributes:
        whitened: Standardised innovations, shape (periods, models, columns).
        deviation: Standard deviation of each innovation over σ, shape (periods, models).
        log_det: Log determinant of the noise covariance over σ², shape (models,).
        state: Predicted noise state of each forecast period, by column: shape (horizon, models, columns).
        state_variance: Its variance over σ², shape (horizon, models).
        mean_variance: Variance over σ² of the average forecast noise, shape (models,).
    """

    whitened: FloatArray
    deviation: FloatArray
    log_det: FloatArray
    state: FloatArray
    state_variance: FloatArray
    mean_variance: FloatArray


def filter_columns(columns: FloatArray, time: IntArray, n_pre: int, grid: Grid) -> Filtered:
    """Kalman filter of all columns under all noise models at once; gaps in time are predicted over.

    Args:
        columns: Shape (periods, columns), the first ``n_pre`` rows for fitting and the rest to forecast.
        time: Integer time of each row, ascending.
        n_pre: Rows before the intervention.
        grid: Noise models.
    """
    rho, w = grid.persistence, grid.share
    white = 1.0 - w
    models, n = rho.size, columns.shape[0]
    step = np.diff(time, prepend=time[0])
    limit = np.where(rho < 1.0, w / np.maximum(1.0 - rho**2, 1e-12), 0.0)
    # At ρ = 1 any starting variance gives the same contrasts; w keeps the first innovation regular.
    state, variance = np.zeros((models, columns.shape[1])), np.where(rho < 1.0, limit, w)
    whitened = np.empty((n_pre, models, columns.shape[1]))
    deviation = np.empty((n_pre, models))

    def advance(variance: FloatArray, steps: int) -> tuple[FloatArray, FloatArray]:
        decay = rho**steps
        grown = np.where(rho < 1.0, decay**2 * variance + (1.0 - decay**2) * limit, variance + steps * w)
        return decay, grown

    for t in range(n_pre):
        if t:
            decay, variance = advance(variance, int(step[t]))
            state = decay[:, None] * state
        total = variance + white
        error = columns[t] - state
        deviation[t] = np.sqrt(total)
        whitened[t] = error / deviation[t][:, None]
        gain = variance / total
        state = state + gain[:, None] * error
        variance = variance * (1.0 - gain)
    horizon = n - n_pre
    states, variances = np.empty((horizon, models, columns.shape[1])), np.empty((horizon, models))
    running, covariance = (
        np.zeros(models),
        np.zeros(models),
    )  # variance of the sum so far, its covariance with the state
    for j in range(horizon):
        decay, variance = advance(variance, int(step[n_pre + j]))
        state = decay[:, None] * state
        covariance = decay * covariance
        running = running + 2.0 * covariance + variance + white
        covariance = covariance + variance
        states[j], variances[j] = state, variance
    return Filtered(
        whitened,
        deviation,
        2.0 * np.log(deviation).sum(axis=0),
        states,
        variances,
        running / max(horizon, 1) ** 2,
    )


class Forecast(NamedTuple):
    """What each noise model makes of the period after the intervention.

    Attributes:
        log_likelihood: Restricted log likelihood, σ² integrated out, up to a constant shared by all models.
        coefficients: Regression coefficients, shape (models, regressors).
        coefficient_error: Their standard errors.
        gap: Average of observed minus forecast, shape (models,).
        gap_error: Its standard error.
        gaps: Gap in each forecast period, shape (horizon, models).
        gaps_error: Their standard errors.
        fitted: One-step prediction before the intervention, given the coefficients, shape (periods, models).
        df: Residual degrees of freedom.
    """

    log_likelihood: FloatArray
    coefficients: FloatArray
    coefficient_error: FloatArray
    gap: FloatArray
    gap_error: FloatArray
    gaps: FloatArray
    gaps_error: FloatArray
    fitted: FloatArray
    df: int


def forecast(
    filtered: Filtered, columns: FloatArray, used: IntArray, models: NDArray[np.bool_], grid: Grid
) -> Forecast:
    """Generalised least squares on the ``used`` columns under each of the ``models``, and the gap to the forecast."""
    n_pre = filtered.whitened.shape[0]
    flat = np.moveaxis(filtered.whitened[:, models][:, :, used], 0, 1)  # models × periods × columns
    gram = np.swapaxes(flat, 1, 2) @ flat
    xx, xy = gram[:, 1:, 1:], gram[:, 1:, 0]
    inverse = np.linalg.inv(xx)
    beta = (inverse @ xy[:, :, None])[:, :, 0]
    df = n_pre - (used.size - 1)
    squares = np.maximum(gram[:, 0, 0] - (beta * xy).sum(axis=1), 0.0)
    sigma2 = squares / df
    with np.errstate(divide="ignore"):
        likelihood = -0.5 * filtered.log_det[models] - 0.5 * np.linalg.slogdet(xx)[1] - 0.5 * df * np.log(squares)
    ahead = columns[n_pre:, None, :][:, :, used] - filtered.state[:, models][:, :, used]
    gaps = ahead[:, :, 0] - (ahead[:, :, 1:] * beta).sum(axis=2)
    white = 1.0 - grid.share[models]

    def leverage(x: FloatArray) -> FloatArray:
        return np.asarray(np.einsum("...mi,mij,...mj->...m", x, inverse, x), dtype=np.float64)

    mean_x = ahead[:, :, 1:].mean(axis=0)
    innovation = flat[:, :, 0] - (flat[:, :, 1:] @ beta[:, :, None])[:, :, 0]
    return Forecast(
        log_likelihood=likelihood,
        coefficients=beta,
        coefficient_error=np.sqrt(sigma2[:, None] * np.diagonal(inverse, axis1=1, axis2=2)),
        gap=gaps.mean(axis=0),
        gap_error=np.sqrt(sigma2 * (filtered.mean_variance[models] + leverage(mean_x))),
        gaps=gaps,
        gaps_error=np.sqrt(sigma2 * (filtered.state_variance[:, models] + white + leverage(ahead[:, :, 1:]))),
        fitted=columns[:n_pre, 0][:, None] - innovation.T * filtered.deviation[:, models],
        df=df,
    )


def posterior_weights(log_likelihood: FloatArray, log_prior: FloatArray) -> FloatArray:
    """Normalised weights of the models."""
    score = log_likelihood + log_prior
    weight = np.exp(score - score.max())
    return np.asarray(weight / weight.sum(), dtype=np.float64)


class Mixture(NamedTuple):
    """A mixture of Student-t distributions over noise models.

    Attributes:
        weights: Shape (models,).
        centre: Shape (models,) or (periods, models).
        scale: As ``centre``.
        df: Degrees of freedom.
    """

    weights: FloatArray
    centre: FloatArray
    scale: FloatArray
    df: int

    @property
    def mean(self) -> FloatArray:
        """Mean of the mixture."""
        return np.asarray(self.centre @ self.weights, dtype=np.float64)

    @property
    def variance(self) -> FloatArray:
        """Variance of the mixture; infinite with two degrees of freedom or fewer."""
        spread = self.df / (self.df - 2.0) if self.df > 2 else math.inf
        return np.asarray((self.scale**2 * spread + self.centre**2) @ self.weights - self.mean**2, dtype=np.float64)

    def below(self, value: float | FloatArray) -> FloatArray:
        """Probability of lying below ``value`` (one, or one per period)."""
        at = np.asarray(value, dtype=np.float64)[..., None]
        return np.asarray(stdtr(self.df, (at - self.centre) / self.scale) @ self.weights, dtype=np.float64)

    def quantile(self, probability: float) -> FloatArray:
        """Quantiles by bisection, one per period."""
        reach = self.scale.max(axis=-1) * 100.0
        low, high = self.centre.min(axis=-1) - reach, self.centre.max(axis=-1) + reach
        for _ in range(50):
            middle = (low + high) / 2.0
            under = self.below(middle) < probability
            low, high = np.where(under, middle, low), np.where(under, high, middle)
        return np.asarray((low + high) / 2.0, dtype=np.float64)
