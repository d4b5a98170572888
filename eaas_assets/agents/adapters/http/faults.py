"""What became of an HTTP request that brought no usable response, and whether another attempt may help."""

from __future__ import annotations

import math
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
from httpx_secure import SSRFProtectionError

from eaas_assets.agents.attempts import AttemptError

TRANSIENT_STATUS = frozenset({408, 425, 429, 502, 503, 504})
TRANSPORT_ERRORS = (httpx.HTTPError, ssl.SSLError)
"""What sending can raise. The second is not always translated by the transport."""

_SHOWN_BODY = 2000


class ResponseRefusedError(httpx.RequestError):
    """A response that is not read to its end. ``code`` names why."""

    def __init__(self, code: str, message: str, request: httpx.Request | None = None) -> None:
        self.code = code
        super().__init__(message, request=request)


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
