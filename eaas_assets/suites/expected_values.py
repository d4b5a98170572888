"""Expected values as their comparison needs them. A value that it could never use is a fault of the scenario file.

How an answer is compared with them is decided where scores are made.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from eaas_assets.contracts.conditions import pattern_fault
from eaas_assets.contracts.suite import Comparison
from eaas_assets.storage.files import canonical_json
from eaas_assets.suites.cells import is_number, is_scalar, json_from_text, list_from_text, number_from_text


class ExpectedKind(NamedTuple):
    """How the expected values of one comparison are read.

    Attributes:
        fault: What a value should be instead; None if it is fine.
        from_text: Turns the text of a cell into a value; never fails.
    """

    fault: Callable[[Any], str | None]
    from_text: Callable[[str], Any]


def _same(text: str) -> Any:
    return text


def _list_fault(value: Any) -> str | None:
    fits = isinstance(value, list) and all(is_scalar(item) for item in value)
    return None if fits else "a list of texts, numbers or booleans"


def _number_fault(value: Any) -> str | None:
    return None if is_number(value) else "a finite number"


def _regex_fault(value: Any) -> str | None:
    if not isinstance(value, str):
        return "a pattern (text)"
    reason = pattern_fault(value)
    return None if reason is None else f"a valid pattern in RE2 syntax ({reason})"


def _text_fault(value: Any) -> str | None:
    return None if isinstance(value, str) else "text"


def _schema_fault(value: Any) -> str | None:
    if not isinstance(value, dict):
        return "a JSON Schema (an object)"
    return _known_schema_fault(canonical_json(value))


@lru_cache(maxsize=1024)
def _known_schema_fault(schema_json: str) -> str | None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(json_from_text(schema_json))
    except SchemaError as error:
        return f"a valid JSON Schema ({error.message[:200]})"
    return None


_LISTS = ExpectedKind(_list_fault, list_from_text)
EXPECTED_KINDS: dict[Comparison, ExpectedKind] = {
    "exact": ExpectedKind(lambda _: None, _same),
    "sequence": _LISTS,
    "set": _LISTS,
    "subset": _LISTS,
    "number": ExpectedKind(_number_fault, number_from_text),
    "regex": ExpectedKind(_regex_fault, _same),
    "json_schema": ExpectedKind(_schema_fault, json_from_text),
    "similarity": ExpectedKind(_text_fault, _same),
}
