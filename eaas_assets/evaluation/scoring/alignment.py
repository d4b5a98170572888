"""Rows that belong together: which row of one table another table's rows mean, and which rows are alike.

Tables have a million rows, so both are answered for whole columns at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from eaas_assets.errors import StorageError

Codes = NDArray[np.int64]


class Distinct(NamedTuple):
    """The different combinations of some columns.

    Attributes:
        first: Shape (combinations,): a row that shows each.
        code: Shape (rows,): the combination of each row.
    """

    first: Codes
    code: Codes


def distinct(*columns: ArrayLike) -> Distinct:
    """The different combinations of numeric columns of one length; nan equals nan."""
    combined: Codes = np.zeros(np.shape(columns[0]), dtype=np.int64)
    for column in columns:
        code, values = pd.factorize(np.asarray(column), use_na_sentinel=False)
        combined = pd.factorize(combined * len(values) + code)[0]
    first = np.zeros(int(combined.max(initial=-1)) + 1, dtype=np.int64)
    first[combined[::-1]] = np.arange(len(combined))[::-1]
    return Distinct(first, combined)


def positions(of: pd.DataFrame, within: pd.DataFrame, by: list[str]) -> Codes:
    """For each row of ``of``: the row of ``within`` that has the same values in the columns ``by``; -1 for none.

    Raises:
        StorageError: Two rows of ``within`` have the same values.
    """
    combined: Codes = np.zeros(len(within) + len(of), dtype=np.int64)
    for name in by:
        code, values = pd.factorize(pd.concat([within[name], of[name]], ignore_index=True))
        combined = pd.factorize(combined * len(values) + code)[0]
    known, wanted = combined[: len(within)], combined[len(within) :]
    row_of: Codes = np.full(int(combined.max(initial=-1)) + 1, -1, dtype=np.int64)
    row_of[known] = np.arange(len(within))
    if (row_of[known] != np.arange(len(within))).any():
        twice = within.loc[row_of[known] != np.arange(len(within)), by].iloc[0]
        raise StorageError(f"{', '.join(by)}: {', '.join(map(str, twice))} stands twice where it must be unique")
    return row_of[wanted]
