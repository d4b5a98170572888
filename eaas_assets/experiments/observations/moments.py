"""Moments of every metric of a table in one scan, by any grouping.

Values are first shifted to a centre near their mean, so that sums of their products lose no digits (the shifted-data
algorithm: Chan, Golub & LeVeque 1983, The American Statistician 37, 242–247). Where the centre turns out to be too far
from the mean of some group, that grouping is done again with each group's own mean as its centre: two passes, the most
exact there is. Ten digits survive a mean of ten million standard deviations, and no variance is negative.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any

import numpy as np

from eaas_assets.experiments.observations import database as db
from eaas_assets.experiments.observations.sums import Columns, Group, Keys, Sums

if TYPE_CHECKING:
    import duckdb

    from eaas_assets.contracts.experiment import Metric
    from eaas_assets.stats.experiments.moments import FloatArray

NEAR_ZERO = 5.0
"""Means within so many standard deviations of zero are not shifted: at 5, one digit in sixteen is lost."""

SAMPLE_ROWS = 1024
"""Rows that the centres are taken from."""

MOST_CELLS = 4096
"""Combinations of keys that are held to be added up; with more, each grouping is asked for by itself."""


def moment_names(metric: Metric) -> tuple[str, ...]:
    """Names of a metric's columns in its moments."""
    names = (f"{metric.name}.numerator", f"{metric.name}.denominator") if metric.kind == "ratio" else (metric.name,)
    return (*names, f"{metric.name}.covariate") if metric.covariate is not None else names


class Aggregator:
    """Asks one prepared table for moments.

    Args:
        cursor: Where the table is.
        table: Its name.
        metrics: Metric → its columns there.
        third: Whether third moments are taken; they cost a quarter of the scan.
    """

    def __init__(
        self, cursor: duckdb.DuckDBPyConnection, table: str, metrics: Mapping[str, Columns], third: bool = True
    ) -> None:
        self.cursor, self.table, self.metrics = cursor, table, metrics
        self.orders = (1, 2, 3) if third else (1, 2)
        self.aliases = [alias for columns in metrics.values() for alias in columns.aliases]
        self._centres: FloatArray | None = None
        self._cells: tuple[list[str], Sums] | None = None

    def hold(self, keys: Sequence[str]) -> None:
        """Ask for all combinations of ``keys`` (SQL) at once; groupings by some of them are then added up from these.

        Nothing is held of a table with too many combinations.
        """
        cells = self._ask(keys, self.table, self._shifted(), [], f" LIMIT {MOST_CELLS + 1}")
        if len(cells.keys) <= MOST_CELLS:
            self._cells = (list(keys), cells)

    def groups(self, keys: Sequence[str]) -> dict[Keys, Group]:
        """Moments by the values of ``keys`` (SQL), in their order, those without a value last.

        Raises:
            ArithmeticError: A sum is not finite, or a row has a value in one column of a metric and none in another.
        """
        sums = self._added_up(keys)
        found, near = (self._ask(keys, self.table, self._shifted(), []) if sums is None else sums).groups(self.metrics)
        if not near:
            found, _ = self._two_passes(keys).groups(self.metrics)
        return dict(sorted(found.items(), key=lambda group: [(value is None, value) for value in group[0]]))

    def values(self, key: str) -> list[Any]:
        """Different values of one key (SQL)."""
        sums = self._added_up([key])
        if sums is not None:
            return [value for (value,) in sums.keys]
        return [value for (value,) in db.rows(self.cursor, f"SELECT DISTINCT {key} FROM {self.table}")]

    def _added_up(self, keys: Sequence[str]) -> Sums | None:
        if self._cells is None:
            return None
        held, cells = self._cells
        return cells.added_up([held.index(key) for key in keys]) if set(keys) <= set(held) else None

    def _shifted(self) -> list[str]:
        centres = self._shifts().tolist()
        return [f"{alias} - ({centre!r})" for alias, centre in zip(self.aliases, centres, strict=True)]

    def _shifts(self) -> FloatArray:
        """Means of the first rows: near enough, and as cheap as nothing. Zero, where the values lie around it.

        Around zero nothing is lost, and whole numbers are added up exactly: a group in which a rare event never
        happened has the variance zero at once.
        """
        if self._centres is None:
            self._centres = np.zeros(len(self.aliases))
            query = f"SELECT {', '.join(self.aliases)} FROM {self.table} LIMIT {SAMPLE_ROWS}"
            sample = np.array(db.rows(self.cursor, query) if self.aliases else [], dtype=np.float64)
            for place, column in enumerate(sample.T):
                values = column[~np.isnan(column)]
                with np.errstate(over="ignore", invalid="ignore"):
                    mean, spread = (values.mean(), values.std()) if values.size else (math.nan, math.nan)
                if NEAR_ZERO * spread < abs(mean) < math.inf:
                    self._centres[place] = mean
        return self._centres

    def _two_passes(self, keys: Sequence[str]) -> Sums:
        names = [f"k{index}" for index in range(len(keys))]
        named = ", ".join(f"{key} AS {name}" for key, name in zip(keys, names, strict=True))
        means = ", ".join(f"coalesce(avg({alias}), 0.0) AS c_{alias}" for alias in self.aliases)
        rows = f"(SELECT {named}, {', '.join(self.aliases)} FROM {self.table})"
        by = ", ".join(names)
        same = " AND ".join(f"each.{name} IS NOT DISTINCT FROM own.{name}" for name in names)
        joined = f"{rows} AS each JOIN (SELECT {by}, {means} FROM {rows} GROUP BY {by}) AS own ON {same}"
        shifted = [f"{alias} - c_{alias}" for alias in self.aliases]
        centres = [f"c_{alias}" for alias in self.aliases]
        return self._ask([f"each.{name}" for name in names], joined, shifted, centres)

    def _ask(
        self, keys: Sequence[str], table: str, shifted: Sequence[str], centres: Sequence[str], limit: str = ""
    ) -> Sums:
        """Sums about the common centres, or about each group's own ones where ``centres`` names their columns."""
        by = ", ".join(f"g{index}" for index in range(len(keys)))
        inner = [f"{key} AS g{index}" for index, key in enumerate(keys)]
        inner += [f"{value} AS d_{alias}" for value, alias in zip(shifted, self.aliases, strict=True)]
        outer = [by, *(f"any_value({centre})" for centre in centres), "count(*)"]
        for columns in self.metrics.values():
            outer += self._sums(columns)
        source = f"SELECT {', '.join([*inner, *centres])} FROM {table}"
        rows = db.rows(self.cursor, f"SELECT {', '.join(outer)} FROM ({source}) GROUP BY {by}{limit}")
        numbers = np.array([row[len(keys) :] for row in rows], dtype=np.float64)
        numbers = numbers.reshape(len(rows), len(outer) - 1)
        own = numbers[:, : len(centres)] if centres else self._shifts()
        return Sums([row[: len(keys)] for row in rows], numbers[:, len(centres) :], own, self.orders)

    def _sums(self, columns: Columns) -> list[str]:
        parts = [f"count(d_{alias})" for alias in columns.aliases]
        for order in self.orders:
            for factors in combinations_with_replacement(columns.aliases, order):
                parts.append("sum(" + " * ".join(f"d_{alias}" for alias in factors) + ")")
        return parts
