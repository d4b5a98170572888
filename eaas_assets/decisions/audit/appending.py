"""Lines at the end of a file: one writer at a time, on the disk before anyone is told so, no piece of a line left.

What a line says is not known here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from eaas_assets.errors import StorageError
from eaas_assets.storage.files import sync_folder

LOCK_SECONDS = 60.0
_CHUNK = 1024 * 1024


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of ``path``; it falls with the process that holds it.

    Raises:
        StorageError: Another holds it for longer than ``LOCK_SECONDS``, or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=LOCK_SECONDS, poll_interval=0.002)
        lock.acquire()
    except Timeout as error:
        raise StorageError(f"{path} is held by another writer for more than {LOCK_SECONDS:g} s") from error
    except OSError as error:
        raise StorageError(f"{path} cannot be locked: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def append_durably(path: Path, content: bytes) -> None:
    """Append ``content``; it is on the disk when this returns. Call with the lock held.

    Raises:
        StorageError: It could not be written; the file is as it was.
    """
    existed = path.exists()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            before = os.fstat(descriptor).st_size
            try:
                _write_all(descriptor, content)
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, before)  # a full disk must not leave half of it
                raise
        finally:
            os.close(descriptor)
        if not existed:
            sync_folder(path.parent)
    except OSError as error:
        raise StorageError(f"{path} could not be written: {error.strerror or error}") from error


def mend_tail(path: Path, is_whole: Callable[[bytes], bool]) -> int:
    """Remove the piece of a line that a dead writer left at the end. Call with the lock held.

    A piece that only lacks its line break is ended and not removed, so that nobody can have the next writer drop an
    acknowledged line by taking away one byte.

    Args:
        path: The file; it may be missing.
        is_whole: Whether a line (with its line break) is a whole one.

    Returns:
        Size of the piece in bytes; 0 where the file ends as it should.
    """
    if not path.exists():
        return 0
    with path.open("rb+") as handle:
        size = handle.seek(0, os.SEEK_END)
        start = _start_of_piece(handle.fileno(), size)
        if start == size:
            return 0
        handle.seek(start)
        if is_whole(handle.read() + b"\n"):
            handle.write(b"\n")
        else:
            handle.truncate(start)
        handle.flush()
        os.fsync(handle.fileno())
        return size - start


def _start_of_piece(descriptor: int, size: int) -> int:
    """Where the text after the last line break starts."""
    end = size
    while end > 0:
        start = max(0, end - _CHUNK)
        if (found := os.pread(descriptor, end - start, start).rfind(b"\n")) >= 0:
            return start + found + 1
        end = start
    return 0


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
