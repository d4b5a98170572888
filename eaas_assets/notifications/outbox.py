"""The outbox: messages wait in a file until they are delivered, so that nothing waits for a network.

SQLite with a write-ahead log. A message is put in once for each channel, whoever tells it how often; it is taken out
by its receiver's yes alone. A process that is killed in between delivers it again: at least once, never none.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from eaas_assets.contracts.notification_policy import Channel
from eaas_assets.notifications.messages import Message
from eaas_assets.notifications.payloads import payload

_SCHEMA = """
create table if not exists waiting (
  key text not null, channel text not null, payload text not null, put_at text not null,
  attempts integer not null default 0, delivered_at text, given_up_at text, fault text,
  primary key (key, channel)
) strict
"""


class Waiting(NamedTuple):
    """A message that waits for a channel."""

    key: str
    channel: str
    payload: dict[str, Any]
    put_at: datetime
    attempts: int


class Outbox:
    """Messages on their way, in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def put(self, messages: Iterable[Message], channels: Iterable[Channel], now: datetime) -> int:
        """Put messages in, for every channel that is told of their kind.

        Returns:
            How many are new. Those that were put in before, delivered or not, are left as they are.
        """
        rows = [
            (message.key, channel.channel, json.dumps(payload(message, channel.kind)), now.isoformat())
            for channel in channels
            for message in messages
            if message.event in channel.events
        ]
        with self._open() as outbox:
            before = outbox.total_changes
            outbox.executemany(
                "insert or ignore into waiting (key, channel, payload, put_at) values (?, ?, ?, ?)", rows
            )
            return outbox.total_changes - before

    def waiting(self) -> list[Waiting]:
        """What is neither delivered nor given up, in order of time."""
        with self._open() as outbox:
            rows = outbox.execute(
                "select key, channel, payload, put_at, attempts from waiting "
                "where delivered_at is null and given_up_at is null order by put_at, key, channel"
            ).fetchall()
        return [Waiting(key, channel, json.loads(body), datetime.fromisoformat(put_at), attempts)
                for key, channel, body, put_at, attempts in rows]  # fmt: skip

    def delivered(self, message: Waiting, now: datetime) -> None:
        """Its receiver has it."""
        self._set(message, "delivered_at = ?, fault = null", now.isoformat())

    def failed(self, message: Waiting, fault: str) -> None:
        """It could not be delivered this time."""
        self._set(message, "fault = ?", fault[:500])

    def given_up(self, message: Waiting, fault: str, now: datetime) -> None:
        """It will not be tried again."""
        self._set(message, "given_up_at = ?, fault = ?", now.isoformat(), fault[:500])

    def _set(self, message: Waiting, change: str, *values: str) -> None:
        statement = f"update waiting set attempts = attempts + 1, {change} where key = ? and channel = ?"  # noqa: S608
        with self._open() as outbox:  # the changes are the three above
            outbox.execute(statement, (*values, message.key, message.channel))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=30)
        try:
            connection.execute("pragma journal_mode = wal")
            connection.execute(_SCHEMA)
            with connection:
                yield connection
        finally:
            connection.close()
