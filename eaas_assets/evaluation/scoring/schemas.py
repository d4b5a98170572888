"""JSON Schema (draft 2020-12) as a comparison: whether an answered value has the expected shape.

Nothing is fetched: references may point only into the schema itself. ``pattern`` is matched by RE2, because answers
are hostile. Keywords that would let a schema reach further or match in another way are refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from eaas_assets.evaluation.scoring.patterns import check_pattern, fits_part

MAX_JSON = 100_000
"""Characters of an answer, as JSON, that are validated; a longer one does not match."""
REFUSED = frozenset({"$id", "$dynamicRef", "$recursiveRef", "patternProperties"})


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not fits_part(pattern, instance):
        yield ValidationError("does not fit the pattern")


_Validator = extend(Draft202012Validator, {"pattern": _pattern})


def schema_test(schema: Any) -> Callable[[Any], bool]:
    """Compile a schema into a test.

    Raises:
        ValueError: It is not a usable schema; the message says what is wanted.
    """
    try:
        # Without the formats: they would judge patterns by Python's syntax, and these are RE2's.
        Draft202012Validator.check_schema(schema, format_checker=FormatChecker(()))
    except SchemaError as error:
        raise ValueError(f"a valid JSON Schema ({error.message[:200]})") from error
    resolver = Registry().resolver_with_root(DRAFT202012.create_resource(schema))
    for keyword, value in _keywords(schema):
        if keyword in REFUSED:
            raise ValueError(f"a JSON Schema without {keyword}")
        if keyword == "pattern" and isinstance(value, str):
            check_pattern(value)
        if keyword == "$ref":
            try:
                resolver.lookup(value)
            except Unresolvable as error:
                raise ValueError(f"references into the schema itself, not {value[:100]}") from error
    validator = _Validator(schema, registry=Registry())

    def test(actual: Any) -> bool:
        try:
            size = len(json.dumps(actual))
        except (TypeError, ValueError):  # not a JSON value at all
            return False
        return size <= MAX_JSON and bool(validator.is_valid(actual))

    return test


def _keywords(schema: Any) -> Iterator[tuple[str, Any]]:
    """Every key of every mapping in the schema. A property named like a keyword is taken for it: rare, and safe."""
    level = [schema]
    while level:
        item = level.pop()
        if isinstance(item, dict):
            yield from item.items()
            level.extend(item.values())
        elif isinstance(item, list):
            level.extend(item)
