from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.decisions.portfolio.priors import EffectPrior, effect_prior
from eaas_assets.decisions.portfolio.shrinkage import EffectClass
from eaas_assets_tests.decisions.portfolio.portfolio_by_hand import policy_by_hand

RULE = policy_by_hand().priors


@pytest.mark.parametrize(("mean", "sd"), [(0.0, 0.05), (0.1, 0.05), (-0.05, 0.05)])
def test_the_gain_is_that_of_the_changes_that_help(mean: float, sd: float) -> None:
    # By the definition, over a fine grid of the true effects that are above zero.
    grid = np.linspace(1e-9, max(mean, 0.0) + 10 * sd, 400_001)
    density = np.exp(-0.5 * ((grid - mean) / sd) ** 2)
    share = np.cumsum(density) / density.sum()
    prior = EffectPrior(mean, sd, 5)
    assert prior.typical_gain == pytest.approx(float(grid @ density / density.sum()), rel=1e-4)
    assert prior.median_gain == pytest.approx(float(grid[np.searchsorted(share, 0.5)]), rel=1e-4)


@given(st.floats(-1, 1), st.floats(1e-3, 1))
def test_gains_are_positive_and_a_better_prior_promises_more(mean: float, sd: float) -> None:
    worse, better = EffectPrior(mean, sd, 3), EffectPrior(mean + 0.1, sd, 3)
    assert 0.0 < worse.typical_gain <= better.typical_gain
    assert 0.0 < worse.median_gain <= better.median_gain


def test_where_hardly_anything_helps_the_gain_is_small_and_still_told() -> None:
    prior = EffectPrior(-1.0, 0.01, 3)
    assert prior.typical_gain == pytest.approx(1e-4, rel=0.01)
    assert 0.0 < prior.median_gain < prior.typical_gain


def test_a_class_speaks_for_itself_from_the_third_experiment_on() -> None:
    two, three = (EffectClass("growth, mean", count, 0.1, 0.03, 0.04, 2.0) for count in (2, 3))
    assert effect_prior(None, RULE) == effect_prior(two, RULE) == EffectPrior(0.0, 0.05, 0)
    assert effect_prior(three, RULE) == EffectPrior(0.1, pytest.approx(0.05), 3)


def test_at_the_boundary_the_doubt_about_the_mean_is_left() -> None:
    assert effect_prior(EffectClass("growth, mean", 8, 0.077, 0.041, 0.0, 4.7), RULE).sd == 0.041
