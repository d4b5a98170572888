"""Makes finished evaluations durable without making the event loop wait for the disk.

One thread owns the ledger and commits whatever has gathered since its last commit, so that fifty evaluations that
finish together share one disk synchronisation. An evaluation counts only once its commit is acknowledged.
"""

from __future__ import annotations

import asyncio
import threading
from queue import SimpleQueue
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
        self._gathered: list[_Entry] = []
        self._batches: SimpleQueue[list[_Entry] | None] = SimpleQueue()  # None: there will be no more
        self._thread = threading.Thread(target=self._commit_until_closed, name="journal", daemon=True)

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hand_over()
        self._batches.put(None)
        await asyncio.to_thread(self._thread.join)  # the loop stays free to acknowledge the last commit

    async def write(self, position: int, record: str) -> None:
        """Return once the record is durable.

        Raises:
            StorageError: It could not be stored.
        """
        if not self._gathered:  # handed over after all that are ready now have written: one commit for them all
            self._loop.call_soon(self._hand_over)
        done = self._loop.create_future()
        self._gathered.append((position, record, done))
        await done

    def _hand_over(self) -> None:
        if self._gathered:
            self._batches.put(self._gathered)
            self._gathered = []

    def _commit_until_closed(self) -> None:
        closing = False
        while not closing:
            waiting = [self._batches.get()]
            while not self._batches.empty():
                waiting.append(self._batches.get())
            closing = waiting[-1] is None
            if batch := [entry for entries in waiting if entries for entry in entries]:
                self._loop.call_soon_threadsafe(_acknowledge, batch, self._commit(batch))

    def _commit(self, batch: list[_Entry]) -> StorageError | None:
        try:
            self._ledger.put([(position, record) for position, record, _ in batch])
        except StorageError as error:
            return error
        except BaseException as error:  # noqa: BLE001 (whatever it is: writers wait for this thread and must hear of it)
            failure = StorageError(f"results could not be stored: {type(error).__name__}: {error}")
            failure.__cause__ = error
            return failure
        return None


def _acknowledge(batch: list[_Entry], failure: StorageError | None) -> None:
    for _, _, done in batch:
        if done.cancelled():
            continue
        if failure is None:
            done.set_result(None)
        else:
            done.set_exception(failure)
