"""Agents that are a chat model behind an OpenAI-compatible service: a prompt, tools, and an answer that fits a schema.

The model talks to simulated tools until it gives its answer. Every call of a tool is a step; the tools in their order
are the resolution path. The SDK does the transport over this package's guarded client; attempts, limits and the reading
of replies are ours, because a service that is being evaluated may send anything.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from eaas_assets.agents.adapters.http.lanes import Lanes
from eaas_assets.agents.adapters.http.turns import Turns
from eaas_assets.agents.adapters.openai.conversation import Conversation
from eaas_assets.agents.adapters.openai.settings import OpenAISettings
from eaas_assets.agents.attempts import AttemptError, Attempts, Pacer, Timed
from eaas_assets.agents.json_answers import parse_answer
from eaas_assets.agents.protocol import Answer
from eaas_assets.agents.request_templates import compile_template
from eaas_assets.agents.secrets import Secrets
from eaas_assets.contracts.agent import AgentRequest, AgentVersion, Limits

if TYPE_CHECKING:
    import httpx
    from openai import AsyncOpenAI

    from eaas_assets.agents.adapters.http.clock import CallClock

NO_KEY = "no-key"
SEED_LIMIT = 2**31
"""Services keep seeds in integers of different sizes; all take a smaller number."""

_SENT_HEADERS = frozenset(
    {
        *("accept", "accept-encoding", "connection", "content-length", "content-type", "host", "idempotency-key"),
        *("transfer-encoding", "user-agent"),
    }
)


class _Client(NamedTuple):
    """A client of the SDK, and the clock of its calls."""

    sdk: AsyncOpenAI
    clock: CallClock


def open_openai(version: AgentVersion, settings: OpenAISettings, _root: Path) -> OpenAIAgent:
    """The agent of one version.

    Raises:
        InputError: The environment variable with the key is not set, or the address is none.
    """
    # Only those who call such a service pay for importing the SDK.
    import openai

    from eaas_assets.agents.adapters.http.client import check_url, guarded_clients

    name = settings.api_key_from_env
    secrets = Secrets.read([("settings.api_key_from_env", name)] if name is not None else [], version.file)
    key = secrets[name] if name is not None else NO_KEY
    check_url(version, "settings.base_url", settings.base_url)

    turns = Turns()
    make_guarded = guarded_clients(version.limits, settings.allow_private_hosts, turns)

    async def keep_own_headers(request: httpx.Request) -> None:
        # The SDK adds what this machine's environment holds for other services: organisation, project, any header.
        for header in set(request.headers) - _SENT_HEADERS:
            del request.headers[header]
        request.headers["Authorization"] = f"Bearer {key}"

    def make_client() -> _Client:
        http, clock = make_guarded()
        http.event_hooks = http.event_hooks | {"request": [keep_own_headers]}
        sdk = openai.AsyncOpenAI(
            base_url=settings.base_url,
            api_key=key,
            max_retries=0,
            timeout=None,
            http_client=cast("Any", http),  # typed for the successor of httpx, which nothing guards yet
        )
        return _Client(sdk, clock)

    return OpenAIAgent(settings, version.limits, secrets, Lanes(make_client, lambda client: client.sdk.close(), turns))


class OpenAIAgent:
    """A chat model with its prompt and tools."""

    def __init__(self, settings: OpenAISettings, limits: Limits, secrets: Secrets, lanes: Lanes[_Client]) -> None:
        self._settings = settings
        self._limits = limits
        self._secrets = secrets
        self._lanes = lanes
        self._pacer = Pacer(limits.rate_per_s)
        self._messages = [(message.role, compile_template(message.content)) for message in settings.messages]
        self._results = {tool.name: compile_template(tool.result) for tool in settings.tools}
        self._parameters = _constant_parameters(settings)

    async def ready(self) -> None:
        """Wait for the agent's rate."""
        await self._pacer.wait()

    async def answer(self, request: AgentRequest) -> Answer:
        """Let the model talk to its tools until it answers; measured are its replies, without what lies between.

        Raises:
            AttemptError: The service failed, or the model gave no answer.
            AgentTimeoutError: It took too long.
        """
        attempts = Attempts(self._limits, self._pacer, self._secrets.redact)
        first = [{"role": role, "content": _as_content(content(request))} for role, content in self._messages]
        talk = Conversation(self._settings, first, self._results, request)
        parameters = self._parameters
        if self._settings.send_seed:
            parameters = parameters | {"seed": request.seed % SEED_LIMIT}

        async def attempt() -> Timed[bytes]:
            # Each turn is a request of its own, and one that a server must not do twice.
            key = f"{request.idempotency_key}-{talk.turns + 1}" if request.idempotency_key else None
            return await self._complete(talk.messages, parameters, key)

        while talk.answer is None:
            raw = await attempts.run(attempt)
            try:
                talk.take(self._secrets.clean(parse_answer(raw)))
            except AttemptError as fault:
                raise attempts.failed(fault.code, str(fault), usage=talk.usage) from fault
            except ValueError as error:
                raise attempts.failed("not_json", str(error)) from error
        return Answer(talk.content(), measured_s=attempts.measured_s, attempts=attempts.count)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._lanes.aclose()

    async def _complete(
        self, messages: list[dict[str, Any]], parameters: dict[str, Any], idempotency_key: str | None
    ) -> Timed[bytes]:
        import httpx
        import openai

        from eaas_assets.agents.adapters.http.faults import status_fault, transport_fault

        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        try:
            async with self._lanes.client() as (sdk, clock):
                clock.start()
                # Not `sdk.chat.completions.create`, which goes through every value of what is plain JSON already.
                response = await sdk.post(
                    "/chat/completions",
                    cast_to=httpx.Response,
                    body={"messages": messages, **parameters},
                    options={"headers": headers},
                )
                return Timed(response.content, clock.seconds())
        except openai.APIStatusError as error:
            said = cast("httpx.Headers", error.response.headers)
            raise status_fault(error.status_code, said, error.response.content) from error
        except openai.APIConnectionError as error:
            cause = error.__cause__
            raise transport_fault(cause if isinstance(cause, Exception) else error) from error
        except openai.OpenAIError as error:
            raise AttemptError("client_error", str(error)) from error


def _constant_parameters(settings: OpenAISettings) -> dict[str, Any]:
    """What every request of this agent says."""
    chosen: dict[str, Any] = {"model": settings.model, **settings.parameters}
    if settings.temperature is not None:
        chosen["temperature"] = float(settings.temperature)
    if settings.tools:
        chosen["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
            }
            for tool in settings.tools
        ]
    if settings.response_schema is not None:
        schema = {"name": "answer", "strict": True, "schema": settings.response_schema}
        chosen["response_format"] = {"type": "json_schema", "json_schema": schema}
    return chosen


def _as_content(value: Any) -> str:
    """A message's text; one that is nothing but a slot may have become another value."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
