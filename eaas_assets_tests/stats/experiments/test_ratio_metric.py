import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.stats.experiments.moments import ArmMoments
from eaas_assets.stats.experiments.randomised import mean_difference
from eaas_assets.stats.experiments.ratio_metric import ratio_difference


def arm(rng, n, rate=0.3):
    views = 1.0 + rng.poisson(4, n)
    before = 1.0 + rng.poisson(4, n)
    return {
        "clicks": rng.binomial(views.astype(int), rate).astype(float),
        "views": views,
        "clicks_before": 0.3 * before + rng.normal(size=n),
    }


def test_variance_is_that_of_the_linearised_ratio():
    """Deng, Knoblich & Lu 2018: the delta method tests means of (numerator − R denominator) / mean denominator."""
    rng = np.random.default_rng(0)
    arms = [arm(rng, 400, 0.35), arm(rng, 400)]
    effect = ratio_difference(*(ArmMoments.from_arrays(**a) for a in arms), "clicks", "views")
    ratios = [a["clicks"].sum() / a["views"].sum() for a in arms]
    linear = [r + (a["clicks"] - r * a["views"]) / a["views"].mean() for a, r in zip(arms, ratios, strict=True)]
    expected = mean_difference(*(ArmMoments.from_arrays(y=y) for y in linear))
    assert effect.estimate == pytest.approx(ratios[0] - ratios[1], rel=1e-12)
    assert effect.se == pytest.approx(expected.se, rel=1e-10)
    assert effect.p_value == pytest.approx(expected.p_value, rel=1e-8)
    assert effect.relative[:3] == pytest.approx(expected.relative[:3], rel=1e-8)


def test_a_denominator_of_one_is_a_mean():
    rng = np.random.default_rng(1)
    values = [rng.gamma(2.0, size=n) for n in (50, 80)]
    ratio = ratio_difference(*(ArmMoments.from_arrays(a=y, b=np.ones(y.size)) for y in values), "a", "b")
    mean = mean_difference(*(ArmMoments.from_arrays(y=y) for y in values))
    assert (ratio.low, ratio.high, ratio.p_value) == pytest.approx((mean.low, mean.high, mean.p_value), rel=1e-10)


@given(st.integers(0, 1_000), st.sampled_from([0.01, 5.0]), st.sampled_from([0.1, 30.0]))
@settings(max_examples=20, deadline=None)
def test_units_of_numerator_and_denominator_only_rescale(seed, above, below):
    rng = np.random.default_rng(seed)
    arms = [arm(rng, n) for n in (100, 200)]
    scaled = [{**a, "clicks": above * a["clicks"], "views": below * a["views"]} for a in arms]
    first = ratio_difference(*(ArmMoments.from_arrays(**a) for a in arms), "clicks", "views", ["clicks_before"])
    second = ratio_difference(*(ArmMoments.from_arrays(**a) for a in scaled), "clicks", "views", ["clicks_before"])
    assert second.p_value == pytest.approx(first.p_value, rel=1e-6)
    assert second.low == pytest.approx(first.low * above / below, rel=1e-6)
    assert second.relative[:3] == pytest.approx(first.relative[:3], rel=1e-6)


def test_adjustment_shortens_the_interval_of_a_ratio():
    rng = np.random.default_rng(2)
    arms = []
    for _ in range(2):
        taste = rng.beta(2, 8, 4_000)
        views, before = 2.0 + rng.poisson(20, (2, taste.size))
        arms.append(
            ArmMoments.from_arrays(
                a=rng.binomial(views.astype(int), taste), b=views, p=rng.binomial(before.astype(int), taste), v=before
            )
        )
    plain, adjusted = (ratio_difference(*arms, "a", "b", names) for names in ([], ["p", "v"]))
    assert adjusted.se < 0.8 * plain.se
    assert adjusted.diagnostics["variance_reduction"] == pytest.approx(1 - (adjusted.se / plain.se) ** 2, rel=1e-6)


def test_an_uncertain_denominator_is_refused():
    rng = np.random.default_rng(3)
    arms = [ArmMoments.from_arrays(a=rng.normal(size=50), b=rng.normal(0.1, 1, 50)) for _ in range(2)]
    effect = ratio_difference(*arms, "a", "b")
    assert effect.codes == ("denominator_near_zero",)
    zero = ArmMoments.from_arrays(a=[1.0, 2.0], b=[0.0, 0.0])
    assert ratio_difference(zero, zero, "a", "b").codes == ("denominator_near_zero",)


def test_a_ratio_without_variation_is_refused():
    views = np.arange(1.0, 100.0)
    constant = ArmMoments.from_arrays(a=0.3 * views, b=views)
    assert ratio_difference(constant, constant, "a", "b").codes == ("no_variance",)
