"""The eight ways in which an expected and an answered value can agree. Weights and scores are not decided here.

What was answered is hostile: whatever its type, size or nesting, a comparison says yes or no and never fails, and its
work is bounded. What was expected comes from a suite; a value that its comparison cannot use is told to its author
(:func:`expectation_fault`) and not counted against an agent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from eaas_assets.contracts.conditions import exact
from eaas_assets.contracts.suite import FieldRule
from eaas_assets.evaluation.scoring.patterns import check_pattern, fits_whole

MAX_TEXT = 10_000
"""Characters of an answer that ``regex`` and ``similarity`` look at; a longer answer does not match."""
MAX_ITEMS = 10_000
"""Items of an answered list; a longer list does not match."""
MAX_PATTERN = 1_000

Test = Callable[[Any], bool]


def matches(rule: FieldRule, expected: Any, actual: Any) -> bool:
    """Whether an answered value agrees with the expected one.

    * ``exact``: the same JSON value. 1 and 1.0 are the same number, 1 and true are not the same; a missing answer is
      null.
    * ``sequence``: the same list in the same order.
    * ``set``: the same items, whatever their order and number.
    * ``subset``: every expected item is among the answered ones.
    * ``number``: at most ``tolerance`` apart, in exact decimals. Text and booleans are not numbers.
    * ``regex``: the expected pattern fits the whole answered text (write ``.*`` around it for a part). RE2 syntax: no
      look-around and no back-references, and in return the time is linear in the text, whatever the pattern.
    * ``json_schema``: the answer is valid under the expected schema; see `schemas`.
    * ``similarity``: :func:`similarity` of the two texts is at least ``threshold``.

    An expected value that the comparison cannot use matches nothing.
    """
    try:
        test = comparison(rule, expected)
    except ValueError:
        return False
    return test(actual)


def expectation_fault(rule: FieldRule, expected: Any) -> str | None:
    """What is wrong with an expected value for its comparison, as what it should be instead; None if nothing is."""
    try:
        comparison(rule, expected)
    except ValueError as error:
        return str(error)
    return None


def comparison(rule: FieldRule, expected: Any) -> Test:
    """Compile a rule and an expected value into a test of answered values, for many answers to one question.

    Raises:
        ValueError: The expected value is not what the comparison needs; the message says what that would be.
    """
    test = _MAKERS[rule.compare](rule, expected)

    def guarded(actual: Any) -> bool:
        try:
            return test(actual)
        except (RecursionError, OverflowError):
            # Nested deeper than can be followed, or a number beyond floats: no expected value is like that.
            return False

    return guarded


def similarity(left: str, right: str) -> Fraction:
    """Twice the length of the longest common subsequence over the total length: 1 for equal texts, 0 for strangers.

    The ratio that difflib estimates, but exact, the same in both directions, and never slow: the bit-parallel algorithm
    of Hyyrö (2004, "Bit-parallel LCS-length computation revisited") takes a few operations on one large integer per
    character. Two empty texts are equal.
    """
    total = len(left) + len(right)
    return Fraction(2 * _common_length(left, right), total) if total else Fraction(1)


def _common_length(left: str, right: str) -> int:
    places: dict[str, int] = {}
    for position, character in enumerate(left):
        places[character] = places.get(character, 0) | 1 << position
    full = (1 << len(left)) - 1
    row = full
    for character in right:
        hits = row & places.get(character, 0)
        row = ((row + hits) | (row - hits)) & full
    return len(left) - row.bit_count()


def image(value: Any) -> tuple[Any, ...]:
    """A hashable value that is equal for equal JSON values only: True is kept apart from 1, but 1.0 is 1."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, int | float):
        return ("number", value)
    if isinstance(value, str):
        return ("text", value)
    if isinstance(value, list):
        return ("list", *map(image, value))
    if isinstance(value, Mapping):
        return ("record", frozenset((key, image(item)) for key, item in value.items()))
    return ("null",) if value is None else ("other", id(value))


def _items(value: Any) -> list[tuple[Any, ...]] | None:
    """Images of a list's items; None for anything that is not a list of a sensible length."""
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        return None
    return [image(item) for item in value]


def _expected_items(expected: Any) -> list[tuple[Any, ...]]:
    items = _items(expected)
    if items is None:
        raise ValueError(f"a list of at most {MAX_ITEMS} items")
    return items


def _exact(rule: FieldRule, expected: Any) -> Test:
    wanted = image(expected)
    return lambda actual: image(actual) == wanted


def _sequence(rule: FieldRule, expected: Any) -> Test:
    wanted = _expected_items(expected)
    return lambda actual: _items(actual) == wanted


def _set(rule: FieldRule, expected: Any) -> Test:
    wanted = frozenset(_expected_items(expected))
    return lambda actual: (items := _items(actual)) is not None and wanted == frozenset(items)


def _subset(rule: FieldRule, expected: Any) -> Test:
    wanted = frozenset(_expected_items(expected))
    return lambda actual: (items := _items(actual)) is not None and wanted <= frozenset(items)


def as_number(value: Any) -> Fraction | None:
    """A finite JSON number exactly as it is written; None for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return Fraction(exact(value))


def _number(rule: FieldRule, expected: Any) -> Test:
    wanted = as_number(expected)
    if wanted is None:
        raise ValueError("a number")
    tolerance = Fraction(exact(rule.tolerance))
    return lambda actual: (number := as_number(actual)) is not None and abs(number - wanted) <= tolerance


def _short_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT


def _regex(rule: FieldRule, expected: Any) -> Test:
    if not isinstance(expected, str) or len(expected) > MAX_PATTERN:
        raise ValueError(f"a pattern of at most {MAX_PATTERN} characters")
    check_pattern(expected)
    return lambda actual: _short_text(actual) and fits_whole(expected, actual)


def _similarity(rule: FieldRule, expected: Any) -> Test:
    if not isinstance(expected, str) or len(expected) > MAX_TEXT:
        raise ValueError(f"a text of at most {MAX_TEXT} characters")
    threshold = Fraction(exact(rule.threshold))
    return lambda actual: _short_text(actual) and similarity(expected, actual) >= threshold


def _json_schema(rule: FieldRule, expected: Any) -> Test:
    from eaas_assets.evaluation.scoring.schemas import (
        schema_test,  # its library takes 0.2 s to load and is rarely needed
    )

    return schema_test(expected)


_MAKERS: Mapping[str, Callable[[FieldRule, Any], Test]] = {
    "exact": _exact,
    "sequence": _sequence,
    "set": _set,
    "subset": _subset,
    "number": _number,
    "regex": _regex,
    "json_schema": _json_schema,
    "similarity": _similarity,
}
