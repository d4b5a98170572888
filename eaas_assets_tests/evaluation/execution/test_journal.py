from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from eaas_assets.errors import StorageError
from eaas_assets.evaluation.execution.journal import Journal
from eaas_assets.storage.ledger import Ledger


class Watched(Ledger):
    """A ledger that notes the size of each commit."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "plan")
        self.commits: list[int] = []

    def put(self, records: Any) -> None:
        super().put(records)
        self.commits.append(len(records))


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    with Watched(tmp_path / "ledger.sqlite") as opened:
        yield opened


def test_what_finishes_together_shares_one_commit(ledger: Watched) -> None:
    async def two_rounds() -> None:
        async with Journal(ledger) as journal:
            for first in (0, 50):
                await asyncio.gather(*(journal.write(first + number, "{}") for number in range(50)))

    asyncio.run(two_rounds())
    assert ledger.commits == [50, 50]


def test_a_record_is_in_the_ledger_when_its_write_returns(ledger: Watched) -> None:
    async def write_and_look() -> list[int]:
        async with Journal(ledger) as journal:
            counts = []
            for position in range(5):
                await journal.write(position, "{}")
                counts.append(ledger.count())
            return counts

    assert asyncio.run(write_and_look()) == [1, 2, 3, 4, 5]


def test_what_was_written_before_the_run_was_stopped_is_kept(ledger: Watched) -> None:
    async def stopped() -> None:
        async with Journal(ledger) as journal:
            writers = [asyncio.create_task(journal.write(position, "{}")) for position in range(7)]
            await asyncio.sleep(0)  # all have written; nothing is handed over yet
            for writer in writers:
                writer.cancel()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(stopped())
    assert ledger.positions() == set(range(7))


def test_everybody_whose_record_could_not_be_stored_hears_of_it(
    ledger: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(records: Any) -> None:
        raise StorageError("disk full")

    monkeypatch.setattr(ledger, "put", full)

    async def three() -> list[Any]:
        async with Journal(ledger) as journal:
            return list(await asyncio.gather(*(journal.write(p, "{}") for p in range(3)), return_exceptions=True))

    assert [str(error) for error in asyncio.run(three())] == ["disk full"] * 3


@pytest.mark.parametrize("cause", [MemoryError("no room"), SystemExit(3), StopIteration("end")], ids=repr)
def test_nobody_waits_for_a_thread_that_failed_in_an_unforeseen_way(
    ledger: Watched, monkeypatch: pytest.MonkeyPatch, cause: BaseException
) -> None:
    def broken(records: Any) -> None:
        raise cause

    monkeypatch.setattr(ledger, "put", broken)

    async def three() -> list[Any]:
        async with asyncio.timeout(5), Journal(ledger) as journal:
            return list(await asyncio.gather(*(journal.write(p, "{}") for p in range(3)), return_exceptions=True))

    errors = asyncio.run(three())
    assert [type(error) for error in errors] == [StorageError] * 3
    assert [error.__cause__ for error in errors] == [cause] * 3


def test_a_record_that_is_no_text_fails_alone_and_the_next_one_is_stored(ledger: Watched) -> None:
    async def bad_then_good() -> None:
        async with asyncio.timeout(5), Journal(ledger) as journal:
            with pytest.raises(StorageError, match="UnicodeEncodeError"):
                await journal.write(0, "\ud800")
            await journal.write(1, "{}")

    asyncio.run(bad_then_good())
    assert ledger.positions() == {1}
