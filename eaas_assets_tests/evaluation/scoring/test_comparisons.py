from __future__ import annotations

import difflib
import json
import time
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.contracts.suite import FieldRule
from eaas_assets.evaluation.scoring.comparisons import MAX_ITEMS, MAX_TEXT, expectation_fault, matches, similarity

COMPARISONS = ["exact", "sequence", "set", "subset", "number", "regex", "json_schema", "similarity"]


def rule(compare: str, **options: Any) -> FieldRule:
    return FieldRule.model_validate({"compare": compare, "weight": 1.0, **options})


TABLE = [
    ("exact", {}, "lost", "lost", True),
    ("exact", {}, "lost", "Lost", False),
    ("exact", {}, 1, 1.0, True),
    ("exact", {}, 1, True, False),
    ("exact", {}, 0, False, False),
    ("exact", {}, [1], [True], False),
    ("exact", {}, {"a": [1, {"b": None}]}, {"a": [1.0, {"b": None}]}, True),
    ("exact", {}, {"a": 1}, {"a": 1, "b": 2}, False),
    ("exact", {}, None, None, True),
    ("exact", {}, "1", 1, False),
    ("sequence", {}, ["S", "A"], ["S", "A"], True),
    ("sequence", {}, ["S", "A"], ["A", "S"], False),
    ("sequence", {}, ["S", "A"], ["S", "A", "E"], False),
    ("sequence", {}, ["S"], "S", False),
    ("sequence", {}, [], [], True),
    ("set", {}, ["a", "b"], ["b", "a", "a"], True),
    ("set", {}, ["a", "b"], ["a"], False),
    ("set", {}, [1], [True], False),
    ("set", {}, [["x"]], [["x"]], True),
    ("set", {}, [], [], True),
    ("subset", {}, ["a"], ["b", "a"], True),
    ("subset", {}, ["a", "c"], ["b", "a"], False),
    ("subset", {}, [], ["b"], True),
    ("subset", {}, [], None, False),
    ("number", {"tolerance": 0.1}, 0.25, 0.35, True),  # 0.35 - 0.25 > 0.1 in floats
    ("number", {"tolerance": 0.1}, 0.25, 0.3500001, False),
    ("number", {"tolerance": 0}, 2, 2.0, True),
    ("number", {"tolerance": 5}, 2, "2", False),
    ("number", {"tolerance": 5}, 1, True, False),
    ("number", {"tolerance": 1}, 10**30, 10**30 + 1, True),
    ("number", {"tolerance": 1}, 10**30, 10**30 + 2, False),
    ("number", {"tolerance": 1}, 1, float("nan"), False),
    ("number", {"tolerance": 1}, 1, float("inf"), False),
    ("regex", {}, "R-[0-9]{3}", "R-123", True),
    ("regex", {}, "R-[0-9]{3}", "see R-123", False),  # the whole text
    ("regex", {}, "a|b", "ab", False),
    ("regex", {}, "(?i)yes", "YES", True),
    ("regex", {}, "a.c", "a\nc", False),
    ("regex", {}, ".*", 5, False),
    ("regex", {}, "é+", "éé", True),
    ("json_schema", {}, {"type": "object", "required": ["id"]}, {"id": 1}, True),
    ("json_schema", {}, {"type": "object", "required": ["id"]}, {}, False),
    ("json_schema", {}, {"type": "string", "pattern": "^R-[0-9]+$"}, "R-1", True),
    ("json_schema", {}, {"type": "string", "pattern": "^R-[0-9]+$"}, "R-", False),
    ("json_schema", {}, {"$ref": "#/$defs/n", "$defs": {"n": {"minimum": 3}}}, 2, False),
    ("json_schema", {}, True, None, True),
    ("similarity", {"threshold": 0.8}, "where is it", "where is it?", True),
    ("similarity", {"threshold": 0.8}, "where is it", "refund", False),
    ("similarity", {"threshold": 0.5}, "ab", "bc", True),  # 2·1/4, exactly on the threshold
    ("similarity", {"threshold": 1.0}, "", "", True),
    ("similarity", {"threshold": 0.0}, "a", 3, False),
]


@pytest.mark.parametrize(("compare", "options", "expected", "actual", "match"), TABLE)
def test_values_agree_as_their_comparison_says(compare, options, expected, actual, match):
    assert matches(rule(compare, **options), expected, actual) is match


