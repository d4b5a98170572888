"""Cells as typed values: text of a CSV file becomes what its column is declared to be; types and keys are told apart.

Converting never fails: text that cannot be converted stays text, and whoever checks the value says what is wrong.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from typing import Any

from eaas_assets.contracts.suite import ColumnType
from eaas_assets.errors import InputError
from eaas_assets.storage.records import parse_json

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}\Z")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_BOOLEANS = {"true": True, "false": False}


def number_from_text(text: str) -> Any:
    """The number that ``text`` is; the text itself if it is none."""
    text = text.strip()
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _NUMBER.match(text) else text


def list_from_text(text: str) -> Any:
    """A JSON array, or items between semicolons; the text itself if it is a broken array."""
    if not text.lstrip().startswith("["):
        return [item.strip() for item in text.split(";") if item.strip()]
    return json_from_text(text)


def json_from_text(text: str) -> Any:
    """The JSON value that ``text`` is; the text itself if it is none."""
    try:
        return parse_json(text, "cell")
    except InputError:
        return text


def boolean_from_text(text: str) -> Any:
    """True or False, whatever the case; the text itself for any other word."""
    return _BOOLEANS.get(text.strip().lower(), text)


FROM_TEXT: dict[ColumnType, Callable[[str], Any]] = {
    "string": lambda text: text,
    "date": lambda text: text,
    "number": number_from_text,
    "integer": number_from_text,
    "boolean": boolean_from_text,
    "list": list_from_text,
}


def is_number(value: Any) -> bool:
    """A finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_integer(value: Any) -> bool:
    """An integer, also one that was stored as a float, as tools do that know no missing integers."""
    return is_number(value) and float(value).is_integer()


def is_date(value: Any) -> bool:
    """Text of the form YYYY-MM-DD that is a day of the calendar."""
    if not isinstance(value, str) or not _DATE.match(value):
        return False
    try:
        dt.date.fromisoformat(value)
    except ValueError:
        return False
    return True


def is_scalar(value: Any) -> bool:
    """Text, a finite number, or a boolean."""
    return isinstance(value, str | bool) or is_number(value)


HAS_TYPE: dict[ColumnType, tuple[Callable[[Any], bool], str]] = {
    "string": (lambda value: isinstance(value, str), "text"),
    "number": (is_number, "a finite number"),
    "integer": (is_integer, "an integer"),
    "boolean": (lambda value: isinstance(value, bool), "true or false"),
    "list": (lambda value: isinstance(value, list), "a list"),
    "date": (is_date, "a date (YYYY-MM-DD)"),
}
"""Column type → test of a value, and how the type is called in a problem."""


def join_key(value: Any) -> str | None:
    """A key as it joins: 17 in one file is '17' in another. None for what cannot be a key."""
    if isinstance(value, str):
        return value or None
    return str(int(value)) if is_integer(value) else None


def missing(value: Any) -> bool:
    """Null, or text of nothing but blanks."""
    return value is None or (isinstance(value, str) and not value.strip())
