"""Records from JSON, JSONL, CSV and Parquet: strict, bounded, and a bad row never loses the others."""

from __future__ import annotations

import datetime as dt
import io
import json
import math
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.errors import InputError, Problem
from eaas_assets.storage.records import Records, parse_json, read_records
from eaas_assets_tests.worlds import write_records, write_text


def _read(tmp_path: Path, name: str, content: str | bytes, nested_by: tuple[str, ...] = ()) -> Records:
    write_text(tmp_path, name, content)
    return read_records(tmp_path, name, nested_by)


def _fault(tmp_path: Path, name: str, content: str | bytes) -> Problem:
    started = time.perf_counter()
    with pytest.raises(InputError) as error:
        _read(tmp_path, name, content)
    assert time.perf_counter() - started < 5
    return error.value.problems[0]


_ROWS: list[dict[str, Any]] = [
    {"id": "a", "count": 1, "share": 0.5, "tags": ["x", "y"], "flag": True, "note": None},
    {"id": "b", "count": 2, "share": 1.5, "tags": [], "flag": False, "note": "ü, \"quoted\"\nand broken"},
]  # fmt: skip


@pytest.mark.parametrize("ending", ["json", "jsonl", "parquet"])
def test_typed_formats_hold_the_same_records(tmp_path: Path, ending: str) -> None:
    write_records(tmp_path, f"rows.{ending}", _ROWS)
    records = read_records(tmp_path, f"rows.{ending}")
    assert [row for _, row in records.rows] == _ROWS
    assert [number for number, _ in records.rows] == [1, 2]
    assert records.problems == []


def test_csv_holds_text_and_an_empty_cell_is_null(tmp_path: Path) -> None:
    write_records(tmp_path, "rows.csv", _ROWS)
    rows = [row for _, row in read_records(tmp_path, "rows.csv").rows]
    assert rows[0] == {"id": "a", "count": "1", "share": "0.5", "tags": '["x", "y"]', "flag": "true", "note": None}
    assert rows[1]["note"] == 'ü, "quoted"\nand broken'


def test_unknown_ending_is_refused(tmp_path: Path) -> None:
    assert _fault(tmp_path, "rows.xlsx", "x").code == "unknown_format"


# -- JSON ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "not_json"),
        ("[1, 2", "not_json"),
        ('[{"a": 1}] extra', "not_json"),
        ("[{'a': 1}]", "not_json"),
        ('"text"', "not_records"),
        ("17", "not_records"),
        ('[{"a": 1, "a": 2}]', "duplicate_key"),
        ('[{"a": NaN}]', "not_json"),
        ('[{"a": -Infinity}]', "not_json"),
        ('[{"a": 1e999}]', "not_json"),
        ('[{"a": 9223372036854775808}]', "not_json"),
        ('[{"a": ' + "9" * 5000 + "}]", "not_json"),
        ('[{"a": "\\ud800"}]', "not_json"),
        ('[{"\\udfff": 1}]', "not_json"),
        ("[" * 50 + "]" * 50, "not_json"),
        ("[" * 200_000, "too_deep"),
        ('{"a":' * 200_000, "too_deep"),
    ],
)
def test_json_that_cannot_be_stored_is_refused(tmp_path: Path, text: str, code: str) -> None:
    assert _fault(tmp_path, "x.json", text).code == code


def test_json_syntax_fault_names_its_line(tmp_path: Path) -> None:
    problem = _fault(tmp_path, "x.json", '[\n {"a": 1},\n {"a": 2,}\n]')
    assert (problem.code, problem.row) == ("not_json", 3)


def test_json_in_another_encoding_is_refused(tmp_path: Path) -> None:
    assert _fault(tmp_path, "x.json", '[{"a": "é"}]'.encode("latin-1")).code == "not_utf8"
    assert _fault(tmp_path, "x.json", '[{"a": "é"}]'.encode("utf-16")).code == "not_utf8"


