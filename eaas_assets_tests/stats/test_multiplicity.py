"""Adjusted p-values, against the papers that introduced them and statsmodels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from eaas_assets.stats.multiplicity import benjamini_hochberg, holm

# Benjamini & Hochberg 1995, their worked example: fifteen endpoints of the trial by Neuhaus et al.
NEUHAUS = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0
]  # fmt: skip


def test_benjamini_hochberg_rejects_four_where_bonferroni_rejects_three():
    assert (benjamini_hochberg(NEUHAUS) <= 0.05).sum() == 4
    assert (np.array(NEUHAUS) * 15 <= 0.05).sum() == 3
    assert (holm(NEUHAUS) <= 0.05).sum() == 3


@pytest.mark.parametrize("m", [1, 2, 7, 40])
def test_adjusted_values_match_statsmodels(m):
    p_values = np.random.default_rng(m).beta(0.4, 1.0, size=m).round(2)  # rounded: with ties
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])
    assert benjamini_hochberg(p_values) == pytest.approx(multipletests(p_values, method="fdr_bh")[1])


@given(st.lists(st.floats(0, 1), max_size=20), st.data())
def test_questions_without_an_answer_do_not_count(p_values, data):
    place = data.draw(st.integers(0, len(p_values)))
    with_gap = [*p_values[:place], np.nan, *p_values[place:]]
    for adjust in (holm, benjamini_hochberg):
        adjusted = adjust(with_gap)
        assert np.isnan(adjusted[place])
        assert np.delete(adjusted, place) == pytest.approx(adjust(p_values))


def test_nothing_asked_gives_nothing():
    assert holm([]).size == 0
    assert np.isnan(benjamini_hochberg([np.nan, np.nan])).all()


@pytest.mark.parametrize("p_values", [[0.5, 1.2], [-0.1], [[0.1, 0.2]]])
def test_what_is_no_list_of_p_values_is_refused(p_values):
    for adjust in (holm, benjamini_hochberg):
        with pytest.raises(ValueError, match="p_values"):
            adjust(p_values)
