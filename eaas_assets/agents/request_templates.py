"""Requests in an agent's own words: JSON with ``{{slots}}``, filled in by plain lookup and never run as code.

Slots are ``{{message}}``, ``{{scenario_id}}``, ``{{seed}}``, ``{{context}}`` (all facts) and one fact by its name,
``{{context.orders.status}}``. What is filled in is not looked through for further slots.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from eaas_assets.contracts.agent import AgentRequest

_SLOT = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_FIELDS = ("message", "scenario_id", "seed", "context")
_FACT = "context."
UNKNOWN = "unknown"

Template = Callable[[AgentRequest], Any]


def compile_template(value: Any) -> Template:
    """Compile a JSON value.

    Args:
        value: Any JSON value. A text that is one slot becomes what is filled in, with its type (null where a fact is
            missing); in a longer text a missing fact reads "unknown", and lists and records become JSON.

    Raises:
        ValueError: A slot has an unknown name.
    """
    if isinstance(value, str):
        return _compile_text(value)
    if isinstance(value, list):
        items = [compile_template(item) for item in value]
        return lambda request: [item(request) for item in items]
    if isinstance(value, dict):
        fields = [(name, compile_template(item)) for name, item in value.items()]
        return lambda request: {name: item(request) for name, item in fields}
    return lambda request: value


def plain_request(request: AgentRequest) -> dict[str, Any]:
    """What an agent is sent that declares no request of its own."""
    return {
        "scenario_id": request.scenario_id,
        "message": request.message,
        "context": request.context,
        "seed": request.seed,
    }


def _compile_text(text: str) -> Template:
    parts = _SLOT.split(text)  # text, name, text, name, …, text
    texts, look_ups = parts[0::2], [_look_up(name) for name in parts[1::2]]
    if not look_ups:
        return lambda request: text
    if len(look_ups) == 1 and not any(texts):
        return look_ups[0]

    def fill(request: AgentRequest) -> str:
        filled = [texts[0]]
        for look_up, after in zip(look_ups, texts[1:], strict=True):
            filled.append(_as_text(look_up(request)))
            filled.append(after)
        return "".join(filled)

    return fill


def _look_up(name: str) -> Template:
    if name in _FIELDS:
        return lambda request: getattr(request, name)
    if name.startswith(_FACT) and len(name) > len(_FACT):
        fact = name.removeprefix(_FACT)
        return lambda request: request.context.get(fact)
    raise ValueError(f"slots named {', '.join(_FIELDS)} or context.<fact>, not {{{{{name[:60]}}}}}")


def _as_text(value: Any) -> str:
    if value is None:
        return UNKNOWN
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
