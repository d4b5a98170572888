from __future__ import annotations

import hashlib
import json
import threading
from datetime import datetime
from pathlib import Path

import pytest

from eaas_assets.decisions.audit.entries import MAX_LINE, NOTHING_BEFORE, Entry
from eaas_assets.decisions.audit.log import AuditLog
from eaas_assets.errors import InputError, StorageError
from eaas_assets_tests.decisions.logs_by_hand import NOON, HandClock, entry, filled_log, log_at


def test_a_line_is_an_entry_and_the_hash_of_its_bytes_and_names_the_hash_before(tmp_path: Path) -> None:
    log = filled_log(tmp_path, 3)
    before = NOTHING_BEFORE
    for number, line in enumerate(log.path.read_bytes().splitlines(), 1):
        value = json.loads(line)
        body = line[len(b'{"entry":') : -len(b',"hash":""}') - 64]
        assert json.loads(body) == value["entry"]
        assert value["hash"] == hashlib.sha256(body).hexdigest()
        assert (value["entry"]["seq"], value["entry"]["previous"]) == (number, before)
        before = value["hash"]
    assert log.head() == (3, before)


def test_entries_come_back_as_they_were_and_by_kind(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    log.append(entry(1))
    receipt = log.append(Entry("refusal", "ann", "No.", {"why": "ü\x00\u202e"}, "E1", {"policy": "ab"}, "1.2.3"))
    (refusal,) = log.entries("refusal")
    assert (refusal.seq, refusal.entry_hash) == (receipt.seq, receipt.hash) == (2, receipt.hash)
    assert (refusal.actor, refusal.subject, refusal.payload) == ("ann", "E1", {"why": "ü\x00\u202e"})
    assert (refusal.inputs, refusal.code_version, refusal.at) == ({"policy": "ab"}, "1.2.3", NOON)
    assert [one.seq for one in log.entries()] == [1, 2]


def test_the_same_identity_is_appended_once_ever(tmp_path: Path) -> None:
    first = log_at(tmp_path).append_once("one", entry(1))
    again = log_at(tmp_path).append_once("one", entry(2))  # another process, so to speak
    assert first.new
    assert again == first._replace(new=False)
    assert len(list(log_at(tmp_path).entries())) == 1


def test_a_batch_is_one_write_and_repeats_within_it_count_once(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    log.append_once("b", entry(0))
    receipts = log.append_all([("a", entry(1)), ("b", entry(2)), ("a", entry(3)), (None, entry(4)), (None, entry(4))])
    assert [(receipt.seq, receipt.new) for receipt in receipts] == [
        (2, True),
        (1, False),
        (2, False),
        (3, True),
        (4, True),
    ]
    assert log.verify().ok


def test_an_entry_that_cannot_be_written_leaves_the_whole_batch_out(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    log.append(entry(1))
    before = log.path.read_bytes()
    with pytest.raises(InputError, match="not_canonical"):
        log.append_all([(None, entry(2)), (None, entry(3, payload={"x": float("nan")}))])
    assert log.path.read_bytes() == before
    assert log.append(entry(2)).seq == 2


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (entry(1, kind="gossip"), "unknown_kind"),
        (entry(1, at=datetime(2026, 1, 1)), "no_time_zone"),  # noqa: DTZ001 (that is the point)
        (entry(1, payload={"x": "y" * MAX_LINE}), "too_long"),
        (entry(1, summary="\ud800"), "not_canonical"),
    ],
)
def test_what_is_no_entry_is_refused(tmp_path: Path, bad: Entry, code: str) -> None:
    with pytest.raises(InputError) as caught:
        log_at(tmp_path).append(bad)
    assert caught.value.problems[0].code == code


def test_a_field_of_a_megabyte_and_control_characters_are_kept_and_verified(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    text = "\x00\x1b[31m\r\n\u2028\u202e" + "x" * 1_000_000
    log.append(entry(1, payload={"answer": text}, actor="\x07"))
    assert next(log.entries()).payload["answer"] == text
    assert log.path.read_bytes().count(b"\n") == 1
    assert log.verify().ok


@pytest.mark.parametrize("cut", [1, 2, 40, 200, "all but one"])
def test_a_torn_tail_is_removed_by_the_next_writer_and_noted(tmp_path: Path, cut: int | str) -> None:
    log = filled_log(tmp_path, 3)
    whole = log.path.read_bytes()
    last = whole[whole[:-1].rfind(b"\n") + 1 :]
    piece = last[: 1 if cut == "all but one" else len(last) - int(cut)]
    log.path.write_bytes(whole[: -len(last)] + piece)
    assert [one.seq for one in log_at(tmp_path).entries()] == [1, 2]
    assert not log.verify().ok
    log_at(tmp_path).append(entry(9))
    entries = list(log.entries())
    assert log.verify().ok
    if cut == 1:  # only the line break was missing: the entry is whole and is kept
        assert [one.payload["number"] for one in entries] == [1, 2, 3, 9]
    else:
        assert [one.payload["number"] for one in entries] == [1, 2, 9]
    assert entries[-1].recovered_bytes == len(piece)
    assert [one.recovered_bytes for one in entries[:-1]] == [0] * (len(entries) - 1)


def test_a_damaged_log_is_neither_read_nor_written(tmp_path: Path) -> None:
    log = filled_log(tmp_path, 3)
    log.path.write_bytes(log.path.read_bytes().replace(b'"number":2', b'"number":7'))
    for act in (lambda one: list(one.entries()), lambda one: one.append(entry(4)), lambda one: one.checkpoint()):
        with pytest.raises(StorageError, match="line 2 is damaged"):
            act(log_at(tmp_path))


def test_a_log_that_was_replaced_below_a_writer_is_read_anew(tmp_path: Path) -> None:
    log = filled_log(tmp_path, 3)
    other = filled_log(tmp_path / "other", 1)
    other.path.replace(log.path)
    assert log.append(entry(2)).seq == 2
    assert log.verify().ok


def test_a_full_disk_leaves_the_log_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = filled_log(tmp_path, 2)
    before = log.path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("eaas_assets.decisions.audit.appending.os.fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        log.append(entry(3))
    monkeypatch.undo()
    assert log.path.read_bytes() == before
    assert log.append(entry(3)).seq == 3


def test_a_lock_that_is_held_for_too_long_is_an_error_of_storage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eaas_assets.decisions.audit import appending

    log = filled_log(tmp_path, 1)
    monkeypatch.setattr(appending, "LOCK_SECONDS", 0.05)
    with appending.locked(log.path), pytest.raises(StorageError, match="held by another writer"):
        log.append(entry(2))


def test_threads_that_share_one_object_lose_nothing(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    threads = [threading.Thread(target=lambda: [log.append(entry(n)) for n in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.head()[0] == 40
    assert log.verify().ok


def test_an_empty_log_has_no_head_no_entries_and_no_checkpoint(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    assert list(log.entries()) == []
    assert log.head() == (0, NOTHING_BEFORE)
    assert log.checkpoint() is None
    assert log.verify().ok
    assert not (tmp_path / "keys").exists()


def test_reading_follows_what_others_append(tmp_path: Path) -> None:
    clock = HandClock()
    one, two = log_at(tmp_path, clock), log_at(tmp_path, clock)
    assert [writer.append(entry(number)).seq for number, writer in enumerate([one, two, two, one])] == [1, 2, 3, 4]
    assert isinstance(one, AuditLog)
    assert one.verify().entries == 4
