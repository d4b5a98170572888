"""Unit-level rows: what is used, what is counted as wrong, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eaas_assets.errors import InputError
from eaas_assets.experiments.observations.access import Opened
from eaas_assets_tests.experiments.observations.worlds import BOUGHT, ROWS, SPEND, UNITS, experiment, opened, write

TIMED = UNITS | {"time": "at"}


def means(data: Opened, name: str = "spend", **changes: object) -> dict[str, float]:
    metric = next(metric for metric in experiment(**changes).metrics if metric.name == name)
    assert data.randomised is not None
    return {arm: float(part.mean[0]) for arm, part in data.randomised.moments(metric).items()}


def test_counts_and_moments_of_a_file_are_those_of_its_rows(tmp_path: Path) -> None:
    data = opened(tmp_path, ROWS)
    assert data.kind == "randomised"
    assert data.observed_units == 4
    assert data.randomised.counts() == {"control": 2, "treatment": 2}
    part = data.randomised.moments(experiment().primary)["treatment"]
    assert part.names == ("spend",)
    assert (part.n, part.mean[0], part.covariance[0, 0]) == (2, 4.0, 2.0)
    assert data.randomised.values(experiment().primary, "treatment").tolist() == [3.0, 5.0]


@pytest.mark.parametrize("file", ["data.json", "data.jsonl", "data.csv"])
def test_every_text_format_says_the_same(tmp_path: Path, file: str) -> None:
    rows = [
        {"user": "u1", "arm": "control", "spend": 1.5},
        {"user": "u2", "arm": "control", "spend": None},
        {"user": "u3", "arm": "treatment", "spend": 3},
    ]
    text = {
        "data.json": json.dumps(rows),
        "data.jsonl": "\n".join(json.dumps(row) for row in rows),
        "data.csv": "user,arm,spend\nu1,control,1.5\nu2,control,\nu3,treatment,3\n",
    }[file]
    data = opened(tmp_path, text, file, observations=UNITS | {"file": file})
    assert data.randomised.counts() == {"control": 2, "treatment": 1}
    assert means(data) == {"control": 1.5, "treatment": 3.0}
    assert data.randomised.integrity.null_values == {"spend": {"control": 1, "treatment": 0}}


def test_a_byte_order_mark_semicolons_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    data = opened(tmp_path, b"\xef\xbb\xbf" + ROWS.replace(",", ";").replace("\n", "\r\n").encode())
    assert data.randomised.counts() == {"control": 2, "treatment": 2}


def test_text_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        opened(tmp_path, ROWS.encode() + b"u5,control,\xff\xfe\n" * 3)
    assert [problem.code for problem in refused.value.problems] == ["not_utf8"]


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"field 'metrics.0.column'.*'spend' among user, arm, money"):
        opened(tmp_path, ROWS.replace("spend", "money"))


def test_text_where_a_number_is_needed_is_named_with_its_row(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        opened(tmp_path, ROWS + "u5,control,=1+1\nu6,control,many\n")
    (problem,) = refused.value.problems
    assert (problem.code, problem.row, problem.field) == ("not_a_number", 5, "spend")
    assert problem.found == "'=1+1' (and 1 further rows)"


def test_a_proportion_is_zero_or_one(tmp_path: Path) -> None:
    text = "user,arm,bought\nu1,control,true\nu2,control,0\nu3,treatment,1\nu4,treatment,0.5\n"
    with pytest.raises(InputError, match=r"row 4, field 'bought': found '0\.5'; expected 0 or 1"):
        opened(tmp_path, text, metrics=[BOUGHT])
    data = opened(tmp_path, text.replace("0.5", "FALSE"), metrics=[BOUGHT])
    assert means(data, "bought", metrics=[BOUGHT]) == {"control": 0.5, "treatment": 0.5}


def test_infinite_values_refuse_their_metric_and_no_other(tmp_path: Path) -> None:
    other = SPEND | {"name": "visits", "role": "secondary"}
    text = "user,arm,spend,visits\nu1,control,1,4\nu2,control,inf,5\nu3,treatment,3,6\nu4,treatment,-1e300,7\n"
    data = opened(tmp_path, text, metrics=[SPEND, other])
    assert data.randomised.integrity.infinite_values == {"spend": 2}
    assert np.isnan(list(means(data).values())).all()
    assert means(data, "visits", metrics=[SPEND, other]) == {"control": 4.5, "treatment": 6.5}


def test_a_metric_without_any_value_has_no_units(tmp_path: Path) -> None:
    data = opened(tmp_path, "user,arm,spend\nu1,control,\nu2,treatment,\n")
    assert [part.n for part in data.randomised.moments(experiment().primary).values()] == [0, 0]
    assert data.randomised.integrity.null_values == {"spend": {"control": 1, "treatment": 1}}
    assert data.randomised.counts() == {"control": 1, "treatment": 1}


def test_an_empty_arm_is_there_without_units(tmp_path: Path) -> None:
    data = opened(tmp_path, "user,arm,spend\nu1,control,1\nu2,control,2\n")
    assert data.randomised.counts() == {"control": 2, "treatment": 0}
    assert data.randomised.moments(experiment().primary)["treatment"].n == 0


def test_a_file_with_a_header_alone_has_no_units(tmp_path: Path) -> None:
    data = opened(tmp_path, "user,arm,spend\n")
    assert data.observed_units == 0
    assert data.randomised.counts() == {"control": 0, "treatment": 0}


def test_a_metric_that_does_not_vary_is_told(tmp_path: Path) -> None:
    data = opened(tmp_path, "user,arm,spend\nu1,control,0.1\nu2,control,0.1\nu3,treatment,0.1\nu4,treatment,0.1\n")
    assert data.randomised.integrity.constant_metrics == ("spend",)
    part = data.randomised.moments(experiment().primary)["control"]
    assert part.variance_of(None) == 0.0


def test_units_of_an_unknown_variant_are_counted_and_not_used(tmp_path: Path) -> None:
    data = opened(tmp_path, ROWS + "u5,contrl,9\nu6,contrl,9\nu7,,9\n")
    assert data.randomised.integrity.unknown_variants == {"contrl": 2, "(none)": 1}
    assert data.randomised.counts() == {"control": 2, "treatment": 2}


def test_a_unit_in_two_arms_is_in_neither(tmp_path: Path) -> None:
    data = opened(tmp_path, ROWS + "u1,treatment,7\n")
    assert data.randomised.integrity.units_in_two_arms == 1
    assert data.randomised.integrity.units_in_two_arms_examples == ("u1",)
    assert data.randomised.counts() == {"control": 1, "treatment": 2}


def test_a_unit_without_name_is_refused_with_its_row(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"row 5, field 'user': found nothing; expected a name \[missing_value\]"):
        opened(tmp_path, ROWS + ",control,2\n")


def test_repeated_rows_count_once_and_contradicting_ones_not_at_all(tmp_path: Path) -> None:
    data = opened(tmp_path, ROWS + "u1,control,1.0\nu1,control,1.0\nu2,control,8\n")
    integrity = data.randomised.integrity
    assert (integrity.rows, integrity.duplicate_rows, integrity.conflicting_rows) == (7, 2, 1)
    assert data.randomised.counts() == {"control": 1, "treatment": 2}
    assert means(data)["control"] == 1.0


def test_of_several_rows_with_times_the_first_counts(tmp_path: Path) -> None:
    text = (
        "user,arm,at,spend\nu1,control,2024-10-02T00:00:00Z,5\nu1,control,2024-10-01T00:00:00Z,1\n"
        "u2,treatment,2024-10-01,2\nu3,treatment,2024-10-01,2\nu3,treatment,2024-10-01,3\n"
    )
    data = opened(tmp_path, text, observations=TIMED)
    assert means(data) == {"control": 1.0, "treatment": 2.0}
    assert data.randomised.counts() == {"control": 1, "treatment": 1}
    assert data.randomised.integrity.conflicting_rows == 2


def test_rows_outside_the_planned_days_are_not_used(tmp_path: Path) -> None:
    text = (
        "user,arm,at,spend\nu1,control,2024-09-30T23:59:59Z,1\nu2,control,2024-10-01T00:00:00Z,2\n"
        "u3,treatment,2024-10-14T23:59:59Z,3\nu4,treatment,2024-10-15T00:00:00Z,4\n"
    )
    plan = {"planned_start": "2024-10-01", "planned_end": "2024-10-14"}
    data = opened(tmp_path, text, observations=TIMED, **plan)
    integrity = data.randomised.integrity
    assert (integrity.rows_before_start, integrity.rows_after_end, integrity.units) == (1, 1, 2)
    assert means(data) == {"control": 2.0, "treatment": 3.0}


def test_days_are_those_of_utc_and_missing_ones_are_named(tmp_path: Path) -> None:
    text = (
        "user,arm,at,spend\nu1,control,2024-10-01T23:30:00-02:00,1\nu2,treatment,2024-10-02T10:00:00Z,2\n"
        "u3,control,2024-10-05 00:00:00+00,3\n"
    )
    data = opened(tmp_path, text, observations=TIMED)
    assert [str(day.day.date()) for day in data.randomised.counts_by_day()] == ["2024-10-02", "2024-10-05"]
    assert data.randomised.counts_by_day()[0].counts == {"control": 1, "treatment": 1}
    assert data.randomised.integrity.missing_days == ("2024-10-03", "2024-10-04")
    assert not data.randomised.integrity.mixed_time_zones
    assert (data.observed_from.isoformat(), data.observed_to.day) == ("2024-10-02T01:30:00+00:00", 5)
    by_day = data.randomised.moments_by_day(experiment().primary)
    assert [day.arms["control"].n for day in by_day] == [1, 1]


def test_mixed_time_zones_are_told(tmp_path: Path) -> None:
    text = "user,arm,at,spend\nu1,control,2024-10-01T10:00:00+02:00,1\nu2,treatment,2024-10-01T10:00:00,2\n"
    assert opened(tmp_path, text, observations=TIMED).randomised.integrity.mixed_time_zones


def test_a_time_that_is_none_is_named_with_its_row(tmp_path: Path) -> None:
    text = "user,arm,at,spend\nu1,control,2024-10-01,1\nu2,treatment,yesterday,2\n"
    with pytest.raises(InputError, match=r"row 2, field 'at': found 'yesterday'.*\[not_a_time\]"):
        opened(tmp_path, text, observations=TIMED)


def test_dates_at_the_end_of_the_calendar_stop_nobody(tmp_path: Path) -> None:
    """9999-12-31 stands for "never" in many databases."""
    rows = "user,arm,spend,at\nu1,control,1,2025-01-06\nu2,treatment,2,9999-12-31\nu3,treatment,2,\n"
    data = opened(tmp_path, rows, observations=TIMED)
    assert data.observed_units == 3
    assert len(data.randomised.integrity.missing_days) == 60
    ended = opened(tmp_path, rows, observations=TIMED, planned_end="9999-12-31")
    assert ended.randomised.integrity.rows_after_end == 0


def test_years_beyond_the_calendar_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"row 1, field 'at': found '20000-01-01'; expected a time"):
        opened(tmp_path, "user,arm,spend,at\nu1,control,1,20000-01-01\n", observations=TIMED)
    frame = pd.DataFrame({"user": ["u1"], "arm": ["control"], "spend": [1.0],
                          "at": np.array(["20000-01-01"], dtype="datetime64[s]")})  # fmt: skip
    with pytest.raises(InputError, match=r"found a year before 1 or after 9999"):
        opened(tmp_path, frame.to_parquet(None), "data.parquet", observations=TIMED | {"file": "data.parquet"})


def test_a_parquet_column_without_a_value_is_a_metric_without_values(tmp_path: Path) -> None:
    frame = pd.DataFrame({"user": ["u1", "u2"], "arm": ["control", "treatment"], "spend": [None, None],
                          "at": [None, None]})  # fmt: skip
    data = opened(tmp_path, frame.to_parquet(None), "data.parquet", observations=TIMED | {"file": "data.parquet"})
    assert data.randomised.counts() == {"control": 1, "treatment": 1}
    assert data.randomised.integrity.null_values == {"spend": {"control": 1, "treatment": 1}}


def test_an_outcome_measured_before_the_exposure_is_told(tmp_path: Path) -> None:
    text = "user,arm,at,seen,spend\nu1,control,2024-10-02,2024-10-03,1\nu2,treatment,2024-10-02,2024-10-01,2\n"
    declared = TIMED | {"measured": "seen"}
    assert opened(tmp_path, text, observations=declared).randomised.integrity.measured_before_treatment
    sound = text.replace("2024-10-01", "2024-10-02")
    assert not opened(tmp_path, sound, observations=declared).randomised.integrity.measured_before_treatment


def test_segments_hold_units_without_value_under_none(tmp_path: Path) -> None:
    text = "user,arm,tier,spend\nu1,control,gold,1\nu2,treatment,gold,2\nu3,control,,3\n"
    data = opened(tmp_path, text, segments=["tier"])
    found = data.randomised.moments_by_segment(experiment().primary, "tier")
    assert {value: (arms["control"].n, arms["treatment"].n) for value, arms in found.items()} == {
        "(none)": (1, 0),
        "gold": (1, 1),
    }


def test_clusters_are_totals_and_sizes(tmp_path: Path) -> None:
    text = "user,arm,team,spend\nu1,control,a,1\nu2,control,a,2\nu3,control,b,5\nu4,treatment,c,\n"
    data = opened(tmp_path, text, observations=UNITS | {"cluster": "team"})
    clusters = data.randomised.clusters(experiment().primary, "control")
    assert (clusters.totals.tolist(), clusters.sizes.tolist()) == ([3.0, 5.0], [2.0, 1.0])


def test_a_row_without_covariate_is_left_out_of_its_metric_only(tmp_path: Path) -> None:
    adjusted = SPEND | {"covariate": "before"}
    other = SPEND | {"name": "plain", "column": "spend", "role": "secondary"}
    text = "user,arm,spend,before\nu1,control,1,1\nu2,control,2,\nu3,treatment,3,2\nu4,treatment,4,3\n"
    data = opened(tmp_path, text, metrics=[adjusted, other])
    first, second = experiment(metrics=[adjusted, other]).metrics
    assert data.randomised.moments(first)["control"].names == ("spend", "spend.covariate")
    assert data.randomised.moments(first)["control"].n == 1
    assert data.randomised.moments(second)["control"].n == 2


@pytest.mark.parametrize("name", ["sp'end", 'sp"end', "sp end); DROP TABLE units; --", "=cmd|'/c calc'!A1", "größe"])
def test_names_of_columns_stay_names(tmp_path: Path, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    metric = SPEND | {"column": name}
    data = opened(tmp_path, ROWS.replace("spend", quoted), metrics=[metric])
    assert means(data, metrics=[metric]) == {"control": 1.5, "treatment": 4.0}


@pytest.mark.parametrize("file", ["da*ta.csv", "da[1]ta.csv", "da'ta.csv", "da?ta.csv", "da ta;--.csv"])
def test_names_of_files_stay_names(tmp_path: Path, file: str) -> None:
    write(tmp_path, "user,arm,spend\nx,control,100\n", "da1ta.csv")
    data = opened(tmp_path, ROWS, file, observations=UNITS | {"file": file})
    assert data.randomised.counts() == {"control": 2, "treatment": 2}


def test_values_whose_cubes_cannot_be_added_up_count_as_infinite(tmp_path: Path) -> None:
    text = "user,arm,spend\n" + "".join(f"u{n},{'control' if n % 2 else 'treatment'},1e149\n" for n in range(8))
    data = opened(tmp_path, text)
    assert data.randomised.integrity.infinite_values == {"spend": 8}
