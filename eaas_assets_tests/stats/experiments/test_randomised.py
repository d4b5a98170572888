import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eaas_assets.stats.experiments.moments import ArmMoments
from eaas_assets.stats.experiments.randomised import mean_difference

SHARED = Path(os.environ.get("EAAS_SHARED_DATA", Path(__file__).parents[4] / "shared/data"))

# Student 1908, hours of sleep gained with two drugs.
SLEEP_1 = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
SLEEP_2 = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])

samples = st.lists(st.integers(-1_000, 1_000), min_size=3, max_size=25).filter(lambda v: len(set(v)) > 1)


def difference(treatment, control, level=0.95):
    return mean_difference(ArmMoments.from_arrays(y=treatment), ArmMoments.from_arrays(y=control), level=level)


def test_students_sleep_data_give_the_published_welch_test():
    effect = difference(SLEEP_1, SLEEP_2)
    assert effect.estimate / effect.se == pytest.approx(-1.860813, abs=1e-6)
    assert effect.p_value == pytest.approx(0.0793941, abs=1e-6)
    assert effect.df == pytest.approx(17.7765, abs=1e-4)
    assert (effect.low, effect.high) == pytest.approx((-3.3654832, 0.2054832), abs=1e-6)


@given(samples, samples)
@settings(max_examples=25, deadline=None)
def test_arms_of_equal_size_give_welch_s_test(first, second):
    size = min(len(first), len(second))
    first, second = first[:size], second[:size]
    if len(set(first)) == 1 or len(set(second)) == 1:
        return
    effect = difference(first, second)
    expected = stats.ttest_ind(first, second, equal_var=False)
    interval = expected.confidence_interval()
    assert effect.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert (effect.low, effect.high) == pytest.approx((interval.low, interval.high), rel=1e-9, abs=1e-9)


@given(samples, samples, st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_order_of_units_does_not_matter_and_swapped_labels_flip_the_sign(first, second, random):
    effect = difference(first, second)
    shuffled = list(first)
    random.shuffle(shuffled)
    assert difference(shuffled, second).p_value == pytest.approx(effect.p_value, rel=1e-9)
    swapped = difference(second, first)
    assert swapped.codes[:1] == effect.codes[:1] or "baseline_near_zero" in swapped.codes + effect.codes
    if effect.answered:
        assert swapped.estimate == pytest.approx(-effect.estimate, abs=1e-9)
        assert (swapped.low, swapped.high) == pytest.approx((-effect.high, -effect.low), rel=1e-9, abs=1e-9)
        assert swapped.p_value == pytest.approx(effect.p_value, rel=1e-9)


@given(samples, samples, st.sampled_from([0.01, 1.0, -3.0, 1e6]))
@settings(max_examples=25, deadline=None)
def test_another_unit_scales_the_absolute_effect_and_keeps_the_relative_one(first, second, factor):
    effect = difference(first, second)
    scaled = difference(np.array(first) * factor, np.array(second) * factor)
    assert scaled.codes == effect.codes
    if effect.answered:
        assert scaled.p_value == pytest.approx(effect.p_value, rel=1e-7)
        ends = sorted((effect.low * factor, effect.high * factor))
        assert (scaled.low, scaled.high) == pytest.approx(ends, rel=1e-7, abs=1e-7 * abs(factor))
    if math.isfinite(effect.relative.low) and factor > 0:
        assert scaled.relative[:3] == pytest.approx(effect.relative[:3], rel=1e-6, abs=1e-9)


@given(samples, samples)
@settings(max_examples=25, deadline=None)
def test_absolute_and_relative_interval_and_p_value_agree_about_zero(first, second):
    effect = difference(first, second)
    if effect.answered and abs(effect.p_value - 0.05) > 1e-9:
        assert (effect.low > 0 or effect.high < 0) == (effect.p_value < 0.05)
        if math.isfinite(effect.relative.low):
            assert (effect.relative.low > 0 or effect.relative.high < 0) == (effect.p_value < 0.05)


def test_means_without_dispersion_are_refused():
    """Sample experiment E002: 42 against 29 with 300 and 310 units, and no variance."""
    arms = [ArmMoments.from_aggregates(n, {"y": mean}, {"y": None}) for n, mean in ((310, 29.0), (300, 42.0))]
    effect = mean_difference(*arms)
    assert effect.codes == ("no_variance",)
    assert not effect.answered
    assert effect.estimate == -13.0
    assert all(math.isnan(x) for x in (effect.se, effect.low, effect.high, effect.p_value, effect.relative.estimate))


@pytest.mark.parametrize(
    ("treatment", "control", "code"),
    [
        ([], [1.0, 2.0], "empty_arm"),
        ([1.0], [1.0, 2.0], "too_few_units"),
        ([1.0, math.inf], [1.0, 2.0], "not_finite"),
        ([math.nan, math.nan], [1.0, 2.0], "not_finite"),
        ([3.0, 3.0], [3.0, 3.0], "no_variance"),
        ([4.0, 4.0], [3.0, 3.0], "no_variance"),
    ],
)
def test_undefined_effects_are_refused_with_a_code(treatment, control, code):
    effect = difference(treatment, control)
    assert effect.codes == (code,)
    assert math.isnan(effect.p_value)
    assert math.isnan(effect.low)


def test_one_constant_arm_still_gives_an_interval():
    effect = difference([0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0])
    assert effect.answered
    assert effect.df == pytest.approx(3.0)
    assert effect.codes == ("baseline_near_zero",)


def test_level_must_be_a_probability():
    with pytest.raises(ValueError, match="level"):
        difference([1.0, 2.0], [1.0, 3.0], level=95)


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.is_dir(), reason="public data sets are absent (EAAS_SHARED_DATA)")
def test_lalonde_s_experiment_gives_the_published_effect():
    """LaLonde 1986, NSW male sample of Dehejia & Wahba: 1,794.342."""
    frame = pd.read_stata(next((SHARED / "nsw").glob("*.dta")))
    effect = difference(frame.loc[frame.treat == 1, "re78"], frame.loc[frame.treat == 0, "re78"])
    assert effect.estimate == pytest.approx(1794.342, abs=0.01)
    assert effect.p_value < 0.05
