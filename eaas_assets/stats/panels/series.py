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
from scipy.special import gammaln, stdtr, stdtrit

from eaas_assets.stats.panels.effect import FloatArray, IntArray
from eaas_assets.stats.roots import crossings

_QUANTILE_PRECISION = 1e-12

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
        ahead: Columns minus their noise forecast from the end of the pre-period, shape (horizon, models, columns).
        ahead_variance: Variance over σ² of the noise in that forecast, shape (horizon, models).
        mean_variance: Variance over σ² of its average, shape (models,).
    """

    whitened: FloatArray
    deviation: FloatArray
    ahead: FloatArray
    ahead_variance: FloatArray
    mean_variance: FloatArray


def filter_columns(columns: FloatArray, time: IntArray, n_pre: int, grid: Grid) -> Filtered:
    """Kalman filter of all columns under all noise models at once; gaps in time are predicted over.

    Args:
        columns: Shape (periods, columns), the first ``n_pre`` rows before the intervention.
        time: Integer time of each row, ascending.
        n_pre: Rows that the forecast may see; the filter itself runs on to the end.
        grid: Noise models.
    """
    rho, w = grid.persistence, grid.share
    white = 1.0 - w
    models, (n, width) = rho.size, columns.shape
    steps = np.diff(time, prepend=time[0])
    limit = np.where(rho < 1.0, w / np.maximum(1.0 - rho**2, 1e-12), 0.0)

    def advance(state: FloatArray, variance: FloatArray, gap: int) -> tuple[FloatArray, FloatArray]:
        decay = rho**gap
        grown = np.where(rho < 1.0, decay**2 * variance + (1.0 - decay**2) * limit, variance + gap * w)
        return decay[:, None] * state, grown

    # At ρ = 1 any starting variance gives the same contrasts; w keeps the first innovation regular.
    state, variance = np.zeros((models, width)), np.where(rho < 1.0, limit, w)
    whitened, deviation = np.empty((n, models, width)), np.empty((n, models))
    at_end = state, variance
    for t in range(n):
        if t:
            state, variance = advance(state, variance, int(steps[t]))
        total = variance + white
        error = columns[t] - state
        deviation[t] = np.sqrt(total)
        whitened[t] = error / deviation[t][:, None]
        gain = variance / total
        state, variance = state + gain[:, None] * error, variance * (1.0 - gain)
        if t == n_pre - 1:
            at_end = state, variance
    state, variance = at_end
    horizon = n - n_pre
    ahead, ahead_variance = np.empty((horizon, models, width)), np.empty((horizon, models))
    # Variance of the summed forecast noise so far, and its covariance with the noise state.
    summed, covariance = np.zeros(models), np.zeros(models)
    for j in range(horizon):
        gap = int(steps[n_pre + j])
        state, variance = advance(state, variance, gap)
        covariance = rho**gap * covariance
        summed = summed + 2.0 * covariance + variance + white
        covariance = covariance + variance
        ahead[j], ahead_variance[j] = columns[n_pre + j] - state, variance + white
    return Filtered(whitened, deviation, ahead, ahead_variance, summed / max(horizon, 1) ** 2)


class Fit(NamedTuple):
    """Generalised least squares under every noise model, each with its own σ².

    Attributes:
        coefficients: Shape (models, regressors).
        inverse: Inverse information, shape (models, regressors, regressors).
        variance: σ², shape (models,).
        log_likelihood: Restricted log likelihood, σ² integrated out, up to a constant shared by all models.
        df: Residual degrees of freedom.
    """

    coefficients: FloatArray
    inverse: FloatArray
    variance: FloatArray
    log_likelihood: FloatArray
    df: int


class Moments(NamedTuple):
    """Cross-products of the whitened columns, shape (models, columns, columns), and the log determinant."""

    gram: FloatArray
    log_det: FloatArray
    rows: int


def moments(filtered: Filtered, rows: slice) -> Moments:
    """Moments of the given rows under every noise model."""
    flat = np.moveaxis(filtered.whitened[rows], 0, 1)
    log_det = 2.0 * np.log(filtered.deviation[rows]).sum(axis=0)
    return Moments(np.swapaxes(flat, 1, 2) @ flat, log_det, flat.shape[1])


def regress(found: Moments, used: IntArray, models: NDArray[np.bool_]) -> Fit:
    """Regress the first of the ``used`` columns on the others under each of the ``models``."""
    gram = found.gram[models][:, used[:, None], used]
    xx, xy = gram[:, 1:, 1:], gram[:, 1:, 0]
    inverse = np.asarray(np.linalg.inv(xx), dtype=np.float64)
    beta = np.asarray((inverse @ xy[:, :, None])[:, :, 0], dtype=np.float64)
    df = found.rows - (used.size - 1)
    # An exact fit is refused before; rounding must not make the sum of squares zero or negative here.
    squares = np.maximum(gram[:, 0, 0] - (beta * xy).sum(axis=1), 1e-300)
    volume = np.asarray(np.linalg.slogdet(xx)[1], dtype=np.float64)
    likelihood = np.asarray(-0.5 * (found.log_det[models] + volume + df * np.log(squares)), dtype=np.float64)
    return Fit(beta, inverse, np.asarray(squares / df, dtype=np.float64), likelihood, df)


class Forecast(NamedTuple):
    """What each noise model makes of the periods after the intervention.

    Attributes:
        log_likelihood: Restricted log likelihood of the whole series with a step at the intervention.
        coefficients: Regression coefficients of the pre-period, shape (models, regressors).
        coefficient_error: Their standard errors.
        gap: Average of observed minus forecast, shape (models,).
        gap_error: Its standard error.
        gaps: Gap in each forecast period, shape (horizon, models).
        gaps_error: Their standard errors.
        fitted: One-step prediction before the intervention, given the coefficients, shape (periods, models).
        df: Residual degrees of freedom of σ².
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
    filtered: Filtered,
    whole: Moments,
    before: Moments,
    columns: FloatArray,
    used: IntArray,
    step: int,
    models: NDArray[np.bool_],
) -> Forecast:
    """Gap between the period after the intervention and its forecast from before.

    The forecast sees the pre-period alone. The noise (its likelihood and σ²) is learnt on the whole series, with a step
    at the intervention taken out: a third more data about memory, at the price that an effect which grows or fades
    counts as noise. Without a control series nobody could tell such an effect from a drifting level anyway.

    Args:
        filtered: From `filter_columns`.
        whole: Moments of all rows.
        before: Moments of the rows before the intervention.
        columns: The columns behind them.
        used: Columns in the regression, the outcome first.
        step: Column that is one from the intervention on.
        models: Noise models to use.
    """
    noise = regress(whole, np.append(used, step), models)
    pre = regress(before, used, models)
    n_pre, beta, inverse, sigma2 = before.rows, pre.coefficients, pre.inverse, noise.variance
    ahead = filtered.ahead[:, models][:, :, used]
    regressors = ahead[:, :, 1:]
    gaps = ahead[:, :, 0] - (regressors * beta).sum(axis=2)

    def leverage(x: FloatArray) -> FloatArray:
        return np.asarray(np.einsum("...mi,mij,...mj->...m", x, inverse, x), dtype=np.float64)

    whitened = filtered.whitened[:n_pre, models][:, :, used]
    innovation = whitened[:, :, 0] - (whitened[:, :, 1:] * beta).sum(axis=2)
    return Forecast(
        log_likelihood=noise.log_likelihood,
        coefficients=beta,
        coefficient_error=np.sqrt(sigma2[:, None] * np.diagonal(inverse, axis1=1, axis2=2)),
        gap=gaps.mean(axis=0),
        gap_error=np.sqrt(sigma2 * (filtered.mean_variance[models] + leverage(regressors.mean(axis=0)))),
        gaps=gaps,
        gaps_error=np.sqrt(sigma2 * (filtered.ahead_variance[:, models] + leverage(regressors))),
        fitted=columns[:n_pre, used[:1]] - innovation * filtered.deviation[:n_pre, models],
        df=noise.df,
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

    def pruned(self, least: float = 1e-4) -> Mixture:
        """The mixture without models of negligible weight, for pictures."""
        kept = self.weights >= least * self.weights.max()
        weights = self.weights[kept]
        return Mixture(weights / weights.sum(), self.centre[..., kept], self.scale[..., kept], self.df)

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

    def density(self, value: FloatArray) -> FloatArray:
        """Density at ``value``, one per period."""
        z = (value[..., None] - self.centre) / self.scale
        constant = math.exp(gammaln((self.df + 1) / 2.0) - gammaln(self.df / 2.0)) / math.sqrt(self.df * math.pi)
        each = constant * (1.0 + z**2 / self.df) ** (-(self.df + 1) / 2.0) / self.scale
        return np.asarray(each @ self.weights, dtype=np.float64)

    def quantile(self, probability: float) -> FloatArray:
        """Quantiles, one per period; they lie among the members' quantiles."""
        members = self.centre + self.scale * float(stdtrit(self.df, probability))
        limits = (members.min(axis=-1), members.max(axis=-1))
        precision = _QUANTILE_PRECISION * self.scale.min(axis=-1)
        start = np.asarray(members @ self.weights, dtype=np.float64)
        return crossings(lambda value: self.below(value) - probability, self.density, limits, start, precision)
