from __future__ import annotations

import hashlib
import io
import itertools
import json
import random
import shutil
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from eaas_assets.decisions.audit.checkpoints import Checkpoint, checkpoint_line, read_line
from eaas_assets.decisions.audit.entries import NOTHING_BEFORE, Entry, encode_line
from eaas_assets.decisions.audit.keys import KeyStore
from eaas_assets.decisions.audit.log import AuditLog
from eaas_assets.decisions.audit.verification import FoundCheckpoint, Verification, verify_lines, verify_log
from eaas_assets_tests.decisions.logs_by_hand import DAY, NOON, HandClock, entry, filled_log, log_at


def changed(content: bytes) -> Verification:
    """What verifying says of other content; by the chain alone."""
    return verify_lines(io.BytesIO(content), [], [])


def lines_of(log: AuditLog) -> list[bytes]:
    return log.path.read_bytes().splitlines(keepends=True)


def test_an_untouched_log_is_found_to_be_so(tmp_path: Path) -> None:
    verification = filled_log(tmp_path, 5, checkpoints=(2, 5)).verify()
    assert verification.ok
    assert (verification.entries, verification.checkpoints, verification.proven) == (5, 2, 5)
    assert verification.remarks == ()
    assert "5 entries, 5 of them proven by 2 signed checkpoints" in verification.statement


def test_every_byte_replaced_is_found_by_the_chain_alone(tmp_path: Path) -> None:
    log = filled_log(tmp_path, 2)
    good = log.path.read_bytes()
    for position in range(len(good)):
        for other in {good[position] ^ 1, good[position] ^ 32, 0x20, 0x0A, 0x30, 0xFF} - {good[position]}:
            bad = good[:position] + bytes([other]) + good[position + 1 :]
            assert not changed(bad).ok, (position, other)


def test_every_byte_inserted_is_found_by_the_chain_alone(tmp_path: Path) -> None:
    log = filled_log(tmp_path, 2)
    good = log.path.read_bytes()
    for position in range(len(good) + 1):
        for more in (b" ", b"\n", b"\r", b"\x00", b"0", b"\xef\xbb\xbf", good[position : position + 1]):
            if more:
                assert not changed(good[:position] + more + good[position:]).ok, (position, more)


def test_every_byte_deleted_is_found_by_the_chain_alone(tmp_path: Path) -> None:
    log = filled_log(tmp_path, 2)
    good = log.path.read_bytes()
    for position in range(len(good)):
        assert not changed(good[:position] + good[position + 1 :]).ok, position


def test_every_line_dropped_doubled_or_swapped_is_found_with_its_place(tmp_path: Path) -> None:
    log = filled_log(tmp_path, 12, checkpoints=(12,))
    lines = lines_of(log)
    for index in range(len(lines)):
        log.path.write_bytes(b"".join(lines[:index] + lines[index + 1 :]))
        assert not log.verify().ok, ("dropped", index)
        log.path.write_bytes(b"".join(lines[: index + 1] + lines[index:]))
        doubled = log.verify()
        assert (doubled.problems[0].code, doubled.problems[0].line) == ("wrong_number", index + 2)
    for one, two in itertools.combinations(range(len(lines)), 2):
        swapped = list(lines)
        swapped[one], swapped[two] = lines[two], lines[one]
        log.path.write_bytes(b"".join(swapped))
        assert log.verify().problems[0].line == one + 1


def test_a_tail_cut_at_any_line_is_found_by_the_last_checkpoint(tmp_path: Path) -> None:
    log = filled_log(tmp_path, 20, checkpoints=(5, 20))
    lines = lines_of(log)
    for kept in range(20):
        log.path.write_bytes(b"".join(lines[:kept]))
        assert "cut" in {problem.code for problem in log.verify().problems}, kept
        assert not kept or "on purpose" not in "".join(log.verify().remarks), "nobody cuts a tail on purpose"
    log.path.unlink()
    emptied = log.verify()
    assert [problem.code for problem in emptied.problems] == ["cut", "cut"]
    (anchors,) = log.keys.anchors(log.path)
    assert str(anchors) in emptied.remarks[-1]
    anchors.rename(tmp_path / "old checkpoints")  # as the last remark says
    log.checkpoints_path.unlink()
    log.append(entry(1))
    assert log.verify().ok


def begun_anew(folder: Path, at: datetime) -> AuditLog:
    """A log at the place of one of five entries whose output folder was removed, with three entries of that time."""
    old = filled_log(folder, 5, checkpoints=(3, 5))
    shutil.rmtree(old.path.parent.parent)
    log = log_at(folder, HandClock(at))
    for number in range(3):
        log.append(entry(number + 50))
    return log


