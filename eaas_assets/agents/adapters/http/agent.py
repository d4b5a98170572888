"""Agents behind an HTTP address: one JSON POST for each evaluation, in the agent's own words both ways."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from eaas_assets.agents.adapters.http.addresses import check_address
from eaas_assets.agents.adapters.http.lanes import Lanes
from eaas_assets.agents.adapters.http.turns import Turns
from eaas_assets.agents.attempts import Attempts, Pacer, Timed
from eaas_assets.agents.exchange import Exchange, ExchangeSettings
from eaas_assets.agents.protocol import Answer
from eaas_assets.agents.secrets import Secrets, VariableName, sounds_secret
from eaas_assets.contracts.agent import AgentRequest, AgentVersion, Limits

if TYPE_CHECKING:
    from eaas_assets.agents.adapters.http.client import GuardedClient

_OWN_HEADERS = frozenset(
    {"accept-encoding", "connection", "content-length", "content-type", "host", "idempotency-key", "transfer-encoding"}
)
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")]
HeaderValue = Annotated[str, Field(pattern=r"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$", max_length=4000)]


class HttpSettings(ExchangeSettings):
    """Settings of the `http` adapter, beside those of every exchange.

    Attributes:
        url: Where to post. https, unless the host is named in ``allow_private_hosts``.
        allow_private_hosts: The address's host, if it may be a private one.
        headers: Further headers; none that holds a secret.
        headers_from_env: Header → environment variable that holds its whole value.
        bearer_token_from_env: Environment variable with a token for ``Authorization: Bearer …``.
    """

    url: str = Field(max_length=2000)
    allow_private_hosts: list[str] = Field(default=[], max_length=10)
    headers: dict[HeaderName, HeaderValue] = {}
    headers_from_env: dict[HeaderName, VariableName] = {}
    bearer_token_from_env: VariableName | None = None

    @model_validator(mode="after")
    def _address_and_headers_are_allowed(self) -> Self:
        check_address(self.url, self.allow_private_hosts)
        if secret := next(filter(sounds_secret, self.headers), None):
            raise ValueError(f"the secret header '{secret}' in headers_from_env")
        names = [name.lower() for name in (*self.headers, *self.headers_from_env)]
        if self.bearer_token_from_env is not None:
            names.append("authorization")
        if own := _OWN_HEADERS.intersection(names):
            raise ValueError(f"no header '{min(own)}': it is set by the adapter")
        if len(set(names)) < len(names):
            raise ValueError("each header once")
        return self


def open_http(version: AgentVersion, settings: HttpSettings, _root: Path) -> HttpAgent:
    """The agent of one version.

    Raises:
        InputError: An environment variable that it names is not set, or the address is none.
    """
    # Only those who call over HTTP pay for importing it.
    from eaas_assets.agents.adapters.http.client import check_url, guarded_clients

    names = [(f"settings.headers_from_env.{header}", name) for header, name in settings.headers_from_env.items()]
    if settings.bearer_token_from_env is not None:
        names.append(("settings.bearer_token_from_env", settings.bearer_token_from_env))
    secrets = Secrets.read(names, version.file)
    check_url(version, "settings.url", settings.url)
    turns = Turns()
    make_client = guarded_clients(version.limits, settings.allow_private_hosts, turns)
    lanes = Lanes(make_client, lambda client: client.http.aclose(), turns)
    return HttpAgent(settings, version.limits, secrets, lanes)


class HttpAgent:
    """An agent behind one address."""

    def __init__(self, settings: HttpSettings, limits: Limits, secrets: Secrets, lanes: Lanes[GuardedClient]) -> None:
        self._url = settings.url
        self._limits = limits
        self._secrets = secrets
        self._lanes = lanes
        self._pacer = Pacer(limits.rate_per_s)
        self._exchange = Exchange(settings, secrets)
        self._headers = dict(settings.headers)
        for header, name in settings.headers_from_env.items():
            self._headers[header] = secrets[name]
        if settings.bearer_token_from_env is not None:
            self._headers["Authorization"] = f"Bearer {secrets[settings.bearer_token_from_env]}"

    async def ready(self) -> None:
        """Wait for the agent's rate."""
        await self._pacer.wait()

    async def answer(self, request: AgentRequest) -> Answer:
        """Post the request and read the response.

        Raises:
            AttemptError: Nothing came, or no JSON.
            AgentTimeoutError: Nothing came in time.
        """
        attempts = Attempts(self._limits, self._pacer, self._secrets.redact)
        body = self._exchange.question(request)
        headers = self._headers
        if request.idempotency_key:
            headers = headers | {"Idempotency-Key": request.idempotency_key}

        async def attempt() -> Timed[bytes]:
            async with self._lanes.client() as client:
                return await _post(client, self._url, body, headers)

        return self._exchange.answer(await attempts.run(attempt), attempts)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._lanes.aclose()


async def _post(client: GuardedClient, url: str, body: bytes, headers: dict[str, str]) -> Timed[bytes]:
    from eaas_assets.agents.adapters.http.faults import TRANSPORT_ERRORS, status_fault, transport_fault

    client.clock.start()
    try:
        response = await client.http.post(url, content=body, headers={"Content-Type": "application/json", **headers})
    except TRANSPORT_ERRORS as error:
        raise transport_fault(error) from error
    if not response.is_success:
        raise status_fault(response.status_code, response.headers, response.content)
    return Timed(response.content, client.clock.seconds())
