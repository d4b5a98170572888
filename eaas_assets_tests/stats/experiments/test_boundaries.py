import math

import numpy as np
import pytest
from scipy import stats

from eaas_assets.stats.experiments.boundaries import (
    crossing_probabilities,
    group_sequential_boundaries,
    spending_boundaries,
)

FIFTHS = [0.2, 0.4, 0.6, 0.8, 1.0]


def test_obrien_fleming_and_pocock_match_published_boundaries():
    """rpact, five looks, two-sided 5 %."""
    assert group_sequential_boundaries("obrien_fleming", 5) == pytest.approx(
        [4.56174, 3.22564, 2.63372, 2.28087, 2.04007], abs=1e-4
    )
    assert group_sequential_boundaries("pocock", 5) == pytest.approx([2.41318] * 5, abs=1e-4)


def test_spending_boundaries_match_published_ones():
    """Lan–DeMets spending, five equal looks, two-sided 5 %: the classical tables (gsDesign, rpact asOF and asP)."""
    assert spending_boundaries(FIFTHS) == pytest.approx([4.8769, 3.3569, 2.6803, 2.2898, 2.0310], abs=2e-4)
    assert spending_boundaries(FIFTHS, spending="pocock") == pytest.approx(
        [2.4380, 2.4268, 2.4101, 2.3966, 2.3859], abs=2e-4
    )


@pytest.mark.parametrize(("shape", "inflation"), [("obrien_fleming", 1.026), ("pocock", 1.207)])
def test_power_matches_published_inflation_factors(shape, inflation):
    """Jennison & Turnbull 2000, tables 2.2 and 2.4: five looks, power .9 needs so much more than a single look."""
    drift = (stats.norm.ppf(0.975) + stats.norm.ppf(0.9)) * math.sqrt(inflation)
    bounds = group_sequential_boundaries(shape, 5)
    assert crossing_probabilities(list(bounds), FIFTHS, drift).upper.sum() == pytest.approx(0.9, abs=5e-4)


def test_one_look_is_the_fixed_test():
    assert group_sequential_boundaries("pocock", 1)[0] == pytest.approx(1.959964, abs=1e-6)
    assert spending_boundaries([1.0])[0] == pytest.approx(1.959964, abs=1e-6)


def test_two_looks_match_the_bivariate_normal():
    bounds = [2.2, 2.1]
    rho = math.sqrt(0.5)
    box = stats.multivariate_normal(cov=[[1, rho], [rho, 1]])
    inside = sum(
        sign * box.cdf([a * 2.2, b * 2.1]) for a, b, sign in ((1, 1, 1), (-1, 1, -1), (1, -1, -1), (-1, -1, 1))
    )
    assert crossing_probabilities(bounds, [0.5, 1.0]).total == pytest.approx(1 - inside, abs=1e-6)


def test_fifty_unplanned_looks_spend_exactly_the_error():
    fractions = [0.01, 0.013, *np.linspace(0.05, 1.0, 48)]
    for spending in ("obrien_fleming", "pocock"):
        bounds = spending_boundaries(fractions, 0.05, spending)
        assert crossing_probabilities(list(bounds), fractions).total == pytest.approx(0.05, abs=1e-6)


def test_a_boundary_depends_on_the_looks_so_far_only():
    assert spending_boundaries([0.3, 0.5])[:2] == pytest.approx(spending_boundaries([0.3, 0.5, 0.9])[:2], abs=1e-6)


def test_information_beyond_the_plan_spends_nothing_more():
    bounds = spending_boundaries([0.5, 1.0, 1.2])
    assert bounds[2] == math.inf


def test_simulated_paths_cross_at_the_computed_rate():
    rng = np.random.default_rng(0)
    bounds = group_sequential_boundaries("pocock", 5)
    paths = np.cumsum(rng.normal(0.5 * 0.2, math.sqrt(0.2), (40_000, 5)), axis=1) / np.sqrt(FIFTHS)
    simulated = (np.abs(paths) > bounds).any(axis=1).mean()
    assert crossing_probabilities(list(bounds), FIFTHS, 0.5).total == pytest.approx(simulated, abs=0.005)


def test_one_sided_monitoring_has_no_lower_boundary():
    crossing = crossing_probabilities([2.0, 2.0], [0.5, 1.0], lower=[-math.inf, -math.inf])
    both = crossing_probabilities([2.0, 2.0], [0.5, 1.0])
    assert crossing.lower.sum() == 0.0
    assert crossing.upper.sum() == pytest.approx(both.total / 2, rel=0.01)


@pytest.mark.parametrize("information", [[], [0.0, 1.0], [0.5, 0.5], [0.8, 0.2]])
def test_information_must_grow(information):
    with pytest.raises(ValueError, match="information"):
        spending_boundaries(information)
