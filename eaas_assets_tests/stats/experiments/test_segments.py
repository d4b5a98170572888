import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.stats.experiments.moments import ArmMoments
from eaas_assets.stats.experiments.randomised import mean_difference
from eaas_assets.stats.experiments.segments import analyse_segments, heterogeneity, shrink

# Rubin 1981, coaching in eight schools.
SCHOOLS = np.array([28.0, 8, -3, 7, -1, 1, 18, 12])
ERRORS = np.array([15.0, 10, 16, 11, 9, 11, 10, 18])


def test_eight_schools_do_not_differ_beyond_chance():
    found = heterogeneity(SCHOOLS, ERRORS)
    assert found.mean == pytest.approx(7.7, abs=0.15)
    assert found.se == pytest.approx(4.1, abs=0.15)
    assert found.q == pytest.approx(4.7, abs=0.15)
    assert (found.df, found.tau2, found.tau2_reml) == (7, 0.0, 0.0)
    assert found.p_value > 0.5


def test_eight_schools_are_shrunk_as_in_the_textbook():
    """Gelman et al. 2013, Bayesian Data Analysis, table 5.3: medians 10 8 7 8 5 6 10 8, 95 % of school A −2 to 31.

    Their prior is flat in the standard deviation and ours in the variance, so ours shrinks a little less.
    """
    shrunk = shrink(SCHOOLS, ERRORS)
    assert shrunk.estimate == pytest.approx([10, 8, 7, 8, 5, 6, 10, 8], abs=5.0)
    assert np.argsort(shrunk.estimate)[-1] == 0
    assert shrunk.low[0] == pytest.approx(-2, abs=3)
    assert 28.0 < shrunk.high[0] < 45.0
    assert np.all(np.abs(shrunk.estimate - 7.7) < np.abs(SCHOOLS - 7.7) + 1.0)


def test_paule_mandel_solves_its_equation_and_reml_maximises_its_likelihood():
    rng = np.random.default_rng(0)
    errors = rng.uniform(0.5, 2, 12)
    y = rng.normal(1, 3, 12) + errors * rng.normal(size=12)
    found = heterogeneity(y, errors)
    weights = 1 / (errors**2 + found.tau2)
    mean = weights @ y / weights.sum()
    assert weights @ (y - mean) ** 2 == pytest.approx(11, rel=1e-9)
    assert found.mean == pytest.approx(mean)

    def restricted(tau2):
        w = 1 / (errors**2 + tau2)
        m = w @ y / w.sum()
        return 0.5 * (np.log(w).sum() - np.log(w.sum()) - w @ (y - m) ** 2)

    assert restricted(found.tau2_reml) > max(restricted(found.tau2_reml * f) for f in (0.99, 1.01))


def test_equal_errors_give_the_analysis_of_variance():
    y = np.array([1.0, 5.0, 9.0, 2.0])
    found = heterogeneity(y, np.full(4, 0.5))
    assert found.tau2 == pytest.approx(np.var(y, ddof=1) - 0.25)
    assert found.tau2_reml == pytest.approx(np.var(y, ddof=1) - 0.25)


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(0.1, 20)), min_size=1, max_size=9), st.floats(-100, 100))
@settings(max_examples=25, deadline=None)
def test_shrinkage_moves_with_the_data_and_stays_between_them(pairs, shift):
    y, s = (np.array(column) for column in zip(*pairs, strict=True))
    shrunk, moved = shrink(y, s), shrink(y + shift, s)
    assert np.all(shrunk.low < shrunk.estimate)
    assert np.all(shrunk.estimate < shrunk.high)
    assert np.all(shrunk.estimate >= y.min() - 1e-6)
    assert np.all(shrunk.estimate <= y.max() + 1e-6)
    np.testing.assert_allclose(moved.estimate, shrunk.estimate + shift, atol=1e-6)
    mirrored = shrink(-y, s)
    np.testing.assert_allclose(mirrored.p_negative, 1 - shrunk.p_negative, atol=1e-9)


