from __future__ import annotations

import pandas as pd
import pytest

from eaas_assets.history.imports import read_history
from eaas_assets.history.record import RunRecord, combine
from eaas_assets.history.runs import historical_runs
from eaas_assets.history.trend import analyse_trend
from eaas_assets.stats.trend import theil_sen
from eaas_assets_tests.history.runs_by_hand import AGENT, DATA, outcomes, release_policy, run, stated_run

POLICY = release_policy()


@pytest.fixture(scope="module")
def imported() -> RunRecord:
    history = read_history(DATA)
    return combine(historical_runs(history, AGENT, version) for version in ("v0.9", "v1.0", "v1.1"))


def trend_of(history: RunRecord, run_id: str) -> pd.DataFrame:
    return analyse_trend(run_id, history, POLICY).set_index("metric")


def series(values: list[float], metric: str = "pass_rate") -> RunRecord:
    needed = {"pass_rate": 0.5}
    return combine(
        stated_run(f"R{day:02d}", "v1.0", needed | {metric: value}, day=day) for day, value in enumerate(values)
    )


def test_the_six_imported_runs_do_not_show_a_direction(imported):
    found = trend_of(imported, "RUN_2026_01_24")
    assert found["runs"].tolist() == [6] * 6
    row = found.loc["pass_rate"]
    expected = theil_sen([0.75, 0.82, 0.90, 0.88, 0.80, 0.92])
    assert row["slope_per_run"] == expected.slope
    assert (row["slope_low"], row["slope_high"]) == expected.interval[:2]
    assert row["p_value"] == expected.p_value
    assert row["direction"] == "undetermined"
    assert row["first_run_at"] == pd.Timestamp("2025-12-20T09:00:00Z")
    assert row["last_run_at"] == pd.Timestamp("2026-01-24T09:00:00Z")
    assert "6 imported" in row["statement"]
    assert set(found.index) == {
        "pass_rate",
        "average_response_time_ms",
        "p95_response_time_ms",
        "issue_type_accuracy",
        "resolution_path_accuracy",
        "outcome_accuracy",
    }


def test_too_few_runs_have_no_direction_and_no_slope(imported):
    row = trend_of(imported, "RUN_2026_01_10").loc["pass_rate"]
    assert (row["runs"], row["direction"]) == (4, "undetermined")
    assert row[["slope_per_run", "slope_low", "slope_high", "p_value"]].isna().all()
    assert "from 5 runs on" in row["statement"]


@pytest.mark.parametrize(
    ("metric", "values", "direction"),
    [
        ("pass_rate", [0.5, 0.6, 0.7, 0.8, 0.9, 1.0], "improving"),
        ("pass_rate", [1.0, 0.9, 0.8, 0.7, 0.6, 0.5], "declining"),
        ("pass_rate", [0.9] * 6, "stable"),
        ("pass_rate", [0.9, 0.1, 0.9, 0.1, 0.9, 0.1], "undetermined"),
        ("average_response_time_ms", [500, 700, 900, 1100, 1300, 1500], "declining"),
        ("average_response_time_ms", [1500, 1300, 1100, 900, 700, 500], "improving"),
        ("average_response_time_ms", [800, 801, 802, 803, 804, 805], "stable"),
        ("outcome_accuracy", [0.5, 0.6, 0.7, 0.8, 0.9, 1.0], "improving"),
    ],
)
def test_a_series_has_the_direction_that_its_metric_gives_it(metric, values, direction):
    """Slow drift that adds up to less than the change that counts (5 ms of 250) is stable."""
    row = trend_of(series(values, metric), "R05").loc[metric]
    assert row["direction"] == direction
    assert row["statement"].endswith(f": {direction}.")


def test_imported_and_executed_runs_are_one_series(imported):
    history = combine([imported, run("R1", "v1.2", outcomes(["S001"], ["S002"]))])
    row = trend_of(history, "R1").loc["pass_rate"]
    assert (row["runs"], row["last_run_at"]) == (7, pd.Timestamp("2026-02-01T02:00:00Z"))
    assert row["slope_per_run"] == theil_sen([0.75, 0.82, 0.90, 0.88, 0.80, 0.92, 0.5]).slope


def test_the_series_ends_with_the_run_in_question():
    assert trend_of(series([0.5, 0.6, 0.7, 0.8, 0.9, 0.1]), "R04").loc["pass_rate", "runs"] == 5


def test_a_run_that_was_scored_anew_is_one_point():
    history = series([0.5] * 5)
    first = run("S1", "v1.0", outcomes(["A"], ["B"]), day=9)
    anew = run("S1", "v1.0", outcomes(["A", "B"], []), day=9, scoring="b" * 64)
    both = RunRecord(first.runs, *combine([first, anew])[1:])
    assert trend_of(combine([history, both]), "S1").loc["pass_rate", "runs"] == 6
    slopes = [
        analyse_trend("S1", combine([history, both]), POLICY, scoring)
        .set_index("metric")
        .loc["pass_rate", "slope_high"]
        for scoring in ("a" * 64, "b" * 64, None)
    ]
    assert slopes[0] == 0.0  # scored 0.5 like all before it
    assert slopes[1] == slopes[2] > 0


def test_partial_runs_are_no_points():
    part = run("P1", "v1.0", outcomes(["A"], []), day=9, partial=True)
    assert trend_of(combine([series([0.5] * 5), part]), "P1").loc["pass_rate", "runs"] == 5


def test_an_unknown_value_is_no_point():
    history = combine([series([0.5] * 5), run("R9", "v1.0", {"A": [None]}, day=9)])
    row = trend_of(history, "R9").loc["pass_rate"]
    assert row["runs"] == 5
    assert row["last_run_at"] < pd.Timestamp("2026-02-10T00:00:00Z")


def test_a_first_run_without_a_metric_has_an_empty_series():
    row = trend_of(run("R1", "v1.0", {"A": [None]}), "R1").loc["pass_rate"]
    assert row["runs"] == 0
    assert row[["first_run_at", "last_run_at", "slope_per_run"]].isna().all()


def test_the_order_of_rows_does_not_matter(imported):
    shuffled = RunRecord(*(table.sample(frac=1, random_state=5) for table in imported))
    pd.testing.assert_frame_equal(trend_of(imported, "RUN_2026_01_24"), trend_of(shuffled, "RUN_2026_01_24"))
