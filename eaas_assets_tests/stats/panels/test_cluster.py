"""The two-way projection and its errors against textbook definitions."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.errors import EstimateRefused
from eaas_assets.stats.panels.cluster import WEBB, TwoWay, WildBootstrap, cr1_error, slope


def dummies(group: np.ndarray, period: np.ndarray) -> np.ndarray:
    return np.column_stack([np.eye(group.max() + 1)[group], np.eye(period.max() + 1)[period][:, 1:]])


def rows(seed: int, units: int = 12, periods: int = 5, keep: float = 0.8) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    group, period = np.repeat(np.arange(units), periods), np.tile(np.arange(periods), units)
    kept = rng.random(group.size) < keep
    group = np.unique(group[kept], return_inverse=True)[1]
    period = np.unique(period[kept], return_inverse=True)[1]
    treated = ((group < 6) & (period >= 2)).astype(float)
    return group, period, treated, rng.standard_normal(group.size) + treated + group


@given(seed=st.integers(0, 10_000))
def test_residuals_equal_least_squares_on_dummies_whatever_cells_are_missing(seed: int) -> None:
    group, period, _, y = rows(seed, keep=0.6)
    design = dummies(group, period)
    expected = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    two_way = TwoWay(group, period)
    assert two_way.residual(y) == pytest.approx(expected, abs=1e-9)
    assert two_way.rank == np.linalg.matrix_rank(design)


def test_slope_and_cr1_equal_statsmodels_with_explicit_dummies() -> None:
    group, period, treated, y = rows(3)
    cluster = group // 2  # units are nested in clusters
    fit = slope(TwoWay(group, period), y, treated)
    reference = sm.OLS(y, np.column_stack([treated, dummies(group, period)])).fit(
        cov_type="cluster", cov_kwds={"groups": cluster}
    )
    assert fit.estimate == pytest.approx(reference.params[0], rel=1e-9)
    # statsmodels counts the nested effects in K; with none declared nested both must agree.
    assert cr1_error(fit, cluster, nested=0) == pytest.approx(reference.bse[0], rel=1e-9)


def test_nested_effects_leave_the_parameter_count() -> None:
    group, period, treated, y = rows(3)
    fit = slope(TwoWay(group, period), y, treated)
    n, k, units = y.size, fit.n_params, group.max() + 1
    ratio = cr1_error(fit, group, nested=units) / cr1_error(fit, group, nested=0)
    assert ratio == pytest.approx(np.sqrt((n - k) / (n - k + units - 1)), rel=1e-12)


def test_a_regressor_inside_the_effects_is_refused() -> None:
    group, period = np.repeat([0, 1], 3), np.tile([0, 1, 2], 2)
    with pytest.raises(EstimateRefused) as refused:
        slope(TwoWay(group, period), np.arange(6.0), (period >= 1).astype(float))
    assert refused.value.code == "no_control"


def test_bootstrap_interval_holds_exactly_what_its_test_does_not_reject() -> None:
    group, period, treated, y = rows(5, keep=1.0)
    two_way = TwoWay(group, period)
    fit = slope(two_way, y, treated)
    se = cr1_error(fit, group, nested=12)
    bootstrap = WildBootstrap(two_way, fit, group, 499, np.random.default_rng(0))
    low, high = bootstrap.interval(0.95, se)
    assert low < fit.estimate < high
    for edge, outward in ((low, -1.0), (high, 1.0)):
        assert bootstrap.p_value(edge + outward * 1e-6 * se) <= 0.05
        assert bootstrap.p_value(edge - outward * 0.05 * se) > 0.05
    assert bootstrap.p_value(fit.estimate) == 1.0


@pytest.mark.parametrize("nested", [True, False])
def test_one_bootstrap_draw_equals_a_regression_on_that_draw(nested: bool) -> None:
    """Roodman et al. 2019, section 2: restricted residuals times the cluster's weight, then the usual t."""
    group, period, treated, y = rows(7, keep=0.9)
    cluster = group // 2 if nested else np.arange(group.size) % 7
    clusters = cluster.max() + 1
    two_way = TwoWay(group, period)
    fit = slope(two_way, y, treated)
    bootstrap = WildBootstrap(two_way, fit, cluster, 3, np.random.default_rng(1))
    weights = np.random.default_rng(1).choice(WEBB, size=(clusters, 3))
    for effect in (0.0, 0.8):
        null_residual = two_way.residual(y - effect * treated)
        drawn = slope(two_way, null_residual * weights[cluster, 0], treated)
        expected = np.bincount(cluster, drawn.regressor * drawn.residual)
        coefficient, square = bootstrap.coefficient, bootstrap.square
        away = fit.estimate - effect
        assert coefficient[0][0] + away * coefficient[1][0] == pytest.approx(drawn.estimate, rel=1e-9)
        found = square[0][0] + 2 * away * square[1][0] + away**2 * square[2][0]
        assert found == pytest.approx(float((expected**2).sum()), rel=1e-9)


def test_bootstrap_needs_no_memory_of_the_size_of_clusters_squared() -> None:
    units, periods = 3000, 4
    group, period = np.repeat(np.arange(units), periods), np.tile(np.arange(periods), units)
    treated = ((group < 8) & (period >= 2)).astype(float)
    y = np.random.default_rng(0).standard_normal(group.size)
    two_way = TwoWay(group, period)
    bootstrap = WildBootstrap(two_way, slope(two_way, y, treated), group, 99, np.random.default_rng(0))
    assert bootstrap.coefficient[0].shape == (99,)
    assert 0.0 < bootstrap.p_value() <= 1.0
