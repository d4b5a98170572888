"""The audit log: appending under a lock, and reading what is there.

A line is acknowledged (its receipt returned) when it is on the disk. A writer that dies in the middle of a line leaves
an unacknowledged piece of one; the next writer removes it and notes how much it was. A damaged log is neither read nor
written: what is wrong with it is told by `verification`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from eaas_assets.decisions.audit.appending import append_durably, locked, mend_tail
from eaas_assets.decisions.audit.checkpoints import Checkpoint, checkpoint_line, log_origin, read_line
from eaas_assets.decisions.audit.entries import (
    MAX_LINE,
    NOTHING_BEFORE,
    DamagedLine,
    Entry,
    Kind,
    LoggedEntry,
    Receipt,
    decode_line,
    encode_line,
)
from eaas_assets.decisions.audit.keys import KeyStore
from eaas_assets.decisions.audit.verification import KEY_FOLDER, FoundCheckpoint, Verification, found_in, verify_log
from eaas_assets.errors import StorageError
from eaas_assets.storage.locations import Locations

CHECKPOINTS_FILE = "checkpoints.jsonl"

Clock = Callable[[], datetime]


class AuditLog:
    """One log. Safe for many processes and threads, each with an object of its own or a shared one."""

    def __init__(self, path: Path, keys: KeyStore, clock: Clock = lambda: datetime.now(UTC)) -> None:
        """Use the log at ``path``; nothing is touched before the first append.

        Args:
            path: The file, by convention ``<output>/audit/log.jsonl``. Its checkpoints stand beside it.
            keys: Where the signing key is, and the copies of the checkpoints that are out of the log's reach.
            clock: What gives an entry its time where it has none.
        """
        self.path = path
        self.keys = keys
        self._clock = clock
        self._seen = _Seen(None)

    @classmethod
    def at(cls, locations: Locations) -> AuditLog:
        """The log of an installation, with the keys that the environment names.

        Raises:
            StorageError: The keys would lie in the data or output folder.
        """
        return cls(locations.audit_log, KeyStore.from_environment(locations))

    @property
    def checkpoints_path(self) -> Path:
        """The checkpoints beside the log."""
        return self.path.with_name(CHECKPOINTS_FILE)

    # -- writing ------------------------------------------------------------------------------------------------------

    def append(self, entry: Entry) -> Receipt:
        """Append one entry; it is on the disk when this returns.

        Raises:
            InputError: The entry has no canonical form; nothing was written.
            StorageError: The log is damaged, or it could not be locked or written; nothing was acknowledged.
        """
        return self.append_all([(None, entry)])[0]

    def append_once(self, identity: str, entry: Entry) -> Receipt:
        """Append one entry unless one of the same identity is there; then give the receipt of that one (``new`` False).

        Raises:
            InputError: As :meth:`append`.
            StorageError: As :meth:`append`.
        """
        return self.append_all([(identity, entry)])[0]

    def append_all(self, entries: Iterable[tuple[str | None, Entry]]) -> list[Receipt]:
        """Append many entries with one write; each that has an identity at most once ever.

        Killed in the middle, a first part of them is in the log; with identities the call can simply be made again.

        Raises:
            InputError: One of them has no canonical form; none was written.
            StorageError: As :meth:`append`.
        """
        wanted = list(entries)
        with locked(self.path):
            self._catch_up()
            recovered = 0
            if not all(identity in self._seen.identities for identity, _ in wanted):  # something will be written
                recovered = mend_tail(self.path, _is_entry)
                self._catch_up()
            batch = _prepare(wanted, self._seen, self._clock(), recovered)
            if batch.lines:
                content = b"".join(batch.lines)
                append_durably(self.path, content)
                self._seen.file = _file_identity(self.path)
                self._seen.advance(batch.added, len(content))
        return batch.receipts

    # -- reading ------------------------------------------------------------------------------------------------------

    def entries(self, kind: Kind | None = None) -> Iterator[LoggedEntry]:
        """All entries, or those of one kind, in their order. A line that is still being written is left out.

        Raises:
            StorageError: A line is damaged or out of its chain.
        """
        for entry, _ in self._read(_Seen(None)):
            if kind is None or entry.kind == kind:
                yield entry

    def head(self) -> tuple[int, str]:
        """Number and hash of the last entry; (0, 64 zeros) for an empty log.

        Raises:
            StorageError: The log is damaged.
        """
        with locked(self.path):
            self._catch_up()
            return self._seen.seq, self._seen.head

    def _read(self, start: _Seen) -> Iterator[tuple[LoggedEntry, int]]:
        """Entries after ``start`` with the lengths of their lines, as long as they continue the chain."""
        if not self.path.exists():
            return
        seq, head = start.seq, start.head
        with self.path.open("rb") as handle:
            handle.seek(start.size)
            while (line := handle.readline(MAX_LINE + 1)).endswith(b"\n"):
                entry = self._next(line, seq, head)
                seq, head = entry.seq, entry.entry_hash
                yield entry, len(line)
            if len(line) > MAX_LINE:
                raise StorageError(f"{self.path}: line {seq + 1} is longer than any entry; see `eaas audit verify`")

    def _next(self, line: bytes, seq: int, head: str) -> LoggedEntry:
        place = f"{self.path}: line {seq + 1} is damaged"
        try:
            entry = decode_line(line)
        except DamagedLine as error:
            raise StorageError(f"{place} ({error}); see `eaas audit verify`") from error
        if entry.seq != seq + 1 or entry.previous_hash != head:
            raise StorageError(f"{place}: entry {entry.seq} does not follow entry {seq}; see `eaas audit verify`")
        return entry

    def _catch_up(self) -> None:
        """Read what others have appended since this object last looked; start anew where the file is another one."""
        identity = _file_identity(self.path)
        if identity is None or identity != self._seen.file or self.path.stat().st_size < self._seen.size:
            self._seen = _Seen(identity)
        for entry, length in self._read(self._seen):
            self._seen.advance([(entry.identity, Receipt(entry.seq, entry.entry_hash))], length)

    # -- proof --------------------------------------------------------------------------------------------------------

    def checkpoint(self) -> Checkpoint | None:
        """Sign the present head, and keep the checkpoint beside the log and out of its reach. None for an empty log.

        The first call makes the key pair.

        Raises:
            StorageError: The log is damaged, or the key or a checkpoint could not be stored.
        """
        with locked(self.path):
            self._catch_up()
            seen = self._seen
            if not seen.seq:
                return None
            origin = log_origin(seen.first)
            signed = self.keys.sign_head(origin, seen.seq, seen.head, self._clock())
            # First where it matters most.
            for path in (self.keys.anchors_path(self.path, origin), self.checkpoints_path):
                with locked(path):
                    mend_tail(path, lambda line: read_line(line) is not None)
                    append_durably(path, checkpoint_line(signed))
            return signed

    def verify(
        self, checkpoints: Iterable[Checkpoint] = (), public_keys: Sequence[Ed25519PublicKey] | None = None
    ) -> Verification:
        """Check every byte of the log against its chain and against all checkpoints that can be found.

        Args:
            checkpoints: Further ones, for instance read off a printed report.
            public_keys: Keys that count; None: those of the key folder.
        """
        files = self.keys.anchors(self.path)
        outside = [found for file in files for found in found_in(KEY_FOLDER, file)]
        beside = found_in("beside the log", self.checkpoints_path)
        given = [FoundCheckpoint("given", None, checkpoint) for checkpoint in checkpoints]
        keys = self.keys.public_keys() if public_keys is None else public_keys
        verification = verify_log(self.path, [*outside, *beside, *given], keys)
        gone = {one.checkpoint for one in outside if one.checkpoint and one.checkpoint.origin in verification.older}
        remarks = [*_copies(outside, beside, gone), *verification.remarks]
        own = None if verification.origin is None else self.keys.anchors_path(self.path, verification.origin)
        another = any(problem.code == "another_log" for problem in verification.problems)
        others = [str(file) for file in files if file != own]
        if others and (verification.older or another or not verification.entries):
            remarks.append(f"If the log was emptied on purpose, move its old checkpoints away: {', '.join(others)}")
        return verification._replace(remarks=tuple(remarks))


def _copies(
    outside: Iterable[FoundCheckpoint], beside: Iterable[FoundCheckpoint], gone: set[Checkpoint]
) -> Iterator[str]:
    """How the checkpoints of the key folder and those beside the log differ."""
    kept, copied = ({found.checkpoint for found in place} for place in (outside, beside))
    if missing := kept - copied - gone:
        yield f"{len(missing):,} checkpoints of the key folder are not beside the log."
    if missing := copied - kept:
        yield f"{len(missing):,} checkpoints beside the log are not in the key folder."


class _Seen:
    """What has been read of a file so far."""

    def __init__(self, file: tuple[int, int] | None) -> None:
        self.file = file
        self.size = 0
        self.seq = 0
        self.head = NOTHING_BEFORE
        self.first = NOTHING_BEFORE
        self.identities: dict[str, Receipt] = {}

    def advance(self, added: Iterable[tuple[str | None, Receipt]], size: int) -> None:
        for identity, receipt in added:
            self.seq, self.head = receipt.seq, receipt.hash
            if receipt.seq == 1:
                self.first = receipt.hash
            if identity is not None:
                self.identities.setdefault(identity, receipt)
        self.size += size


class _Batch(NamedTuple):
    """Lines to write, a receipt for every entry that was asked for, and the receipts of those that are new."""

    lines: list[bytes]
    receipts: list[Receipt]
    added: list[tuple[str | None, Receipt]]


def _prepare(wanted: Sequence[tuple[str | None, Entry]], seen: _Seen, now: datetime, recovered: int) -> _Batch:
    batch = _Batch([], [], [])
    seq, head = seen.seq, seen.head
    fresh: dict[str | None, Receipt] = {}
    for identity, entry in wanted:
        known = None if identity is None else seen.identities.get(identity) or fresh.get(identity)
        if known is not None:
            batch.receipts.append(known._replace(new=False))
            continue
        line, head = encode_line(entry, seq + 1, head, identity, now, 0 if batch.lines else recovered)
        seq += 1
        receipt = fresh[identity] = Receipt(seq, head)
        batch.lines.append(line)
        batch.receipts.append(receipt)
        batch.added.append((identity, receipt))
    return batch


def _is_entry(line: bytes) -> bool:
    try:
        decode_line(line)
    except DamagedLine:
        return False
    return True


def _file_identity(path: Path) -> tuple[int, int] | None:
    if not path.exists():
        return None
    status = path.stat()
    return status.st_dev, status.st_ino
