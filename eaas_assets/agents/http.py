"""Agents behind an HTTP address: one JSON POST for each evaluation, in the agent's own words both ways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, field_validator, model_validator

from eaas_assets.agents.addresses import check_address
from eaas_assets.agents.attempts import Attempts, Pacer, Timed
from eaas_assets.agents.json_answers import parse_answer
from eaas_assets.agents.protocol import Answer
from eaas_assets.agents.request_templates import compile_template, plain_request
from eaas_assets.agents.response_mapping import ResponseMapping
from eaas_assets.agents.secrets import Secrets, sounds_secret
from eaas_assets.contracts.agent import AgentRequest, AgentVersion
from eaas_assets.contracts.documents import Document
from eaas_assets.errors import shown

if TYPE_CHECKING:
    import httpx

_OWN_HEADERS = frozenset(
    {"accept-encoding", "connection", "content-length", "content-type", "host", "idempotency-key", "transfer-encoding"}
)
_HEADER_NAME = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$"


class HttpSettings(Document):
    """Settings of the `http` adapter.

    Attributes:
        url: Where to post. https, unless the host is named in ``allow_private_hosts``.
        allow_private_hosts: The address's host, if it may be a private one.
        headers: Further headers; none that holds a secret.
        headers_from_env: Header → environment variable that holds its whole value.
        bearer_token_from_env: Environment variable with a token for ``Authorization: Bearer …``.
        request: JSON with ``{{slots}}``; by default scenario_id, message, context and seed.
        response: Where the answer stands in the response; by default the response is the protocol's own.
    """

    url: str = Field(max_length=2000)
    allow_private_hosts: list[str] = Field(default=[], max_length=10)
    headers: dict[str, str] = {}
    headers_from_env: dict[str, str] = {}
    bearer_token_from_env: str | None = None
    request: Any = None
    response: ResponseMapping | None = None

    @field_validator("request")
    @classmethod
    def _request_has_known_slots(cls, value: Any) -> Any:
        compile_template(value)
        return value

    @model_validator(mode="after")
    def _address_and_headers_are_allowed(self) -> Self:
        check_address(self.url, self.allow_private_hosts)
        for name, value in self.headers.items():
            if sounds_secret(name):
                raise ValueError(f"the secret header '{name[:60]}' in headers_from_env")
            if not value.isascii() or not value.isprintable():
                raise ValueError(f"plain characters in header '{name[:60]}'")
        for name in (*self.headers, *self.headers_from_env):
            if name.lower() in _OWN_HEADERS:
                raise ValueError(f"no header '{name[:60]}': it is set here")
        names = [name.lower() for name in (*self.headers, *self.headers_from_env)]
        if len(names) + bool(self.bearer_token_from_env) > len({*names, "authorization"} if self.bearer_token_from_env else {*names}):
            raise ValueError("each header once")
        return self


def open_http(version: AgentVersion, settings: HttpSettings, _root: Path) -> HttpAgent:
    """The agent of one version.

    Raises:
        InputError: An environment variable that it names is missing.
    """
    return HttpAgent(version, settings)
