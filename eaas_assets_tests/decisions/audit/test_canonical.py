from __future__ import annotations

import math
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.decisions.audit.canonical import LARGEST_INTEGER, MAX_DEPTH, canonical_bytes, parse_canonical
from eaas_assets.errors import InputError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-LARGEST_INTEGER, LARGEST_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_is_rfc_8785_and_is_read_back_as_the_same_value(value: Any) -> None:
    raw = canonical_bytes(value)
    assert raw == rfc8785.dumps(value)
    assert parse_canonical(raw) == value


def test_the_example_of_rfc_8785_section_3_2_2() -> None:
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"\u002f",
        "literals": [None, True, False],
    }
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical_bytes(value).decode() == expected


@pytest.mark.parametrize(
    ("value", "field", "found"),
    [
        ({"rate": math.nan}, "rate", "nan"),
        ({"rates": [1.0, math.inf]}, "rates.1", "inf"),
        ({"count": 2**53}, "count", "9007199254740992"),
        ({"text": "a\ud800b"}, "text", "surrogate"),
        ({"a": {"b": object()}}, "a.b", "type object"),
        ({"a": b"bytes"}, "a", "type bytes"),
        ({"a": {1: "x"}}, "a", "key 1"),
        ({"a": {"\udfff": "x"}}, "a", "key with a lone surrogate"),
    ],
)
def test_what_has_no_canonical_form_is_refused_by_field(value: Any, field: str, found: str) -> None:
    with pytest.raises(InputError) as caught:
        canonical_bytes(value)
    (problem,) = caught.value.problems
    assert (problem.code, problem.field) == ("not_canonical", field)
    assert found in problem.found


def test_what_is_nested_too_deeply_is_refused() -> None:
    deep: Any = "end"
    for _ in range(MAX_DEPTH + 2):
        deep = [deep]
    with pytest.raises(InputError, match="levels"):
        canonical_bytes(deep)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1, "b":2}', b'{"b":1,"a":2}', b'{"a":1,"a":1}', b'{"a":1.0}', b'{"a":1e2}', b'{"a":NaN}', b'{"a":-0}',
        b'{"a":"\\u0041"}', b'{"a":"\\/"}', b'{"a":1}\n', b'{"a":Infinity}', b'{"a":1e999}', b'{"a":"\xff"}', b"", b"{",
        b'{"a":"\\ud800"}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_not_written_in_the_one_way_is_not_read(raw: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (whatever its message, it is a ValueError and nothing else)
        parse_canonical(raw)
