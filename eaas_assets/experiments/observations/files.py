"""The file that a document names: where it lies, what format it has, and a hash of what is in it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from eaas_assets.errors import InputError, Problem, shown
from eaas_assets.storage.files import MIB

if TYPE_CHECKING:
    import os

Format = Literal["csv", "json", "jsonl", "parquet"]
TEXT_LIMIT = 512 * MIB
PARQUET_LIMIT = 16 * 1024 * MIB
WHOLE_DIGEST = 64 * MIB
"""Files up to this size are hashed whole. Larger ones by their size, time of change and pieces: hashing 200 MB takes
as long as aggregating them."""
PIECES = 16
PIECE = MIB // 8
"""Bytes of each."""


@dataclass(frozen=True)
class ObservationFile:
    """A file below the data folder that can be read.

    Attributes:
        path: Where it lies, links resolved.
        relative: How problems name it.
        format: By its ending.
        digest: Hash of its content; see ``WHOLE_DIGEST``.
        size: In bytes.
    """

    path: Path
    relative: str
    format: Format
    digest: str
    size: int


def find_file(root: Path, folder: str, file: str) -> ObservationFile:
    """The file that lies beside a document.

    Args:
        root: The data folder.
        folder: The document's folder below ``root``.
        file: What the document says.

    Raises:
        InputError: It is missing, lies outside the data folder, is no regular file, is too large, cannot be read, or
            has an ending that is not known.
    """
    relative = f"{folder}/{file}"
    told = shown(relative, 200)[1:-1]
    kind = _format(told, file)
    try:
        path = (root / folder / file).resolve()
        if not path.is_relative_to(root.resolve()):
            raise InputError(Problem(told, "outside_data_folder", shown(file), "a path below the data folder"))
        if not path.exists():
            raise InputError(Problem(told, "missing_file", "no such file", "a file"))
        if not path.is_file():
            raise InputError(Problem(told, "not_a_file", "something that is not a regular file", "a file"))
        status = path.stat()
        limit = PARQUET_LIMIT if kind == "parquet" else TEXT_LIMIT
        if status.st_size > limit:
            found, expected = f"{status.st_size / MIB:.1f} MiB", f"at most {limit / MIB:g} MiB"
            raise InputError(Problem(told, "file_too_large", found, expected))
        if status.st_size == 0:
            raise InputError(Problem(told, "empty_file", "an empty file", "observations"))
        return ObservationFile(path, told, kind, _digest(path, status), status.st_size)
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
        if isinstance(error, InputError):
            raise
        circle = isinstance(error, RuntimeError)  # whose text tells where the data folder lies on this machine
        found = "links in a circle" if circle else getattr(error, "strerror", None) or str(error)
        raise InputError(Problem(told, "unreadable_file", shown(found), "a readable file")) from error


def _format(told: str, file: str) -> Format:
    ending = PurePosixPath(file).suffix.lower()
    kinds: dict[str, Format] = {".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}
    kinds |= {".parquet": "parquet", ".pq": "parquet"}
    if ending not in kinds:
        expected = "a name that ends in .csv, .parquet, .json or .jsonl"
        raise InputError(Problem(told, "unknown_format", shown(PurePosixPath(file).name), expected))
    return kinds[ending]


def _digest(path: Path, status: os.stat_result) -> str:
    hashed = hashlib.sha256()
    with path.open("rb") as handle:
        if status.st_size <= WHOLE_DIGEST:
            while piece := handle.read(MIB):
                hashed.update(piece)
            return hashed.hexdigest()
        hashed.update(f"{status.st_size} {status.st_mtime_ns}".encode())
        for index in range(PIECES):  # the first piece at the start, the last one at the end
            handle.seek(index * (status.st_size - PIECE) // (PIECES - 1))
            hashed.update(handle.read(PIECE))
    return hashed.hexdigest()
