"""The one way to the network: a client that connects only where it may and reads only as much as it may.

Addresses are checked at connect time by httpx-secure, so that neither a redirect nor a name that changes its address
leads into a private network. Redirects are off, proxies and credentials of the environment are ignored, cookies are
not kept, responses are neither decompressed nor read beyond the limit.
"""

from __future__ import annotations

import logging
import math
import ssl
import time
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import IPv4Address, IPv6Address

import anyio
import certifi
import httpx
from httpx_secure import SSRFProtectionError, httpx_ssrf_protection

from eaas_assets.agents.attempts import AttemptError, Timed
from eaas_assets.contracts.agent import Limits

TRANSIENT_STATUS = frozenset({408, 425, 429, 502, 503, 504})
TRANSPORT_ERRORS = (httpx.HTTPError, ssl.SSLError, anyio.EndOfStream)
"""What sending can raise. The last two are not always translated by the transport."""

_SHOWN_BODY = 2000


class ResponseRefusedError(httpx.RequestError):
    """A response that is not read to its end. ``code`` names why."""

    def __init__(self, code: str, message: str, request: httpx.Request | None = None) -> None:
        self.code = code
        super().__init__(message, request=request)


def guarded_client(limits: Limits, private_hosts: Iterable[str]) -> httpx.AsyncClient:
    """A client for one agent.

    Args:
        limits: The agent's limits: connections and size of responses.
        private_hosts: Hosts that may have private addresses. If any are named, only they can be reached; otherwise
            only public addresses can.
    """
    for name in ("httpx", "httpcore", "openai"):  # they would log what a server sends, secrets that it repeats included
        logging.getLogger(name).setLevel(logging.WARNING)
    trusted = ssl.create_default_context()  # what the machine trusts, a company's own authority included
    trusted.load_verify_locations(certifi.where())
    client = httpx.AsyncClient(
        verify=trusted,
        trust_env=False,
        follow_redirects=False,
        timeout=None,  # attempts have a time limit of their own  # noqa: S113
        limits=httpx.Limits(max_connections=limits.concurrency, max_keepalive_connections=limits.concurrency),
        headers={"Accept-Encoding": "identity", "User-Agent": "eaas-assets"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # one evaluation must not change the next
        event_hooks={"response": [_Reading(limits.max_response_bytes).limit]},
    )
    hosts = frozenset(private_hosts)
    if not hosts:
        return httpx_ssrf_protection(client)

    def may_connect(hostname: str, address: IPv4Address | IPv6Address, _port: int) -> bool:
        mapped = getattr(address, "ipv4_mapped", None) or address
        # Link-local addresses hold the credentials of cloud machines; no agent lives there.
        return hostname in hosts and not (mapped.is_link_local or mapped.is_multicast or mapped.is_unspecified)

    return httpx_ssrf_protection(client, check_globally_reachable=False, custom_validator=may_connect)


async def post(client: httpx.AsyncClient, url: str, body: bytes, headers: dict[str, str]) -> Timed[bytes]:
    """Send JSON and return the body of the response.

    Raises:
        AttemptError: No response came, or it is none of success. Its message may hold secrets that the server repeats.
    """
    began = time.perf_counter()
    try:
        response = await client.post(url, content=body, headers={"Content-Type": "application/json", **headers})
    except TRANSPORT_ERRORS as error:
        raise transport_fault(error) from error
    seconds = time.perf_counter() - began
    if not response.is_success:
        raise status_fault(response.status_code, response.headers, response.content)
    return Timed(response.content, seconds)


def transport_fault(error: Exception) -> AttemptError:
    """What became of a request that brought no response."""
    detail = str(error) or type(error).__name__
    if isinstance(error, SSRFProtectionError):
        return AttemptError("address_refused", f"{detail}; allow_private_hosts can permit private hosts by name")
    if isinstance(error, ResponseRefusedError):
        return AttemptError(error.code, detail)
    if isinstance(error, httpx.ConnectError):
        return AttemptError("unreachable", f"no connection: {detail}", transient=True)
    if isinstance(error, httpx.TransportError):
        return AttemptError("connection_lost", f"connection lost: {detail}", transient=True)
    return AttemptError("connection_failed", detail)


def status_fault(status: int, headers: httpx.Headers, body: bytes) -> AttemptError:
    """What a response without success says."""
    if 300 <= status < 400:
        return AttemptError("redirect", f"HTTP {status} to {headers.get('location', 'nowhere')}; redirects are off")
    text = body[:_SHOWN_BODY].decode("utf-8", "replace").strip()
    message = f"HTTP {status}" + (f": {text}" if text else "")
    if status in TRANSIENT_STATUS:
        return AttemptError(
            f"http_{status}", message, transient=True, retry_after_s=retry_after(headers.get("retry-after"))
        )
    return AttemptError(f"http_{status}", message)


def retry_after(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110, section 10.2.3); None if it says nothing usable."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = (moment - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


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
