"""Parquet files that stay on disk: the same answers as a table in memory, and cheaper checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eaas_assets.errors import InputError
from eaas_assets.experiments.observations import uniqueness, units
from eaas_assets.experiments.observations.access import Opened
from eaas_assets.experiments.observations.opening import open_observations
from eaas_assets_tests.experiments.observations.worlds import SPEND, UNITS, experiment

PARQUET = UNITS | {"file": "data.parquet"}
METRICS: list[dict[str, Any]] = [
    SPEND | {"covariate": "before"},
    {"name": "rate", "role": "secondary", "kind": "ratio", "direction": "increase", "numerator": "spend",
     "denominator": "visits"},
    {"name": "bought", "role": "secondary", "kind": "proportion", "direction": "increase"},
]  # fmt: skip


@pytest.fixture(params=[True, False], ids=["on disk", "in memory"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param:
        monkeypatch.setattr(units, "LARGE", 10)
        monkeypatch.setattr(uniqueness, "SMALL", 10)


def columns(n: int = 4_000) -> dict[str, Any]:
    rng = np.random.default_rng(7)
    before = rng.gamma(2.0, 10.0, n)
    return {
        "user": np.arange(n) * 3,
        "arm": np.where(rng.random(n) < 0.5, "treatment", "control"),
        "spend": before + rng.normal(0.0, 3.0, n),
        "before": before,
        "visits": 1.0 + rng.integers(0, 5, n),
        "bought": rng.random(n) < 0.3,
        "day": np.datetime64("2024-10-01") + rng.integers(0, 10, n),
        "country": rng.choice(["de", "fr"], n),
    }


def opened(root: Path, table: dict[str, Any], declared: dict[str, Any] = PARQUET, **changes: Any) -> Opened:
    path = root / "experiments" / "E1" / "data.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(table), path)
    return open_observations(root, experiment(observations=declared, metrics=METRICS, **changes))


@pytest.mark.usefixtures("size")
def test_moments_are_those_of_two_passes(tmp_path: Path) -> None:
    table = columns()
    data = opened(tmp_path, table, PARQUET | {"time": "day"}, segments=["country"])
    for arm in ("control", "treatment"):
        own = table["arm"] == arm
        assert data.randomised.counts()[arm] == own.sum()
        part = data.randomised.moments(experiment(metrics=METRICS).primary)[arm]
        rows = np.cov(table["spend"][own], table["before"][own])
        assert part.covariance == pytest.approx(rows, rel=1e-12)
        assert part.mean == pytest.approx([table["spend"][own].mean(), table["before"][own].mean()], rel=1e-13)
        values = data.randomised.values(experiment(metrics=METRICS).primary, arm)
        assert np.sort(values) == pytest.approx(np.sort(table["spend"][own]), rel=0)
    by_day = data.randomised.counts_by_day()
    assert sum(sum(day.counts.values()) for day in by_day) == 4_000
    segments = data.randomised.moments_by_segment(experiment(metrics=METRICS).metrics[2], "country")
    assert sum(part.n for arms in segments.values() for part in arms.values()) == 4_000


@pytest.mark.usefixtures("size")
def test_missing_infinite_and_repeated_values_are_found_at_any_size(tmp_path: Path) -> None:
    table = columns()
    table["spend"][:3] = np.nan
    table["before"][3] = np.inf
    found = opened(tmp_path, table).randomised
    assert found.integrity.infinite_values == {"spend": 1}
    assert sum(found.integrity.null_values["rate"].values()) == 3
    assert np.isnan(found.moments(experiment(metrics=METRICS).primary)["control"].mean).all()
    rate = found.moments(experiment(metrics=METRICS).metrics[1])
    assert rate["control"].n + rate["treatment"].n == 3_997


@pytest.mark.usefixtures("size")
@pytest.mark.parametrize("named", [False, True])
def test_units_with_several_rows_are_found_at_any_size(tmp_path: Path, named: bool) -> None:
    table = columns()
    table["user"] = np.where(np.arange(4_000) < 3_990, table["user"], table["user"][:1])
    table["arm"][:] = "control"
    table["arm"][3_995] = "treatment"
    if named:
        table["user"] = table["user"].astype(str)
    found = opened(tmp_path, table).randomised
    assert found.integrity.units_in_two_arms == 1
    assert found.counts() == {"control": 3_989, "treatment": 0}


@pytest.mark.usefixtures("size")
def test_a_broken_promise_of_one_row_is_refused(tmp_path: Path) -> None:
    table = columns()
    promised = PARQUET | {"one_row_per_unit": True}
    assert opened(tmp_path, table, promised).observed_units == 4_000
    table["user"] = np.array([f"u{index % 2_000}" for index in range(4_000)])
    with pytest.raises(InputError, match="repeated_units"):
        opened(tmp_path, table, promised)
    table["user"] = np.array([f"u{index}" for index in range(4_000)])
    assert opened(tmp_path, table, promised).observed_units == 4_000


@pytest.mark.usefixtures("size")
def test_rows_of_other_days_and_arms_are_left_out_at_any_size(tmp_path: Path) -> None:
    table = columns()
    table["arm"][:7] = "other"
    table["arm"][7:9] = " control "
    plan = {"planned_start": "2024-10-02", "planned_end": "2024-10-09"}
    found = opened(tmp_path, table, PARQUET | {"time": "day"}, **plan)
    integrity = found.randomised.integrity
    inside = (table["day"] >= np.datetime64("2024-10-02")) & (table["day"] <= np.datetime64("2024-10-09"))
    assert integrity.rows == 4_000
    assert integrity.rows_before_start == (table["day"] == np.datetime64("2024-10-01")).sum()
    assert integrity.rows_after_end == (table["day"] == np.datetime64("2024-10-10")).sum()
    assert set(integrity.unknown_variants) == {"other"}
    assert integrity.units == (inside & (table["arm"] != "other")).sum()
    assert found.observed_from.day == 2


@pytest.mark.usefixtures("size")
def test_a_proportion_of_other_values_is_refused_with_its_row(tmp_path: Path) -> None:
    table = columns()
    table["bought"] = table["bought"].astype(float)
    table["bought"][41] = 2.0
    with pytest.raises(InputError, match=r"row 42, field 'bought'.*\[not_a_proportion\]"):
        opened(tmp_path, table)


def test_whole_numbers_apart_are_counted_and_close_together_ticked_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "LARGE", 10)
    table = columns()
    table["user"] = table["user"] * 1_000_003
    assert opened(tmp_path, table).observed_units == 4_000
    table["user"] = table["user"] // 1_000_003 - 6_000
    assert opened(tmp_path, table).observed_units == 4_000


def test_a_promise_on_whole_numbers_is_tried_on_slices_with_both_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "LARGE", 10)
    monkeypatch.setattr(uniqueness, "SMALL", 10)
    promised = PARQUET | {"one_row_per_unit": True}
    for place in (0, 3_999):
        table = columns()
        table["user"][2_000] = table["user"][place]
        with pytest.raises(InputError, match="repeated_units"):
            opened(tmp_path, table, promised)
    assert opened(tmp_path, columns(), promised).observed_units == 4_000


def test_a_large_file_that_is_gone_when_it_is_asked_again_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "LARGE", 10)
    data = opened(tmp_path, columns(), segments=["country"])
    (tmp_path / "experiments" / "E1" / "data.parquet").unlink()
    with pytest.raises(InputError, match=r"experiments/E1/data\.parquet"):
        data.randomised.moments_by_segment(experiment(metrics=METRICS).primary, "country")
