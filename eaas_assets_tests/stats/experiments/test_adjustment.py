import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.stats.experiments.adjustment import adjusted_mean_difference
from eaas_assets.stats.experiments.moments import ArmMoments
from eaas_assets.stats.experiments.randomised import mean_difference


def experiment(seed, n=300, m=200, effect=0.5, covariates=1):
    rng = np.random.default_rng(seed)
    arms = []
    for size, lift in ((n, effect), (m, 0.0)):
        x = rng.normal(5, 2, (covariates, size))
        y = lift + (1.0 + lift) * x.sum(axis=0) + rng.normal(size=size)
        arms.append({"y": y, **{f"x{i}": row for i, row in enumerate(x)}})
    return arms


def moments(arms):
    return [ArmMoments.from_arrays(**arm) for arm in arms]


@pytest.mark.parametrize("covariates", [1, 3])
def test_estimate_is_lin_s_interacted_regression_and_the_error_that_plus_the_superpopulation_term(covariates):
    """Lin 2013: y on treatment, centred covariates and their product."""
    arms = experiment(1, covariates=covariates)
    names = [f"x{i}" for i in range(covariates)]
    effect = adjusted_mean_difference(*moments(arms), names)
    x = np.concatenate([np.column_stack([arm[name] for name in names]) for arm in arms])
    x = x - x.mean(axis=0)
    treated = np.repeat([1.0, 0.0], [len(arm["y"]) for arm in arms])
    design = np.column_stack([np.ones_like(treated), treated, x, x * treated[:, None]])
    fit = sm.OLS(np.concatenate([arm["y"] for arm in arms]), design).fit(cov_type="HC2")
    assert effect.estimate == pytest.approx(fit.params[1], rel=1e-10)
    slopes = fit.params[-covariates:]
    sampling = slopes @ np.atleast_2d(np.cov(x.T)) @ slopes / len(x)
    assert effect.se**2 == pytest.approx(fit.bse[1] ** 2 + sampling, rel=0.03)


def test_without_covariates_it_is_welch_s_test():
    first, second = moments(experiment(2, n=50, m=50))
    adjusted, plain = adjusted_mean_difference(first, second, []), mean_difference(first, second)
    assert adjusted.p_value == pytest.approx(plain.p_value, rel=1e-12)
    assert adjusted.relative[:3] == pytest.approx(plain.relative[:3], rel=1e-12)


def test_a_strong_covariate_shortens_the_interval_by_what_it_explains():
    rng = np.random.default_rng(3)
    arms = []
    for _ in range(2):
        x = rng.normal(size=20_000)
        arms.append(ArmMoments.from_arrays(y=0.9 * x + math.sqrt(1 - 0.81) * rng.normal(size=x.size), x=x))
    effect = adjusted_mean_difference(*arms, ["x"])
    assert effect.diagnostics["variance_reduction"] == pytest.approx(0.81, abs=0.01)
    assert effect.diagnostics["covariate_balance_p"] > 0.001
    assert "covariates were measured before treatment" in effect.assumptions


@given(st.integers(0, 10_000), st.floats(-1e3, 1e3), st.sampled_from([0.01, 1.0, -1e4]))
@settings(max_examples=25, deadline=None)
def test_location_and_unit_of_a_covariate_do_not_matter(seed, shift, factor):
    arms = experiment(seed, n=30, m=40)
    moved = [{**arm, "x0": shift + factor * arm["x0"]} for arm in arms]
    first = adjusted_mean_difference(*moments(arms), ["x0"])
    second = adjusted_mean_difference(*moments(moved), ["x0"])
    assert (second.low, second.high) == pytest.approx((first.low, first.high), rel=1e-5, abs=1e-6)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_swapped_labels_flip_the_sign(seed):
    arms = moments(experiment(seed, n=30, m=40))
    effect, swapped = adjusted_mean_difference(*arms, ["x0"]), adjusted_mean_difference(*arms[::-1], ["x0"])
    assert (swapped.low, swapped.high) == pytest.approx((-effect.high, -effect.low), rel=1e-9)


def test_repeated_and_constant_covariates_change_nothing():
    arms = experiment(4)
    more = [{**arm, "again": 3 - 2 * arm["x0"], "fixed": np.full(arm["y"].size, 7.1)} for arm in arms]
    plain = adjusted_mean_difference(*moments(arms), ["x0"])
    effect = adjusted_mean_difference(*moments(more), ["x0", "again", "fixed"])
    assert (effect.low, effect.high) == pytest.approx((plain.low, plain.high), rel=1e-8)
    assert effect.diagnostics["covariates_without_variance"] == "fixed"


def test_an_unused_column_may_be_unknown():
    arms = moments([{**arm, "late": np.full(arm["y"].size, math.nan)} for arm in experiment(5)])
    assert adjusted_mean_difference(*arms, ["x0"]).answered
    assert adjusted_mean_difference(*arms, ["late"]).codes == ("not_finite",)


def test_a_covariate_that_is_the_outcome_is_refused():
    rng = np.random.default_rng(6)
    arms = [ArmMoments.from_arrays(y=(x := rng.normal(3, 1, 200)), x=2 * x) for _ in range(2)]
    effect = adjusted_mean_difference(*arms, ["x"])
    assert effect.codes == ("no_variance",)
    assert "before treatment" in effect.refusals[0].reason


def test_refusals_of_the_arms_are_passed_on():
    good = ArmMoments.from_arrays(y=[1.0, 2.0, 4.0], x=[1.0, 0.0, 3.0])
    empty = ArmMoments.from_arrays(y=[], x=[])
    assert adjusted_mean_difference(empty, good, ["x"]).codes == ("empty_arm",)
    assert adjusted_mean_difference(good, good, ["x"]).codes == ("too_few_units",)
    unknown = ArmMoments.from_aggregates(99, {"y": 1.0, "x": 1.0}, {"y": 1.0, "x": 1.0})
    assert adjusted_mean_difference(unknown, unknown, ["x"]).codes == ("no_variance",)
