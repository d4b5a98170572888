from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.errors import StorageError
from eaas_assets.storage.ledger import Ledger


def test_what_was_put_is_there_after_reopening(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite", "plan") as ledger:
        ledger.put([(2, "two"), (1, "one")])
    with Ledger(tmp_path / "ledger.sqlite", "plan") as ledger:
        assert list(ledger.records()) == [(1, "one"), (2, "two")]
        assert ledger.positions() == {1, 2}


def test_the_first_record_wins_and_a_different_second_one_is_kept_as_a_conflict(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite", "plan") as ledger:
        ledger.put([(1, "first")])
        ledger.put([(1, "first"), (1, "second"), (2, "other")])
        assert dict(ledger.records()) == {1: "first", 2: "other"}
        assert ledger.conflicts() == 1


def test_a_ledger_of_another_plan_is_refused(tmp_path: Path) -> None:
    Ledger(tmp_path / "ledger.sqlite", "one plan").close()
    with pytest.raises(StorageError, match="another plan"):
        Ledger(tmp_path / "ledger.sqlite", "another")


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"not a database at all, but long enough to be looked at" * 20)
    with pytest.raises(StorageError, match="not a readable ledger"):
        Ledger(tmp_path / "ledger.sqlite", "plan")


def test_records_that_cannot_be_stored_leave_the_others_untouched(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite", "plan") as ledger:
        ledger.put([(1, "one")])
        with pytest.raises(StorageError, match="could not be stored"):
            ledger.put([(2, "two"), (3, None)])  # type: ignore[list-item]
        assert dict(ledger.records()) == {1: "one"}


def test_it_is_durable_against_power_loss_and_not_only_against_crashes(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite", "plan") as ledger:
        (mode,) = ledger._connection.execute("pragma journal_mode").fetchone()
        (synchronous,) = ledger._connection.execute("pragma synchronous").fetchone()
    assert (mode, synchronous) == ("wal", 2)


def test_remove_leaves_no_file_behind(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite", "plan")
    ledger.put([(1, "one")])
    ledger.remove()
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.lists(st.tuples(st.integers(0, 20), st.sampled_from("abc")), max_size=8), max_size=8))
def test_any_sequence_of_puts_keeps_the_first_record_of_each_position(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[tuple[int, str]]]
) -> None:
    first: dict[int, str] = {}
    conflicts: set[tuple[int, str]] = set()
    with Ledger(tmp_path_factory.mktemp("ledger") / "ledger.sqlite", "plan") as ledger:
        for batch in batches:
            ledger.put(batch)
            for position, record in batch:
                if first.setdefault(position, record) != record:
                    conflicts.add((position, record))
        assert dict(ledger.records()) == first
        assert ledger.conflicts() == len(conflicts)


def test_a_locked_ledger_is_an_error_of_storage_and_not_of_sqlite(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite", "plan") as ledger:
        ledger._connection.execute("pragma busy_timeout = 10")
        other = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
        other.execute("begin immediate")
        with pytest.raises(StorageError, match="locked"):
            ledger.put([(1, "one")])
        other.close()
