"""The noise family of single series: exact likelihoods, forecasts and the published local level."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from eaas_assets.errors import EstimateRefused
from eaas_assets.stats.panels.local_level import local_level
from eaas_assets.stats.panels.series import Grid, Mixture, filter_columns, forecast, moments, noise_grid, regress


def dense_covariance(time: np.ndarray, rho: float, share: float) -> np.ndarray:
    """Covariance written out: white noise plus AR(1), or plus a random walk from one innovation on."""
    lag = np.abs(time[:, None] - time[None, :])
    walk = np.minimum(time[:, None], time[None, :]) - time[0] + 1.0
    memory = rho**lag / (1 - rho**2) if rho < 1 else walk
    return (1 - share) * np.eye(time.size) + share * memory


@given(
    seed=st.integers(0, 1000),
    rho=st.sampled_from([0.0, 0.3, 0.95, 1.0]),
    share=st.sampled_from([0.0, 0.2, 1.0]),
    holes=st.booleans(),
)
def test_filter_equals_generalised_least_squares_with_the_covariance_written_out(
    seed: int, rho: float, share: float, holes: bool
) -> None:
    if rho == 0.0 and share == 0.0:
        rho = 0.5
    rng = np.random.default_rng(seed)
    time = np.arange(24)
    time = np.delete(time, [5, 6, 20]) if holes else time
    n, n_pre = time.size, time.size - 6
    y, x = rng.standard_normal(n), np.column_stack([np.ones(n), time / 10])
    after = (np.arange(n) >= n_pre).astype(float)
    columns = np.column_stack([y, x, after])
    grid = Grid(np.array([rho]), np.array([share]), np.zeros(1))
    filtered = filter_columns(columns, time, n_pre, grid)
    found = forecast(
        filtered,
        moments(filtered, slice(None)),
        moments(filtered, slice(0, n_pre)),
        columns,
        np.arange(3),
        3,
        np.ones(1, dtype=bool),
    )
    # Everything again with matrices.
    full = dense_covariance(time, rho, share)
    past, inverse = slice(0, n_pre), np.linalg.inv(full[:n_pre, :n_pre])
    information = np.linalg.inv(x[past].T @ inverse @ x[past])
    beta = information @ x[past].T @ inverse @ y[past]
    mean = np.where(after > 0, 1 / 6, 0.0)
    carry = full[past] @ mean @ inverse
    lever = mean @ x - carry @ x[past]
    gap = mean @ y - carry @ y[past] - lever @ beta
    spread = mean @ full @ mean - carry @ full[past] @ mean + lever @ information @ lever
    design, whole = np.column_stack([x, after]), np.linalg.inv(full)
    xx = design.T @ whole @ design
    residual = y - design @ np.linalg.solve(xx, design.T @ whole @ y)
    squares, df = residual @ whole @ residual, n - 3
    likelihood = -0.5 * (np.linalg.slogdet(full)[1] + np.linalg.slogdet(xx)[1] + df * np.log(squares))
    assert found.coefficients[0] == pytest.approx(beta, abs=1e-8)
    assert found.gap[0] == pytest.approx(gap, abs=1e-8)
    assert found.gap_error[0] == pytest.approx(np.sqrt(spread * squares / df), rel=1e-8)
    assert found.log_likelihood[0] == pytest.approx(likelihood, abs=1e-8)
    assert found.gaps[:, 0].mean() == pytest.approx(gap, abs=1e-8)


def test_a_unit_root_is_the_limit_of_high_persistence() -> None:
    rng = np.random.default_rng(2)
    y = np.cumsum(rng.standard_normal(60)) + rng.standard_normal(60)
    columns = np.column_stack([y, np.ones(60)])
    rho = np.array([0.999999, 1.0])
    filtered = filter_columns(columns, np.arange(60), 60, Grid(rho, np.array([0.4, 0.4]), np.zeros(2)))
    fit = regress(moments(filtered, slice(None)), np.array([0, 1]), np.ones(2, dtype=bool))
    assert fit.log_likelihood[0] == pytest.approx(fit.log_likelihood[1], abs=1e-3)
    assert fit.variance[0] == pytest.approx(fit.variance[1], rel=1e-3)


def test_nile_local_level() -> None:
    """Durbin & Koopman 2012, section 2.10.3: variances 15,098.6 and 1,469.1; statsmodels finds nothing better."""
    nile = sm.datasets.nile.load_pandas().data["volume"].to_numpy()
    found = local_level(nile)
    assert found.irregular == pytest.approx(15_098.6, rel=1e-4)
    assert found.level == pytest.approx(1_469.1, rel=1e-4)
    model = sm.tsa.UnobservedComponents(nile, "llevel", use_exact_diffuse=True)
    reference = model.fit(disp=False)
    assert found == pytest.approx(tuple(reference.params), rel=0.02)
    assert model.loglike(np.array(found)) == pytest.approx(reference.llf, abs=1e-3)
    assert model.loglike(np.array(found)) >= reference.llf


def test_local_level_knows_both_ends() -> None:
    rng = np.random.default_rng(3)
    still = local_level(rng.standard_normal(400))
    assert still.level < 0.01
    assert still.irregular == pytest.approx(1.0, rel=0.2)
    walk = local_level(np.cumsum(rng.standard_normal(400)))
    assert walk.irregular < 0.1
    assert walk.level == pytest.approx(1.0, rel=0.3)


@pytest.mark.parametrize(
    ("values", "code"),
    [([1.0, 2.0, 3.0], "short_pre_period"), ([2.0] * 9, "no_variance"), ([1.0, float("nan")] * 4, "not_finite")],
)
def test_series_that_say_nothing_are_refused(values: list[float], code: str) -> None:
    with pytest.raises(EstimateRefused) as refused:
        local_level(values)
    assert refused.value.code == code


def test_grid_holds_regression_autoregression_and_local_level() -> None:
    grid = noise_grid()
    assert (grid.persistence[0], grid.share[0]) == (0.0, 0.0)
    assert ((grid.persistence < 1) & (grid.share == 1.0)).any()
    assert ((grid.persistence == 1) & (grid.share < 1.0)).any()


def test_mixture_of_one_is_student_t() -> None:
    single = Mixture(np.ones(1), np.array([2.0]), np.array([0.5]), 7)
    assert float(single.quantile(0.975)) == pytest.approx(stats.t.ppf(0.975, 7, 2.0, 0.5), rel=1e-8)
    assert float(single.below(1.0)) == pytest.approx(stats.t.cdf(1.0, 7, 2.0, 0.5), rel=1e-10)
    assert float(single.variance) == pytest.approx(stats.t.var(7, 2.0, 0.5))


@example(seed=231, probability=0.259765625)  # Newton's method alone goes round in a circle
@given(seed=st.integers(0, 1000), probability=st.floats(0.01, 0.99))
def test_mixture_quantiles_invert_its_distribution(seed: int, probability: float) -> None:
    rng = np.random.default_rng(seed)
    mixture = Mixture(rng.dirichlet(np.ones(5)), rng.normal(0, 3, (4, 5)), rng.uniform(0.1, 2, (4, 5)), 20)
    assert mixture.below(mixture.quantile(probability)) == pytest.approx(probability, abs=1e-7)
    assert mixture.pruned(0.5).weights.sum() == pytest.approx(1.0)
