"""Empties the outbox: each message to its channel, tried again with growing waits, never longer than it may take.

Only guarded addresses are called (see ``agents.adapters.http``): public ones over TLS, or a private host that the
policy names. Whatever goes wrong is noted in the outbox and in what is returned; nothing is raised, because telling
people must never be in the way of the work.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import httpx
from filelock import FileLock, Timeout
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from eaas_assets.agents.adapters.http.addresses import check_address
from eaas_assets.agents.adapters.http.client import guarded_clients
from eaas_assets.agents.adapters.http.turns import Turns
from eaas_assets.agents.secrets import Secrets
from eaas_assets.contracts.agent import Limits
from eaas_assets.contracts.notification_policy import Channel, NotificationPolicy
from eaas_assets.errors import InputError, Problem
from eaas_assets.notifications.outbox import Outbox, Waiting

LOG = logging.getLogger(__name__)
POLICY_FILE = "policies/notifications.yaml"
MAX_RESPONSE_BYTES = 64 * 1024
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class Drained(NamedTuple):
    """What became of the messages: delivered now, left for the next time, given up."""

    delivered: int = 0
    left: int = 0
    given_up: int = 0


class _TryAgainError(Exception):
    """An attempt failed in a way that may pass."""


class _RefusedError(Exception):
    """The receiver does not want the message, and will not want it later."""


class Line(NamedTuple):
    """A channel with its address and token."""

    channel: Channel
    url: str
    token: str | None
    secrets: Secrets


def drain(path: Path, policy: NotificationPolicy, now: datetime, at_most_s: float = 60.0) -> Drained:
    """Deliver what waits in the outbox.

    Args:
        path: The outbox. Beside it stands a lock: one process empties it at a time, others leave it.
        policy: Channels and limits.
        now: The present.
        at_most_s: Seconds after which the rest is left for the next time.
    """
    outbox = Outbox(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        # In a thread of its own, for whoever calls from within an event loop.
        with FileLock(f"{path}.lock", timeout=0), ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, _drain(outbox, policy, now, at_most_s)).result()
    except Timeout:
        return Drained(left=len(outbox.waiting()))


async def _drain(outbox: Outbox, policy: NotificationPolicy, now: datetime, at_most_s: float) -> Drained:
    lines = dict(_lines(policy.channels))
    outcomes = {"delivered": 0, "left": 0, "given_up": 0}
    ends = asyncio.get_running_loop().time() + at_most_s
    for message in outbox.waiting():
        outcomes[await _pass_on(outbox, message, lines.get(message.channel), policy, now, ends)] += 1
    return Drained(**outcomes)


def _lines(channels: Iterable[Channel]) -> Iterable[tuple[str, Line | str]]:
    """Each channel with its address, or what is wrong with it."""
    for channel in channels:
        try:
            yield channel.channel, _line(channel)
        except InputError as error:
            yield channel.channel, str(error)


def _line(channel: Channel) -> Line:
    names = [("url_from_env", channel.url_from_env)]
    names += [("token_from_env", channel.token_from_env)] if channel.token_from_env is not None else []
    secrets = Secrets.read(names, POLICY_FILE)
    url = secrets[channel.url_from_env]
    try:
        check_address(url, channel.allow_private_hosts)
    except ValueError as error:
        found = f"an unusable address in {channel.url_from_env}"
        raise InputError(Problem(POLICY_FILE, "bad_address", found, str(error), field="url_from_env")) from error
    return Line(channel, url, secrets[channel.token_from_env] if channel.token_from_env is not None else None, secrets)


async def _pass_on(
    outbox: Outbox, message: Waiting, line: Line | str | None, policy: NotificationPolicy, now: datetime, ends: float
) -> str:
    """Deliver one message; what became of it."""
    seconds = ends - asyncio.get_running_loop().time()
    if seconds <= 0:
        return "left"
    if line is None:
        outbox.given_up(message, "the channel is no longer in the policy", now)
        return "given_up"
    if isinstance(line, str):
        return _later(outbox, message, line, policy, now)
    try:
        async with asyncio.timeout(seconds):
            await _deliver(message, line, policy)
    except _RefusedError as error:
        LOG.warning("channel %s refused a message: %s", message.channel, error)
        outbox.given_up(message, str(error), now)
        return "given_up"
    except (_TryAgainError, TimeoutError) as error:
        return _later(outbox, message, line.secrets.redact(str(error) or "out of time"), policy, now)
    outbox.delivered(message, now)
    return "delivered"


def _later(outbox: Outbox, message: Waiting, fault: str, policy: NotificationPolicy, now: datetime) -> str:
    LOG.warning("channel %s was not reached: %s", message.channel, fault)
    if now - message.put_at > timedelta(days=policy.give_up_after_days):
        outbox.given_up(message, fault, now)
        return "given_up"
    outbox.failed(message, fault)
    return "left"


async def _deliver(message: Waiting, line: Line, policy: NotificationPolicy) -> None:
    limits = Limits(max_response_bytes=MAX_RESPONSE_BYTES)
    client = guarded_clients(limits, line.channel.allow_private_hosts, Turns())().http
    headers = {"Idempotency-Key": message.key} | ({"Authorization": f"Bearer {line.token}"} if line.token else {})
    attempts = AsyncRetrying(
        retry=retry_if_exception_type(_TryAgainError),
        stop=stop_after_attempt(policy.attempts),
        wait=wait_random_exponential(multiplier=policy.backoff_s, max=30),
        reraise=True,
    )
    async with client:
        await attempts(_post, client, line.url, message, headers, policy.timeout_s)


async def _post(
    client: httpx.AsyncClient, url: str, message: Waiting, headers: dict[str, str], timeout_s: float
) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            reply = await client.post(url, json=message.payload, headers=headers)
    except TimeoutError as error:
        raise _TryAgainError(f"no answer within {timeout_s:g} s") from error
    except httpx.HTTPError as error:
        raise _TryAgainError(type(error).__name__) from error  # its text may hold the address, which is a secret
    if reply.status_code in _TRY_AGAIN:
        raise _TryAgainError(f"status {reply.status_code}")
    if not reply.is_success:
        raise _RefusedError(f"status {reply.status_code}")
