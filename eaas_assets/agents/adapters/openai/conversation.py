"""One evaluation's conversation with a chat model: what is said next, and what the replies mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eaas_assets.agents.adapters.openai.settings import OpenAISettings, Price
from eaas_assets.agents.attempts import AttemptError
from eaas_assets.agents.json_answers import parse_answer
from eaas_assets.agents.request_templates import Template
from eaas_assets.contracts.agent import AgentRequest, Usage
from eaas_assets.errors import shown

ACTION_LENGTH = 256


class _Part(BaseModel):
    """A part of a reply that is used; whatever else a service adds is ignored."""

    model_config = ConfigDict(strict=True)


class _Function(_Part):
    name: str = Field(max_length=256)
    arguments: str = "{}"


class _ToolCall(_Part):
    id: str
    function: _Function


class _Message(_Part):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = Field(default=None, max_length=1000)


class _Choice(_Part):
    message: _Message
    finish_reason: str | None = None


class _Usage(_Part):
    prompt_tokens: int | None = Field(default=None, ge=0)
    completion_tokens: int | None = Field(default=None, ge=0)


class _Reply(_Part):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


class Conversation:
    """A conversation from its first message to the answer.

    Attributes:
        messages: Everything said so far, as the service expects it.
        turns: Replies of the model so far.
        answer: The model's answer as JSON; None until it gave one.
    """

    def __init__(
        self,
        settings: OpenAISettings,
        messages: list[dict[str, Any]],
        results: Mapping[str, Template],
        request: AgentRequest,
    ) -> None:
        """Begin with ``messages``; ``results`` are what the tools return."""
        self.messages = messages
        self.turns = 0
        self.answer: Any = None
        self._settings = settings
        self._results = results
        self._request = request
        self._steps: list[dict[str, Any]] = []
        self._input_tokens: int | None = 0
        self._output_tokens: int | None = 0

    def take(self, document: Any) -> None:
        """Take the model's next reply.

        Raises:
            AttemptError: It is no reply of the protocol, a refusal, or no answer although it must be one.
        """
        try:
            reply = _Reply.model_validate(document)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "reply"
            message = f"{place}: {first['msg']}; found {shown(first['input'])}"
            raise AttemptError("invalid_reply", message) from error
        self.turns += 1
        self._count(reply.usage)
        choice = reply.choices[0]
        if choice.message.refusal:
            raise AttemptError("refused", f"the model refuses: {choice.message.refusal}")
        if choice.message.tool_calls:
            self._call_tools(choice.message.content, choice.message.tool_calls)
        else:
            self.answer = _final(choice, self._settings.answer_tool)
        if self.answer is None and self.turns >= self._settings.max_turns:
            raise AttemptError("no_answer", f"no answer within {self.turns} turns (max_turns)")

    @property
    def usage(self) -> Usage:
        """What the conversation has taken so far."""
        cost = _cost(self._settings.price, self._input_tokens, self._output_tokens)
        return Usage(input_tokens=self._input_tokens, output_tokens=self._output_tokens, cost_usd=cost)

    def content(self) -> Any:
        """The answer in the protocol's fields, with steps and usage as they were observed; not yet validated."""
        if not isinstance(self.answer, dict):
            return self.answer
        mapping = self._settings.response
        content = dict(self.answer) if mapping is None else mapping.apply(self.answer)
        content["usage"] = self.usage  # observed, not claimed: a model does not report its own calls and costs
        if self._settings.tools:
            content["steps"] = self._steps
            if self._settings.path_field is not None:
                fields = content.get("answer")
                place = fields if isinstance(fields, dict) else content
                place[self._settings.path_field] = [step["agent"] for step in self._steps]
        return content

    def _call_tools(self, said: str | None, calls: list[_ToolCall]) -> None:
        asked = [{"id": call.id, "type": "function", "function": call.function.model_dump()} for call in calls]
        self.messages.append({"role": "assistant", "content": said, "tool_calls": asked})
        for call in calls:
            name, arguments = call.function.name, call.function.arguments
            if name == self._settings.answer_tool:
                self.answer = _json(arguments, f"arguments of {name}")
                return
            result = self._results[name](self._request) if name in self._results else {"error": "no such tool"}
            output = result if isinstance(result, dict) else {"result": result}
            action = arguments if len(arguments) <= ACTION_LENGTH else arguments[: ACTION_LENGTH - 1] + "…"
            self._steps.append({"agent": name, "action": action, "output": output})
            text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
            self.messages.append({"role": "tool", "tool_call_id": call.id, "content": text})

    def _count(self, usage: _Usage | None) -> None:
        """Add a turn's tokens; a turn without them makes the sum unknown."""
        read = usage.prompt_tokens if usage is not None else None
        written = usage.completion_tokens if usage is not None else None
        self._input_tokens = None if self._input_tokens is None or read is None else self._input_tokens + read
        self._output_tokens = None if self._output_tokens is None or written is None else self._output_tokens + written


def _final(choice: _Choice, answer_tool: str | None) -> Any:
    if answer_tool is not None:
        raise AttemptError("no_answer", f"the model ended without calling {answer_tool}")
    if not choice.message.content:
        raise AttemptError("no_answer", f"an empty message (finish_reason: {choice.finish_reason})")
    why = "" if choice.finish_reason in {None, "stop"} else f" (finish_reason: {choice.finish_reason})"
    return _json(choice.message.content, f"message{why}")


def _json(text: str, what: str) -> Any:
    try:
        value = parse_answer(text.encode())
    except ValueError as error:  # lone surrogates included
        raise AttemptError("not_json", f"{what}: {error}") from error
    if value is None:
        raise AttemptError("no_answer", f"{what}: null")
    return value


def _cost(price: Price | None, input_tokens: int | None, output_tokens: int | None) -> float | None:
    if price is None or input_tokens is None or output_tokens is None:
        return None
    return (input_tokens * price.input_usd_per_million + output_tokens * price.output_usd_per_million) / 1e6
