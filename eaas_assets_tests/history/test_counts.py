from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.history.counts import count_of, neighbours, possible_counts, written_decimals


@pytest.mark.parametrize("rate", [0.75, 0.82, 0.88, 0.92, 0.78, 0.15])
def test_hundredths_cannot_come_from_ten_scenarios(rate):
    assert len(possible_counts(rate, 10)) == 0
    assert count_of(rate, 10) is None


@pytest.mark.parametrize(("rate", "hits"), [(0.9, 9), (0.8, 8), (0.3, 3), (0.0, 0), (1.0, 10)])
def test_tenths_come_from_ten_scenarios(rate, hits):
    assert list(possible_counts(rate, 10)) == [hits]
    assert count_of(rate, 10) == hits


def test_a_rounded_rate_is_possible():
    assert list(possible_counts(0.67, 3)) == [2]
    assert count_of(0.67, 3) == 2
    assert len(possible_counts(0.66, 3)) == 0


def test_a_rate_that_several_counts_round_to_has_no_count():
    assert list(possible_counts(0.67, 150)) == [100, 101]
    assert count_of(0.67, 150) is None


def test_a_whole_product_is_the_count_even_where_others_round_to_the_same_rate():
    assert len(possible_counts(0.88, 1000)) > 1
    assert count_of(0.88, 1000) == 880


def test_neighbours_enclose_an_impossible_rate():
    assert neighbours(0.75, 10) == (7, 8)
    assert neighbours(0.8, 10) == (8, 8)


def test_precision_is_that_of_the_most_precise_rate_but_never_coarser_than_two_decimals():
    assert written_decimals([0.8, 0.9]) == 2
    assert written_decimals([0.8, 0.875]) == 3
    assert written_decimals([]) == 2
    assert written_decimals([1.0, 0.0]) == 2


@given(st.integers(1, 400), st.data(), st.integers(2, 5))
def test_every_true_rate_is_possible_at_any_rounding(n, data, decimals):
    hits = data.draw(st.integers(0, n))
    assert hits in possible_counts(round(hits / n, decimals), n, decimals)


@given(st.integers(1, 10**6), st.data())
def test_a_rate_written_in_full_gives_its_count_back(n, data):
    """Doubles carry 15 to 17 digits: at 14 decimals only one count of a million rounds to a rate."""
    hits = data.draw(st.integers(0, n))
    assert count_of(hits / n, n, 14) == hits
