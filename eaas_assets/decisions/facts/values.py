"""Values of table rows as plain JSON values: numbers exact, what is not known left out.

Belongs here: what experiment facts and release facts share. Which facts there are is the matter of their own modules.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from statistics import NormalDist
from typing import Any

import pandas as pd

from eaas_assets.contracts.conditions import exact

Row = Mapping[str, Any]
Rows = Sequence[Row]


def rows_by(frame: pd.DataFrame, key: str) -> dict[str, list[dict[str, Any]]]:
    """Rows of a table by their subject, in the table's order: one pass over the table, however many subjects it has."""
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in records(frame):
        found[str(row[key])].append(row)
    return dict(found)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table."""
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False, name=None)]


def plain(value: Any) -> Any:
    """A table's value as a JSON value; None for every kind of null and for what is not finite."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if hasattr(value, "item"):  # a number of numpy
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def get(row: Row, name: str) -> Any:
    """A column of a row as a plain value."""
    return plain(row.get(name))


def known_only(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that have a value: a null is left out, never turned into 0."""
    return {name: value for name, value in ((name, plain(value)) for name, value in facts.items()) if value is not None}


def items(row: Row, name: str) -> list[Any]:
    """A list that a column holds as JSON; empty where there is none."""
    value = parsed(row, name)
    return value if isinstance(value, list) else []


def parsed(row: Row, name: str) -> Any:
    """What a column holds as JSON; None where it is null. Tables hold what this package wrote, so it parses."""
    text = get(row, name)
    return json.loads(text) if isinstance(text, str) else None


def difference(after: float | None, before: float | None, estimate: float | None) -> float | None:
    """``after − before`` in decimals where that is what the estimate means, else the estimate as it stands.

    0.35 − 0.25 is 0.10 here, as people who read the two numbers would have it, and not 0.09999999999999998. An estimate
    that is no plain difference (a relative one, an adjusted one) differs by more than rounding and stays.
    """
    if after is None or before is None or estimate is None:
        return estimate
    told = float(exact(after) - exact(before))
    return told if math.isclose(told, estimate, rel_tol=1e-12, abs_tol=1e-15 * max(1.0, abs(after))) else estimate


def ratio(above: float | None, below: float | None) -> float | None:
    """``above / below`` in decimals; None where either is not known or the divisor is not positive."""
    if above is None or below is None or below <= 0:
        return None
    return float(exact(above) / exact(below))


def product(*factors: float | None) -> float | None:
    """The product in decimals; None where a factor is not known."""
    result = Decimal(1)
    for factor in factors:
        if factor is None:
            return None
        result *= exact(factor)
    return float(result)


def error_of_interval(low: float | None, high: float | None, level: float | None) -> float | None:
    """Standard error that a normal interval of this width would have; None without an interval."""
    if low is None or high is None or level is None:
        return None
    return (high - low) / (2 * NormalDist().inv_cdf((1 + level) / 2))


def counted(rows: Iterable[Row], column: str, value: Any) -> int:
    """Rows in which a column has this value."""
    return sum(get(row, column) == value for row in rows)
