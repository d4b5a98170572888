from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eaas_assets.history.imports import read_history
from eaas_assets_tests.history.runs_by_hand import DATA
from eaas_assets_tests.worlds import write_records, write_text

FILES = ("evaluation_runs", "run_summary_metrics", "scenario_evaluations")


def sample(stem: str) -> list[dict]:
    return json.loads((DATA / "history" / f"{stem}.json").read_text())


@pytest.fixture
def world(tmp_path: Path) -> Path:
    for stem in FILES:
        write_records(tmp_path, f"history/{stem}.json", sample(stem))
    return tmp_path


def change(root: Path, stem: str, row: int, **fields: object) -> None:
    rows = sample(stem)
    rows[row] = {name: value for name, value in (rows[row] | fields).items() if value is not ...}
    write_records(root, f"history/{stem}.json", rows)


def test_the_sample_history_is_six_runs_without_a_problem():
    history = read_history(DATA)
    assert [reading.outcome for reading in history.files] == ["ok", "ok", "ok"]
    assert len(history.runs) == len(history.metrics) == len(history.scenarios) == 6
    row = history.metrics.set_index("run_id").loc["RUN_2026_01_17"]
    rates = ["overall_pass_rate", "issue_classification_accuracy", "resolution_path_accuracy", "outcome_accuracy"]
    assert row[rates].tolist() == [0.8, 0.82, 0.78, 0.8]
    assert (row["high_risk_failures"], row["human_review_rate"]) == (3, 0.35)
    assert (row["avg_latency_ms"], row["p95_latency_ms"]) == (860, 1350)
    assert json.loads(row["regression_flags_json"]) == ["churn_risk_handling_degraded", "increase_in_human_review"]
    assert history.runs["run_timestamp"].iloc[0] == pd.Timestamp("2025-12-20T09:00:00Z")
    assert history.runs["target_version"].tolist() == ["v0.9", "v0.9", "v1.0", "v1.0", "v1.1", "v1.1"]


def test_a_world_without_history_is_no_problem(tmp_path):
    history = read_history(tmp_path)
    assert history.files == []
    assert history.runs.empty
    assert history.metrics.empty
    assert history.scenarios.empty


BAD_FIELDS = [
    (0, "run_timestamp", "2025-12-20T09:00:00", "timestamp"),
    (0, "run_timestamp", "yesterday", "timestamp"),
    (0, "run_timestamp", "2025-02-30T09:00:00Z", "timestamp"),
    (0, "run_timestamp", "0001-01-01T00:00:00+14:00", "timestamp"),
    (0, "run_timestamp", 1766221200, "timestamp"),
    (0, "scenario_count", 0, "greater_than_equal"),
    (0, "scenario_count", 10.0, "int_type"),
    (0, "scenario_count", True, "int_type"),
    (0, "run_id", "../RUN", "string_pattern_mismatch"),
    (0, "target_version", 1.1, "string_type"),
    (0, "unheard_of", 1, "extra_forbidden"),
    (0, "evaluation_type", ..., "missing"),
    (1, "overall_pass_rate", 1.01, "less_than_equal"),
    (1, "overall_pass_rate", -0.1, "greater_than_equal"),
    (1, "overall_pass_rate", 75, "less_than_equal"),
    (1, "human_review_rate", "0.4", "float_type"),
    (1, "avg_latency_ms", 1e300, "less_than_equal"),
    (1, "high_risk_failures", -1, "greater_than_equal"),
    (1, "regression_flags", "none", "list_type"),
    (1, "outcome_accuracy", None, "float_type"),
    (2, "issue_type_match", "yes", "bool_type"),
    (2, "actual_resolution_path", "shipping_update_agent", "list_type"),
    (2, "confidence_score", 1.5, "less_than_equal"),
    (2, "scenario_id", "", "string_too_short"),
]


@pytest.mark.parametrize(("file", "field", "value", "code"), BAD_FIELDS)
def test_a_bad_field_is_told_with_its_place_and_its_row_is_left_out(world, file, field, value, code):
    change(world, FILES[file], 3, **{field: value})
    history = read_history(world)
    problem = history.files[file].problems[0]
    assert (problem.file, problem.row, problem.field, problem.code) == (
        f"history/{FILES[file]}.json",
        4,
        field,
        code,
    )
    assert problem.found
    assert problem.expected
    assert history.files[file].outcome == "partly"
    assert len((history.runs, history.metrics, history.scenarios)[file]) == 5