def test_a_log_that_begins_after_the_older_one_at_its_place_is_intact_and_tells_that_the_older_one_is_gone(
    tmp_path: Path,
) -> None:
    log = begun_anew(tmp_path, NOON + DAY)
    for verification in (log.verify(), [log.checkpoint(), log.verify()][1]):
        assert verification.ok
        (gone,) = verification.gone
        assert gone.startswith("An older log of this place is gone: 5 entries, the last time signed at 2026-03-02")
        assert gone in verification.remarks
    assert verification.statement.endswith("3 entries, 3 of them proven by 1 signed checkpoints.")
    (old,) = set(log.keys.anchors(log.path)) - {log.keys.anchors_path(log.path, verification.origin or "")}
    assert str(old) in verification.remarks[-1]
    old.rename(tmp_path / "kept")
    assert log.verify().remarks == ()


def test_a_log_that_begins_anew_is_watched_like_any_other(tmp_path: Path) -> None:
    log = begun_anew(tmp_path, NOON + DAY)
    log.checkpoint()
    log.path.write_bytes(b"".join(lines_of(log)[:2]))
    assert [problem.code for problem in log.verify().problems] == ["cut"]


@pytest.mark.parametrize("first", [1, 2, 3])
def test_a_log_with_one_entry_from_the_time_of_the_older_one_claims_to_be_it_and_is_found_out(
    tmp_path: Path, first: int
) -> None:
    log = begun_anew(tmp_path, NOON + DAY)
    later = [Entry(one.kind, one.actor, one.summary, one.payload, at=one.at) for one in log.entries()]
    log.path.write_bytes(rechained([one._replace(at=NOON) if n == first else one for n, one in enumerate(later, 1)]))
    assert {problem.code for problem in log.verify().problems} == {"another_log"}


def test_where_checkpoints_of_the_older_log_stand_beside_the_new_one_or_are_asked_about_it_is_found(
    tmp_path: Path,
) -> None:
    old = filled_log(tmp_path, 5)
    printed = old.checkpoint()
    assert printed is not None
    old.path.unlink()
    log = log_at(tmp_path, HandClock(NOON + DAY))
    log.append(entry(50))
    assert {problem.code for problem in log.verify().problems} == {"another_log"}
    log.checkpoints_path.unlink()
    assert log.verify().ok
    assert {problem.code for problem in log.verify([printed]).problems} == {"another_log"}


def test_a_log_whose_first_entry_is_damaged_is_no_fresh_one(tmp_path: Path) -> None:
    log = begun_anew(tmp_path, NOON + DAY)
    log.path.write_bytes(b"x" + log.path.read_bytes())
    verification = log.verify()
    assert (verification.origin, verification.older) == (None, {})


def test_entries_after_the_last_checkpoint_can_be_cut_unseen_and_the_remark_says_how_many(tmp_path: Path) -> None:
    log = filled_log(tmp_path, 6, checkpoints=(4,))
    assert log.verify().remarks == (
        "The last 2 entries stand after the last checkpoint: cutting them would not be seen.",
    )
    log.path.write_bytes(b"".join(lines_of(log)[:4]))
    assert log.verify().ok


def test_without_any_checkpoint_the_remark_says_what_is_not_proven(tmp_path: Path) -> None:
    (remark,) = filled_log(tmp_path, 1).verify().remarks
    assert remark.startswith("No checkpoint is known")


def rechained(entries: list[Entry]) -> bytes:
    """What an insider writes who knows how the log is made."""
    head, lines = NOTHING_BEFORE, []
    for number, one in enumerate(entries, 1):
        line, head = encode_line(one, number, head, None, NOON)
        lines.append(line)
    return b"".join(lines)


@pytest.mark.parametrize("edited", range(1, 9))
def test_an_insider_who_edits_an_entry_and_chains_anew_is_found_by_the_checkpoints(tmp_path: Path, edited: int) -> None:
    log = filled_log(tmp_path, 8, checkpoints=(3, 8))
    honest = [Entry(one.kind, one.actor, one.summary, one.payload, at=one.at) for one in log.entries()]
    assert rechained(honest) == log.path.read_bytes()
    forged = [one._replace(summary="Nothing.") if n == edited else one for n, one in enumerate(honest, 1)]
    log.path.write_bytes(rechained(forged))
    verification = log.verify()
    assert verify_log(log.path, [], []).ok  # the chain alone does not see it
    codes = {problem.code for problem in verification.problems}
    assert codes == {"another_log"} if edited == 1 else codes == {"rewritten"}
    assert verification.proven == (3 if edited > 3 else 0)
    log_at(tmp_path).checkpoint()  # even if a later, honest checkpoint is signed over it
    assert not log.verify().ok


