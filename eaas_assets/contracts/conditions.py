"""Structured comparisons of facts: the one language in which rules are written, here as data and never as code.

A condition on a missing fact does not hold, whatever its operator, except ``is_missing``: missing evidence can
never make a rule fire by accident.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from eaas_assets.contracts.documents import Document

Operator = Literal[
    "equals", "not_equals", "one_of", "not_one_of", "at_least", "above", "at_most", "below",
    "contains_any", "matches", "is_true", "is_false", "is_missing",
]  # fmt: skip
_WITHOUT_VALUE = {"is_true", "is_false", "is_missing"}
_NUMERIC = {"at_least", "above", "at_most", "below"}
_LISTS = {"one_of", "not_one_of", "contains_any"}

Facts = Mapping[str, Any]
"""Facts by dotted name, e.g. ``{"customers.churn_risk": 0.28}``."""


def exact(number: float) -> Decimal:
    """The number as it is written, so that 0.35 − 0.25 is at least 0.10."""
    return Decimal(repr(float(number)) if not isinstance(number, int) else number)


class Condition(Document):
    """``field operator value``.

    Attributes:
        field: Dotted name of the fact.
        operator: How it is compared. ``contains_any`` looks for whole words or phrases in text, whatever their case;
            ``matches`` looks for a pattern in RE2 syntax, whatever the case: its time is linear in the text.
        value: What it is compared with: a list for ``one_of``, ``not_one_of`` and ``contains_any``, a number for the
            order comparisons, a pattern for ``matches``, nothing for ``is_true``, ``is_false`` and ``is_missing``.
    """

    field: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$")
    operator: Operator
    value: Any = None

    @model_validator(mode="after")
    def _value_fits_operator(self) -> Self:
        value, operator = self.value, self.operator
        if operator in _WITHOUT_VALUE and value is not None:
            raise ValueError(f"no value with {operator}")
        if operator in _NUMERIC and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise ValueError(f"a number as value with {operator}")
        if operator in _LISTS and not (isinstance(value, list) and value):
            raise ValueError(f"a list of values with {operator}")
        if operator == "contains_any" and not all(isinstance(word, str) and word.strip() for word in value):
            raise ValueError("words or phrases with contains_any")
        if operator in {"equals", "not_equals"} and value is None:
            raise ValueError(f"a value with {operator} (use is_missing for an absent fact)")
        if operator == "matches":
            if not isinstance(value, str):
                raise ValueError("a pattern with matches")
            if fault := pattern_fault(value):
                raise ValueError(f"a valid pattern ({fault})")
        return self

    @cached_property
    def _test(self) -> Callable[[Any], bool]:
        return _tests(self.operator, self.value)

    def holds(self, facts: Facts) -> bool:
        """Whether the condition holds for ``facts``."""
        fact = facts.get(self.field)
        if self.operator == "is_missing":
            return fact is None
        return fact is not None and self._test(fact)

    def __str__(self) -> str:
        return f"{self.field} {self.operator}" + ("" if self.value is None else f" {self.value}")


def all_hold(conditions: tuple[Condition, ...] | list[Condition], facts: Facts) -> bool:
    """Whether every condition holds; true of an empty list."""
    return all(condition.holds(facts) for condition in conditions)


def _tests(operator: Operator, value: Any) -> Callable[[Any], bool]:
    if operator in _NUMERIC:
        return _order_test(operator, exact(value))
    if operator == "matches":
        return _pattern_test(value)
    if operator == "contains_any":
        words = _words(value)
        return lambda fact: isinstance(fact, str) and words.search(fact) is not None
    simple: dict[str, Callable[[Any], bool]] = {
        "equals": lambda fact: _same(fact, value),
        "not_equals": lambda fact: not _same(fact, value),
        "one_of": lambda fact: any(_same(fact, item) for item in value),
        "not_one_of": lambda fact: not any(_same(fact, item) for item in value),
        "is_true": lambda fact: fact is True,
        "is_false": lambda fact: fact is False,
    }
    return simple[operator]


def _order_test(operator: Operator, bound: Decimal) -> Callable[[Any], bool]:
    compare: dict[str, Callable[[Decimal], bool]] = {
        "at_least": lambda number: number >= bound,
        "above": lambda number: number > bound,
        "at_most": lambda number: number <= bound,
        "below": lambda number: number < bound,
    }
    test = compare[operator]

    def holds(fact: Any) -> bool:
        if isinstance(fact, bool) or not isinstance(fact, int | float) or fact != fact:
            return False
        return test(exact(fact))

    return holds


def _same(fact: Any, value: Any) -> bool:
    """Equality that keeps True apart from 1."""
    return isinstance(fact, bool) == isinstance(value, bool) and bool(fact == value)


def _matches(text: str, pattern: str) -> bool:
    import pyarrow as pa  # a tenth of a second, and most documents have no pattern
    import pyarrow.compute as pc

    return bool(pc.match_substring_regex(pa.scalar(text), pattern=pattern, ignore_case=True).as_py())


def pattern_fault(pattern: str) -> str | None:
    """Why RE2 does not take the pattern; None if it does."""
    try:
        _matches("", pattern)
    except ValueError as error:  # also a pattern that holds half a character
        return str(error).removeprefix("Invalid regular expression: ")
    return None


def _pattern_test(pattern: str) -> Callable[[Any], bool]:
    @lru_cache(maxsize=4096)  # the same messages come again with every version and trial
    def found(text: str) -> bool:
        try:
            return _matches(text, pattern)
        except UnicodeEncodeError:  # half a character is not text
            return False

    return lambda fact: isinstance(fact, str) and found(fact)


def _words(words: list[str]) -> re.Pattern[str]:
    alternatives = "|".join(r"\s+".join(map(re.escape, word.split())) for word in words)
    return re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.IGNORECASE)
