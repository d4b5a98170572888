"""A checkpoint says, signed: the log of this origin had so many entries, and the last one had this hash.

Its text is a signed note as C2SP describes it (c2sp.org/signed-note, c2sp.org/tlog-checkpoint), with the head of the
chain where a transparency log has the root of its tree, and the time as an extension line. On one line it fits
into the foot of a page. Where checkpoints are kept is decided in `log`, which keys count in `keys`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from eaas_assets.decisions.audit.entries import instant_text
from eaas_assets.storage.files import canonical_json

ORIGIN = "eaas-audit/"
_TEXT = re.compile(
    r"(?P<origin>eaas-audit/[0-9a-f]{32}) (?P<size>[1-9][0-9]{0,15}) (?P<head>[0-9a-f]{64}) "
    r"(?P<at>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{15}Z) (?P<signature>[A-Za-z0-9+/]{91}=)\Z"
)
_KEY_ID = 4
_ED25519_NOTE = b"\x01"


class Checkpoint(NamedTuple):
    """A signed head.

    Attributes:
        origin: Which log: made of the hash of its first entry.
        size: Number of entries.
        head: Hash of the last of them.
        at: When it was signed, as UTC text.
        signature: Base64 of four bytes that name the key, and the Ed25519 signature.
    """

    origin: str
    size: int
    head: str
    at: str
    signature: str

    @classmethod
    def sign(cls, key: Ed25519PrivateKey, origin: str, size: int, head: str, now: datetime) -> Self:
        """Sign a head."""
        unsigned = cls(origin, size, head, instant_text(now), "")
        signature = key_id(origin, key.public_key()) + key.sign(unsigned.body())
        return unsigned._replace(signature=base64.b64encode(signature).decode())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the one-line form.

        Raises:
            ValueError: The text is no checkpoint.
        """
        match = _TEXT.match(text.strip())
        if match is None:
            raise ValueError("not a checkpoint: expected 'eaas-audit/<log> <entries> <hash> <time> <signature>'")
        return cls(match["origin"], int(match["size"]), match["head"], match["at"], match["signature"])

    @property
    def text(self) -> str:
        """On one line, for the foot of a report and for metadata; :meth:`parse` reads it."""
        return f"{self.origin} {self.size} {self.head} {self.at} {self.signature}"

    @property
    def note(self) -> str:
        """As a signed note (C2SP)."""
        return f"{self.body().decode()}\n\N{EM DASH} {self.origin} {self.signature}\n"

    def body(self) -> bytes:
        """What is signed."""
        head = base64.b64encode(bytes.fromhex(self.head)).decode()
        return f"{self.origin}\n{self.size}\n{head}\n{self.at}\n".encode()

    def signer(self, keys: Iterable[Ed25519PublicKey]) -> Ed25519PublicKey | None:
        """The one of ``keys`` whose signature it carries; None where there is none."""
        try:
            raw = base64.b64decode(self.signature, validate=True)
        except (binascii.Error, ValueError):
            return None
        if base64.b64encode(raw).decode() != self.signature:  # the last character has bits that say nothing
            return None
        return next((key for key in keys if _signed_by(key, self.origin, raw, self.body())), None)


def key_id(origin: str, key: Ed25519PublicKey) -> bytes:
    """The four bytes by which a signed note names its key."""
    return hashlib.sha256(origin.encode() + b"\n" + _ED25519_NOTE + key.public_bytes_raw()).digest()[:_KEY_ID]


def _signed_by(key: Ed25519PublicKey, origin: str, raw: bytes, body: bytes) -> bool:
    if raw[:_KEY_ID] != key_id(origin, key):
        return False
    try:
        key.verify(raw[_KEY_ID:], body)
    except InvalidSignature:
        return False
    return True


def log_origin(first_hash: str) -> str:
    """Name of the log whose first entry has this hash."""
    return ORIGIN + first_hash[:32]


class CheckpointLine(NamedTuple):
    """One line of a file of checkpoints; ``checkpoint`` is None where it is damaged."""

    line: int
    checkpoint: Checkpoint | None


def checkpoint_line(checkpoint: Checkpoint) -> bytes:
    """The line that a checkpoint becomes in a file."""
    return canonical_json(checkpoint._asdict()).encode() + b"\n"


def read_line(line: bytes) -> Checkpoint | None:
    """The checkpoint of a line; None where not every byte is as it was written."""
    match = _LINE.match(line)
    if match is None:
        return None
    values = [group.decode("ascii") for group in match.groups()]
    at, head, origin, signature, size = values
    try:
        return Checkpoint.parse(f"{origin} {size} {head} {at} {signature}")
    except ValueError:
        return None


_LINE = re.compile(
    rb'\{"at":"([0-9A-Z:.-]+)","head":"([0-9a-f]+)","origin":"([a-z0-9/-]+)",'
    rb'"signature":"([A-Za-z0-9+/=]+)","size":([0-9]+)\}\n\Z'
)


def read_checkpoints(path: Path) -> Iterator[CheckpointLine]:
    """All lines of a file of checkpoints; nothing where there is no file."""
    if not path.exists():
        return
    with path.open("rb") as handle:
        number = 0
        while line := handle.readline(4096):
            number += 1
            yield CheckpointLine(number, read_line(line))
