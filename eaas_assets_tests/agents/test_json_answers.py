from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.agents.json_answers import MAX_DEPTH, parse_answer

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_what_json_can_say_is_read_as_it_is(value: object) -> None:
    assert parse_answer(json.dumps(value).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_a_short_value_error(raw: bytes) -> None:
    said = ""
    try:
        parse_answer(raw)
    except ValueError as error:
        said = str(error)
    assert len(said) < 400


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "nothing at all"),
        (b"  \n", "nothing at all"),
        (b"<html>Bad Gateway</html>", "begins '<html>Bad Gateway"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": -Infinity}', "-Infinity is no number"),
        (b'{"a": "\xff"}', "byte 0xff"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "levels"),
        (b"[" * 100_000, "levels"),
        (b"9" * 5000, "digits"),
    ],
)
def test_faults_are_said(raw: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_answer(raw)


def test_the_deepest_allowed_value_is_read() -> None:
    assert parse_answer(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