def test_record_of_the_wrong_kind_does_not_lose_the_others(tmp_path: Path) -> None:
    records = _read(tmp_path, "x.json", '[{"a": 1}, 17, null, {"a": 2}]')
    assert [number for number, _ in records.rows] == [1, 4]
    assert [(problem.code, problem.row) for problem in records.problems] == [("not_a_record", 2), ("not_a_record", 3)]


def test_object_of_objects_gives_its_keys_as_fields(tmp_path: Path) -> None:
    text = json.dumps({"UPS": {"O1": {"status": "late"}, "O2": {"status": "lost"}}, "DHL": {"O3": {"status": "ok"}}})
    records = _read(tmp_path, "x.json", text, ("carrier", "order_id"))
    assert [row for _, row in records.rows] == [
        {"carrier": "UPS", "order_id": "O1", "status": "late"},
        {"carrier": "UPS", "order_id": "O2", "status": "lost"},
        {"carrier": "DHL", "order_id": "O3", "status": "ok"},
    ]


def test_record_that_contradicts_the_key_above_it_is_left_out(tmp_path: Path) -> None:
    text = json.dumps({"O1": {"order_id": "O2"}, "O3": {"order_id": "O3"}, "O4": 5})
    records = _read(tmp_path, "x.json", text, ("order_id",))
    assert [row["order_id"] for _, row in records.rows] == ["O3"]
    assert [problem.code for problem in records.problems] == ["key_conflict", "not_a_record"]


def test_one_repeated_key_among_very_many_is_found_quickly(tmp_path: Path) -> None:
    text = "{" + ",".join(f'"k{i}": 1' for i in range(200_000)) + ', "k7": 2}'
    problem = _fault(tmp_path, "x.json", text)
    assert (problem.code, problem.field) == ("duplicate_key", "k7")


# -- JSONL --------------------------------------------------------------------------------------------------------


def test_bad_lines_do_not_lose_the_others(tmp_path: Path) -> None:
    lines = [
        b'{"a": 1}', b"", b'{"a": 2', b'{"a": "\xff"}', b'{"a": 3, "a": 4}', b"[5]", b'{"a": 6}', b"\x00\x00",
        b'{"a": "\\uD800"}', b"[" * 100_000,
    ]  # fmt: skip
    records = _read(tmp_path, "x.jsonl", b"\n".join(lines))
    assert [(number, row["a"]) for number, row in records.rows] == [(1, 1), (7, 6)]
    assert [(problem.code, problem.row) for problem in records.problems] == [
        ("not_json", 3),
        ("not_utf8", 4),
        ("duplicate_key", 5),
        ("not_a_record", 6),
        ("not_json", 8),
        ("not_json", 9),
        ("too_deep", 10),
    ]


def test_windows_line_ends_and_byte_order_mark_are_understood(tmp_path: Path) -> None:
    records = _read(tmp_path, "x.jsonl", b'\xef\xbb\xbf{"a": 1}\r\n{"a": 2}\r\n')
    assert [row["a"] for _, row in records.rows] == [1, 2]


_JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=10,
)


@settings(max_examples=100)
@given(_JSON_VALUES, st.booleans())
def test_every_storable_value_is_read_as_the_standard_parser_reads_it(value: Any, ascii_only: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only), "x") == value


# -- CSV ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "empty_file"), ("\n", "empty_file"), (",,\n1,2,3\n", "empty_file"), ("a,a\n1,2\n", "duplicate_key"),
     ('a,b\n"1,2\n', "not_csv"), ("a,b\n1,\"2\"x\n", "not_csv"), ("a\n" + "x" * 200_000, "not_csv")],
)  # fmt: skip
def test_csv_that_is_none_is_refused(tmp_path: Path, text: str, code: str) -> None:
    assert _fault(tmp_path, "x.csv", text).code == code


