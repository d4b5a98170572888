"""Responses in an agent's own words, brought to the protocol's fields by paths that stand in the version's file.

A path is a JSON pointer (RFC 6901: ``/result/intent``, ``""`` for all) or dotted (``result.intent``, ``texts.0.id``).
A path that leads nowhere leaves its field out; whether that is allowed is decided where answers are validated.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from eaas_assets.contracts.documents import Document

_BAD_ESCAPE = re.compile(r"~(?![01])")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_NOTHING = object()


def _checked(path: str) -> str:
    if path and not path.startswith("/") and "" in path.split("."):
        raise ValueError("a JSON pointer like /result/intent, or a dotted path like result.intent")
    if path.startswith("/") and _BAD_ESCAPE.search(path):
        raise ValueError("a JSON pointer with ~0 for ~ and ~1 for /")
    return path


ResponsePath = Annotated[str, Field(max_length=500), AfterValidator(_checked)]


class StepsMapping(Document):
    """Where the agent's calls of specialists or tools stand.

    Attributes:
        each: The list of calls; the other paths start at each of its items.
    """

    each: ResponsePath
    agent: ResponsePath
    action: ResponsePath | None = None
    output: ResponsePath | None = None
    response_time_s: ResponsePath | None = None


class UsageMapping(Document):
    """Where it says what the answer took."""

    input_tokens: ResponsePath | None = None
    output_tokens: ResponsePath | None = None
    cost_usd: ResponsePath | None = None


class ResponseMapping(Document):
    """Where each field of the protocol stands in the agent's response.

    Attributes:
        answer: Where all answered fields stand together, or a path for each of them.
        path_field: Answered field that lists the agents of the steps in order; None to leave that to ``answer``.
        seconds_per_unit: What the response's times count in: 0.001 for milliseconds.
    """

    answer: ResponsePath | dict[str, ResponsePath]
    message: ResponsePath | None = None
    confidence: ResponsePath | None = None
    needs_human_review: ResponsePath | None = None
    steps: StepsMapping | None = None
    usage: UsageMapping | None = None
    response_time_s: ResponsePath | None = None
    path_field: str | None = None
    seconds_per_unit: float = Field(default=1.0, gt=0, strict=False, allow_inf_nan=False)

    def apply(self, response: Any) -> dict[str, Any]:
        """The response in the protocol's fields, not yet validated."""
        content = _picked(response, self, ("message", "confidence", "needs_human_review", "response_time_s"))
        self._scale(content)
        content["answer"] = self._answer(response)
        if self.usage is not None:
            content["usage"] = _picked(response, self.usage, ("input_tokens", "output_tokens", "cost_usd"))
        if self.steps is not None:
            content["steps"] = self._steps(self.steps, response)
            if self.path_field is not None and isinstance(content["answer"], dict):
                content["answer"][self.path_field] = [step.get("agent") for step in content["steps"]]
        return content

    def _answer(self, response: Any) -> Any:
        if isinstance(self.answer, str):
            found = pick(response, self.answer)
            return dict(found) if isinstance(found, dict) else found if found is not _NOTHING else None
        fields = {name: pick(response, path) for name, path in self.answer.items()}
        return {name: value for name, value in fields.items() if value is not _NOTHING}

    def _steps(self, steps: StepsMapping, response: Any) -> list[dict[str, Any]]:
        items = pick(response, steps.each)
        found = []
        for item in items if isinstance(items, list) else []:
            step = _picked(item, steps, ("agent", "action", "output", "response_time_s"))
            if "output" in step and not isinstance(step["output"], dict):
                step["output"] = {"output": step["output"]}
            self._scale(step)
            found.append(step)
        return found

    def _scale(self, fields: dict[str, Any]) -> None:
        time = fields.get("response_time_s")
        if isinstance(time, int | float) and not isinstance(time, bool):
            fields["response_time_s"] = time * self.seconds_per_unit


def pick(value: Any, path: str) -> Any:
    """What stands at ``path``; a private marker if it leads nowhere, which no JSON value is."""
    if path.startswith("/"):
        parts = [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]
    else:
        parts = path.split(".") if path else []
    for part in parts:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and _INDEX.fullmatch(part) and int(part) < len(value):
            value = value[int(part)]
        else:
            return _NOTHING
    return value


def _picked(value: Any, paths: Document, names: tuple[str, ...]) -> dict[str, Any]:
    found = {name: pick(value, path) for name in names if (path := getattr(paths, name)) is not None}
    # A null says "not known" in most contracts, which is what leaving a field out says in the protocol.
    return {name: item for name, item in found.items() if item is not _NOTHING and item is not None}