@pytest.mark.parametrize(
    ("compare", "expected", "advice"),
    [
        ("sequence", "S", "a list"),
        ("set", None, "a list"),
        ("subset", {"a": 1}, "a list"),
        ("number", "2", "a number"),
        ("number", True, "a number"),
        ("regex", "(", "RE2"),
        ("regex", r"(a)\1", "RE2"),
        ("regex", "a)|(b", "RE2"),
        ("regex", 1, "a pattern"),
        ("regex", "a" * 2000, "a pattern"),
        ("similarity", 1, "a text"),
        ("similarity", "a" * (MAX_TEXT + 1), "a text"),
        ("json_schema", {"type": "sting"}, "JSON Schema"),
        ("json_schema", "{}", "JSON Schema"),
        ("json_schema", {"$ref": "http://example.org/schema"}, "into the schema itself"),
        ("json_schema", {"$ref": "#/$defs/absent"}, "into the schema itself"),
        ("json_schema", {"patternProperties": {"a": {}}}, "without patternProperties"),
        ("json_schema", {"properties": {"a": {"pattern": "("}}}, "RE2"),
    ],
)
def test_an_expected_value_that_cannot_be_used_matches_nothing_and_is_told(compare, expected, advice):
    assert advice in (expectation_fault(rule(compare), expected) or "")
    assert not matches(rule(compare), expected, expected)


def test_usable_expectations_have_no_fault():
    assert expectation_fault(rule("exact"), {"any": ["thing"]}) is None
    assert expectation_fault(rule("regex"), "a+") is None


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


EXPECTED = {
    "exact": "a", "sequence": ["a"], "set": ["a"], "subset": ["a"], "number": 1, "regex": "a+",
    "json_schema": {"type": "array", "uniqueItems": True, "items": {"multipleOf": 0.5}}, "similarity": "a",
}  # fmt: skip
HOSTILE = {
    "deep": nested(50_000),
    "long text": "a" * 10_000_000,
    "long list": ["a"] * (MAX_ITEMS + 1),
    "half a character": "\ud800",
    "nul": "a\x00",
    "huge number": 10**5000,
    "huge number in a list": [10**400],
    "not a number": float("nan"),
    "foreign object": object(),
    "bytes": b"a",
    "tuple": ("a",),
    "mapping with odd keys": {1: {2: 3}},
}


@pytest.mark.parametrize("compare", COMPARISONS)
@pytest.mark.parametrize("actual", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_answers_match_nothing_and_never_raise(compare, actual):
    started = time.perf_counter()
    assert matches(rule(compare, threshold=0.9), EXPECTED[compare], actual) is False
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(.*)*=.*", "a*a*a*a*a*a*b"])
def test_patterns_that_ruin_backtracking_engines_take_linear_time(pattern):
    started = time.perf_counter()
    assert not matches(rule("regex"), pattern, "a" * MAX_TEXT)
    assert not matches(rule("json_schema"), {"pattern": f"^{pattern}$"}, "a" * MAX_TEXT)
    assert time.perf_counter() - started < 1


def test_similarity_is_fast_at_its_longest():
    started = time.perf_counter()
    assert similarity("ab" * (MAX_TEXT // 2), "ba" * (MAX_TEXT // 2)) == Fraction(MAX_TEXT - 1, MAX_TEXT)
    assert time.perf_counter() - started < 2


def common_length_by_definition(left: str, right: str) -> int:
    """Longest common subsequence by the textbook recurrence (Wagner & Fischer 1974)."""
    row = [0] * (len(right) + 1)
    for x in left:
        above = row[:]
        for j, y in enumerate(right):
            row[j + 1] = above[j] + 1 if x == y else max(above[j + 1], row[j])
    return row[-1]


@given(st.text("abc", max_size=30), st.text("abc", max_size=30))
def test_similarity_is_what_its_definition_says_and_symmetric(left, right):
    total = len(left) + len(right)
    expected = 2 * common_length_by_definition(left, right) / total if total else 1
    assert float(similarity(left, right)) == expected
    assert similarity(left, right) == similarity(right, left)
    assert float(similarity(left, right)) >= difflib.SequenceMatcher(None, left, right, autojunk=False).ratio() - 1e-12


numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_every_value_is_exactly_itself_also_after_a_round_trip(value):
    assert matches(rule("exact"), value, json.loads(json.dumps(value)))


@given(st.sampled_from(COMPARISONS), json_values, json_values)
def test_comparisons_answer_yes_or_no_to_any_pair_of_values(compare, expected, actual):
    assert matches(rule(compare, threshold=0.5), expected, actual) in {True, False}


@given(st.lists(json_values, max_size=5), st.lists(json_values, max_size=5))
def test_list_comparisons_imply_each_other(expected, actual):
    same, as_set, within = (matches(rule(name), expected, actual) for name in ("sequence", "set", "subset"))
    assert not same or as_set
    assert not as_set or within
    assert same == matches(rule("exact"), expected, actual)