def test_rows_of_a_run_that_could_not_be_read_are_left_out_and_told(world):
    change(world, "evaluation_runs", 2, run_timestamp="soon")
    history = read_history(world)
    for reading in history.files[1:]:
        assert [(problem.code, problem.row, problem.field) for problem in reading.problems] == [
            ("dangling_run", 3, "run_id")
        ]
    assert "RUN_2026_01_03" not in {*history.metrics["run_id"], *history.scenarios["run_id"]}
    assert len(history.metrics) == len(history.scenarios) == 5


@pytest.mark.parametrize("file", range(3))
def test_the_second_of_two_equal_identifiers_is_left_out(world, file):
    rows = sample(FILES[file])
    write_records(world, f"history/{FILES[file]}.json", [*rows, rows[1] | {"notes": "again"} if file < 2 else rows[1]])
    history = read_history(world)
    problem = history.files[file].problems[0]
    assert (problem.code, problem.row) == ("duplicate_id", 7)
    assert "row 2" in problem.found
    table = (history.runs, history.metrics, history.scenarios)[file]
    assert len(table) == 6
    assert file == 2 or "again" not in table["notes"].tolist()


def test_a_missing_file_is_told_and_the_others_are_read(world):
    (world / "history/scenario_evaluations.json").unlink()
    history = read_history(world)
    assert history.files[2].problems[0].code == "missing_file"
    assert history.files[2].outcome == "failed"
    assert len(history.metrics) == 6
    assert history.scenarios.empty


def test_without_runs_nothing_belongs_anywhere(world):
    (world / "history/evaluation_runs.json").unlink()
    history = read_history(world)
    assert history.files[0].problems[0].code == "missing_file"
    assert {problem.code for reading in history.files[1:] for problem in reading.problems} == {"dangling_run"}
    assert history.metrics.empty


def test_json_lines_are_read_as_well(world):
    (world / "history/run_summary_metrics.json").unlink()
    write_records(world, "history/run_summary_metrics.jsonl", sample("run_summary_metrics"))
    history = read_history(world)
    assert history.files[1].file == "history/run_summary_metrics.jsonl"
    pd.testing.assert_frame_equal(history.metrics, read_history(DATA).metrics)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"\xff\xfe[]", "not_utf8"),
        ("{", "not_json"),
        ("7", "not_records"),
        ('[{"run_id": "a", "run_id": "b"}]', "duplicate_key"),
        ("[" * 100_000, "too_deep"),
        ('[{"avg_latency_ms": NaN}]', "not_json"),
    ],
)
def test_a_file_that_cannot_be_parsed_is_one_problem(world, text, code):
    write_text(world, "history/run_summary_metrics.json", text)
    history = read_history(world)
    assert [problem.code for problem in history.files[1].problems] == [code]
    assert history.metrics.empty
    assert len(history.runs) == 6


def test_timestamps_of_any_zone_become_utc(world):
    change(world, "evaluation_runs", 0, run_timestamp="2025-12-20T10:30:00+01:30")
    assert read_history(world).runs["run_timestamp"].iloc[0] == pd.Timestamp("2025-12-20T09:00:00Z")


def test_mutated_files_never_raise(world):
    """A few seeded mutations of bytes; the full fuzz is elsewhere."""
    rng = np.random.default_rng(7)
    originals = {stem: (world / f"history/{stem}.json").read_bytes() for stem in FILES}
    for _ in range(25):
        stem = FILES[rng.integers(3)]
        raw = bytearray(originals[stem])
        for _ in range(rng.integers(1, 7)):
            place = rng.integers(len(raw))
            raw[place : place + rng.integers(4)] = rng.bytes(rng.integers(4))
        write_text(world, f"history/{stem}.json", bytes(raw))
        history = read_history(world)
        assert len(history.files) == 3
        assert set(history.metrics["run_id"]) <= set(history.runs["run_id"])
        write_text(world, f"history/{stem}.json", originals[stem])
