from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from eaas_assets.errors import StorageError
from eaas_assets.storage.tables import ParquetFile, TableStore


@pytest.fixture
def store(tmp_path: Path) -> TableStore:
    return TableStore(tmp_path / "tables")


def frame(*values: str) -> pd.DataFrame:
    return pd.DataFrame({"value": list(values)}, dtype="str")


def test_a_snapshot_is_replaced_and_a_run_is_added(store: TableStore) -> None:
    for value in ("old", "new"):
        store.write(store.snapshot_path("orders"), frame(value))
    for run_id in ("RUN_1", "RUN_2"):
        store.write(store.run_path("scores", "a@v1", run_id), frame(run_id))
    assert store.read(store.snapshot_path("orders"))["value"].tolist() == ["new"]
    assert store.run_ids("scores", "a@v1") == ["RUN_1", "RUN_2"]


def test_the_folder_of_a_table_reads_as_one_table_with_any_parquet_reader(store: TableStore) -> None:
    store.write(store.run_path("scores", "a@v1", "RUN_1"), frame("one"))
    store.write(store.run_path("scores", "a@v2", "RUN_2"), frame("two"))
    assert sorted(pd.read_parquet(store.root / "scores")["value"]) == ["one", "two"]


def test_scores_under_a_new_policy_stand_beside_the_old_and_count_as_newest(store: TableStore) -> None:
    for age, policy in enumerate(("a" * 64, "b" * 64)):
        path = store.run_path("scores", "a@v1", "RUN_1", policy)
        store.write(path, frame(policy[:1]))
        os.utime(path, ns=(age * 10**9, age * 10**9))
    assert len(list((store.root / "scores" / "a@v1").iterdir())) == 2
    newest = store.read_partition("scores", "a@v1")
    assert newest is not None
    assert newest["value"].tolist() == ["b"]


def test_reading_all_runs_can_be_limited_to_one_agent(store: TableStore) -> None:
    for partition in ("a@v1", "ab@v1"):
        store.write(store.run_path("scores", partition, "RUN_1"), frame(partition))
    only = store.read_newest("scores", agent="a")
    assert only is not None
    assert only["value"].tolist() == ["a@v1"]
    assert store.read_newest("nothing") is None


def test_an_empty_run_among_others_changes_no_type(store: TableStore) -> None:
    store.write(store.run_path("calls", "a@v1", "RUN_1"), frame())
    store.write(store.run_path("calls", "a@v1", "RUN_2"), frame("one"))
    assert store.read_newest("calls")["value"].tolist() == ["one"]  # type: ignore[index]


@pytest.mark.parametrize("part", ["..", "", "a/b", "x\0y", "."])
def test_a_name_that_leaves_its_folder_is_refused(store: TableStore, part: str) -> None:
    with pytest.raises(StorageError, match="not a safe place"):
        store.run_path("scores", part, "RUN_1")


def test_a_missing_or_damaged_file_is_a_storage_error_that_names_it(store: TableStore) -> None:
    with pytest.raises(StorageError, match=r"orders\.parquet"):
        store.read(store.snapshot_path("orders"))
    store.snapshot_path("orders").parent.mkdir(parents=True)
    store.snapshot_path("orders").write_bytes(b"PAR1 torn")
    with pytest.raises(StorageError, match=r"orders\.parquet"):
        store.read(store.snapshot_path("orders"))


def test_what_one_reader_changes_and_another_writes_is_never_mixed_up(store: TableStore) -> None:
    path = store.snapshot_path("t")
    store.write(path, pd.DataFrame({"a": [1, 2]}))
    first = store.read(path)
    first.loc[0, "a"] = 9
    first["b"] = 0
    assert store.read(path).equals(pd.DataFrame({"a": [1, 2]}))
    store.write(path, pd.DataFrame({"a": [3, 4]}))
    assert store.read(path).equals(pd.DataFrame({"a": [3, 4]}))


def test_a_file_whose_writing_failed_never_appears(tmp_path: Path) -> None:
    def write_half() -> None:
        with ParquetFile(tmp_path / "table.parquet", pa.schema([("value", pa.large_string())])) as file:
            file.append(frame("half"))
            raise RuntimeError("stopped in the middle")

    with pytest.raises(RuntimeError):
        write_half()
    assert list(tmp_path.iterdir()) == []


def _write_many(root: str, value: str) -> None:
    store = TableStore(Path(root))
    for _ in range(30):
        store.write(store.snapshot_path("shared"), frame(*[value] * 500))


def test_writers_at_the_same_time_never_leave_a_torn_table(store: TableStore) -> None:
    store.write(store.snapshot_path("shared"), frame("start"))
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(str(store.root), value)) for value in ("a", "b")]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert store.read(store.snapshot_path("shared"))["value"].nunique() == 1
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert len(store.read(store.snapshot_path("shared"))) == 500