def test_rows_of_the_wrong_length_do_not_lose_the_others(tmp_path: Path) -> None:
    records = _read(tmp_path, "x.csv", "a,b\n1,2\n3\n\n4,5,6\n7,8\n")
    assert [row["a"] for _, row in records.rows] == ["1", "7"]
    assert [(problem.code, problem.row) for problem in records.problems] == [("ragged_row", 3), ("ragged_row", 5)]


def test_very_wide_csv_is_read_quickly(tmp_path: Path) -> None:
    started = time.perf_counter()
    header = ",".join(f"c{i}" for i in range(100_000))
    assert len(_read(tmp_path, "x.csv", f"{header}\n{header}\n").rows) == 1
    assert time.perf_counter() - started < 5


# -- Parquet ------------------------------------------------------------------------------------------------------


def _parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def test_parquet_types_become_plain_values(tmp_path: Path) -> None:
    noon = dt.datetime(2025, 3, 1, 12, 0, tzinfo=dt.UTC)
    table = pa.table(
        {
            "day": pa.array([dt.date(2025, 1, 10), None]),
            "instant": pa.array([noon, None], pa.timestamp("us", "UTC")),
            "midnight": pa.array([dt.datetime(2025, 1, 10), None], pa.timestamp("ns")),  # noqa: DTZ001 (as pandas does)
            "price": pa.array([Decimal("12.50"), None], pa.decimal128(9, 2)),
            "kind": pa.array(["a", "b"]).dictionary_encode(),
            "nested": pa.array([{"x": [1.5]}, None]),
            "nothing": pa.nulls(2),
        }
    )
    records = _read(tmp_path, "x.parquet", _parquet(table))
    assert records.problems == []
    assert records.rows[0][1] == {
        "day": "2025-01-10",
        "instant": "2025-03-01T12:00:00+00:00",
        "midnight": "2025-01-10",
        "price": 12.5,
        "kind": "a",
        "nested": {"x": [1.5]},
        "nothing": None,
    }
    assert records.rows[1][1]["instant"] is None


def test_missing_numbers_that_pandas_wrote_are_null(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1.5, math.nan], "b": pd.array([1, None], dtype="Int64")}).to_parquet(tmp_path / "x.parquet")
    assert [row for _, row in read_records(tmp_path, "x.parquet").rows] == [{"a": 1.5, "b": 1}, {"a": None, "b": None}]


def test_nan_in_parquet_costs_its_row_only(tmp_path: Path) -> None:
    table = pa.table({"a": pa.array([1.0, math.nan, math.inf, 4.0], from_pandas=False)})
    records = _read(tmp_path, "x.parquet", _parquet(table))
    assert [number for number, _ in records.rows] == [1, 4]
    assert [(problem.code, problem.row) for problem in records.problems] == [("not_storable", 2), ("not_storable", 3)]


def test_binary_column_is_left_out_and_told(tmp_path: Path) -> None:
    records = _read(tmp_path, "x.parquet", _parquet(pa.table({"id": ["a"], "blob": [b"\x00"]})))
    assert records.rows == [(1, {"id": "a"})]
    assert [(problem.code, problem.field) for problem in records.problems] == [("unsupported_column", "blob")]


def test_parquet_bomb_is_refused_from_its_footer(tmp_path: Path) -> None:
    raw = _parquet(pa.table({"a": pa.nulls(6_000_000)}))
    assert len(raw) < 100_000
    assert _fault(tmp_path, "x.parquet", raw).code == "too_many_rows"


@pytest.mark.parametrize("raw", [b"", b"PAR1", b"PAR1" + b"\x00" * 100 + b"PAR1", b"{}"])
def test_damaged_parquet_is_refused(tmp_path: Path, raw: bytes) -> None:
    assert _fault(tmp_path, "x.parquet", raw).code == "not_parquet"


def test_column_twice_in_parquet_is_refused(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    assert _fault(tmp_path, "x.parquet", _parquet(table)).code == "duplicate_key"
