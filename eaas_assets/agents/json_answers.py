"""Bytes of an agent as a JSON value, read without surprises. What the value means is decided elsewhere."""

from __future__ import annotations

import json
from typing import Any

from eaas_assets.errors import shown

MAX_DEPTH = 100


def parse_answer(raw: bytes) -> Any:
    """The JSON value in ``raw``.

    Raises:
        ValueError: It is not UTF-8, not JSON, holds NaN or infinity, or is nested too deeply. The message says what
            stands there instead.
    """
    try:
        value = json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError(f"nested more than {MAX_DEPTH} levels deep") from error
    except ValueError as error:
        raise ValueError(f"not JSON: {_reason(raw, error)}") from error
    # Most answers have too few brackets to be deep, and are spared the walk.
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _is_too_deep(value):
        raise ValueError(f"nested more than {MAX_DEPTH} levels deep")
    return value


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _reason(raw: bytes, error: ValueError) -> str:
    if not raw.strip():
        return "nothing at all"
    beginning = shown(raw[:80].decode("utf-8", "replace"))
    if isinstance(error, UnicodeDecodeError):
        return f"byte 0x{raw[error.start]:02x} at {error.start} is no UTF-8; it begins {beginning}"
    return f"{error}; it begins {beginning}"


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        deeper: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                deeper.extend(item.values())
            elif isinstance(item, list):
                deeper.extend(item)
        if not deeper:
            return False
        level = deeper
    return True
