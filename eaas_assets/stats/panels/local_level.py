"""The local level model: white noise around a random walk, by maximum likelihood.

Belongs here: its two variances, the published check of the noise family in `series`. Does not: forecasts (`series`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from eaas_assets.errors import EstimateRefused
from eaas_assets.stats.panels.effect import FloatArray, IntArray
from eaas_assets.stats.panels.panel import finite
from eaas_assets.stats.panels.series import Grid, filter_columns, moments, regress


class LocalLevel(NamedTuple):
    """Variances of the local level model, in squared units of the series."""

    irregular: float
    level: float


def local_level(values: ArrayLike, time: IntArray | None = None) -> LocalLevel:
    """Maximum likelihood with a diffuse start (Durbin & Koopman 2012, section 2.10).

    With a constant regressor the restricted likelihood at persistence one is the diffuse likelihood, so one parameter
    is searched, the share of the level's innovations, on a grid that narrows.

    Args:
        values: The series.
        time: Ascending integer times; None for consecutive ones.

    Raises:
        EstimateRefused: ``not_finite``, ``short_pre_period`` with fewer than four values, ``no_variance``.
    """
    series = finite(values, "values")
    if series.size < 4:
        raise EstimateRefused("short_pre_period", f"{series.size} values")
    if not np.ptp(series) > 0.0:
        raise EstimateRefused("no_variance", "the series is constant")
    at = np.arange(series.size, dtype=np.int64) if time is None else time
    columns = np.column_stack([series, np.ones_like(series)])

    logit = np.linspace(-16.0, 16.0, 129)
    for _ in range(4):  # each pass narrows the bracket 64-fold; the ends are no level noise and nothing but it
        shares = np.concatenate([[0.0], 1.0 / (1.0 + np.exp(-logit)), [1.0]])
        likelihood, variance = _profile(columns, at, shares)
        best = int(np.argmax(likelihood[1:-1]))
        width = float(logit[1] - logit[0])
        logit = np.linspace(logit[best] - width, logit[best] + width, 129)
    winner = int(np.argmax(likelihood))
    share, total = float(shares[winner]), float(variance[winner])
    return LocalLevel((1.0 - share) * total, share * total)


def _profile(columns: FloatArray, time: IntArray, share: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Restricted log likelihood and σ² of each share."""
    grid = Grid(np.ones_like(share), share, np.zeros_like(share))
    filtered = filter_columns(columns, time, columns.shape[0], grid)
    fit = regress(moments(filtered, slice(None)), np.array([0, 1]), np.ones(share.size, dtype=np.bool_))
    return fit.log_likelihood, fit.variance
