"""Repeated trials, against definitions by enumeration, published data and published scores."""

import json
import math
import os
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.stats.intervals import wilson
from eaas_assets.stats.trials import (
    flakiness,
    pass_at_1,
    pass_at_k,
    pass_at_k_by_scenario,
    pass_hat_k,
    pass_hat_k_by_scenario,
    variance_components,
)

SHARED = Path(os.environ.get("EAAS_SHARED_DATA", Path(__file__).parents[3] / "shared/data"))


@given(n=st.integers(1, 8), data=st.data())
def test_pass_at_k_and_pass_hat_k_are_shares_of_all_draws_of_k_trials(n, data):
    passed, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    draws = list(combinations([1] * passed + [0] * (n - passed), k))
    assert pass_at_k_by_scenario([passed], [n], k)[0] == pytest.approx(np.mean([max(d) for d in draws]))
    assert pass_hat_k_by_scenario([passed], [n], k)[0] == pytest.approx(np.mean([min(d) for d in draws]))


def test_more_than_the_trials_made_is_unknown_and_not_zero():
    assert np.isnan(pass_hat_k_by_scenario([4, 4], [4, 5], 5)).tolist() == [True, False]
    result = pass_hat_k([4, 4, 3], [4, 5, 3], 4)
    assert (result.n_scenarios, result.n_left_out) == (2, 1)
    assert result.rate.estimate == pytest.approx((1 + 1 / 5) / 2)  # C(4,4)/C(4,4) and C(4,4)/C(5,4)
    nothing = pass_at_k([1], [2], 3)
    assert math.isnan(nothing.rate.estimate)
    assert (nothing.n_scenarios, nothing.n_left_out, nothing.rate.reason) == (0, 1, "no values")


def test_large_trial_counts_neither_overflow_nor_lose_digits():
    expected = math.comb(1500, 400) / math.comb(2000, 400)
    assert pass_hat_k_by_scenario([1500], [2000], 400)[0] == pytest.approx(expected, rel=1e-10)


def test_scenarios_weigh_the_same_however_often_they_ran():
    assert pass_at_1([10, 0], [10, 1]).rate.estimate == 0.5


def test_single_trials_have_wilsons_interval_and_families_widen_it():
    passed = [1] * 8 + [0] * 2
    alone = pass_at_1(passed, [1] * 10).rate
    assert alone.interval[:2] == pytest.approx(wilson(8, 10)[:2])
    together = pass_at_1(passed, [1] * 10, clusters=[0, 0, 1, 1, 2, 2, 3, 3, 4, 4]).rate
    assert together.n_clusters == 5
    assert together.interval.low < alone.interval.low


def test_left_out_scenarios_leave_their_families_consistent():
    result = pass_hat_k([2, 1, 2, 2], [2, 1, 2, 2], 2, clusters=["a", "a", "b", "b"])
    assert (result.rate.n, result.rate.n_clusters, result.n_left_out) == (3, 2, 1)


def test_flakiness_is_the_share_of_disagreeing_pairs():
    for passed in range(6):
        pairs = list(combinations([1] * passed + [0] * (5 - passed), 2))
        assert flakiness([passed], [5])[0] == pytest.approx(np.mean([a != b for a, b in pairs]))
    assert np.isnan(flakiness([1, 0], [1, 0])).all()


def test_flakiness_is_unbiased_for_two_p_times_one_minus_p():
    rate, n = 0.3, 4
    expected = sum(math.comb(n, c) * rate**c * (1 - rate) ** (n - c) * flakiness([c], [n])[0] for c in range(n + 1))
    assert expected == pytest.approx(2 * rate * (1 - rate))


# Davies 1949, yield of dyestuff from six batches; lme4 documents the components 1764.05 and 2451.25.
DYESTUFF = [
    [1545, 1440, 1440, 1520, 1580],
    [1540, 1555, 1490, 1560, 1495],
    [1595, 1550, 1605, 1510, 1560],
    [1445, 1440, 1595, 1465, 1545],
    [1595, 1630, 1515, 1635, 1625],
    [1520, 1455, 1450, 1480, 1445],
]


def test_variance_components_match_the_dyestuff_data():
    parts = variance_components(np.ravel(DYESTUFF), np.repeat(np.arange(6), 5))
    assert (parts.scenario, parts.repeat) == pytest.approx((1764.05, 2451.25), abs=0.005)
    assert not parts.clipped


def test_unequal_repeats_match_expected_mean_squares():
    """Henderson's estimator is unbiased: over all sign patterns of the effects its mean is the truth."""
    rng = np.random.default_rng(9)
    sizes = [2, 3, 7, 1, 4]
    index = np.repeat(np.arange(5), sizes)
    draws = [
        variance_components(rng.normal(0, 3.0, 5)[index] + rng.normal(0, 1.0, index.size), index) for _ in range(4000)
    ]
    assert np.mean([d.repeat for d in draws]) == pytest.approx(1.0, rel=0.03)
    assert np.mean([d.scenario for d in draws]) == pytest.approx(9.0, rel=0.05)  # clipping is rare here


def test_a_negative_estimate_is_zero_and_says_so():
    parts = variance_components([0, 1, 0, 1, 0, 1], [0, 0, 1, 1, 2, 2])
    assert (parts.scenario, parts.share, parts.clipped) == (0, 0, True)
    assert parts.repeat == pytest.approx(0.5)


def test_variance_that_cannot_be_split_is_nan_with_a_reason():
    assert "repeated" in variance_components([0, 1, 1], ["a", "b", "c"]).reason
    assert "fewer than 2" in variance_components([0, 1], ["a", "a"]).reason
    constant = variance_components([1, 1, 1, 1], [0, 0, 1, 1])
    assert (constant.scenario, constant.repeat) == (0, 0)
    assert math.isnan(constant.share)


def test_impossible_counts_are_refused():
    with pytest.raises(ValueError, match="between"):
        pass_at_k([3], [2], 1)
    with pytest.raises(ValueError, match="shapes"):
        flakiness([1, 2], [3])
    with pytest.raises(ValueError, match="k =="):
        pass_hat_k([1], [2], 0)


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.is_dir(), reason="public data sets are absent (EAAS_SHARED_DATA)")
def test_published_tau_bench_airline_scores():
    """tau-bench (arXiv 2406.12045), gpt-4o on 50 airline tasks of 4 trials."""
    rows = json.loads((SHARED / "tau_bench_airline/gpt-4o-airline.json").read_text())
    tasks = np.array([row["task_id"] for row in rows])
    passed = np.bincount(tasks, weights=[row["reward"] for row in rows]).astype(int)
    trials = np.bincount(tasks)
    measured = [pass_hat_k(passed, trials, k).rate.estimate for k in (1, 2, 3, 4)]
    assert measured == pytest.approx([0.420, 0.273, 0.220, 0.200], abs=5e-4)
    assert pass_at_k(passed, trials, 4).rate.estimate == pytest.approx(0.72, abs=5e-4)
