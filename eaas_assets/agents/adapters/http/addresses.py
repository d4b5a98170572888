"""Which addresses an agent's file may name. Whether a name leads to a private host is found out when connecting."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

from eaas_assets.agents.secrets import sounds_secret


def check_address(url: str, allow_private_hosts: Sequence[str]) -> None:
    """Whether ``url`` may be called.

    Args:
        url: An absolute address.
        allow_private_hosts: Hosts that may be private, as they stand in the address; only such may do without TLS.

    Raises:
        ValueError: The message says what is wanted.
    """
    if not url.isascii() or not url.isprintable() or set(url) & set(' \\"<>'):
        raise ValueError("an address of plain characters, without blanks (international names as xn--…)")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"a valid address ({error})") from error
    if parts.scheme not in {"http", "https"} or not host or port == 0:
        raise ValueError("an address like https://agents.example.com/answer")
    if "@" in parts.netloc or parts.fragment:
        raise ValueError("an address without user, password or fragment")
    if secret := next((name for name, _ in parse_qsl(parts.query) if sounds_secret(name)), None):
        raise ValueError(f"no secret in the address ('{secret[:40]}'); headers_from_env takes it from the environment")
    if others := [name for name in allow_private_hosts if name != host]:
        raise ValueError(f"allow_private_hosts to name only the address's own host ({host}), not {others[0][:80]}")
    if parts.scheme == "http" and host not in allow_private_hosts:
        raise ValueError(f"https, or {host} in allow_private_hosts")
