import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from eaas_assets.stats.experiments.moments import ArmMoments
from eaas_assets.stats.experiments.randomised import mean_difference
from eaas_assets.stats.experiments.skewness import allocation_skewness, remove_skewness, restore_skewness

ONE = (np.ones(1), np.ones(1))


@given(st.floats(-10, 10), st.floats(-1, 1))
def test_the_transformation_is_undone_exactly(t, skewness):
    assert restore_skewness(remove_skewness(t, skewness), skewness) == pytest.approx(t, abs=1e-6)


@given(st.floats(-5, 5), st.floats(0.01, 3), st.floats(-1, 1))
def test_the_transformation_keeps_order_so_interval_and_test_agree(t, step, skewness):
    assert remove_skewness(t + step, skewness) > remove_skewness(t, skewness)


def test_equal_arms_need_no_correction():
    rng = np.random.default_rng(0)
    arms = tuple(ArmMoments.from_arrays(y=rng.lognormal(size=400)) for _ in range(2))
    assert allocation_skewness(arms, ONE) == 0.0


def test_it_is_the_skewness_of_the_difference_of_two_means():
    """For exponential units the standardised third moment of each unit is 2."""
    rng = np.random.default_rng(0)
    n, m = 40, 400
    arms = (ArmMoments.from_arrays(y=rng.exponential(size=200_000)),) * 2
    sized = tuple(
        ArmMoments(arm.names, size, arm.mean, arm.covariance, arm.third) for arm, size in zip(arms, (n, m), strict=True)
    )
    expected = 2.0 * (1 / n**2 - 1 / m**2) / (1 / n + 1 / m) ** 1.5
    assert allocation_skewness(sized, ONE) == pytest.approx(expected, rel=0.05)


def test_the_uncorrected_test_is_reported_beside_the_corrected_one():
    rng = np.random.default_rng(1)
    small, large = rng.exponential(size=40), rng.exponential(size=900)
    effect = mean_difference(ArmMoments.from_arrays(y=small), ArmMoments.from_arrays(y=large))
    welch = stats.ttest_ind(small, large, equal_var=False).pvalue
    assert effect.diagnostics["p_with_skewness"] == pytest.approx(welch, rel=1e-9)
    assert effect.p_value != pytest.approx(welch, rel=1e-3)
    assert effect.method.endswith("skewness removed (Hall)")


def test_unknown_third_moments_are_an_assumption_in_unequal_arms_only():
    def effect(n):
        treatment = ArmMoments.from_aggregates(n, {"y": 1.0}, {"y": 1.0})
        return mean_difference(treatment, ArmMoments.from_aggregates(1_000, {"y": 1.0}, {"y": 1.0}))

    assert any("skewed" in text for text in effect(100).assumptions)
    assert not any("skewed" in text for text in effect(1_000).assumptions)


def test_an_arm_too_small_for_the_tail_is_refused():
    rng = np.random.default_rng(5)
    control = rng.lognormal(0.0, 2.0, 5_000)
    effect = mean_difference(ArmMoments.from_arrays(y=rng.lognormal(0.0, 2.0, 20)), ArmMoments.from_arrays(y=control))
    assert effect.codes == ("too_skewed",)
    assert math.isfinite(effect.estimate)
    assert math.isnan(effect.low)
