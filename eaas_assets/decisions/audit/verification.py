"""Whether the audit log is what was written: every byte against the chain, the chain against signed checkpoints.

The chain alone finds whatever was changed, put in, left out, doubled or moved within it. That its end was cut, or
that an insider wrote it anew from some entry on, is found by checkpoints: up to the last of them, and not beyond.
Whoever holds the signing key and every copy of the checkpoints can rewrite the log unseen.

A log that begins after all that was signed of an older one at its place, such as after the output folder was removed,
claims nothing about the time before. It is what was written, and the older one is told as gone. A log with a single
entry from before that claims to be the older one, and is found to be another.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from eaas_assets.decisions.audit.appending import locked
from eaas_assets.decisions.audit.checkpoints import Checkpoint, log_origin, read_checkpoints
from eaas_assets.decisions.audit.entries import MAX_LINE, NOTHING_BEFORE, DamagedLine, decode_line, instant_text

KEY_FOLDER = "key folder"
"""Where a checkpoint was found that whoever writes the log cannot reach."""
SHOWN_PROBLEMS = 200
"""Problems that are kept; of further ones only the number is."""


class AuditProblem(NamedTuple):
    """One thing that is wrong.

    Attributes:
        file: ``log``, or where a checkpoint was found: ``beside the log``, ``key folder``, ``given``.
        line: Its line, from 1; None for the file as a whole.
        code: Stable kind, e.g. ``wrong_hash``, ``cut``, ``rewritten``.
    """

    file: str
    line: int | None
    code: str
    found: str
    expected: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        return f"{place}: found {self.found}; expected {self.expected} [{self.code}]"


class Verification(NamedTuple):
    """What came of verifying.

    Attributes:
        entries: Lines of the log.
        head: Hash of the last entry.
        checkpoints: Different checkpoints with a good signature.
        proven: Entries up to the last checkpoint that agrees with the log: none of them can have been changed or cut.
        problems: What is wrong, the first ``SHOWN_PROBLEMS`` of it.
        further_problems: How many more there are.
        remarks: What is no fault but should be known.
        origin: Which log it is; None for an empty one, or one whose first entry is damaged.
        older: Origins of logs that stood at its place and are gone, each with its last checkpoint.
    """

    entries: int
    head: str
    checkpoints: int
    proven: int
    problems: tuple[AuditProblem, ...]
    further_problems: int
    remarks: tuple[str, ...]
    origin: str | None
    older: Mapping[str, Checkpoint]

    @property
    def gone(self) -> tuple[str, ...]:
        """The older logs, each in a sentence."""
        return tuple(
            f"An older log of this place is gone: {last.size:,} entries, the last time signed at {last.at}."
            for last in self.older.values()
        )

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def statement(self) -> str:
        """The outcome in one sentence."""
        if self.problems:
            count = len(self.problems) + self.further_problems
            return f"The audit log is NOT as it was written: {count:,} problems in {self.entries:,} entries."
        return (
            f"The audit log is as it was written: {self.entries:,} entries, "
            f"{self.proven:,} of them proven by {self.checkpoints:,} signed checkpoints."
        )


class FoundCheckpoint(NamedTuple):
    """A checkpoint, or a line that is none, and where it was found."""

    place: str
    line: int | None
    checkpoint: Checkpoint | None


def verify_log(
    log: Path, found: Iterable[FoundCheckpoint], keys: Sequence[Ed25519PublicKey], remarks: Iterable[str] = ()
) -> Verification:
    """Check the log at a path; a missing file is an empty log. As :func:`verify_lines`."""
    return verify_lines(_lines(log), found, keys, remarks)


def verify_lines(
    lines: Iterable[bytes],
    found: Iterable[FoundCheckpoint],
    keys: Sequence[Ed25519PublicKey],
    remarks: Iterable[str] = (),
) -> Verification:
    """Check the lines of a log against their chain and against checkpoints.

    Args:
        lines: Each with its line break.
        found: All checkpoints that are known. Read before the log is, so that none is ahead of it.
        keys: Public keys whose signatures count.
        remarks: What is known already and should stand in the outcome.
    """
    problems = _Problems()
    found = list(found)
    signed = _good_checkpoints(found, keys, problems)
    wanted = {checkpoint.size for checkpoint in signed}
    chain = _walk(lines, wanted, problems)
    older = _older(signed, found, chain)
    proven = 0
    for checkpoint, (place, line) in signed.items():
        if checkpoint.origin in older:
            continue
        if fault := _contradiction(checkpoint, chain):
            problems.add(AuditProblem(place, line, *fault))
        else:
            proven = max(proven, checkpoint.size)
    own = sum(checkpoint.origin not in older for checkpoint in signed)
    verification = Verification(
        chain.lines, chain.head, own, proven, tuple(problems.kept), problems.further, (), chain.origin, older
    )
    return verification._replace(remarks=(*remarks, *verification.gone, *_remarks(chain, own, proven)))


def _older(
    signed: Mapping[Checkpoint, object], found: Iterable[FoundCheckpoint], chain: _Chain
) -> dict[str, Checkpoint]:
    """Logs that stood here before this one began: origin → last checkpoint.

    Only what the key folder alone knows counts: a checkpoint beside the log, or one that someone asks about, is said to
    be of this log.
    """
    claimed = {one.checkpoint.origin for one in found if one.checkpoint and one.place != KEY_FOLDER}
    last: dict[str, Checkpoint] = {}
    for checkpoint in signed:
        if checkpoint.origin not in claimed | {chain.origin}:
            last[checkpoint.origin] = max(
                last.get(checkpoint.origin, checkpoint), checkpoint, key=lambda one: (one.at, one.size)
            )
    if chain.origin is None or chain.earliest is None:
        return {}
    return {origin: one for origin, one in last.items() if one.at < chain.earliest}


def found_in(place: str, path: Path) -> list[FoundCheckpoint]:
    """All checkpoints of a file."""
    return [FoundCheckpoint(place, line, checkpoint) for line, checkpoint in read_checkpoints(path)]


class _Problems:
    def __init__(self) -> None:
        self.kept: list[AuditProblem] = []
        self.further = 0

    def add(self, problem: AuditProblem) -> None:
        if len(self.kept) < SHOWN_PROBLEMS:
            self.kept.append(problem)
        else:
            self.further += 1


class _Chain(NamedTuple):
    """What was read of the log: number of lines, hashes of the first and the last, and of those that were asked for.

    Of its time the earliest moment that any entry names.
    """

    lines: int
    first: str
    head: str
    at: dict[int, str]
    earliest: str | None

    @property
    def origin(self) -> str | None:
        return None if self.first == NOTHING_BEFORE else log_origin(self.first)


def _walk(lines: Iterable[bytes], wanted: set[int], problems: _Problems) -> _Chain:
    """Check every line by itself and against the one before it. A damaged line breaks the chain once, not for ever."""
    number, seq, head, first = 0, 0, NOTHING_BEFORE, NOTHING_BEFORE
    at: dict[int, str] = {}
    earliest: datetime | None = None
    broken = False
    for number, line in enumerate(lines, 1):
        try:
            entry = decode_line(line)
        except DamagedLine as error:
            problems.add(AuditProblem("log", number, error.code, error.found, error.expected))
            broken = True
            continue
        if not broken and entry.seq != seq + 1:
            problems.add(AuditProblem("log", number, "wrong_number", f"entry {entry.seq}", f"entry {seq + 1}"))
        elif not broken and entry.previous_hash != head:
            found = f"an entry that follows {entry.previous_hash[:16]}…"
            problems.add(AuditProblem("log", number, "broken_chain", found, f"one that follows {head[:16]}…"))
        broken = False
        seq, head = entry.seq, entry.entry_hash
        earliest = entry.at if earliest is None else min(earliest, entry.at)
        if number == 1:
            first = head
        if number in wanted:
            at[number] = head
    return _Chain(number, first, head, at, None if earliest is None else instant_text(earliest))


def _lines(log: Path) -> Iterator[bytes]:
    """The lines that were there when the reading began; of one that is too long, its first part."""
    left = _settled_size(log)
    if not left:
        return
    with log.open("rb") as handle:
        inside = False
        while left > 0 and (line := handle.readline(min(left, MAX_LINE + 1))):
            left -= len(line)
            if not inside:
                yield line
            inside = not line.endswith(b"\n")


def _settled_size(log: Path) -> int:
    """The size at a moment at which nobody writes; where the folder is read-only, nobody can."""
    if not log.exists():
        return 0
    if not os.access(log.parent, os.W_OK):
        return log.stat().st_size
    with locked(log):
        return log.stat().st_size


def _good_checkpoints(
    found: list[FoundCheckpoint], keys: Sequence[Ed25519PublicKey], problems: _Problems
) -> dict[Checkpoint, tuple[str, int | None]]:
    """Those with a signature that counts, each once, with the first place where it was found."""
    good: dict[Checkpoint, tuple[str, int | None]] = {}
    for place, line, checkpoint in found:
        if checkpoint is None:
            problems.add(AuditProblem(place, line, "damaged_checkpoint", "a damaged line", "a checkpoint"))
        elif checkpoint not in good:
            if checkpoint.signer(keys) is None:
                expected = f"a signature by one of {len(keys)} known keys"
                problems.add(AuditProblem(place, line, "bad_signature", f"a checkpoint of {checkpoint.at}", expected))
            else:
                good[checkpoint] = (place, line)
    return good


def _contradiction(checkpoint: Checkpoint, chain: _Chain) -> tuple[str, str, str] | None:
    """How the log differs from a signed checkpoint: code, found, expected."""
    signed = f"the {checkpoint.size:,} entries that were signed at {checkpoint.at}"
    if chain.origin is not None and checkpoint.origin != chain.origin:
        return "another_log", "a log with another first entry", signed
    if checkpoint.size > chain.lines:
        return "cut", f"a log of {chain.lines:,} entries", signed
    if chain.at.get(checkpoint.size) != checkpoint.head:
        return "rewritten", f"another entry {checkpoint.size:,}", signed
    return None


def _remarks(chain: _Chain, checkpoints: int, proven: int) -> Iterator[str]:
    if chain.lines and not checkpoints:
        yield "No checkpoint is known: that the end was cut, or that all was written anew, could not be seen."
    elif chain.lines > proven:
        after = f"The last {chain.lines - proven:,} entries stand after the last checkpoint"
        yield f"{after}: cutting them would not be seen."
