"""The base of every document that a user writes as YAML, and how its faults are told to that user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from eaas_assets.errors import InputError, Problem, shown

if TYPE_CHECKING:
    from eaas_assets.storage.yaml_documents import YamlDocument


class Document(BaseModel):
    """Strict and frozen: a wrong type is an error and never a conversion; an unknown field is a mistake."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


DocumentT = TypeVar("DocumentT", bound=BaseModel)


def validate_document(model: type[DocumentT], document: YamlDocument) -> DocumentT:
    """The document as ``model``.

    Raises:
        InputError: One problem per fault, each with file, line, field, what was found and what was expected.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise InputError(
            _problem(details, document.file, document.line_of(_path(details))) for details in error.errors()
        ) from error


def validate_value(model: type[DocumentT], value: Any, file: str, row: int | None = None) -> DocumentT:
    """``value`` as ``model``; as :func:`validate_document` for values that did not come from YAML.

    Raises:
        InputError: One problem per fault.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InputError(_problem(details, file, row) for details in error.errors()) from error


def _path(details: ErrorDetails) -> tuple[str | int, ...]:
    return tuple(part for part in details["loc"] if not str(part).endswith(("[key]", "]")))


def _problem(details: ErrorDetails, file: str, row: int | None) -> Problem:
    kind = details["type"]
    found = "nothing" if kind == "missing" else shown(details["input"])
    if kind == "value_error" and isinstance(details["input"], dict):
        found = "fields that do not fit together"  # the whole of them would say nothing
    expected = {
        "missing": "this field",
        "extra_forbidden": "no such field (see docs/data.md for the fields there are)",
    }.get(kind, details["msg"].removeprefix("Value error, ").removeprefix("Input should be "))
    if kind in {"string_type", "string_pattern_mismatch"} and not isinstance(details["input"], str):
        expected = f'text in quotes: "{shown(details["input"])}"'
    field = shown(".".join(str(part) for part in details["loc"]), 120)[1:-1] or None
    return Problem(file, kind, found, expected, row=row, field=field)
