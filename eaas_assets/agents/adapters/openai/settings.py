"""The document that `settings` of an agent version with the `openai` adapter must be."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from eaas_assets.agents.adapters.http.addresses import check_address
from eaas_assets.agents.request_templates import compile_template
from eaas_assets.agents.response_mapping import ResponseMapping
from eaas_assets.agents.secrets import VariableName, sounds_secret
from eaas_assets.contracts.documents import Document

_OWN_PARAMETERS = frozenset(
    {"messages", "model", "n", "response_format", "seed", "stream", "stream_options", "temperature", "tools"}
)


class PromptMessage(Document):
    """One message; its content may hold ``{{slots}}``."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str

    @field_validator("content")
    @classmethod
    def _content_has_known_slots(cls, value: str) -> str:
        compile_template(value)
        return value


class Tool(Document):
    """A tool or specialist that the model may call.

    Attributes:
        parameters: JSON Schema of its arguments.
        result: What it returns to the model: JSON with ``{{slots}}``. Tools are simulated, nothing is carried out.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    description: str = ""
    parameters: dict[str, Any] = {"type": "object", "properties": {}}
    result: Any = {"status": "done"}

    @field_validator("result")
    @classmethod
    def _result_has_known_slots(cls, value: Any) -> Any:
        compile_template(value)
        return value


class Price(Document):
    """USD for a million tokens."""

    input_usd_per_million: float = Field(ge=0, strict=False, allow_inf_nan=False)
    output_usd_per_million: float = Field(ge=0, strict=False, allow_inf_nan=False)


class OpenAISettings(Document):
    """Settings of the `openai` adapter.

    Attributes:
        base_url: Of the service, up to and without ``/chat/completions``.
        allow_private_hosts: Its host, if it may be a private one.
        api_key_from_env: Environment variable with the key; None for services without one.
        messages: The conversation that the model is given.
        response_schema: JSON Schema that the final message must fit; sent to the service. Its properties are the
            answered fields, or fields of the protocol (message, confidence, needs_human_review).
        tools: What the model may call. Its calls become the steps.
        answer_tool: The tool whose arguments are the answer; None if the final message is.
        path_field: Answered field that lists the called tools in order; None for none.
        max_turns: Replies of the model within one evaluation.
        temperature: Of the sampling; None for the service's own.
        send_seed: Whether the evaluation's seed is sent.
        parameters: Further fields of every request, such as max_completion_tokens.
        price: What tokens cost; None if unknown.
        response: Where the answer stands in the final JSON; by default that is the protocol's own.
    """

    base_url: str = Field(max_length=2000)
    allow_private_hosts: list[str] = Field(default=[], max_length=10)
    model: str = Field(min_length=1, max_length=200)
    api_key_from_env: VariableName | None = None
    messages: list[PromptMessage] = Field(min_length=1, max_length=100)
    response_schema: dict[str, Any] | None = None
    tools: list[Tool] = Field(default=[], max_length=128)
    answer_tool: str | None = None
    path_field: str | None = None
    max_turns: int = Field(default=8, ge=1, le=100)
    temperature: float | None = Field(default=None, ge=0, le=2, strict=False)
    send_seed: bool = True
    parameters: dict[str, Any] = {}
    price: Price | None = None
    response: ResponseMapping | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        check_address(self.base_url, self.allow_private_hosts)
        names = [tool.name for tool in self.tools]
        if len(set(names)) < len(names):
            raise ValueError("each tool once")
        if self.answer_tool is not None and self.answer_tool not in names:
            raise ValueError(f"answer_tool to be one of the tools: {', '.join(names) or 'there are none'}")
        if own := _OWN_PARAMETERS & self.parameters.keys():
            raise ValueError(f"no '{min(own)}' in parameters: it has a setting of its own or is set by the adapter")
        if secret := next((name for name in self.parameters if sounds_secret(name) and "tokens" not in name), None):
            raise ValueError(f"no secret such as '{secret[:60]}' in parameters")
        return self
