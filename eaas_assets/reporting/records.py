"""Rows of a table, for those who lay it out."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pandas as pd


def records(table: pd.DataFrame) -> Iterator[Any]:
    """The rows of a table, each with its values as attributes."""
    names = list(table.columns)
    for values in zip(*(table[name].tolist() for name in names), strict=True):
        yield SimpleNamespace(**dict(zip(names, values, strict=True)))


def first(table: pd.DataFrame) -> Any | None:
    """The first row of a table; None for an empty one."""
    return next(records(table.head(1)), None)