def test_one_segment_is_left_as_it_is():
    shrunk = shrink([3.0], [2.0])
    assert shrunk.estimate[0] == pytest.approx(3.0)
    assert (shrunk.low[0], shrunk.high[0]) == pytest.approx((3 - 1.959964 * 2, 3 + 1.959964 * 2), abs=1e-6)
    assert math.isnan(heterogeneity([3.0], [2.0]).p_value)


@pytest.mark.parametrize(("segments", "tau"), [(2, 1.0), (3, 3.0), (8, 2.0), (20, 1.0)])
def test_limits_cover_on_average_over_segments(segments, tau):
    rng = np.random.default_rng(segments)
    covered = []
    for _ in range(100):
        errors = rng.uniform(0.5, 1.5, segments)
        truth = 2.0 + tau * rng.normal(size=segments)
        shrunk = shrink(truth + errors * rng.normal(size=segments), errors)
        covered.append(((shrunk.low <= truth) & (truth <= shrunk.high)).mean())
    assert np.mean(covered) > 0.95 - 3 * np.std(covered) / math.sqrt(len(covered)) - 0.01


def effects(shifts, n=400, seed=0):
    rng = np.random.default_rng(seed)
    return {
        name: mean_difference(
            ArmMoments.from_arrays(y=rng.normal(10 + shift, 1, n)), ArmMoments.from_arrays(y=rng.normal(10, 1, n))
        )
        for name, shift in shifts.items()
    }


def test_harm_behind_a_winning_average_is_named():
    segments = effects({"new": 0.6, "old": 0.6, "mobile": -0.5, "desktop": 0.5})
    average = effects({"all": 0.3}, n=1_600)["all"]
    analysis = analyse_segments(segments, average, higher_is_better=True)
    assert [f.name for f in analysis.findings if f.harmed_although_average_won] == ["mobile"]
    assert analysis.heterogeneity.p_value < 1e-6
    mobile = analysis.findings[2]
    assert mobile.effect.estimate < mobile.shrunk < average.estimate
    reversed_goal = analyse_segments(segments, average, higher_is_better=False)
    assert [f.name for f in reversed_goal.findings if f.harmed] == ["new", "old", "desktop"]
    assert not any(f.harmed_although_average_won for f in reversed_goal.findings)


def test_one_of_twenty_segments_is_not_harmed_by_chance():
    wrong = 0
    for seed in range(25):
        segments = effects({str(i): 0.0 for i in range(20)}, n=30, seed=seed)
        analysis = analyse_segments(segments, segments["0"], higher_is_better=True)
        wrong += any(f.harmed for f in analysis.findings)
        assert all(f.p_harm_holm >= f.p_harm for f in analysis.findings)
    assert wrong <= 5


def test_refused_segments_are_kept_and_not_counted():
    segments = effects({"a": 0.1, "b": -0.3})
    segments["empty"] = mean_difference(ArmMoments.from_arrays(y=[]), ArmMoments.from_arrays(y=[1.0, 2.0]))
    analysis = analyse_segments(segments, segments["a"], higher_is_better=True)
    empty = analysis.findings[2]
    assert empty.effect.codes == ("empty_arm",)
    assert math.isnan(empty.shrunk)
    assert math.isnan(empty.p_harm_holm)
    assert not empty.harmed
    assert analysis.findings[1].p_harm_holm == pytest.approx(2 * analysis.findings[1].p_harm)
    alone = analyse_segments({"empty": segments["empty"]}, segments["a"], higher_is_better=True)
    assert alone.heterogeneity is None


@pytest.mark.parametrize(("y", "s"), [([], []), ([1.0], [0.0]), ([1.0, 2.0], [1.0]), ([math.nan], [1.0])])
def test_wrong_calls_are_errors(y, s):
    with pytest.raises(ValueError, match="errors"):
        heterogeneity(y, s)
