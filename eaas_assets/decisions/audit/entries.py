"""What an entry is, and the one line that it becomes.

A line is ``{"entry":{…},"hash":"…"}``: canonical JSON as a whole, in which the hash is the SHA-256 of the very bytes of
the inner object. That object names its number and the hash of the entry before it, which makes the lines a chain.
Where lines are kept is decided in `log`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version as installed_version
from typing import Any, Literal, NamedTuple, get_args

from eaas_assets.decisions.audit.canonical import canonical_bytes, parse_canonical
from eaas_assets.errors import InputError, Problem

Kind = Literal[
    "decision",
    "approval",
    "rejection",
    "override",
    "waiver",
    "policy_change",
    "refusal",
    "evaluation_run",
    "checkpoint",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
NOTHING_BEFORE = "0" * 64
"""The hash before the first entry."""
MAX_LINE = 16 * 1024 * 1024
"""Longest line in bytes: longer entries are refused, longer lines are damage."""

_OPEN = b'{"entry":'
_HASH = b',"hash":"'
_CLOSE = b'"}\n'
_TAIL = len(_HASH) + 64 + len(_CLOSE)
_HEX = re.compile(rb"[0-9a-f]{64}\Z")
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "actor": str,
    "at": str,
    "code_version": str,
    "identity": (str, type(None)),
    "inputs": dict,
    "kind": str,
    "payload": dict,
    "previous": str,
    "recovered_bytes": int,
    "seq": int,
    "subject": (str, type(None)),
    "summary": str,
}


class Entry(NamedTuple):
    """What someone wants to have on record.

    Attributes:
        kind: Kind of entry.
        actor: Who or what acts: a person, ``policy``, ``pipeline``.
        summary: One sentence.
        payload: The whole content, in values that JSON knows; numbers within its domain.
        subject: Experiment, agent@version or policy; None where there is none.
        inputs: Hashes of what it rests on, by name.
        code_version: Version of this package; None: the installed one.
        at: When; None: the moment of writing. Must carry a time zone.
    """

    kind: Kind
    actor: str
    summary: str
    payload: Mapping[str, Any]
    subject: str | None = None
    inputs: Mapping[str, str] = {}
    code_version: str | None = None
    at: datetime | None = None


class Receipt(NamedTuple):
    """An entry is on the disk.

    Attributes:
        new: False: an entry of the same identity was there already, and this is its receipt.
    """

    seq: int
    hash: str
    new: bool = True


class LoggedEntry(NamedTuple):
    """One entry as it stands in the log.

    Attributes:
        identity: What makes it the same entry when it is appended once more; None: nothing does.
        recovered_bytes: Bytes of an unacknowledged line that were removed (or ended) just before this entry was
            written, because a writer had died in the middle of it.
    """

    seq: int
    at: datetime
    kind: Kind
    actor: str
    subject: str | None
    summary: str
    payload: dict[str, Any]
    inputs: dict[str, str]
    code_version: str
    identity: str | None
    recovered_bytes: int
    previous_hash: str
    entry_hash: str


class DamagedLine(ValueError):  # noqa: N818 (a finding about a line, told as a problem by whoever reads)
    """A line is not one that a writer of this log wrote. ``code``, ``found`` and ``expected`` tell how."""

    def __init__(self, code: str, found: str, expected: str) -> None:
        self.code, self.found, self.expected = code, found, expected
        super().__init__(f"{code}: found {found}; expected {expected}")


def encode_line(
    entry: Entry, seq: int, previous: str, identity: str | None, now: datetime, recovered_bytes: int = 0
) -> tuple[bytes, str]:
    """The line of an entry and its hash.

    Raises:
        InputError: The entry has no canonical form, is of an unknown kind, has a time without a zone, or is too long.
    """
    if entry.kind not in KINDS:
        raise InputError(Problem("audit entry", "unknown_kind", repr(entry.kind), " | ".join(KINDS), field="kind"))
    body = canonical_bytes(
        {
            "actor": entry.actor,
            "at": instant_text(entry.at or now),
            "code_version": package_version() if entry.code_version is None else entry.code_version,
            "identity": identity,
            "inputs": dict(entry.inputs),
            "kind": entry.kind,
            "payload": dict(entry.payload),
            "previous": previous,
            "recovered_bytes": recovered_bytes,
            "seq": seq,
            "subject": entry.subject,
            "summary": entry.summary,
        }
    )
    own = hashlib.sha256(body).hexdigest()
    line = _OPEN + body + _HASH + own.encode() + _CLOSE
    if len(line) > MAX_LINE:
        raise InputError(Problem("audit entry", "too_long", f"{len(line):,} bytes", f"at most {MAX_LINE:,}"))
    return line, own


def decode_line(line: bytes) -> LoggedEntry:
    """The entry of a line that ends with a line break.

    Raises:
        DamagedLine: Any byte of it differs from what was written, or it was never written by this log.
    """
    if not line.endswith(b"\n"):
        raise DamagedLine("torn_line", "a line without an end", "a line break")
    stated = line[-len(_CLOSE) - 64 : -len(_CLOSE)]
    if not (
        line.startswith(_OPEN) and line[-_TAIL:].startswith(_HASH) and line.endswith(_CLOSE) and _HEX.match(stated)
    ):
        raise DamagedLine("malformed_line", "a line of another shape", '{"entry":{…},"hash":"…"}')
    body = line[len(_OPEN) : -_TAIL]
    own = hashlib.sha256(body).hexdigest()
    if own.encode() != stated:
        raise DamagedLine("wrong_hash", f"content with hash {own[:16]}…", f"the stated {stated.decode()[:16]}…")
    try:
        value = parse_canonical(body)
        return _entry(value, own)
    except ValueError as error:
        if isinstance(error, DamagedLine):
            raise
        raise DamagedLine("not_an_entry", str(error)[:200], "an entry in canonical JSON") from error


def _entry(value: Any, own: str) -> LoggedEntry:
    if not isinstance(value, dict) or value.keys() != _FIELDS.keys():
        raise DamagedLine("not_an_entry", "other fields", ", ".join(_FIELDS))
    for field, types in _FIELDS.items():
        if not isinstance(value[field], types) or isinstance(value[field], bool):
            raise DamagedLine("not_an_entry", f"another type in field '{field}'", "the type that the log writes")
    if value["kind"] not in KINDS or value["seq"] < 1 or value["recovered_bytes"] < 0:
        raise DamagedLine("not_an_entry", "a kind or number that the log never writes", "an entry")
    return LoggedEntry(
        seq=value["seq"],
        at=_instant(value["at"]),
        kind=value["kind"],
        actor=value["actor"],
        subject=value["subject"],
        summary=value["summary"],
        payload=value["payload"],
        inputs=value["inputs"],
        code_version=value["code_version"],
        identity=value["identity"],
        recovered_bytes=value["recovered_bytes"],
        previous_hash=value["previous"],
        entry_hash=own,
    )


@cache
def package_version() -> str:
    """Version of this package."""
    return installed_version("eaas-assets")


def instant_text(moment: datetime) -> str:
    """A moment as ``2026-01-31T09:30:00.000000Z``.

    Raises:
        InputError: It has no time zone.
    """
    if moment.tzinfo is None:
        raise InputError(Problem("audit entry", "no_time_zone", moment.isoformat(), "a time with its zone", field="at"))
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or instant_text(moment) != text:
        raise DamagedLine("not_an_entry", "a time in another form", "UTC to the microsecond, ending in Z")
    return moment
