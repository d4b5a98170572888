"""Texts with ``{facts}`` in them, filled in by plain lookup.

``str.format`` is not used: it would follow attributes and indexes of whatever is put in. What is filled in is never
looked through for further slots, so a customer who writes ``{orders.order_id}`` is quoted and not answered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from eaas_assets.contracts.conditions import Facts

_SLOT = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.]*)\}")
UNKNOWN = "unknown"
MAX_FILLED = 1000
"""Characters of one fact that are taken over into a text."""

Template = Callable[[Facts], Any]


def template(value: Any) -> Template:
    """Compile one value of a response.

    Args:
        value: A text with ``{slots}``, or any other value, which stands for itself.

    Returns:
        A function of the facts. A text that is one slot gives the fact itself (None where it is missing); in a longer
        text a missing fact reads "unknown" and a list is joined by commas. Braces around anything but a name stay.
    """
    if not isinstance(value, str):
        return lambda facts: value
    parts = _SLOT.split(value)  # text, name, text, name, …, text
    if len(parts) == 1:
        return lambda facts: value
    if len(parts) == 3 and not parts[0] and not parts[2]:
        name = parts[1]
        return lambda facts: facts.get(name)
    texts, names = parts[0::2], parts[1::2]

    def fill(facts: Facts) -> str:
        filled = [texts[0]]
        for name, text in zip(names, texts[1:], strict=True):
            filled.append(_as_text(facts.get(name)))
            filled.append(text)
        return "".join(filled)

    return fill


def templates(values: Mapping[str, Any]) -> list[tuple[str, Template]]:
    """Compile every field of a response."""
    return [(name, template(value)) for name, value in values.items()]


def _as_text(value: Any) -> str:
    if value is None:
        return UNKNOWN
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= MAX_FILLED else text[: MAX_FILLED - 1] + "…"
