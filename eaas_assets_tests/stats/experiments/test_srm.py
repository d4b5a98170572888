import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eaas_assets.stats.experiments.srm import anytime_srm, concentration_for, srm_test


@pytest.mark.parametrize(
    ("counts", "p_value", "tolerance"),
    [
        ((44_000, 45_000), 0.000802, 5e-6),  # srm.osc.garden, the example on its page
        ((600, 400), 2.5396e-10, 1e-13),
        ((44_700, 45_489), 0.0086, 5e-5),  # Cookie Cats
        ((500, 520), 0.531, 5e-4),  # sample experiment E001
        ((300, 310), 0.686, 5e-4),  # sample experiment E002
    ],
)
def test_published_sample_ratios(counts, p_value, tolerance):
    assert srm_test(counts, (1, 1)).p_value == pytest.approx(p_value, abs=tolerance)


def test_the_threshold_in_force_decides_and_is_reported():
    """Cookie Cats flags at .01 and passes at .001."""
    strict, default = srm_test((44_700, 45_489), (1, 1), threshold=0.01), srm_test((44_700, 45_489), (1, 1))
    assert (strict.mismatch, strict.threshold) == (True, 0.01)
    assert (default.mismatch, default.threshold) == (False, 0.001)


@pytest.mark.parametrize(("counts", "allocation"), [((80, 95, 125), (1, 1, 1)), ((900, 110), (0.9, 0.1))])
def test_large_counts_use_pearson_s_test(counts, allocation):
    result = srm_test(counts, allocation)
    expected = stats.chisquare(counts, np.array(allocation) / sum(allocation) * sum(counts))
    assert (result.statistic, result.p_value) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-10)
    assert result.method == "chi_squared"


@given(st.integers(0, 9), st.integers(0, 9), st.sampled_from([0.5, 0.3]))
@settings(max_examples=25, deadline=None)
def test_two_small_arms_use_the_exact_binomial_test(a, b, share):
    if a + b == 0:
        return
    result = srm_test((a, b), (share, 1 - share))
    assert result.method == "exact_multinomial"
    assert result.p_value == pytest.approx(stats.binomtest(a, a + b, share).pvalue, rel=1e-6)


def test_exact_probabilities_of_three_arms_add_up():
    """All 3^4 assignments of four units to three equal arms: counts (4, 0, 0) have 3 of 81 with their equals."""
    assert srm_test((4, 0, 0), (1, 1, 1)).p_value == pytest.approx(3 / 81)
    assert srm_test((2, 1, 1), (1, 1, 1)).p_value == pytest.approx(1.0)


def test_nothing_to_compare_is_no_answer():
    assert math.isnan(srm_test((0, 0), (1, 1)).p_value)
    assert math.isnan(srm_test((5,), (1,)).p_value)


@given(st.permutations([30, 45, 61]))
def test_order_and_scale_of_the_arms_do_not_matter(order):
    assert srm_test(order, (2, 2, 2)).p_value == pytest.approx(srm_test((30, 45, 61), (1, 1, 1)).p_value)


def test_anytime_evidence_is_the_product_of_predictive_odds():
    """Lindon & Malek 2022: unit by unit, the Dirichlet's predictive probability over the planned one."""
    rng = np.random.default_rng(0)
    shares = np.array([0.2, 0.3, 0.5])
    arms = rng.choice(3, size=200, p=[0.3, 0.3, 0.4])
    prior = 100.0 * shares
    log_odds = 0.0
    counts = np.zeros(3)
    for arm in arms:
        predictive = (prior[arm] + counts[arm]) / (prior.sum() + counts.sum())
        log_odds += math.log(predictive / shares[arm])
        counts[arm] += 1
    result = anytime_srm([tuple(int(c) for c in counts)], shares, concentration=100.0)
    assert result.statistic == pytest.approx(log_odds, abs=1e-9)
    assert result.p_value == pytest.approx(min(1.0, math.exp(-log_odds)), rel=1e-9)


def test_looking_after_every_batch_keeps_the_error():
    rng = np.random.default_rng(1)
    wrong = wrong_fixed = 0
    for _ in range(150):
        looks = np.cumsum(rng.multinomial(500, [0.5, 0.5], size=40), axis=0)
        wrong += anytime_srm([tuple(map(int, row)) for row in looks], (1, 1), threshold=0.05).mismatch
        wrong_fixed += any(srm_test(tuple(map(int, row)), (1, 1), threshold=0.05).mismatch for row in looks)
    assert wrong / 150 <= 0.05
    assert wrong_fixed / 150 > 0.15


def test_a_real_mismatch_is_found():
    looks = [(n * 48 // 100, n * 52 // 100) for n in range(1_000, 60_000, 1_000)]
    result = anytime_srm(looks, (1, 1))
    assert result.mismatch
    assert result.method == "anytime"
    early = [anytime_srm(looks[: k + 1], (1, 1)).p_value for k in range(len(looks))]
    assert early == sorted(early, reverse=True)


@pytest.mark.parametrize(
    ("counts", "allocation"), [((1, 2), (1,)), ((), ()), ((-1, 2), (1, 1)), ((1, 2), (0, 1)), ((1, 2), (1, math.inf))]
)
def test_wrong_calls_are_errors(counts, allocation):
    with pytest.raises(ValueError, match=r"shares|counts"):
        srm_test(counts, allocation)


def test_the_prior_weight_is_a_tenth_of_the_plan_within_bounds():
    assert [concentration_for(n) for n in (0, 500, 20_000, 10**7)] == [100.0, 100.0, 2_000.0, 10_000.0]


def test_a_lost_third_of_an_arm_is_found_in_a_small_experiment():
    """The bound on what it sees follows from the weight: 1,000 : 667 units at a plan of 2,000."""
    looks = [(100 * k, round(66.7 * k)) for k in range(1, 11)]
    assert anytime_srm(looks, (1, 1), concentration=concentration_for(2_000)).mismatch
    assert not anytime_srm(looks[:3], (1, 1), concentration=10_000.0).mismatch


def test_anytime_needs_a_look_and_a_prior():
    with pytest.raises(ValueError, match="look"):
        anytime_srm([], (1, 1))
    with pytest.raises(ValueError, match="concentration"):
        anytime_srm([(1, 2)], (1, 1), concentration=0.0)
