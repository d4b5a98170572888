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
