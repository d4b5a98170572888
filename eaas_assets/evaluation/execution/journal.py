"""Makes finished evaluations durable without making the event loop wait for the disk.

One thread owns the ledger and commits whatever has gathered since its last commit, so that fifty evaluations that
finish together share one disk synchronisation. An evaluation counts only once its commit is acknowledged.
"""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Self

from eaas_assets.errors import StorageError
from eaas_assets.storage.ledger import Ledger

_Entry = tuple[int, str, "asyncio.Future[None]"]


class Journal:
    """An asynchronous front to a ledger. Use as an async context manager; leaving it commits what is left."""

    def __init__(self, ledger: Ledger) -> None:
        """Write to ``ledger``, which must not be used by anybody else meanwhile."""
        self._ledger = ledger
        self._waiting: list[_Entry] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._commit_until_closed, name="journal", daemon=True)

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self._wake.set()
        await asyncio.to_thread(self._thread.join)  # the loop stays free to acknowledge the last commit

    async def write(self, position: int, record: str) -> None:
        """Return once the record is durable.

        Raises:
            StorageError: It could not be stored.
        """
        done = self._loop.create_future()
        with self._lock:
            self._waiting.append((position, record, done))
        self._wake.set()
        await done

    def _commit_until_closed(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            with self._lock:
                batch, self._waiting = self._waiting, []
            if batch:
                failure: StorageError | None = None
                try:
                    self._ledger.put([(position, record) for position, record, _ in batch])
                except StorageError as error:
                    failure = error
                self._loop.call_soon_threadsafe(_acknowledge, batch, failure)
            elif self._closing:
                return
            if self._closing:
                self._wake.set()


def _acknowledge(batch: list[_Entry], failure: StorageError | None) -> None:
    for _, _, done in batch:
        if done.cancelled():
            continue
        if failure is None:
            done.set_result(None)
        else:
            done.set_exception(failure)