def test_an_insider_who_also_removes_the_checkpoints_beside_the_log_is_found_by_those_in_the_key_folder(
    tmp_path: Path,
) -> None:
    log = filled_log(tmp_path, 4, checkpoints=(4,))
    log.checkpoints_path.unlink()
    verification = log.verify()
    assert verification.ok
    assert verification.remarks == ("1 checkpoints of the key folder are not beside the log.",)
    log.path.write_bytes(rechained([entry(9)] * 4))
    assert not log.verify().ok


def test_a_checkpoint_off_a_printed_page_finds_a_log_that_was_made_anew_with_all_else(tmp_path: Path) -> None:
    log = filled_log(tmp_path, 3)
    printed = log.checkpoint()
    assert printed is not None
    other = filled_log(tmp_path / "other", 5)
    other.path.write_bytes(rechained([entry(9)] * 5))
    other = log_at(tmp_path / "other")
    other.checkpoint()
    verification = other.verify([Checkpoint.parse(printed.text)], [*log.keys.public_keys(), *other.keys.public_keys()])
    assert [(problem.file, problem.code) for problem in verification.problems] == [("given", "another_log")]


def test_a_public_key_alone_is_enough_to_verify(tmp_path: Path) -> None:
    log = filled_log(tmp_path, 3, checkpoints=(3,))
    public = log.keys.public_keys()
    elsewhere = AuditLog(log.path, KeyStore(tmp_path / "no keys here"))
    verification = elsewhere.verify(public_keys=public)
    assert verification.ok
    assert verification.proven == 3
    assert not (tmp_path / "no keys here").exists()


# -- provers who lie ------------------------------------------------------------------------------------------------


def signed_by(key: Ed25519PrivateKey, log: AuditLog, **changes: Any) -> Checkpoint:
    good = log.checkpoint()
    assert good is not None
    size, head = changes.get("size", good.size), changes.get("head", good.head)
    return Checkpoint.sign(key, changes.get("origin", good.origin), size, head, NOON)


def test_a_checkpoint_signed_with_a_strange_key_does_not_count(tmp_path: Path) -> None:
    log = filled_log(tmp_path, 3)
    strange = signed_by(Ed25519PrivateKey.generate(), log)
    problems = log.verify([strange]).problems
    assert [(problem.file, problem.code) for problem in problems] == [("given", "bad_signature")]


@pytest.mark.parametrize(
    "lie",
    [
        {"size": 2}, {"size": 4}, {"head": "0" * 64}, {"origin": "eaas-audit/" + "0" * 32},
        {"at": "2026-03-02T12:00:01.000000Z"},
        {"signature": "A" * 91 + "="}, {"signature": ""}, {"signature": "\N{SNOWMAN}"},
    ],
)  # fmt: skip
def test_a_signed_checkpoint_of_which_anything_was_changed_does_not_count(tmp_path: Path, lie: dict[str, Any]) -> None:
    log = filled_log(tmp_path, 3)
    good = log.checkpoint()
    assert good is not None
    problems = log.verify([good._replace(**lie)]).problems
    assert [problem.code for problem in problems] == ["bad_signature"]


def test_two_signed_checkpoints_of_one_size_that_disagree_are_found_whatever_the_log_says(tmp_path: Path) -> None:
    log = filled_log(tmp_path, 3, checkpoints=(3,))
    forked = log.keys.sign_head("eaas-audit/" + "1" * 32, 3, "2" * 64, NOON)
    assert not log.verify([forked]).ok


def test_every_byte_changed_in_the_file_of_checkpoints_is_found(tmp_path: Path) -> None:
    log = filled_log(tmp_path, 2, checkpoints=(2,))
    good = log.checkpoints_path.read_bytes()
    keys = log.keys.public_keys()
    for position in range(len(good)):
        for other in {good[position] ^ 1, good[position] ^ 32, 0x20, 0x30, 0x41} - {good[position]}:
            read = read_line(good[:position] + bytes([other]) + good[position + 1 :])
            assert read is None or read.signer(keys) is None, (position, other)


