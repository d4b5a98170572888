import math

import pytest
from scipy import special

from eaas_assets.stats.experiments.distributions import (
    LARGE_DF,
    chi2_sf,
    normal_quantile,
    normal_sf,
    t_quantile,
    t_sf,
    t_two_sided,
)


@pytest.mark.parametrize("df", [3.0, 17.5, LARGE_DF - 1, LARGE_DF, 2_500.5, 1e5, 1e7])
@pytest.mark.parametrize("t", [1e-3, 0.5, 1.96, 4.0, 8.0, 20.0])
def test_t_tails_agree_with_the_incomplete_beta_function_on_both_sides_of_the_switch(df, t):
    expected = special.stdtr(df, -t)
    assert t_sf(t, df) == pytest.approx(expected, rel=1e-10)
    assert t_sf(-t, df) == pytest.approx(1.0 - expected, rel=1e-10)
    assert t_two_sided(-t, df) == pytest.approx(2.0 * expected, rel=1e-10)


@pytest.mark.parametrize("df", [3.0, LARGE_DF, 1e4, 1e7])
@pytest.mark.parametrize("p", [1e-9, 0.025, 0.5, 0.9, 0.9999])
def test_t_quantile_is_the_inverse_of_the_tail(df, p):
    assert t_sf(t_quantile(p, df), df) == pytest.approx(1.0 - p, rel=1e-8)


@pytest.mark.parametrize("df", [1e12, 1e120, 1e300])
def test_any_number_of_degrees_of_freedom_has_a_quantile(df):
    assert t_quantile(0.975, df) == pytest.approx(1.959963984540054, rel=1e-11)


def test_limits_are_the_normal_distribution():
    assert t_quantile(0.975, math.inf) == pytest.approx(1.959963984540054, abs=1e-12)
    assert t_sf(1.5, math.inf) == normal_sf(1.5)
    assert normal_quantile(0.0) == -math.inf
    assert normal_quantile(1.0) == math.inf
    assert t_sf(math.inf, 5.0) == 0.0


def test_unknown_stays_unknown():
    assert math.isnan(t_sf(math.nan, 5.0))
    assert math.isnan(t_quantile(0.9, math.nan))
    assert math.isnan(chi2_sf(math.nan, 2))


@pytest.mark.parametrize("df", [1, 2, 3, 4, 9, 60])
@pytest.mark.parametrize("x", [0.01, 1.0, 11.2, 60.0, 400.0])
def test_chi_squared_series_agrees_with_the_incomplete_gamma_function(df, x):
    assert chi2_sf(x, df) == pytest.approx(special.chdtrc(df, x), rel=1e-11)


def test_chi_squared_needs_a_degree_of_freedom():
    assert chi2_sf(0.0, 3) == 1.0
    with pytest.raises(ValueError, match="df"):
        chi2_sf(1.0, 0)
