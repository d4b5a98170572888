from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.errors import StorageError
from eaas_assets.evaluation.scoring.alignment import distinct, positions


def test_rows_are_found_by_all_their_columns():
    within = pd.DataFrame({"run": ["r1", "r1", "r2"], "key": ["a", "b", "a"]})
    of = pd.DataFrame({"run": ["r2", "r1", "r2", "r9"], "key": ["a", "b", "b", "a"]})
    assert positions(of, within, ["run", "key"]).tolist() == [2, 1, -1, -1]


def test_a_row_that_stands_twice_is_refused():
    within = pd.DataFrame({"run": ["r1", "r1"], "key": ["a", "a"]})
    with pytest.raises(StorageError, match="r1, a stands twice"):
        positions(within, within, ["run", "key"])


def test_empty_tables_have_no_positions():
    empty = pd.DataFrame({"key": pd.Series([], dtype="str")})
    full = pd.DataFrame({"key": ["a"]})
    assert positions(full, empty, ["key"]).tolist() == [-1]
    assert positions(empty, full, ["key"]).tolist() == []


numbers = st.sampled_from([0.0, 0.5, 1.0, float("nan")])


@given(st.lists(st.tuples(numbers, st.integers(0, 3)), max_size=30))
def test_rows_have_one_code_exactly_if_they_are_alike(rows):
    left = np.array([row[0] for row in rows], dtype=float)
    right = np.array([row[1] for row in rows], dtype=int)
    result = distinct(left, right)
    texts = [str(row) for row in rows]  # nan is nan in text
    for i, first in enumerate(texts):
        assert texts[result.first[result.code[i]]] == first
        assert [code == result.code[i] for code in result.code] == [text == first for text in texts]
    assert len(result.first) == len(set(texts))