def hostile_lines() -> Iterator[tuple[str, bytes]]:
    def line(body: bytes) -> bytes:
        return b'{"entry":' + body + b',"hash":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n'

    good, _ = encode_line(entry(1), 1, NOTHING_BEFORE, None, NOON)
    body = json.loads(good)["entry"]

    def with_(**changes: Any) -> bytes:
        return line(json.dumps(body | changes, sort_keys=True, separators=(",", ":")).encode())

    yield "boolean number", with_(seq=True)
    yield "number as text", with_(seq="1")
    yield "number as float", with_(seq=1.5)
    yield "number beyond", with_(seq=2**60)
    yield "number 0", with_(seq=0)
    yield "negative recovery", with_(recovered_bytes=-1)
    yield "unknown kind", with_(kind="approved")
    yield "kind as list", with_(kind=["decision"])
    yield "payload as list", with_(payload=[])
    yield "payload as null", with_(payload=None)
    yield "local time", with_(at="2026-03-02T12:00:00+01:00")
    yield "no time", with_(at="yesterday")
    yield "further field", with_(approved=True)
    yield "null", line(b"null")
    yield "deep", line(b'{"payload":' * 50_000)
    yield "deep list", line(b"[" * 100_000 + b"]" * 100_000)
    yield "double key", line(good[9:-76].replace(b'{"actor"', b'{"actor":"eve","actor"'))
    yield "spaces", line(good[9:-76].replace(b'":', b'": '))
    yield "not UTF-8", line(b'{"actor":"\xff"}')
    yield "lone surrogate", line(good[9:-76].replace(b"Run 1", b"\\ud800"))
    yield "not finite", line(good[9:-76].replace(b'"number":1', b'"number":NaN'))
    yield "digits without end", line(good[9:-76].replace(b'"number":1', b'"number":' + b"9" * 100_000))
    yield "capital hash", good[:-67] + good[-67:-3].upper() + good[-3:]
    yield "empty", b"\n"
    yield "zeros", b"\x00" * 1000 + b"\n"
    yield "no end", b"x" * 1000


@pytest.mark.parametrize(("name", "line"), list(hostile_lines()), ids=[name for name, _ in hostile_lines()])
def test_a_line_that_no_writer_wrote_is_a_problem_and_never_an_exception(name: str, line: bytes) -> None:
    assert not changed(line).ok, name


def test_a_line_without_end_is_read_no_further_than_any_entry_is_long(tmp_path: Path) -> None:
    log = filled_log(tmp_path, 1)
    with log.path.open("ab") as handle:
        handle.write(b"x" * 18_000_000 + b"\n")
    log.path.with_name("after").touch()
    problems = log.verify().problems
    assert [(problem.code, problem.line) for problem in problems] == [("torn_line", 2)]


def test_so_many_problems_are_counted_and_the_first_are_kept(tmp_path: Path) -> None:
    log = filled_log(tmp_path, 1)
    log.path.write_bytes(b"x\n" * 1000)
    verification = log.verify()
    assert (len(verification.problems), verification.further_problems) == (200, 800)
    assert "1,000 problems" in verification.statement


def test_a_damaged_line_of_checkpoints_and_a_repeated_one_are_told_apart(tmp_path: Path) -> None:
    log = filled_log(tmp_path, 2, checkpoints=(2,))
    good = log.checkpoint()
    assert good is not None
    with log.checkpoints_path.open("ab") as handle:
        handle.write(checkpoint_line(good) + b"{}\n")
    problems = log.verify().problems
    assert [(problem.file, problem.line, problem.code) for problem in problems] == [
        ("beside the log", 4, "damaged_checkpoint")
    ]


def test_five_thousand_decisions_are_appended_within_two_seconds(tmp_path: Path) -> None:
    payload = {f"text_{n}": "a sentence of some length, as decisions have" for n in range(24)} | {"usd": 1234.56}
    entries = [(f"d{n}", Entry("decision", "policy", "Scale it.", payload | {"n": n}, "E1")) for n in range(5000)]
    folders = (tmp_path / f"log{attempt}" for attempt in range(3))
    assert any(_seconds(lambda folder=folder: log_at(folder).append_all(entries)) < 2.0 for folder in folders)


@pytest.mark.slow
def test_a_hundred_thousand_entries_are_verified_within_five_seconds(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    log.append_all((None, entry(number)) for number in range(100_000))
    log.checkpoint()
    best = min(_seconds(log.verify) for _ in range(3))
    assert best < 5.0


@pytest.mark.slow
def test_random_tampering_of_a_longer_log_is_always_found(tmp_path: Path) -> None:
    log = filled_log(tmp_path, 60, checkpoints=(20, 40, 60))
    good = log.path.read_bytes()
    found = [FoundCheckpoint("given", None, log.checkpoint())]
    keys = log.keys.public_keys()
    chance = random.Random(1)  # noqa: S311 (no secret)
    for _ in range(20_000):
        start = chance.randrange(len(good))
        end = min(len(good), start + chance.choice([0, 1, 1, 2, 50, 700, 5000]))
        more = chance.choice([b"", b"\n", bytes([chance.randrange(256)]), good[end : end + chance.randrange(900)]])
        bad = good[:start] + more + good[end:]
        if bad != good:
            assert not verify_lines(io.BytesIO(bad), found, keys).ok, (start, end, more)


def _seconds(work: Any) -> float:
    """Of this process: what other processes do on the machine must not decide a test."""
    start = time.process_time()
    work()
    return time.process_time() - start
