"""YAML as people write it, read without its surprises.

YAML turns version ``1.10`` into 1.1, ``NO`` into False and ``0123`` into 83, lets a later key replace an earlier
one in silence, and lets ten lines of aliases stand for a billion. Here plain scalars follow the YAML 1.2 core
schema, the old words for booleans are refused with advice, duplicate keys and aliases are refused, and every
field keeps the line on which it stands.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from eaas_assets.errors import InputError, Problem, shown
from eaas_assets.storage.files import MIB, decode_utf8, digest, read_limited

MAX_DOCUMENT_BYTES = MIB
MAX_DEPTH = 40
MAX_VALUES = 100_000

_OLD_BOOLEANS = re.compile(r"^(?:yes|no|on|off)$", re.IGNORECASE)
"""Not ``y`` and ``n``: the usual readers take them for text, and they are common names of columns."""
_PLAIN = (
    (re.compile(r"^(?:null|Null|NULL|~|)$"), lambda _: None),
    (re.compile(r"^(?:true|True|TRUE)$"), lambda _: True),
    (re.compile(r"^(?:false|False|FALSE)$"), lambda _: False),
    (re.compile(r"^[-+]?(?:0|[1-9][0-9]{0,17})$"), int),
    (
        re.compile(r"^[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?$"),
        lambda text: WrittenFloat.read(text),
    ),
)


class WrittenFloat(float):
    """A number that remembers how it was written, so that an error can show ``1.10`` and not ``1.1``."""

    written: str

    @classmethod
    def read(cls, text: str) -> WrittenFloat:
        """The number that ``text`` stands for."""
        value = cls(text)
        value.written = text
        return value

    def __repr__(self) -> str:
        return self.written


@dataclass(frozen=True)
class YamlDocument:
    """A parsed document.

    Attributes:
        file: Path relative to the data folder.
        data: Plain Python values (dict, list, str, int, float, bool, None).
        lines: 1-based line of every field, by its path.
        digest: SHA-256 of the bytes.
    """

    file: str
    data: Any
    lines: dict[tuple[str | int, ...], int]
    digest: str

    def line_of(self, path: tuple[str | int, ...]) -> int | None:
        """Line of the field, or of the nearest field around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def read_yaml(root: Path, relative: str) -> YamlDocument:
    """Read one YAML document.

    Raises:
        InputError: The file is missing, too large, not UTF-8, not YAML, nested too deeply, or uses duplicate keys,
            aliases, tags or the old words for booleans. Faults that do not hide each other come together.
    """
    raw = read_limited(root, relative, MAX_DOCUMENT_BYTES)
    text = decode_utf8(raw, relative)
    _refuse_unsafe(text, relative)
    reader = _Reader(relative)
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError) as error:
        raise _not_yaml(relative, error) from error
    data = reader.value(node, ()) if node is not None else None
    if reader.problems:
        raise InputError(reader.problems)
    return YamlDocument(relative, data, reader.lines, digest(raw))


def _refuse_unsafe(text: str, relative: str) -> None:
    """Walk the flat event stream first: composing a bomb or a 100,000-deep list would already be the harm.

    Only here a tag that was written can be told from one that the reader derived.
    """
    depth = values = 0
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            values += isinstance(event, yaml.NodeEvent)
            if fault := _unsafe(event, depth, values):
                code, found, expected = fault
                raise InputError(Problem(relative, code, found, expected, row=_line(event)))
    except (yaml.YAMLError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise _not_yaml(relative, error) from error


def _unsafe(event: yaml.Event, depth: int, values: int) -> tuple[str, str, str] | None:
    if isinstance(event, yaml.AliasEvent):
        return "yaml_alias", shown(f"*{event.anchor}")[1:-1], "the value itself"
    if (tag := getattr(event, "tag", None)) is not None:
        return "yaml_tag", shown(tag), "plain values without tags"
    if depth > MAX_DEPTH:
        return "too_deep", f"more than {MAX_DEPTH} levels", f"at most {MAX_DEPTH} levels"
    if values > MAX_VALUES:
        expected = f"at most {MAX_VALUES:,} values; data belong into JSONL, CSV or Parquet"
        return "too_many_values", f"more than {MAX_VALUES:,} values", expected
    return None


def _line(event: yaml.Event) -> int | None:
    return event.start_mark.line + 1 if event.start_mark else None


def _not_yaml(relative: str, error: Exception) -> InputError:
    mark = getattr(error, "problem_mark", None)
    found = getattr(error, "problem", None) or str(error).splitlines()[0]
    return InputError(Problem(relative, "not_yaml", shown(found), "YAML", row=mark.line + 1 if mark else None))


class _Reader:
    """Turns nodes into values and collects what is wrong on the way."""

    def __init__(self, relative: str) -> None:
        self.relative = relative
        self.problems: list[Problem] = []
        self.lines: dict[tuple[str | int, ...], int] = {}

    def value(self, node: yaml.Node, path: tuple[str | int, ...]) -> Any:
        self.lines[path] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)  # noqa: S101 (YAML has no fourth kind)
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: tuple[str | int, ...]) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._complain(key_node, path, "bad_key", "a list or mapping as a key", "text as a key")
                continue
            key = key_node.value  # the text as written: the key `1.10` stays '1.10'
            if key in mapping:
                self._complain(key_node, (*path, key), "duplicate_key", f"'{shown(key)[1:-1]}' twice", "each key once")
                continue
            mapping[key] = self.value(value_node, (*path, key))
        return mapping

    def _scalar(self, node: yaml.ScalarNode, path: tuple[str | int, ...]) -> Any:
        if node.style in {"'", '"', "|", ">"}:  # quoted or a block: always text
            return node.value
        if _OLD_BOOLEANS.match(node.value):
            expected = "true or false, or quotes around it if the word itself is meant"
            self._complain(node, path, "ambiguous_yaml", f"{node.value} (some readers take it for a boolean)", expected)
            return node.value
        for pattern, construct in _PLAIN:
            if pattern.match(node.value):
                value = construct(node.value)
                if isinstance(value, float) and not math.isfinite(value):
                    self._complain(node, path, "not_finite", shown(node.value), "a number that a float can hold")
                return value
        return node.value

    def _complain(self, node: yaml.Node, path: tuple[str | int, ...], code: str, found: str, expected: str) -> None:
        field = ".".join(str(part) for part in path) or None
        self.problems.append(Problem(self.relative, code, found, expected, row=node.start_mark.line + 1, field=field))
