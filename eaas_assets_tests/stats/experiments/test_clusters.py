import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eaas_assets.stats.experiments.clusters import cluster_difference


def clusters(seed, groups, spread=0.4):
    rng = np.random.default_rng(seed)
    sizes = np.round(rng.lognormal(3, spread, groups)) + 1.0
    return (10 + rng.normal(0, 1, groups)) * sizes, sizes


def test_clusters_of_one_size_are_compared_by_a_t_test_of_their_means():
    first, second = np.array([3.0, 5, 4, 8, 6, 7]), np.array([2.0, 3, 1, 4, 2, 6])
    for weight in ("units", "clusters"):
        effect = cluster_difference(first * 10, np.full(6, 10.0), second * 10, np.full(6, 10.0), weight)
        expected = stats.ttest_ind(first, second, equal_var=False)
        assert effect.p_value == pytest.approx(expected.pvalue, rel=1e-9)
        assert effect.df <= 10


def test_weights_choose_what_is_averaged():
    totals, sizes = clusters(1, 8)
    control = clusters(2, 8)
    by_unit = cluster_difference(totals, sizes, *control)
    by_cluster = cluster_difference(totals, sizes, *control, weight="clusters")
    assert by_unit.treatment == pytest.approx(totals.sum() / sizes.sum())
    assert by_cluster.treatment == pytest.approx(np.mean(totals / sizes))


def test_variance_is_unbiased_for_clusters_of_unequal_size():
    """CR2 by its definition: its expectation under equal variances is the variance of the estimate."""
    sizes = np.array([8.0, 10, 20, 25, 30, 15])
    share = sizes / sizes.sum()
    rng = np.random.default_rng(0)
    means = rng.normal(0, 1, (2_000, 6))
    constant = (10 * np.tile([0.9, 1.1], 5), np.full(10, 10.0))
    variances = [cluster_difference(row * sizes, sizes, *constant).arms.var_treatment for row in means]
    assert np.mean(variances) == pytest.approx(share @ share, rel=0.08)


def matched_df(sizes):
    """Bell & McCaffrey 2002 by their definition: 2 E² / Var of CR2, a quadratic form in independent normal means."""
    share = sizes / sizes.sum()
    residual_maker = np.eye(sizes.size) - share[None, :]
    weights = np.diag(share**2 / np.diag(residual_maker @ residual_maker.T))
    form = residual_maker.T @ weights @ residual_maker
    return np.trace(form) ** 2 / np.sum(form * form)


@pytest.mark.parametrize("spread", [0.0, 0.3, 0.7])
def test_degrees_of_freedom_lie_half_way_between_the_matched_and_the_effective_number(spread):
    sizes = np.round(100 * np.exp(spread * np.linspace(-1.0, 1.0, 12)))
    totals = sizes * np.random.default_rng(0).normal(0, 1, 12)
    constant = (10 * np.tile([0.9, 1.1], 3_000), np.full(6_000, 10.0))  # its variance is next to nothing
    kish = sizes.sum() ** 2 / (sizes @ sizes) - 1
    expected = 2 / (1 / matched_df(sizes) + 1 / kish)
    assert cluster_difference(totals, sizes, *constant).df == pytest.approx(expected, rel=1e-3)
    assert matched_df(sizes) <= kish * (1 + 1e-12)


def test_the_less_certain_variance_has_more_of_a_share_than_it_seems():
    """With an arm of few clusters a small variance looks like many degrees of freedom; Welch's number is reduced."""
    first = (10.0 * np.array([3.0, 5, 4, 8, 6, 7]), np.full(6, 10.0))
    second = (10.0 * np.random.default_rng(1).normal(5, 1.7, 30), np.full(30, 10.0))
    welch = stats.ttest_ind(first[0], second[0], equal_var=False)
    found = cluster_difference(*first, *second)
    assert 5.0 < found.df < welch.df
    assert found.p_value > welch.pvalue


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_order_does_not_matter_and_swapped_labels_flip_the_sign(seed):
    first, second = clusters(seed, 9, 0.2), clusters(seed + 1, 12, 0.2)
    order = np.random.default_rng(seed).permutation(9)
    effect = cluster_difference(*first, *second)
    shuffled = cluster_difference(first[0][order], first[1][order], *second)
    swapped = cluster_difference(*second, *first)
    assert shuffled.p_value == pytest.approx(effect.p_value, rel=1e-9)
    assert (swapped.low, swapped.high) == pytest.approx((-effect.high, -effect.low), rel=1e-9)


def test_ignoring_clusters_would_be_several_times_too_short():
    totals, sizes = clusters(3, 12)
    effect = cluster_difference(totals, sizes, *clusters(4, 12))
    pretended = np.sqrt(1.0 / sizes.sum() * 2)  # unit variance one, units independent
    assert effect.se > 3 * pretended


@pytest.mark.parametrize(("groups", "code"), [(0, "empty_arm"), (1, "too_few_clusters"), (4, "too_few_clusters")])
def test_few_clusters_are_refused(groups, code):
    assert cluster_difference(*clusters(5, groups), *clusters(6, 20)).codes == (code,)


def test_one_dominant_cluster_counts_as_few():
    totals, sizes = clusters(7, 10, 0.1)
    sizes[0], totals[0] = 5_000.0, 50_000.0
    effect = cluster_difference(totals, sizes, *clusters(8, 10))
    assert effect.codes == ("too_few_clusters",)
    assert cluster_difference(totals, sizes, *clusters(8, 10), weight="clusters").answered


def test_wrong_clusters_are_errors():
    totals, sizes = clusters(9, 6)
    with pytest.raises(ValueError, match="positive size"):
        cluster_difference(totals, sizes[:-1], totals, sizes)
    with pytest.raises(ValueError, match="positive size"):
        cluster_difference(totals, 0 * sizes, totals, sizes)
    with pytest.raises(ValueError, match="one-dimensional"):
        cluster_difference(totals[:, None], sizes, totals, sizes)
    totals[0] = np.nan
    assert cluster_difference(totals, sizes, *clusters(1, 6)).codes == ("not_finite",)
    same = np.full(6, 2.0)
    assert cluster_difference(3 * same, same, 3 * same, same).codes == ("no_variance",)
