"""Repeated and nearly repeated questions."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.suites.audit import duplicates
from eaas_assets.suites.audit.duplicates import NEAR, duplicated_scenarios, nearly_duplicated_scenarios
from eaas_assets_tests.suites.audit.readings import reading_of


def test_same_message_and_facts_count_once() -> None:
    rows = [{"message": "a", "inputs": {"f": f}, "label": "x"} for f in (1, 2, 1, 1)]
    (finding,) = duplicated_scenarios(reading_of(rows))
    assert finding.evidence[0]["scenarios"] == ["N0", "N2", "N3"]
    assert "2 different questions, not 4" in finding.statement


def test_different_questions_are_not_mentioned() -> None:
    rows = [{"message": m, "inputs": {"f": 1}, "label": "x"} for m in "abc"]
    assert list(duplicated_scenarios(reading_of(rows))) == []


LONG = "my parcel with the blue lamp has not come and nobody answers the phone"


@pytest.mark.parametrize(
    ("other", "label", "near"),
    [
        (LONG.replace("blue", "green"), "x", True),
        (LONG.replace("blue", "green"), "y", False),  # a contrast on purpose
        (LONG.upper() + "!", "x", True),
        ("please send me an invoice for the chair that I bought in May", "x", False),
        ("too short", "x", False),
    ],
)
def test_nearly_the_same_words_with_the_same_answer_are_told(other: str, label: str, near: bool) -> None:
    rows = [{"message": LONG, "label": "x"}, {"message": other, "label": label}]
    found = list(nearly_duplicated_scenarios(reading_of(rows)))
    assert [finding.severity for finding in found] == (["info"] if near else [])


_MESSAGE = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8).map(" ".join)


@settings(max_examples=150)
@given(st.lists(_MESSAGE, min_size=2, max_size=8, unique=True))
def test_prefix_filter_finds_exactly_the_pairs_of_the_definition(messages: list[str]) -> None:
    """Definition: |A ∩ B| / |A ∪ B| of the two sets of words, compared for every pair."""
    words = [frozenset(message.split()) for message in messages]
    linked: set[str] = set()
    for i, j in itertools.combinations(range(len(messages)), 2):
        a, b = words[i], words[j]
        if min(len(a), len(b)) >= duplicates.FEWEST_WORDS and len(a & b) >= NEAR * len(a | b):
            linked |= {f"N{i}", f"N{j}"}
    rows = [{"message": message, "label": "x"} for message in messages]
    found = list(nearly_duplicated_scenarios(reading_of(rows)))
    assert {name for finding in found for row in finding.evidence for name in row["scenarios"]} == linked


def test_search_that_takes_too_long_says_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "MOST_COMPARISONS", 50)
    rows = [{"message": f"one and the same ten words of this text and number {i}", "label": "x"} for i in range(60)]
    (finding,) = nearly_duplicated_scenarios(reading_of(rows))
    assert finding.statement.startswith("At least ")
