"""Text cells as typed values."""

from __future__ import annotations

import datetime as dt
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.suites.cells import (
    FROM_TEXT,
    HAS_TYPE,
    boolean_from_text,
    is_date,
    is_integer,
    is_number,
    join_key,
    list_from_text,
    number_from_text,
)


@given(st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False))
def test_written_numbers_are_read_back(number: float) -> None:
    assert number_from_text(repr(number)) == number


@pytest.mark.parametrize("text", ["nan", "inf", "1_000", "1,5", "0x1F", "١٢", "1 2", "--1", "1.2.3", ""])
def test_text_that_is_no_plain_number_stays_text(text: str) -> None:
    assert number_from_text(text) == text


@given(st.text(max_size=30))
def test_conversion_never_fails(text: str) -> None:
    for kind, convert in FROM_TEXT.items():
        value = convert(text)
        has_type, _ = HAS_TYPE[kind]
        assert has_type(value) in {True, False}


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=5) | st.integers(-99, 99) | st.booleans(), max_size=4))
def test_json_arrays_in_cells_are_read_back(items: list[object]) -> None:
    assert list_from_text(json.dumps(items)) == items


def test_broken_array_stays_text() -> None:
    assert list_from_text("[1, 2") == "[1, 2"


def test_booleans_are_words_of_any_case() -> None:
    assert [boolean_from_text(word) for word in ("true", "False", " TRUE ", "yes", "1")] == [
        True, False, True, "yes", "1",
    ]  # fmt: skip


def test_truth_values_and_infinities_are_no_numbers() -> None:
    assert [is_number(value) for value in (1, 1.5, True, math.inf, math.nan, "1", None)] == [
        True, True, False, False, False, False, False,
    ]  # fmt: skip
    assert [is_integer(value) for value in (1, 2.0, 1.5, False)] == [True, True, False, False]


@given(st.dates(min_value=dt.date(1000, 1, 1)))
def test_iso_days_are_dates(day: dt.date) -> None:
    assert is_date(day.isoformat())
    assert not is_date(day.strftime("%d.%m.%Y"))


def test_keys_join_whatever_their_file_format() -> None:
    assert [join_key(value) for value in ("17", 17, 17.0, "", None, True, 1.5, ["a"])] == [
        "17", "17", "17", None, None, None, None, None,
    ]  # fmt: skip
