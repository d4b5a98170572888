"""Reading one user file with a limit, and writing one of ours so that nobody ever sees half of it."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from eaas_assets.errors import InputError, Problem, shown

MIB = 1024 * 1024


def read_limited(root: Path, relative: str, limit: int) -> bytes:
    """The bytes of ``root/relative``.

    Args:
        root: The data folder; problems name files relative to it.
        relative: Path below ``root``.
        limit: Largest size that is read, in bytes.

    Raises:
        InputError: The file is missing, lies outside ``root``, is not a regular file, is too large or unreadable.
    """
    path = root / relative
    try:
        resolved = path.resolve()
        if not resolved.is_relative_to(root.resolve()):
            raise InputError(Problem(relative, "outside_data_folder", str(relative), "a path below the data folder"))
        if not resolved.exists():
            raise InputError(Problem(relative, "missing_file", "no such file", "a file"))
        if not resolved.is_file():  # a folder, or a pipe that would block for ever
            raise InputError(Problem(relative, "not_a_file", "something that is not a regular file", "a file"))
        size = resolved.stat().st_size
        if size > limit:
            found = f"{size / MIB:.1f} MiB"
            raise InputError(Problem(relative, "file_too_large", found, f"at most {limit / MIB:g} MiB"))
        return resolved.read_bytes()
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
        if isinstance(error, InputError):
            raise
        found = getattr(error, "strerror", None) or str(error)
        raise InputError(Problem(relative, "unreadable_file", shown(found), "a readable file")) from error


def decode_utf8(raw: bytes, relative: str) -> str:
    """Text of a user file; a byte-order mark is dropped.

    Raises:
        InputError: The bytes are not UTF-8; the problem names the line and the byte.
    """
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{raw[error.start]:02x} at offset {error.start}"
        raise InputError(Problem(relative, "not_utf8", found, "UTF-8 text", row=line)) from error


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` beside ``path``, flush it to the disk and rename it into place.

    A reader sees the old file or the new one, never a torn one, also when the writer is killed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    try:
        with beside.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` survive a power cut (a no-op where folders cannot be opened)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(value: Any) -> str:
    """One text for one value: sorted keys, no spaces, real characters, no NaN."""
    return _CANONICAL.encode(value)


def digest(content: bytes | str) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()
