"""One sequence of bytes for one value: canonical JSON (RFC 8785), and a clear refusal of what has none.

What an entry means is not known here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import rfc8785

from eaas_assets.errors import InputError, Problem, shown

LARGEST_INTEGER = 2**53 - 1
"""Beyond it neighbouring integers are one and the same number to a reader of JSON."""
MAX_DEPTH = 40

_FAST = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_bytes(value: Any, name: str = "audit entry") -> bytes:
    """``value`` as canonical JSON in UTF-8.

    Args:
        value: Mappings with text keys, lists, tuples, text, booleans, null, finite numbers.
        name: What the value is called in problems.

    Raises:
        InputError: A part of it has no canonical form: NaN, an infinity, an integer beyond ±(2^53 − 1), text with a
            lone surrogate, a type that JSON does not know, or nesting beyond ``MAX_DEPTH``. Names the field.
    """
    try:
        if not _is_shallow(value, MAX_DEPTH):
            raise InputError(_faults(value, (), name))
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, AttributeError, UnicodeError) as error:  # the last two: of a key
        raise InputError(_faults(value, (), name)) from error


def parse_canonical(raw: bytes) -> Any:
    """The value of canonical JSON.

    Raises:
        ValueError: It is not JSON, or not the one canonical way to write its value (spaces, order or repetition of
            keys, spelling of a number or of a character).
    """
    try:
        value = json.loads(
            raw.decode("utf-8"), parse_int=_integer, parse_float=_canonical_float, parse_constant=_refuse_constant
        )
        # The fast encoder writes the same but for keys beyond the basic plane; only on a difference ask the slow one.
        same = _FAST.encode(value).encode("utf-8") == raw or rfc8785.dumps(value) == raw
    except (RecursionError, UnicodeError) as error:
        raise ValueError(f"not canonical JSON: {type(error).__name__}") from error
    if not same:
        raise ValueError("JSON that is not written in its canonical form")
    return value


def _integer(text: str) -> int | float:
    """Digits beyond the integers that JSON knows were written for a float: 1e16 is 10000000000000000."""
    return int(text) if len(text) <= 15 or abs(int(text)) <= LARGEST_INTEGER else _canonical_float(text)


@lru_cache(maxsize=65_536)
def _canonical_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or rfc8785.dumps(value).decode() != text:
        raise ValueError(f"the number {shown(text)} is not written in its canonical form")
    return value


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _is_shallow(value: Any, levels: int) -> bool:
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else None
    return parts is None or (levels >= 0 and all(_is_shallow(part, levels - 1) for part in parts))


def _faults(value: Any, path: tuple[str, ...], name: str) -> Iterator[Problem]:
    if fault := _own_fault(value, len(path)):
        yield Problem(name, "not_canonical", fault[0], fault[1], field=".".join(path) or None)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _key_faults(key, path, name)
            yield from _faults(item, (*path, shown(str(key))[1:-1]), name)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _faults(item, (*path, str(index)), name)


def _key_faults(key: Any, path: tuple[str, ...], name: str) -> Iterator[Problem]:
    if not isinstance(key, str):
        yield Problem(name, "not_canonical", f"the key {shown(key)}", "text as a key", field=".".join(path) or None)
    elif not _encodes(key):
        yield Problem(
            name, "not_canonical", "a key with a lone surrogate", "Unicode text", field=".".join(path) or None
        )


def _own_fault(value: Any, depth: int) -> tuple[str, str] | None:
    """What was found and expected, where the value itself (not a part of it) has no canonical form."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        limit = f"an integer within ±{LARGEST_INTEGER} (or text)"
        return (shown(str(value)), limit) if abs(value) > LARGEST_INTEGER else None
    if isinstance(value, float):
        return None if math.isfinite(value) else (str(value), "a finite number, or null with a reason")
    if isinstance(value, str):
        return None if _encodes(value) else ("text with a lone surrogate", "Unicode text")
    if isinstance(value, Mapping | list | tuple):
        return (f"more than {MAX_DEPTH} levels", f"at most {MAX_DEPTH}") if depth > MAX_DEPTH else None
    return f"a value of type {type(value).__name__}", "text, a number, a boolean, null, a list or a mapping"


def _encodes(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
