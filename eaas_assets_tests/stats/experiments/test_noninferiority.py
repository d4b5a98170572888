import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eaas_assets.stats.experiments.moments import ArmMoments
from eaas_assets.stats.experiments.noninferiority import noninferiority
from eaas_assets.stats.experiments.proportions import proportion_difference
from eaas_assets.stats.experiments.quantile_metric import quantile_arm, quantile_difference
from eaas_assets.stats.experiments.randomised import mean_difference
from eaas_assets.stats.experiments.sequential import anytime_effect


def effect(shift, n=200, m=200, seed=0, level=0.95):
    rng = np.random.default_rng(seed)
    treatment, control = rng.gamma(4.0, 2.5, n) + shift, rng.gamma(4.0, 2.5, m)
    return mean_difference(ArmMoments.from_arrays(y=treatment), ArmMoments.from_arrays(y=control), level=level)


@given(st.integers(0, 1_000), st.floats(0.1, 3.0), st.booleans(), st.sampled_from(["absolute", "relative"]))
@settings(max_examples=25, deadline=None)
def test_a_pass_is_exactly_a_p_value_below_alpha(seed, margin, higher, scale):
    answer = noninferiority(effect(0.3, m=90, seed=seed), margin / (10 if scale == "relative" else 1), higher, scale)
    assert answer.alpha == pytest.approx(0.025)
    assert (answer.verdict == "non_inferior") == (answer.p_value < answer.alpha)
    if answer.verdict == "inferior":
        assert answer.p_value > 0.97


def test_p_value_is_the_shifted_t_test():
    rng = np.random.default_rng(1)
    treatment, control = rng.normal(9.8, 1, 80), rng.normal(10, 1, 80)
    e = mean_difference(ArmMoments.from_arrays(y=treatment), ArmMoments.from_arrays(y=control))
    shifted = stats.ttest_ind(treatment + 0.5, control, equal_var=False, alternative="greater").pvalue
    assert noninferiority(e, 0.5, higher_is_better=True).p_value == pytest.approx(shifted, rel=1e-9)
    ratio = stats.ttest_ind(treatment, 0.95 * control, equal_var=False, alternative="greater").pvalue
    relative = noninferiority(e, 0.05, higher_is_better=True, scale="relative")
    assert relative.p_value == pytest.approx(ratio, rel=0.01)


def test_the_three_verdicts_and_a_loss_within_the_margin():
    clear = noninferiority(effect(0.0, 20_000, 20_000), 0.5, higher_is_better=True)
    assert clear.verdict == "non_inferior"
    within = noninferiority(effect(-0.4, 20_000, 20_000), 1.0, higher_is_better=True)
    assert (within.verdict, within.worse) == ("non_inferior", True)
    beyond = noninferiority(effect(-2.0, 20_000, 20_000), 0.5, higher_is_better=True)
    assert (beyond.verdict, beyond.worse) == ("inferior", True)
    small = noninferiority(effect(0.0, 20, 20, seed=4), 0.1, higher_is_better=True)
    assert small.verdict == "inconclusive"
    assert small.bound > 0.1


def test_the_direction_matters():
    up = effect(2.0, 20_000, 20_000)
    assert noninferiority(up, 0.5, higher_is_better=True).verdict == "non_inferior"
    assert noninferiority(up, 0.5, higher_is_better=False).verdict == "inferior"


@pytest.mark.parametrize("scale", ["absolute", "relative"])
@pytest.mark.parametrize("higher", [True, False])
def test_mirrored_metrics_give_the_same_answer(scale, higher):
    """Raising a metric is lowering its negative; the margin is relative to the size of the control."""
    rng = np.random.default_rng(2)
    treatment, control = rng.normal(9.9, 1, 300), rng.normal(10, 1, 200)
    one = mean_difference(ArmMoments.from_arrays(y=treatment), ArmMoments.from_arrays(y=control))
    other = mean_difference(ArmMoments.from_arrays(y=-treatment), ArmMoments.from_arrays(y=-control))
    first, second = noninferiority(one, 0.05, higher, scale), noninferiority(other, 0.05, not higher, scale)
    assert first.verdict == second.verdict
    assert first.p_value == pytest.approx(second.p_value, rel=1e-9)
    assert first.bound == pytest.approx(second.bound, rel=1e-9)


@pytest.mark.parametrize("scale", ["absolute", "relative"])
def test_proportions_use_the_score_test_so_verdict_and_p_value_agree(scale):
    for successes in range(120, 200, 4):
        e = proportion_difference(successes, 400, 160, 400)
        margin = 0.05 if scale == "absolute" else 0.125
        answer = noninferiority(e, margin, higher_is_better=True, scale=scale)
        assert (answer.verdict == "non_inferior") == (answer.p_value < 0.025)


@pytest.mark.parametrize("scale", ["absolute", "relative"])
def test_quantiles_agree_too(scale):
    rng = np.random.default_rng(3)
    for shift in np.linspace(-1, 1, 9):
        arms = quantile_arm(rng.lognormal(2, 0.5, 400) + shift, 0.9), quantile_arm(rng.lognormal(2, 0.5, 400), 0.9)
        answer = noninferiority(quantile_difference(*arms, 0.9), 1.0 if scale == "absolute" else 0.07, False, scale)
        assert (answer.verdict == "non_inferior") == (answer.p_value < 0.025)


def test_a_pass_at_every_look_needs_a_wider_clearance():
    fixed = effect(0.0, 1_000, 1_000)
    look = noninferiority(anytime_effect(fixed, 2_000), 2.0, higher_is_better=True)
    assert look.verdict == "non_inferior"
    assert look.bound > noninferiority(fixed, 2.0, higher_is_better=True).bound
    assert math.isnan(look.p_value)


def test_a_refused_effect_is_inconclusive_with_its_code():
    bad = mean_difference(ArmMoments.from_arrays(y=[]), ArmMoments.from_arrays(y=[1.0, 2.0]))
    assert noninferiority(bad, 0.1, higher_is_better=True)[0] == "inconclusive"
    assert noninferiority(bad, 0.1, higher_is_better=True).code == "empty_arm"
    near = mean_difference(ArmMoments.from_arrays(y=[1.0, -1.0, 2.0]), ArmMoments.from_arrays(y=[1.0, -1.0, 0.5]))
    assert noninferiority(near, 0.1, True, "relative").code == "baseline_near_zero"
    assert noninferiority(near, 9.0, True).code is None


@pytest.mark.parametrize("margin", [0.0, -1.0, math.inf, math.nan])
def test_a_margin_must_be_positive(margin):
    with pytest.raises(ValueError, match="margin"):
        noninferiority(effect(0.0), margin, higher_is_better=True)
