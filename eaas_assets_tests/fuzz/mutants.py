"""Seeded mutants of input files: the same kind and number always give the same bytes.

Two ways to spoil a file: as bytes, the way disks, editors and merge tools do it, and by its structure, the way people
do it who misunderstand a field. What readers make of the mutants is checked in the tests.
"""

from __future__ import annotations

import copy
import csv
import io
import json
import random
from collections.abc import Callable
from typing import Any

import yaml

TOKENS = [
    b"&a ", b"*a", b"!!python/object:os.system ", b"<<: *a", b"NO", b"1.10", b"1e999", b"NaN", b"-Infinity", b".inf",
    b"null", b"~", b"\\ud800", b"\xed\xa0\x80", b"\x00", b"\xef\xbb\xbf", b"\xff\xfe", b"\r", b"\t", b"- ", b": ",
    b"? ", b"{", b"}", b"[", b"]", b'"', b"'", b"|", b">", b"#", b",", b";", b"%YAML 1.1\n", b"---\n", b"...\n",
    b"9" * 25, b"[" * 60, b"{a: " * 60, b"../", b"/etc/passwd", b"x" * 300, "\u202eü漢🙂".encode(), b"0", b"-1",
]  # fmt: skip

ODD_VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2**63, -(2**70), 10**30, 0.1, -0.0, 1e308, "", " ", "NO", "1.10", "x" * 300, "../x",
    "nul\x00", "\u202eü漢🙂", "\ud800", [], {}, [None], [[]], ["a", 1], {"a": {"b": []}}, {"": 1}, {"a" * 200: 1},
    "a\nb", "(a+)+$", "(", "*",
]  # fmt: skip


def spoil_bytes(raw: bytes, draw: random.Random) -> bytes:
    """One to four changes of the bytes."""
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        raw = draw.choice(_BYTE_CHANGES)(raw, draw)
    return raw


def _span(raw: bytes, draw: random.Random) -> tuple[int, int]:
    start = draw.randrange(len(raw) + 1)
    return start, min(len(raw), start + draw.choice((1, 2, 8, 64, 1024)))


def _flip(raw: bytes, draw: random.Random) -> bytes:
    if not raw:
        return raw
    spot = draw.randrange(len(raw))
    return raw[:spot] + bytes([raw[spot] ^ 1 << draw.randrange(8)]) + raw[spot + 1 :]


def _delete(raw: bytes, draw: random.Random) -> bytes:
    start, end = _span(raw, draw)
    return raw[:start] + raw[end:]


def _repeat(raw: bytes, draw: random.Random) -> bytes:
    start, end = _span(raw, draw)
    return raw[:end] + raw[start:end] * draw.choice((1, 2, 50)) + raw[end:]


def _insert(raw: bytes, draw: random.Random) -> bytes:
    spot = draw.randrange(len(raw) + 1)
    return raw[:spot] + draw.choice(TOKENS) + raw[spot:]


def _overwrite(raw: bytes, draw: random.Random) -> bytes:
    start, end = _span(raw, draw)
    return raw[:start] + draw.randbytes(end - start) + raw[end:]


def _truncate(raw: bytes, draw: random.Random) -> bytes:
    return raw[: draw.randrange(len(raw) + 1)]


def _shuffle_lines(raw: bytes, draw: random.Random) -> bytes:
    lines = raw.splitlines(keepends=True)
    if len(lines) < 2:
        return raw
    a, b = draw.randrange(len(lines)), draw.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return b"".join(lines)


def _indent(raw: bytes, draw: random.Random) -> bytes:
    lines = raw.splitlines(keepends=True)
    if not lines:
        return raw
    spot = draw.randrange(len(lines))
    lines[spot] = b" " * draw.randrange(1, 5) + lines[spot] if draw.random() < 0.5 else lines[spot].lstrip()
    return b"".join(lines)


_BYTE_CHANGES: list[Callable[[bytes, random.Random], bytes]] = [
    _flip, _delete, _repeat, _insert, _insert, _overwrite, _truncate, _shuffle_lines, _indent,
]  # fmt: skip


def spoil_structure(value: Any, draw: random.Random) -> Any:
    """One to three changes of a document of mappings and lists: values, names, missing, added and repeated parts."""
    holder = [json.loads(json.dumps(value))]
    for _ in range(draw.choice((1, 1, 2, 3))):
        place = _random_place(holder, draw)
        if place is not None:
            _change(*place, draw)
    return holder[0]


def _random_place(holder: list[Any], draw: random.Random) -> tuple[Any, Any] | None:
    places: list[tuple[Any, Any]] = []
    level: list[Any] = [holder]
    while level:
        node = level.pop()
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        for key in keys:
            places.append((node, key))
            if isinstance(node[key], dict | list):
                level.append(node[key])
    return draw.choice(places) if places else None


def _change(node: Any, key: Any, draw: random.Random) -> None:
    kind = draw.choice(("replace", "replace", "delete", "rename", "add", "repeat"))
    if kind == "delete" and len(node) > 1:
        del node[key]
    elif kind == "rename" and isinstance(node, dict):
        node[draw.choice(("x", "", "1.10", "no", f"{key} ", str(key).upper()))] = node.pop(key)
    elif kind == "add" and isinstance(node, dict):
        node[draw.choice(("extra", "suite", "type", "weight", "id"))] = _odd_value(draw)
    elif kind == "repeat" and isinstance(node, list):
        node.extend(copy.deepcopy(node[key]) for _ in range(draw.choice((1, 30))))
    else:
        node[key] = _odd_value(draw)


def _odd_value(draw: random.Random) -> Any:
    return copy.deepcopy(draw.choice(ODD_VALUES))  # a later change must not reach the next mutant


def to_json(value: Any) -> bytes:
    """JSON text, lone surrogates and all."""
    return json.dumps(value).encode()


def to_jsonl(value: Any) -> bytes:
    """One line per item."""
    return b"".join(to_json(item) + b"\n" for item in (value if isinstance(value, list) else [value]))


def to_yaml(value: Any) -> bytes:
    """YAML text; what YAML cannot write (half a character) is replaced."""
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
    return text.encode("utf-8", "replace")


def to_csv(value: Any) -> bytes:
    """Rows as CSV, with a column for every name that any row has."""
    rows = [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
    sink = io.StringIO()
    writer = csv.DictWriter(sink, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    for row in rows:
        writer.writerow({name: cell if isinstance(cell, str) else json.dumps(cell) for name, cell in row.items()})
    return sink.getvalue().encode("utf-8", "replace")
