import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.stats.experiments.moments import ArmMoments, merge_all


def nist_like(mean: str, n: int = 1_001) -> tuple[np.ndarray, float]:
    """NIST StRD "SmLs" treatment: a mean, then values alternating one tenth below and above it. Exact variance beside.

    https://www.itl.nist.gov/div898/strd/anova/SmLs04.html: 1000000.4, then 1000000.3 and 1000000.5 in turn.
    """
    centre = Fraction(mean)
    exact = [centre] + [centre + (Fraction(1, 10) if i % 2 else Fraction(-1, 10)) for i in range(n - 1)]
    average = sum(exact) / n
    return np.array([float(x) for x in exact]), float(sum((x - average) ** 2 for x in exact) / (n - 1))


def test_variance_keeps_the_digits_that_the_data_have_at_a_mean_of_ten_million_deviations():
    values, exact = nist_like("1000000.4")
    spread = ArmMoments.from_arrays(y=values).variance_of("y")
    # Rounding 1000000.3 to a double is an error of 6e-11 in a deviation of 0.1: nine digits are in the data.
    assert spread == pytest.approx(exact, rel=2e-9)
    # Against the exact variance of the very doubles, ten digits and more.
    doubles = [Fraction(float(v)) for v in values]
    average = sum(doubles) / len(doubles)
    assert spread == pytest.approx(float(sum((x - average) ** 2 for x in doubles) / (len(doubles) - 1)), rel=1e-11)


def test_merged_partitions_keep_the_same_digits():
    values, exact = nist_like("1000000.4")
    merged = merge_all([ArmMoments.from_arrays(y=part) for part in np.array_split(values, 13)])
    assert merged.n == values.size
    assert merged.variance_of("y") == pytest.approx(exact, rel=2e-9)


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40),
    st.lists(st.integers(1, 39), min_size=1, max_size=4, unique=True),
)
@settings(max_examples=25, deadline=None)
def test_merging_partitions_equals_one_table(values, cuts):
    y = np.array(values)
    x = y**2 / 1e6 - y
    whole = ArmMoments.from_arrays(y=y, x=x)
    ends = sorted({min(cut, y.size) for cut in cuts})
    parts = [ArmMoments.from_arrays(y=a, x=b) for a, b in zip(np.split(y, ends), np.split(x, ends), strict=True)]
    merged = merge_all(parts)
    scale = np.abs(y).max() + np.abs(x).max() + 1.0
    assert merged.n == whole.n
    np.testing.assert_allclose(merged.mean, whole.mean, atol=1e-12 * scale)
    np.testing.assert_allclose(merged.covariance, whole.covariance, atol=1e-11 * scale**2)
    np.testing.assert_allclose(merged.third, whole.third, atol=1e-10 * scale**3)


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=30), st.floats(-1e12, 1e12))
@settings(max_examples=25, deadline=None)
def test_variance_is_never_negative(values, shift):
    moments = ArmMoments.from_arrays(y=np.array(values) + shift)
    assert moments.variance_of("y") >= 0.0
    assert np.linalg.eigvalsh(moments.covariance).min() >= 0.0


def test_moments_are_their_definitions():
    rng = np.random.default_rng(1)
    data = rng.gamma(2.0, size=(2, 500))
    moments = ArmMoments.from_arrays(y=data[0], x=data[1])
    np.testing.assert_allclose(moments.covariance, np.cov(data), rtol=1e-13)
    centred = data - data.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(moments.third, np.einsum("in,jn,kn->ijk", *3 * [centred]) / 500, rtol=1e-10)


def test_database_aggregates_give_the_same_moments_as_arrays():
    rng = np.random.default_rng(2)
    y, x = rng.normal(size=(2, 50))
    arrays = ArmMoments.from_arrays(y=y, x=x)
    covariance = np.cov(y, x)
    dy, dx = y - y.mean(), x - x.mean()
    aggregates = ArmMoments.from_aggregates(
        50,
        {"y": y.mean(), "x": x.mean()},
        {"y": covariance[0, 0], "x": covariance[1, 1]},
        {("x", "y"): covariance[0, 1]},
        {("y", "x", "y"): float((dy * dy * dx).mean())},
    )
    np.testing.assert_allclose(aggregates.covariance, arrays.covariance, rtol=1e-12)
    assert aggregates.third[0, 1, 0] == aggregates.third[1, 0, 0] == pytest.approx(arrays.third[0, 0, 1])
    assert np.isnan(aggregates.third[1, 1, 1])


@pytest.mark.parametrize(
    ("moments", "code"),
    [
        (ArmMoments.from_arrays(y=[]), "empty_arm"),
        (ArmMoments.from_arrays(y=[1.0]), "too_few_units"),
        (ArmMoments.from_arrays(y=[1.0, math.inf]), "not_finite"),
        (ArmMoments.from_arrays(y=[1.0, math.nan]), "not_finite"),
        (ArmMoments.from_aggregates(10, {"y": 1.0}, {}), "no_variance"),
        (ArmMoments.from_aggregates(10, {"y": 1.0}, {"y": math.inf}), "not_finite"),
        (ArmMoments.from_aggregates(10, {"y": 1.0}, {"y": -1e-3}), "invalid_moments"),
    ],
)
def test_what_cannot_carry_an_estimate_is_named(moments, code):
    problem = moments.problem("treatment", ["y"])
    assert problem is not None
    assert problem.code == code


@pytest.mark.parametrize("size", [1e160, 1e308])
def test_values_beyond_double_precision_are_refused_not_wrong(size):
    problem = ArmMoments.from_arrays(y=[size, -size, size]).problem("treatment", ["y"])
    assert problem is not None
    assert problem.code == "not_finite"


def test_covariance_above_the_variances_is_refused():
    bad = ArmMoments.from_aggregates(9, {"y": 0.0, "x": 0.0}, {"y": 1.0, "x": 1.0}, {("y", "x"): 1.1})
    problem = bad.problem("control", ["y", "x"])
    assert problem is not None
    assert problem.code == "invalid_moments"
    assert bad.problem("control", ["y"]) is None


def test_a_bad_column_does_not_spoil_the_others():
    moments = ArmMoments.from_arrays(y=[1.0, 2.0, 4.0], x=[math.nan, 1.0, 2.0])
    assert moments.problem("treatment", ["y"]) is None
    assert moments.problem("treatment", ["y", "x"]).code == "not_finite"


@pytest.mark.parametrize("value", [0.1, 1e-300, 123456.789, -1e15])
def test_a_constant_column_has_no_variance_however_it_rounds(value):
    assert ArmMoments.from_arrays(y=np.full(1_000, value)).variance_of("y") == 0.0


def test_wrong_calls_are_errors():
    moments = ArmMoments.from_arrays(y=[1.0, 2.0])
    with pytest.raises(ValueError, match="no column 'z'"):
        moments.column("z")
    with pytest.raises(ValueError, match="columns differ"):
        moments.merge(ArmMoments.from_arrays(x=[1.0]))
    with pytest.raises(ValueError, match="one length"):
        ArmMoments.from_arrays(y=[1.0], x=[1.0, 2.0])
    with pytest.raises(ValueError, match="unknown columns"):
        ArmMoments.from_aggregates(3, {"y": 0.0}, {"y": 1.0}, {("y", "x"): 0.1})
    with pytest.raises(ValueError, match="negative"):
        ArmMoments.from_aggregates(-1, {"y": 0.0}, {"y": 1.0})
