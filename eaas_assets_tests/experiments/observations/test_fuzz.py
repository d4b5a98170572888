"""Whatever a file holds, it is opened or refused by name: nothing else is ever raised."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eaas_assets.errors import InputError
from eaas_assets.experiments.observations.opening import open_observations
from eaas_assets_tests.experiments.observations.worlds import UNITS, experiment, write

STRANGE = [
    "", "1", "-1", "0.5", "nan", "inf", "-1e308", "1e999", "control", "treatment", "=1+1", "2024-10-01", "true", "NULL",
    "2024-10-01T10:00:00+25:00", "0000-00-00", "99999-01-01", "\N{GREEK SMALL LETTER PI}",
]  # fmt: skip
CELL = st.one_of(st.sampled_from(STRANGE), st.text(max_size=6))
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | CELL
OBJECT = st.dictionaries(
    st.sampled_from(["user", "arm", "at", "spend", "x/y~"]), SCALAR | st.lists(SCALAR, max_size=2)
)  # fmt: skip
ROW = st.tuples(CELL, CELL, CELL, CELL)
FUZZ = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def survives(root: Path, content: str | bytes, file: str) -> None:
    write(root, content, file)
    declared = UNITS | {"file": file, "time": "at"}
    plan = {"planned_start": "2024-01-01", "planned_end": "2024-12-01"}
    document = experiment(observations=declared, segments=["arm"], **plan)
    try:
        data = open_observations(root, document)
    except InputError as refused:
        told = {problem.file for problem in refused.problems}
    else:
        told = {f"experiments/E1/{file}"}
        segments = data.randomised.moments_by_segment(document.primary, "arm")
        for arms in (data.randomised.moments(document.primary), *segments.values()):
            assert all(not part.covariance[0, 0] < 0.0 for part in arms.values())
        assert sum(data.randomised.counts().values()) == data.observed_units
        assert sum(sum(day.counts.values()) for day in data.randomised.counts_by_day()) <= data.observed_units
    assert told == {f"experiments/E1/{file}"}


@FUZZ
@given(body=st.binary(max_size=80))
def test_bytes_after_a_header(tmp_path: Path, body: bytes) -> None:
    survives(tmp_path, b"user,arm,at,spend\n" + body, "data.csv")


@FUZZ
@given(rows=st.lists(ROW, max_size=6))
def test_cells_of_a_csv_file(tmp_path: Path, rows: list[tuple[str, ...]]) -> None:
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    survives(tmp_path, ("user,arm,at,spend\n" + "\n".join(lines) + "\n").encode("utf-8", "surrogatepass"), "data.csv")


@FUZZ
@given(rows=st.lists(OBJECT, max_size=5))
@pytest.mark.parametrize("file", ["data.json", "data.jsonl"])
def test_objects_of_a_json_file(tmp_path: Path, rows: list[dict[str, object]], file: str) -> None:
    objects = [json.dumps(row) for row in rows]
    survives(tmp_path, "[" + ",".join(objects) + "]" if file == "data.json" else "\n".join(objects) + "\n", file)


@FUZZ
@given(data=st.data())
def test_damaged_parquet_files(tmp_path: Path, data: st.DataObject) -> None:
    table = pa.table(
        {"user": ["a", "b"], "arm": ["control", "treatment"], "at": ["2024-10-01"] * 2, "spend": [1.0, 2.0]}
    )
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer)
    raw = bytearray(buffer.getvalue().to_pybytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    survives(tmp_path, bytes(raw), "data.parquet")
