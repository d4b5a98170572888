"""The one way to the network: a client that connects only where it may and reads only as much as it may.

Addresses are checked at connect time by httpx-secure, so that neither a redirect nor a name that changes its address
leads into a private network. Redirects are off, proxies and credentials of the environment are ignored, cookies are
not kept, responses are neither decompressed nor read beyond the limit.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

import httpx
from httpx_secure import httpx_ssrf_protection

from eaas_assets.agents.adapters.http.clock import CallClock, read_clock_on_the_wire
from eaas_assets.agents.adapters.http.faults import ResponseRefusedError
from eaas_assets.agents.adapters.http.turns import Turns
from eaas_assets.contracts.agent import AgentVersion, Limits
from eaas_assets.errors import InputError, Problem, shown


class GuardedClient(NamedTuple):
    """A client of one connection, and the clock of its calls. For one call at a time."""

    http: httpx.AsyncClient
    clock: CallClock


def check_url(version: AgentVersion, field: str, url: str) -> None:
    """Whether the client can read an address.

    Raises:
        InputError: It cannot.
    """
    try:
        httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InputError(Problem(version.file, "bad_address", shown(url), str(error), field=field)) from error


def guarded_clients(limits: Limits, private_hosts: Iterable[str], turns: Turns) -> Callable[[], GuardedClient]:
    """Makes clients of one connection each.

    Args:
        limits: The agent's limits: they say how large a response may be.
        private_hosts: Hosts that may have private addresses. If any are named, only they can be reached; otherwise
            only public addresses can.
        turns: Of all calls that are made at once.
    """
    for name in ("httpx", "httpcore", "openai"):  # they would log what a server sends, secrets that it repeats included
        logging.getLogger(name).setLevel(logging.WARNING)
    trusted, hosts = _trusted(), frozenset(private_hosts)  # once and now, not while the first questions are asked

    def may_connect(hostname: str, address: IPv4Address | IPv6Address, _port: int) -> bool:
        mapped = getattr(address, "ipv4_mapped", None) or address
        # Link-local addresses hold the credentials of cloud machines; no agent lives there.
        return hostname in hosts and not (mapped.is_link_local or mapped.is_multicast or mapped.is_unspecified)

    def make() -> GuardedClient:
        http = httpx.AsyncClient(
            verify=trusted,
            trust_env=False,
            follow_redirects=False,
            timeout=None,  # attempts have a time limit of their own  # noqa: S113
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
            headers={"Accept-Encoding": "identity", "User-Agent": "eaas-assets"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # one evaluation must not change the next
            event_hooks={"response": [_Reading(limits.max_response_bytes).limit]},
        )
        if hosts:
            httpx_ssrf_protection(http, check_globally_reachable=False, custom_validator=may_connect)
        else:
            httpx_ssrf_protection(http)
        clock = CallClock()
        read_clock_on_the_wire(http, clock, turns)
        return GuardedClient(http, clock)

    return make


@cache
def _trusted() -> ssl.SSLContext:
    """Public authorities, and what the machine trusts besides: a company's own, for instance."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


class _Reading:
    """Limits what is read of each response. A hook, so that it also holds for clients of other libraries."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes

    async def limit(self, response: httpx.Response) -> None:
        """Refuse what is compressed or announces too much, and count what comes."""
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in {"", "identity"}:
            # A few kilobytes can unpack to gigabytes, and nobody asked for compression.
            raise ResponseRefusedError("compressed_response", f"compressed ({encoding[:40]}) although not asked for")
        announced = response.headers.get("content-length", "")
        if announced.isdecimal() and (len(announced) > 18 or int(announced) > self._max_bytes):
            raise _too_large(self._max_bytes)
        response.stream = _CountedStream(response.stream, self._max_bytes)


class _CountedStream(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream | httpx.AsyncByteStream, max_bytes: int) -> None:
        if not isinstance(stream, httpx.AsyncByteStream):
            raise TypeError(f"an asynchronous stream, not {type(stream).__name__}")
        self._stream = stream
        self._max_bytes = max_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._stream:
            read += len(chunk)
            if read > self._max_bytes:
                raise _too_large(self._max_bytes)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


def _too_large(max_bytes: int) -> ResponseRefusedError:
    return ResponseRefusedError("response_too_large", f"more than {max_bytes:,} bytes; limits.max_response_bytes")
