"""Groupings that are added up from all combinations of their keys are those that the database would give."""

from __future__ import annotations

from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.experiments.observations import moments
from eaas_assets.experiments.observations.moments import Aggregator
from eaas_assets.experiments.observations.sums import Columns
from eaas_assets.stats.experiments.moments import ArmMoments

METRICS = {"m": Columns(("m",), ("x",)), "w": Columns(("w", "w.covariate"), ("y", "z"))}
KEYS = ["arm", "coalesce(s0, '(none)')", "CAST(entered AS DATE)"]

EPOCH = date(1970, 1, 1).toordinal()

Row = tuple[str | None, str | None, int | None, float | None, float | None]
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", None]),
        st.sampled_from(["p", "q", None]),
        st.sampled_from([0, 1, 2, None]),
        st.none() | st.floats(-1e6, 1e6),
        st.none() | st.floats(9e5, 1e6),
    ),
    min_size=1,
    max_size=40,
)


@pytest.fixture(scope="module")
def cursor() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:")


def fill(cursor: duckdb.DuckDBPyConnection, rows: list[Row]) -> None:
    arm, segment, day, x, y = zip(*rows, strict=True)
    table = pa.table(
        {
            "arm": pa.array(arm, pa.string()),
            "s0": pa.array(segment, pa.string()),
            "entered": pa.array(
                [None if value is None else value * 86_400_000_000 for value in day], pa.timestamp("us")
            ),
            "x": pa.array(x, pa.float64()),
            "y": pa.array(y, pa.float64()),
            "z": pa.array([None if value is None else -value for value in y], pa.float64()),
        }
    )
    cursor.register("incoming", table)
    cursor.execute("CREATE OR REPLACE TEMP TABLE units AS SELECT * FROM incoming")


def close(found: ArmMoments, true: ArmMoments) -> None:
    assert (found.names, found.n) == (true.names, true.n)
    assert found.mean == pytest.approx(true.mean, rel=1e-12, abs=1e-6, nan_ok=True)
    scale = float(np.nanmax(np.abs(true.covariance), initial=1.0))
    assert found.covariance == pytest.approx(true.covariance, rel=1e-9, abs=1e-11 * scale, nan_ok=True)
    cube = float(np.nanmax(np.abs(true.third), initial=1.0))
    assert found.third == pytest.approx(true.third, rel=1e-7, abs=1e-9 * max(cube, scale**1.5), nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_added_up_groupings_are_those_of_the_database(cursor: duckdb.DuckDBPyConnection, rows: list[Row]) -> None:
    fill(cursor, rows)
    asked, held = Aggregator(cursor, "units", METRICS), Aggregator(cursor, "units", METRICS)
    held.hold(KEYS)
    for keys in (["arm"], ["arm", KEYS[1]], [KEYS[1], "arm"], [KEYS[2], "arm"], KEYS):
        true, found = asked.groups(keys), held.groups(keys)
        assert list(found) == list(true)
        for key, group in found.items():
            assert group.rows == true[key].rows
            for metric in METRICS:
                close(group.moments[metric], true[key].moments[metric])
    for aggregator in (asked, held):
        days = {None if day is None else day.toordinal() - EPOCH for day in aggregator.values(KEYS[2])}
        assert days == {row[2] for row in rows}


def test_a_table_of_too_many_combinations_is_asked_for_each_grouping(
    cursor: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[Row] = [("ab"[n % 2], "pq"[n // 2 % 2], None, float(n), 9e5 + n) for n in range(40)]
    fill(cursor, rows)
    monkeypatch.setattr(moments, "MOST_CELLS", 3)
    held = Aggregator(cursor, "units", METRICS)
    held.hold(KEYS)
    assert {key: group.rows for key, group in held.groups(["arm"]).items()} == {("a",): 20, ("b",): 20}
    assert held.groups(["arm"])[("b",)].moments["m"].mean[0] == 20.0


def test_held_combinations_far_from_their_centre_are_asked_for_again_about_their_own(
    cursor: duckdb.DuckDBPyConnection,
) -> None:
    noise = np.random.default_rng(2).standard_normal(2_000)
    at = np.where(np.arange(noise.size) < 1_000, 1e7, 3e7)
    rows: list[Row] = [
        ("a" if place == 1e7 else None, "pq"[n % 2], None, place + value, 9e5)
        for n, (place, value) in enumerate(zip(at, noise, strict=True))
    ]
    fill(cursor, rows)
    held = Aggregator(cursor, "units", METRICS)
    held.hold(KEYS)
    groups = held.groups(["arm"])
    assert list(groups) == [("a",), (None,)]  # rows without an arm are counted, too
    for key, part in ((("a",), slice(0, 1_000)), ((None,), slice(1_000, None))):
        true = np.var((at + noise)[part] - at[part], ddof=1)
        assert groups[key].moments["m"].covariance[0, 0] == pytest.approx(true, rel=1e-8)
