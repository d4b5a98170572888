"""Intervals of one rate or mean, against published values, matrix definitions and simulated coverage."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.stats.intervals import (
    clopper_pearson,
    cluster_index,
    clustered_error,
    clustered_mean,
    clustered_proportion,
    mean_t,
    two_sided_z,
    wilson,
)

# Newcombe 1998 (Statistics in Medicine 17, 857-872), table I: methods 3 (score) and 5 (exact).
NEWCOMBE = [
    (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
    (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
    (0, 20, (0.0, 0.1611), (0.0, 0.1684)),
    (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
]


@pytest.mark.parametrize(("successes", "n", "score", "exact"), NEWCOMBE)
def test_rate_intervals_match_newcombes_published_table(successes, n, score, exact):
    assert wilson(successes, n)[:2] == pytest.approx(score, abs=5e-5)
    assert clopper_pearson(successes, n)[:2] == pytest.approx(exact, abs=5e-5)


@pytest.mark.parametrize(
    ("successes", "low", "high"),
    [(3, 0.108, 0.603), (4, 0.168, 0.687), (8, 0.490, 0.943), (9, 0.596, 0.982), (10, 0.722, 1.0)],
)
def test_ten_scenarios_cannot_tell_eight_from_nine_passes(successes, low, high):
    assert wilson(successes, 10)[:2] == pytest.approx((low, high), abs=5e-4)


@given(n=st.integers(1, 500), share=st.floats(0, 1), level=st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_rate_intervals_contain_the_rate_and_mirror(n, share, level):
    successes = round(share * n)
    for method in (wilson, clopper_pearson):
        low, high, _ = method(successes, n, level)
        assert 0 <= low <= successes / n <= high <= 1
        assert method(n - successes, n, level)[:2] == pytest.approx((1 - high, 1 - low), abs=1e-9)


@pytest.mark.parametrize("rate", [0.02, 0.3, 0.5, 0.95])
def test_clopper_pearson_never_covers_less_than_its_level(rate):
    n = 17
    weights = [math.comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in range(n + 1)]
    bounds = [clopper_pearson(k, n) for k in range(n + 1)]
    coverage = sum(w for w, b in zip(weights, bounds, strict=True) if b.low <= rate <= b.high)
    assert coverage >= 0.95


def test_no_trials_give_no_interval():
    assert all(math.isnan(bound) for bound in (*wilson(0, 0)[:2], *clopper_pearson(0, 0)[:2]))


@pytest.mark.parametrize("call", [lambda: wilson(3, 2), lambda: clopper_pearson(-1, 2), lambda: wilson(1, 2, 1.0)])
def test_impossible_counts_and_levels_are_refused(call):
    with pytest.raises(ValueError, match="must lie between"):
        call()


def test_fractional_effective_counts_are_accepted():
    low, high, _ = wilson(3.5, 7.25)
    assert wilson(3, 7.25).low < low < 3.5 / 7.25 < high < wilson(4, 7.25).high


# Published accuracy and standard error of inspect logs: 8 of 10, 2 of 3, two samples of two epochs each.
@pytest.mark.parametrize(
    ("values", "accuracy", "stderr"),
    [([1] * 8 + [0] * 2, 0.8, 0.1333), ([1, 1, 0], 0.6667, 0.3333), ([1.0, 0.5], 0.75, 0.25), ([1, 1], 1, 0)],
)
def test_standard_errors_match_published_evaluation_logs(values, accuracy, stderr):
    mean = clustered_mean(values)
    assert (mean.estimate, mean.se) == pytest.approx((accuracy, stderr), abs=5e-5)


def test_repeats_as_clusters_equal_the_mean_over_scenario_means():
    values, scenarios = [1, 1, 1, 0, 0, 1, 0, 0], ["a", "a", "b", "b", "c", "c", "d", "d"]
    by_cluster, by_mean = clustered_mean(values, scenarios), clustered_mean([1, 0.5, 0.5, 0])
    assert by_cluster.se == pytest.approx(by_mean.se)
    assert by_cluster.interval[:2] == pytest.approx(by_mean.interval[:2])
    assert (by_cluster.n, by_cluster.n_clusters, by_cluster.df) == (8, 4, pytest.approx(3))


def test_balanced_clusters_match_millers_pairwise_definition_with_the_small_sample_factor():
    """Miller 2024 (arXiv 2411.00640), section 2.2: the double sum over pairs of one cluster; CR1 factor G/(G-1)."""
    rng = np.random.default_rng(7)
    clusters = np.repeat(np.arange(6), 4)
    values = rng.normal(size=24) + rng.normal(size=6)[clusters]
    residuals = values - values.mean()
    together = clusters[:, None] == clusters[None, :]
    variance = (np.outer(residuals, residuals) * together).sum() / 24**2 * 6 / 5
    mean = clustered_mean(values, clusters)
    assert mean.se == pytest.approx(math.sqrt(variance))
    assert mean.df == pytest.approx(5)


def test_unequal_clusters_match_the_matrix_definition_of_bell_and_mccaffrey():
    """CR2 residuals (I - H)^(-1/2) r per cluster; df = tr(GG')² / tr((GG')²), independent errors as reference."""
    rng = np.random.default_rng(8)
    sizes = [1, 1, 2, 5, 9]
    index = np.repeat(np.arange(5), sizes)
    n = index.size
    values = rng.normal(size=n)
    hat = np.full((n, n), 1 / n)
    rows, variance = [], 0.0
    for cluster in range(5):
        own = index == cluster
        roots, vectors = np.linalg.eigh(np.eye(own.sum()) - hat[np.ix_(own, own)])
        adjust = vectors @ np.diag(roots**-0.5) @ vectors.T
        variance += (np.ones(own.sum()) @ adjust @ (values - values.mean())[own] / n) ** 2
        rows.append(np.ones(own.sum()) @ adjust @ (np.eye(n) - hat)[own] / n)
    gram = np.array(rows) @ np.array(rows).T
    se, df, groups = clustered_error(values, index)
    assert se == pytest.approx(math.sqrt(variance))
    assert df == pytest.approx(np.trace(gram) ** 2 / np.trace(gram @ gram))
    assert groups == 5


def test_t_interval_of_the_mean_matches_the_textbook_formula():
    values = [4.0, 5.0, 7.0, 9.0]
    half = 3.182446305284263 * np.std(values, ddof=1) / 2  # t(.975; 3)
    assert mean_t(values)[:2] == pytest.approx((6.25 - half, 6.25 + half))


@pytest.mark.parametrize(
    ("values", "clusters", "reason"),
    [([], None, "no values"), ([0.5], None, "fewer than 2"), ([0.0, 1.0], ["a", "a"], "fewer than 2")],
)
def test_an_error_that_cannot_be_estimated_is_nan_with_a_reason(values, clusters, reason):
    for method in (clustered_mean, clustered_proportion):
        mean = method(values, clusters)
        assert math.isnan(mean.se)
        assert math.isnan(mean.interval.low)
        assert reason in mean.reason


@pytest.mark.parametrize("clusters", [None, [0, 0, 1, 1]])
def test_equal_results_never_give_an_interval_without_width(clusters):
    values = [1, 0, 1, 0] if clusters else [0.3] * 4
    mean = clustered_mean(values, clusters)
    assert mean.se == pytest.approx(0, abs=1e-12)
    assert math.isnan(mean.interval.low)
    assert "same mean" in mean.reason
    rate = clustered_proportion(values, clusters)
    assert rate.interval.low < rate.estimate < rate.interval.high
    assert rate.reason == ""


def test_single_trials_alone_get_wilsons_own_interval():
    assert clustered_proportion([1] * 8 + [0] * 2).interval[:2] == pytest.approx(wilson(8, 10)[:2])


def test_when_all_passed_each_family_counts_once():
    rate = clustered_proportion([1] * 12, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3])
    assert rate.interval[:2] == pytest.approx(wilson(4, 4)[:2])


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5)), min_size=2, max_size=40))
def test_clustered_rates_stay_within_zero_and_one(rows):
    values, clusters = zip(*rows, strict=True)
    rate = clustered_proportion(values, clusters)
    if rate.n_clusters >= 2:
        assert 0 <= rate.interval.low <= rate.estimate + 1e-9
        assert rate.estimate - 1e-9 <= rate.interval.high <= 1


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.integers(0, 4)), min_size=3, max_size=30), st.randoms())
def test_the_order_of_rows_and_the_names_of_clusters_do_not_matter(rows, random):
    mixed = rows.copy()
    random.shuffle(mixed)
    first = clustered_mean([v for v, _ in rows], [c for _, c in rows])
    second = clustered_mean([v for v, _ in mixed], [f"family {9 - c}" for _, c in mixed])
    assert second.se == pytest.approx(first.se, rel=1e-6, abs=1e-6, nan_ok=True)
    assert second.df == pytest.approx(first.df, nan_ok=True)


@pytest.mark.parametrize("clusters", [["a", None, "b"], [1.0, math.nan, 2.0]])
def test_an_observation_without_its_cluster_is_refused(clusters):
    with pytest.raises(ValueError, match="missing identifier"):
        cluster_index(clusters, 3)


def test_shapes_missing_values_and_rates_out_of_range_are_refused():
    with pytest.raises(ValueError, match="shape"):
        clustered_mean([1, 2], [1])
    with pytest.raises(ValueError, match="dimensions"):
        clustered_mean([[1, 2]])
    with pytest.raises(ValueError, match="finite"):
        clustered_mean([1, math.nan])
    with pytest.raises(ValueError, match="within"):
        clustered_proportion([0.5, 1.5])
    with pytest.raises(ValueError, match="level"):
        two_sided_z(95)


def covered(rng, sizes, replications, draw):
    """Share of replications whose interval covers, of a mean over families of the given sizes."""
    index = np.repeat(np.arange(len(sizes)), sizes)
    hits = 0
    for _ in range(replications):
        interval, truth = draw(rng, index)
        hits += interval.low <= truth <= interval.high
    return hits / replications


def normal_families(rng, index):
    return clustered_mean(rng.normal(size=index.max() + 1)[index] + rng.normal(size=index.size), index).interval, 0.0


def passing_families(rng, index):
    rates = rng.beta(4.75, 0.25, size=index.max() + 1)
    return clustered_proportion(rng.binomial(1, rates[index]), index).interval, 0.95


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [[10] * 5, [40] + [5] * 7, [30, 20, 10, 5, 5, 5, 5, 5, 5, 5, 3, 2]])
def test_means_of_unequal_families_are_covered(sizes):
    assert 0.93 < covered(np.random.default_rng(11), sizes, 4000, normal_families) < 0.98


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [[10] * 10, [5] * 20, [30, 20, 10, 5, 5, 5, 5, 5, 5, 5, 3, 2]])
def test_high_pass_rates_of_families_are_covered(sizes):
    assert covered(np.random.default_rng(12), sizes, 4000, passing_families) > 0.94
