"""Contradictions between labels, and labels that tell nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.suites.audit.labels import contradictory_labels, uninformative_labels
from eaas_assets_tests.suites.audit.readings import reading_of


def _rows(*cells: tuple[str, int, str]) -> list[dict[str, Any]]:
    """Rows of (message, fact, label)."""
    return [{"message": message, "inputs": {"fact": fact}, "label": label} for message, fact, label in cells]


def test_same_message_and_facts_with_two_labels_is_an_error() -> None:
    reading = reading_of(_rows(("a", 1, "x"), ("a", 1, "y"), ("a", 1, "x"), ("b", 2, "x")))
    (finding,) = contradictory_labels(reading)
    assert (finding.severity, finding.evidence[0]["scenarios"]) == ("error", ["N0", "N1", "N2"])
    assert "at most 3 of 4 right" in finding.statement


def test_other_message_makes_it_a_limit_to_know() -> None:
    (finding,) = contradictory_labels(reading_of(_rows(("a", 1, "x"), ("b", 1, "y"), ("c", 2, "z"))))
    assert (finding.severity, finding.evidence[0]["most_right"]) == ("info", 1)
    assert "at most 2 of 3 right" in finding.statement


def test_suite_without_facts_has_nothing_to_contradict() -> None:
    rows = [{"message": "a", "label": "x"}, {"message": "b", "label": "y"}]
    assert list(contradictory_labels(reading_of(rows))) == []


def test_equal_labels_contradict_nothing() -> None:
    assert list(contradictory_labels(reading_of(_rows(("a", 1, "x"), ("a", 1, "x"), ("b", 2, "y"))))) == []


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.sampled_from("xyz")), min_size=1, max_size=12))
def test_ceiling_is_what_the_best_lookup_table_reaches(cells: list[tuple[str, int, str]]) -> None:
    """Definition: over all functions of the facts, the most labels that one of them gets right."""
    groups: dict[int, list[str]] = {}
    for _, fact, label in cells:
        groups.setdefault(fact, []).append(label)
    best = sum(max(labels.count(label) for label in labels) for labels in groups.values())
    stated = [f.statement for f in contradictory_labels(reading_of(_rows(*cells))) if "facts alone" in f.statement]
    if stated:
        assert f"at most {best} of {len(cells)} right" in stated[0]
    impossible = len({(m, f) for m, f, _ in cells}) < len(set(cells))
    assert (best == len(cells)) <= (not stated)
    assert impossible == any(f.severity == "error" for f in contradictory_labels(reading_of(_rows(*cells))))


def test_single_value_tells_nothing() -> None:
    (finding,) = uninformative_labels(reading_of(_rows(("a", 1, "x"), ("b", 2, "x"))))
    assert (finding.finding, finding.severity, finding.subject) == ("single_valued_label", "warning", "label")


@pytest.mark.parametrize(("common", "told"), [(16, True), (15, False)])
def test_value_of_four_scenarios_in_five_is_told(common: int, told: bool) -> None:
    labels = ["x"] * common + ["y"] * (20 - common)
    found = list(uninformative_labels(reading_of(_rows(*((f"m{i}", i, v) for i, v in enumerate(labels))))))
    assert [finding.finding for finding in found] == (["unbalanced_labels"] if told else [])


def test_one_scenario_is_not_called_single_valued() -> None:
    assert list(uninformative_labels(reading_of(_rows(("a", 1, "x"))))) == []
