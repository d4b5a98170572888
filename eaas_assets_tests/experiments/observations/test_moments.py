"""Moments from the database: exact where sums of squares are not, whatever the order and the partition of rows."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.experiments.observations.moments import Aggregator
from eaas_assets.experiments.observations.sums import Columns
from eaas_assets.stats.experiments.moments import ArmMoments, merge_all
from eaas_assets_tests.experiments.observations.worlds import UNITS, experiment, opened

ONE = {"m": Columns(("m",), ("x",))}
TWO = {"m": Columns(("m", "m.covariate"), ("x", "y"))}


@pytest.fixture(scope="module")
def cursor() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:")


def fill(cursor: duckdb.DuckDBPyConnection, rows: list[tuple[str, float, float]]) -> None:
    arms, first, second = zip(*rows, strict=True)
    cursor.register(
        "incoming", pa.table({"arm": arms, "x": pa.array(first, pa.float64()), "y": pa.array(second, pa.float64())})
    )
    cursor.execute("CREATE OR REPLACE TEMP TABLE units AS SELECT * FROM incoming")


def digits(found: float, true: Fraction) -> float:
    """Correct decimal digits (log relative error)."""
    error = abs(Fraction(found) - true) / abs(true)
    return 17.0 if error == 0 else -float(np.log10(float(error)))


@pytest.mark.parametrize("mean", [1, 10**6])
@pytest.mark.parametrize("repeats", [1, 100])
def test_variances_like_those_of_nist_smls_keep_ten_digits(
    cursor: duckdb.DuckDBPyConnection, mean: int, repeats: int
) -> None:
    # SmLs01–09 (NIST StRD, analysis of variance): a mean of up to 1e12 plus 0.2, 0.3, 0.4; mean/sd is 1e7 in SmLs04–06.
    values = [mean + tenth / 10 for tenth in (3, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4)] * repeats
    fill(cursor, [("a", value, 0.0) for value in values] + [("b", value + 0.1, 0.0) for value in values])
    groups = Aggregator(cursor, "units", ONE).groups(["arm"])
    exact = [Fraction(value) for value in values]
    centre = sum(exact) / len(exact)
    true = sum((value - centre) ** 2 for value in exact) / (len(exact) - 1)
    part = groups[("a",)].moments["m"]
    assert digits(float(part.covariance[0, 0]), true) > 10.0
    assert digits(float(part.mean[0]), centre) > 14.0


def test_a_mean_of_ten_million_standard_deviations_keeps_ten_digits(cursor: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(1)
    noise = rng.standard_normal(20_000)
    shift = np.where(np.arange(noise.size) % 2 == 0, 1e7, 3e7)  # arms that lie far apart, so no one centre is near both
    rows = [("a" if at == 1e7 else "b", at + value, value) for at, value in zip(shift, noise, strict=True)]
    fill(cursor, rows)
    for arm, group in Aggregator(cursor, "units", TWO).groups(["arm"]).items():
        values = np.array([(x, y) for name, x, y in rows if name == arm[0]])
        true = ArmMoments.from_arrays(**{"m": values[:, 0], "m.covariate": values[:, 1]})
        assert group.moments["m"].covariance == pytest.approx(true.covariance, rel=1e-10)
        assert group.moments["m"].third == pytest.approx(true.third, rel=1e-8, abs=1e-10)


def test_a_constant_has_no_variance_and_no_variance_is_negative(cursor: duckdb.DuckDBPyConnection) -> None:
    rows = [("a", 0.1, 1e15 + index % 2) for index in range(999)] + [("b", 1e15 / 3, 0.1) for _ in range(999)]
    fill(cursor, rows)
    both = {"m": Columns(("m",), ("x",)), "w": Columns(("w",), ("y",))}
    groups = Aggregator(cursor, "units", both).groups(["arm"])
    for group in groups.values():
        for part in group.moments.values():
            assert part.covariance[0, 0] >= 0.0
    assert groups[("a",)].moments["m"].variance_of(None) == 0.0
    assert groups[("b",)].moments["m"].variance_of(None) == 0.0
    assert groups[("a",)].moments["w"].covariance[0, 0] == pytest.approx(0.25, rel=2e-3)


ROWS = st.lists(
    st.tuples(st.sampled_from("ab"), st.floats(-1e6, 1e6), st.floats(-1e3, 1e3)), min_size=1, max_size=60
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, data=st.data())
def test_order_does_not_matter_and_parts_make_the_whole(
    cursor: duckdb.DuckDBPyConnection, rows: list[tuple[str, float, float]], data: st.DataObject
) -> None:
    fill(cursor, rows)
    whole = Aggregator(cursor, "units", TWO).groups(["arm"])
    parts = Aggregator(cursor, "units", TWO).groups(["arm", "x > 0"])
    fill(cursor, data.draw(st.permutations(rows)))
    shuffled = Aggregator(cursor, "units", TWO).groups(["arm"])
    for key, group in whole.items():
        part = group.moments["m"]
        merged = merge_all(other.moments["m"] for name, other in parts.items() if name[0] == key[0])
        for other in (shuffled[key].moments["m"], merged):
            assert other.n == part.n
            assert other.mean == pytest.approx(part.mean, rel=1e-9, abs=1e-6)
            scale = float(np.nanmax(np.abs(part.covariance), initial=1.0))
            assert other.covariance == pytest.approx(part.covariance, rel=1e-8, abs=1e-9 * scale, nan_ok=True)


@settings(max_examples=12, deadline=None)
@given(order=st.permutations(range(12)))
def test_the_order_of_a_files_rows_does_not_matter(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    rows = [f"u{index // 2},{'ab'[index // 6]},2024-10-0{1 + index % 4},{index % 5}" for index in range(12)]
    text = "user,arm,at,spend\n" + "".join(rows[index] + "\n" for index in order)
    arms = [{"name": "a", "allocation": 0.5}, {"name": "b", "allocation": 0.5}]
    root: Path = tmp_path_factory.mktemp("order")
    data = opened(root, text, observations=UNITS | {"time": "at"}, variants=arms)
    assert data.randomised.counts() == {"a": 3, "b": 3}
    values = [data.randomised.values(experiment().primary, arm).tolist() for arm in "ab"]
    assert values == [[0.0, 2.0, 4.0], [1.0, 3.0, 0.0]]
    assert data.randomised.integrity.conflicting_rows == 6


@pytest.mark.parametrize(
    ("values", "mean", "sd"),
    [
        ([10_000_001, 10_000_003, 10_000_002], "10000002", 1.0),
        (["1.2", *["1.1", "1.3"] * 500], "1.2", 0.1),
        (["1000000.2", *["1000000.1", "1000000.3"] * 500], "1000000.2", 0.1),
        (["10000000.2", *["10000000.1", "10000000.3"] * 500], "10000000.2", 0.1),
    ],
)
def test_numerical_accuracy_sets_from_a_file(tmp_path: Path, values: list[object], mean: str, sd: float) -> None:
    """NIST StRD univariate, NumAcc1 to NumAcc4: certified means and deviations, read from CSV."""
    rows = "".join(f"u{number},control,{value}\n" for number, value in enumerate(values))
    data = opened(tmp_path, f"user,arm,spend\n{rows}v,treatment,1\n").randomised
    assert data is not None
    part = data.moments(experiment().primary)["control"]
    assert part.mean[0] == pytest.approx(float(mean), rel=1e-15)
    # 0.1 apart at ten million, doubles hold no more digits of the values themselves.
    assert part.covariance[0, 0] ** 0.5 == pytest.approx(sd, rel=1e-8 if float(mean) > 1e6 else 1e-13)
