"""Ed25519 signatures in the form of OpenSSH (PROTOCOL.sshsig), as ``ssh-keygen -Y sign -n eaas`` makes them.

What is signed is decided in `requests`; whether a signature is needed, in `checks`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key, load_ssh_public_key

from eaas_assets.errors import InputError, Problem, shown
from eaas_assets.storage.files import read_limited

NAMESPACE = "eaas"
MAX_SIGNATURE = 4096
"""Longest signature text that is looked at; a real one has about 300 characters."""

_MAGIC = b"SSHSIG"
_ALGORITHM = b"ssh-ed25519"
_HASHES = {b"sha512": hashlib.sha512, b"sha256": hashlib.sha256}
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"


class BadSignature(ValueError):  # noqa: N818 (a finding about a request, told as a refusal)
    """A signature is not one of this key over this text. The message says why."""


class Signature(NamedTuple):
    """A signature as text, between its BEGIN and END lines."""

    text: str


class ParsedSignature(NamedTuple):
    """What a signature's text holds."""

    public_key: bytes
    namespace: bytes
    reserved: bytes
    hash_name: bytes
    raw: bytes


def sign_bytes(message: bytes, key_path: Path) -> Signature:
    """Sign with the private key in a file that ``ssh-keygen -t ed25519`` made.

    A key that is locked with a passphrase, or lives in an agent or a token, is for ``ssh-keygen -Y sign``.

    Raises:
        InputError: The file is missing, is no Ed25519 private key, or is locked.
    """
    raw = read_limited(key_path.parent, key_path.name, 64 * 1024)
    try:
        key = load_ssh_private_key(raw, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: locked
        expected = "an Ed25519 private key without a passphrase (sign with others by `ssh-keygen -Y sign -n eaas`)"
        raise InputError(Problem(key_path.name, "unreadable_key", shown(str(error)), expected)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(Problem(key_path.name, "unreadable_key", "a key of another kind", "an Ed25519 private key"))
    public = _blob(_ALGORITHM) + _blob(key.public_key().public_bytes_raw())
    signature = _blob(_ALGORITHM) + _blob(key.sign(_signed(message, NAMESPACE.encode(), b"", b"sha512")))
    parts = [public, NAMESPACE.encode(), b"", b"sha512", signature]
    body = _MAGIC + (1).to_bytes(4, "big") + b"".join(_blob(part) for part in parts)
    lines = base64.b64encode(body).decode()
    wrapped = "\n".join(lines[start : start + 70] for start in range(0, len(lines), 70))
    return Signature(f"{_BEGIN}\n{wrapped}\n{_END}\n")


def check_signature(signature: Signature, message: bytes, key_line: str) -> ParsedSignature:
    """Check a signature against the one key that may have made it.

    Args:
        signature: As ``sign_bytes`` or ``ssh-keygen -Y sign -n eaas`` made it.
        message: The text that should have been signed.
        key_line: ``ssh-ed25519 AAAA… comment``.

    Raises:
        BadSignature: It is malformed, of another key, for another purpose, or over another text.
    """
    parsed = parse_signature(signature)
    key = public_key(key_line)
    if parsed.namespace != NAMESPACE.encode():
        raise BadSignature(f"it was made for another purpose than '{NAMESPACE}'")
    if parsed.reserved:
        raise BadSignature("it carries something in a reserved field")
    if parsed.public_key != _blob(_ALGORITHM) + _blob(key.public_bytes_raw()):
        raise BadSignature("it was made with another key than the listed one")
    try:
        key.verify(parsed.raw, _signed(message, parsed.namespace, parsed.reserved, parsed.hash_name))
    except InvalidSignature:
        raise BadSignature("it is not over this request") from None
    return parsed


def parse_signature(signature: Signature) -> ParsedSignature:
    """Take a signature apart, strictly.

    Raises:
        BadSignature: It is not an Ed25519 signature in the form of OpenSSH.
    """
    text = signature.text.strip()
    if len(text) > MAX_SIGNATURE or not (text.startswith(_BEGIN) and text.endswith(_END)):
        raise BadSignature("it is not an SSH signature")
    try:
        body = base64.b64decode("".join(text[len(_BEGIN) : -len(_END)].split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadSignature("it is not an SSH signature") from error
    if not body.startswith(_MAGIC + (1).to_bytes(4, "big")):
        raise BadSignature("it is not an SSH signature of version 1")
    key, namespace, reserved, hash_name, blob = _split(body[len(_MAGIC) + 4 :], 5)
    algorithm, raw = _split(blob, 2)
    if algorithm != _ALGORITHM or len(raw) != 64 or hash_name not in _HASHES:
        raise BadSignature("it is not an Ed25519 signature")
    return ParsedSignature(key, namespace, reserved, hash_name, raw)


def public_key(key_line: str) -> Ed25519PublicKey:
    """The key of a line ``ssh-ed25519 AAAA… comment``.

    Raises:
        BadSignature: The line holds no such key.
    """
    try:
        key = load_ssh_public_key(key_line.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadSignature("the listed key cannot be read") from error
    if not isinstance(key, Ed25519PublicKey):
        raise BadSignature("the listed key is not an Ed25519 key")
    return key


def fingerprint(key_line: str) -> str:
    """As ``ssh-keygen -l`` shows it: ``SHA256:…``.

    Raises:
        BadSignature: The line holds no key.
    """
    blob = _blob(_ALGORITHM) + _blob(public_key(key_line).public_bytes_raw())
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _signed(message: bytes, namespace: bytes, reserved: bytes, hash_name: bytes) -> bytes:
    hashed = _HASHES[hash_name](message).digest()
    return _MAGIC + b"".join(_blob(part) for part in (namespace, reserved, hash_name, hashed))


def _blob(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


def _split(body: bytes, count: int) -> list[bytes]:
    """Exactly ``count`` length-prefixed parts, and nothing after them."""
    parts = []
    for _ in range(count):
        size = int.from_bytes(body[:4], "big")
        if len(body) < 4 + size:
            raise BadSignature("it is cut off")
        parts.append(body[4 : 4 + size])
        body = body[4 + size :]
    if body:
        raise BadSignature("something follows its end")
    return parts
