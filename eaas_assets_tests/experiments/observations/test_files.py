"""Files of observations: where they may lie, and what is said of broken ones."""

from __future__ import annotations

import io
import os
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eaas_assets.errors import InputError
from eaas_assets.experiments.observations import files
from eaas_assets.experiments.observations.database import open_cursor
from eaas_assets.experiments.observations.files import find_file
from eaas_assets_tests.experiments.observations.worlds import ROWS, UNITS, opened, write


def code(root: Path, content: str | bytes, file: str) -> str:
    with pytest.raises(InputError) as refused:
        opened(root, content, file, observations=UNITS | {"file": file})
    (problem,) = refused.value.problems
    assert problem.file == f"experiments/E1/{file}"
    assert str(root) not in str(problem)
    return problem.code


def test_a_file_outside_the_data_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text(ROWS, encoding="utf-8")
    world = tmp_path / "world"
    write(world, ROWS)
    (world / "experiments" / "E1" / "link.csv").symlink_to(tmp_path / "secret.csv")
    for file in ("../../../secret.csv", "link.csv", str(tmp_path / "secret.csv")):
        with pytest.raises(InputError, match="outside_data_folder"):
            find_file(world, "experiments/E1", file)


def test_a_missing_file_a_folder_a_pipe_and_an_unknown_ending_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "experiments" / "E1"
    (folder / "folder.csv").mkdir(parents=True)
    os.mkfifo(folder / "pipe.csv")
    (folder / "book.xlsx").write_bytes(b"PK")
    (folder / "empty.csv").write_bytes(b"")
    (folder / "round.csv").symlink_to("round.csv")
    for file, expected in (
        ("none.csv", "missing_file"),
        ("folder.csv", "not_a_file"),
        ("pipe.csv", "not_a_file"),
        ("book.xlsx", "unknown_format"),
        ("empty.csv", "empty_file"),
        ("nul\0.csv", "unreadable_file"),
        ("round.csv", "unreadable_file"),
    ):
        with pytest.raises(InputError) as refused:
            find_file(tmp_path, "experiments/E1", file)
        assert refused.value.problems[0].code == expected, file
        assert str(tmp_path) not in str(refused.value), "no paths of this machine"


def test_a_file_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "TEXT_LIMIT", 10)
    assert code(tmp_path, ROWS, "data.csv") == "file_too_large"


def test_a_large_file_is_told_apart_by_size_time_and_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "WHOLE_DIGEST", 1024)
    write(tmp_path, ROWS + "x,control,1\n" * 200_000)
    path = tmp_path / "experiments" / "E1" / "data.csv"
    first = find_file(tmp_path, "experiments/E1", "data.csv").digest
    assert find_file(tmp_path, "experiments/E1", "data.csv").digest == first
    os.utime(path, ns=(1, 1))
    assert find_file(tmp_path, "experiments/E1", "data.csv").digest != first


@pytest.mark.parametrize(
    ("content", "file", "expected"),
    [
        (ROWS + 'u9,control,"1\n', "data.csv", "not_csv"),
        (ROWS + "u9,control,1,2,3\n", "data.csv", "not_csv"),
        ("user,arm,user\n1,control,2\n", "data.csv", "duplicate_key"),
        ("user,arm,\n1,control,2\n", "data.csv", "not_csv"),
        ("user,arm,spend\n".encode("utf-16"), "data.csv", "not_utf8"),
        ('[{"user": "u1", "arm":', "data.json", "not_json"),
        ('{"user": "u1"}\n{broken}\n', "data.jsonl", "not_jsonl"),
        ('{"user": "u1"}\n{"user": "u2", "spend": 1, "spend": 2}\n', "data.jsonl", "duplicate_key"),
        ('[{"user": "u1", "arm": "control", "user": "u2"}]', "data.json", "duplicate_key"),
        (b"PAR1 this is none PAR1", "data.parquet", "not_parquet"),
    ],
)
def test_broken_files_are_told_by_name(tmp_path: Path, content: str | bytes, file: str, expected: str) -> None:
    assert code(tmp_path, content, file) == expected


@pytest.mark.parametrize("second", ["spend", "SPEND"])
def test_a_parquet_file_names_every_column_once(tmp_path: Path, second: str) -> None:
    columns = [pa.array(["u1"]), pa.array(["control"]), pa.array([[1.0]]), pa.array([1.0]), pa.array([2.0])]
    table = pa.Table.from_arrays(columns, names=["user", "arm", "parts", "spend", second])
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    assert code(tmp_path, buffer.getvalue(), "data.parquet") == "duplicate_key"


@pytest.mark.parametrize("content", ['[{"user": "u1", "arm": "control", "spend": 1}]', "[1, 2]", "7"])
def test_lines_that_are_no_objects_are_told_as_such(tmp_path: Path, content: str) -> None:
    assert code(tmp_path, content, "data.jsonl") == "not_jsonl"


@pytest.mark.parametrize(
    ("line", "found", "expected"),
    [("u9,control,1,2", "4 fields", "3 fields, as in the header"), ('u9,control,"1', "never closed", "a CSV file")],
)
def test_a_line_with_too_many_fields_is_told_with_their_number(
    tmp_path: Path, line: str, found: str, expected: str
) -> None:
    with pytest.raises(InputError) as refused:
        opened(tmp_path, f"{ROWS}{line}\n", "data.csv", observations=UNITS | {"file": "data.csv"})
    (problem,) = refused.value.problems
    assert found in problem.found
    assert problem.expected == expected


def test_a_parquet_column_of_lists_is_no_number(tmp_path: Path) -> None:
    table = pa.table({"user": ["u1"], "arm": ["control"], "spend": [[1.0]]})
    (tmp_path / "experiments" / "E1").mkdir(parents=True)
    pq.write_table(table, tmp_path / "experiments" / "E1" / "data.parquet")
    content = (tmp_path / "experiments" / "E1" / "data.parquet").read_bytes()
    assert code(tmp_path, content, "data.parquet") == "not_a_number"


def test_the_database_reads_nothing_outside_the_data_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n", encoding="utf-8")
    (tmp_path / "world").mkdir()
    cursor = open_cursor(tmp_path / "world")
    with pytest.raises(duckdb.PermissionException):
        cursor.execute("SELECT * FROM read_csv(?)", [str(tmp_path / "secret.csv")])
    with pytest.raises(duckdb.PermissionException):
        cursor.execute(f"COPY (SELECT 1) TO '{tmp_path}/out.csv'")
