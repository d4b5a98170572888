from __future__ import annotations

import pytest

from eaas_assets.agents.adapters.http.addresses import check_address


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("https://agents.example.com/answer", []),
        ("https://agents.example.com:8443/answer?tenant=a", []),
        ("http://127.0.0.1:8000/", ["127.0.0.1"]),
        ("http://[::1]:8000/", ["::1"]),
        ("http://desk.internal/", ["desk.internal"]),
        ("https://desk.internal/", ["desk.internal"]),
    ],
)
def test_addresses_that_may_be_called(url: str, private: list[str]) -> None:
    check_address(url, private)


@pytest.mark.parametrize(
    ("url", "private", "said"),
    [
        ("http://agents.example.com/", [], "https, or agents.example.com in allow_private_hosts"),
        ("ftp://agents.example.com/", [], "an address like"),
        ("file:///etc/passwd", [], "an address like"),
        ("agents.example.com", [], "an address like"),
        ("https:///answer", [], "an address like"),
        ("https://host:0/", [], "an address like"),
        ("https://host:99999/", [], "a valid address"),
        ("https://[::1/", [], "a valid address"),
        ("https://user:word@host/", [], "without user, password"),
        ("https://good.example@evil.example/", [], "without user, password"),
        ("https://host/#part", [], "without user, password or fragment"),
        ("https://host/?api_key=1234", [], "no secret in the address"),
        ("https://ho st/", [], "plain characters"),
        ("https://host/\r\nX: y", [], "plain characters"),
        ("https://good.example\\@evil.example/", [], "plain characters"),
        ("https://ｅxample.com/", [], "plain characters"),
        ("http://127.0.0.1/", ["localhost"], "only the address's own host"),
    ],
)
def test_addresses_that_may_not(url: str, private: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_address(url, private)
