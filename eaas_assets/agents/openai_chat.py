"""Agents that are a chat model behind an OpenAI-compatible service: a prompt, tools, and an answer that fits a schema.

The model talks to simulated tools until it gives its answer. Every call of a tool is a step; the tools in their order
are the resolution path. The SDK does the transport over this package's guarded client; attempts, limits and the reading
of replies are ours, because a service that is being evaluated may send anything.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eaas_assets.agents.attempts import Attempts, Pacer, Timed
from eaas_assets.agents.json_answers import parse_answer
from eaas_assets.agents.openai_settings import OpenAISettings, Price
from eaas_assets.agents.protocol import Answer
from eaas_assets.agents.request_templates import compile_template
from eaas_assets.agents.secrets import Secrets
from eaas_assets.contracts.agent import AgentRequest, AgentVersion, Limits
from eaas_assets.errors import shown

if TYPE_CHECKING:
    from openai import AsyncOpenAI

NO_KEY = "no-key"
SEED_BITS = 31
"""Services keep seeds in integers of different sizes; all take this many bits."""
ACTION_LENGTH = 256


class _Function(BaseModel):
    name: str
    arguments: str = "{}"


class _ToolCall(BaseModel):
    id: str
    function: _Function


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = Field(default=None, max_length=1000)


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = Field(default=None, ge=0)
    completion_tokens: int | None = Field(default=None, ge=0)


class _Reply(BaseModel):
    """What is used of a service's reply."""

    model_config = ConfigDict(strict=True)

    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


def open_openai(version: AgentVersion, settings: OpenAISettings, _root: Path) -> OpenAIAgent:
    """The agent of one version.

    Raises:
        InputError: The environment variable with the key is not set.
    """
    # Only those who call such a service pay for importing the SDK.
    import openai

    from eaas_assets.agents.http_client import guarded_client

    name = settings.api_key_from_env
    secrets = Secrets.read([("settings.api_key_from_env", name)] if name is not None else [], version.file)
    key = secrets[name] if name is not None else NO_KEY
    http = guarded_client(version.limits, settings.allow_private_hosts)

    async def keep_own_headers(request: httpx.Request) -> None:
        # The SDK adds what this machine's environment holds for other services: organisation, project, any header.
        for header in set(request.headers) - _SENT_HEADERS:
            del request.headers[header]
        request.headers["Authorization"] = f"Bearer {key}"

    http.event_hooks = http.event_hooks | {"request": [keep_own_headers]}
    client = openai.AsyncOpenAI(
        base_url=settings.base_url,
        api_key=key,
        max_retries=0,
        timeout=None,
        http_client=cast("Any", http),  # typed for the successor of httpx, which nothing guards yet
    )
    return OpenAIAgent(settings, version.limits, secrets, client)


class OpenAIAgent:
    """A chat model with its prompt and tools."""

    def __init__(self, settings: OpenAISettings, limits: Limits, secrets: Secrets, client: AsyncOpenAI) -> None:
        self._settings = settings
        self._limits = limits
        self._secrets = secrets
        self._client = client
        self._pacer = Pacer(limits.rate_per_s)
        self._messages = [(message.role, compile_template(message.content)) for message in settings.messages]
        self._results = {tool.name: compile_template(tool.result) for tool in settings.tools}
        self._fields = _constant_fields(settings)

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
        talk = _Conversation(self, request)
        try:
            while talk.answer is None:
                if talk.turns == self._settings.max_turns:
                    raise ValueError(f"no answer in {talk.turns} turns; max_turns")
                body, headers = talk.next_request()

                async def attempt(
                    body: dict[str, Any] = body, headers: dict[str, str] = headers
                ) -> Timed[bytes]:
                    return await self._complete(body, headers)

                talk.take(self._secrets.clean(parse_answer(await attempts.run(attempt))))
        except ValidationError as error:
            raise attempts.failed("invalid_reply", _first_fault(error)) from error
        except ValueError as error:
            raise attempts.failed("no_answer", str(error)) from error
        return Answer(talk.content(), measured_s=attempts.measured_s, attempts=attempts.count)
