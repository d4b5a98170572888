"""Cumulated days are one table: against moments of all rows at once, in exact arithmetic where digits are scarce."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.experiments.monitoring.cumulative import cumulate, kept, stack
from eaas_assets.stats.experiments.moments import ArmMoments


def columns(rng, n, centre=0.0):
    x = rng.lognormal(0, 1, n)
    return {"y": centre + x + rng.normal(size=n), "x": centre + x}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=12), st.integers(0, 2**32 - 1))
def test_every_look_is_what_one_table_would_give(sizes, seed):
    rng = np.random.default_rng(seed)
    days = [columns(rng, n) for n in sizes]
    found = cumulate([ArmMoments.from_arrays(**day) for day in days])
    for look in range(len(sizes)):
        whole = ArmMoments.from_arrays(
            **{name: np.concatenate([day[name] for day in days[: look + 1]]) for name in ("y", "x")}
        )
        assert found.n[look] == whole.n
        np.testing.assert_allclose(found.mean[look], whole.mean, rtol=1e-10)
        np.testing.assert_allclose(found.covariance[look], whole.covariance, rtol=1e-9, atol=1e-10)
        if whole.n:
            np.testing.assert_allclose(found.third[look], whole.third, rtol=1e-7, atol=1e-8)


def test_ten_digits_of_the_variance_survive_a_mean_of_ten_million_standard_deviations():
    rng = np.random.default_rng(0)
    parts = [1e7 + rng.integers(0, 7, 50) / 2.0 for _ in range(20)]
    found = cumulate([ArmMoments.from_arrays(y=part) for part in parts])
    exact = np.var(np.concatenate(parts) - 1e7, ddof=1)  # halves of whole numbers: exact
    assert found.covariance[-1, 0, 0] == pytest.approx(exact, rel=1e-10)


def test_an_unknown_variance_makes_later_looks_unknown():
    known = ArmMoments.from_arrays(y=[1.0, 2.0, 4.0])
    unknown = ArmMoments.from_aggregates(3, {"y": 2.0}, {"y": None})
    found = cumulate([known, unknown, known])
    assert np.isfinite(found.covariance[0, 0, 0])
    assert np.isnan(found.covariance[1:, 0, 0]).all()
    assert np.isfinite(found.mean).all()


def test_looks_before_the_first_unit_are_unknown():
    nothing = ArmMoments.from_arrays(y=[])
    found = cumulate([nothing, ArmMoments.from_arrays(y=[1.0, 3.0])])
    assert found.n.tolist() == [0.0, 2.0]
    assert np.isnan(found.mean[0, 0])
    assert found.mean[1, 0] == 2.0


@given(st.integers(1, 5000), st.integers(5, 1000))
def test_kept_looks_are_few_in_order_and_end_with_the_last(total, maximum):
    places = kept(total, maximum)
    assert len(places) == min(total, maximum)
    assert places == sorted(set(places))
    assert places[-1] == total - 1


def test_looks_can_be_picked():
    stacked = stack([ArmMoments.from_arrays(y=[float(i), i + 1.0]) for i in range(4)]).at([1, 3])
    assert stacked.mean[:, 0].tolist() == [1.5, 3.5]
