"""Moments of every metric of a table in one scan, by any grouping.

Values are first shifted to a centre near their mean, so that sums of their products lose no digits (the shifted-data
algorithm: Chan, Golub & LeVeque 1983, The American Statistician 37, 242–247). Where the centre turns out to be too far
from the mean of some group, that grouping is done again with each group's own mean as its centre: two passes, the most
exact there is. Ten digits survive a mean of ten million standard deviations, and no variance is negative.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, product
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from eaas_assets.contracts.experiment import Metric
from eaas_assets.experiments.observations import database as db
from eaas_assets.stats.experiments.moments import ArmMoments

if TYPE_CHECKING:
    import duckdb

    from eaas_assets.stats.experiments.moments import FloatArray

WORST_SHIFT = 100.0
"""Distance of a group's mean from the centre, in standard deviations, beyond which the grouping is done again: at 100,
four of sixteen digits are lost."""

NEAR_ZERO = 5.0
"""Means within so many standard deviations of zero are not shifted: at 5, one digit in sixteen is lost."""

_ROUNDING = 8.0 * float(np.finfo(np.float64).eps)

Keys: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True)
class Columns:
    """Where a metric stands in the prepared table.

    Attributes:
        names: Names in the moments: ``m``; ``m.numerator``, ``m.denominator``; ``m.covariate``.
        aliases: Columns of the prepared table, all of them null in a row where one is.
    """

    names: tuple[str, ...]
    aliases: tuple[str, ...]


class Group(NamedTuple):
    """One group: its rows, and the moments of each metric."""

    rows: int
    moments: Mapping[str, ArmMoments]


def moment_names(metric: Metric) -> tuple[str, ...]:
    """Names of a metric's columns in its moments."""
    names = (f"{metric.name}.numerator", f"{metric.name}.denominator") if metric.kind == "ratio" else (metric.name,)
    return (*names, f"{metric.name}.covariate") if metric.covariate is not None else names


def empty(names: tuple[str, ...]) -> ArmMoments:
    """Moments of no rows."""
    k = len(names)
    return ArmMoments(names, 0, np.full(k, math.nan), np.full((k, k), math.nan), np.full((k, k, k), math.nan))


def without_value(part: ArmMoments) -> ArmMoments:
    """The same number of rows with a mean that is not finite, so that every estimator refuses them."""
    return ArmMoments(part.names, part.n, part.mean * math.nan, part.covariance * math.nan, part.third * math.nan)


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
        self._centres: list[float] | None = None

    def groups(self, keys: Sequence[str], where: str = "true") -> dict[Keys, Group]:
        """Moments by the values of ``keys`` (SQL), over the rows of ``where``.

        Raises:
            ArithmeticError: A sum is not finite, or a row has a value in one column of a metric and none in another.
        """
        centres = self._shifts()
        shifted = [f"{alias} - ({centre!r})" for alias, centre in zip(self.aliases, centres, strict=True)]
        rows = self._ask(keys, where, self.table, shifted, [])
        found, near = self._read(rows, len(keys), centres)
        if not near:
            rows = self._two_passes(keys, where)
            found, _ = self._read(rows, len(keys), None)
        return found

    def _shifts(self) -> list[float]:
        """Means of the first rows: near enough, and as cheap as nothing. Zero, where the values lie around it.

        Around zero nothing is lost, and whole numbers are added up exactly: a group in which a rare event never
        happened has the variance zero at once.
        """
        if self._centres is None:
            wanted = ", ".join(f"avg({alias}), coalesce(stddev_samp({alias}), 0)" for alias in self.aliases)
            sample = f"SELECT * FROM {self.table} LIMIT 4096"
            found = db.row(self.cursor, f"SELECT {wanted} FROM ({sample})") if self.aliases else ()
            self._centres = [
                mean if mean is not None and NEAR_ZERO * spread < abs(mean) < math.inf else 0.0
                for mean, spread in zip(found[::2], found[1::2], strict=True)
            ]
        return self._centres

    def _two_passes(self, keys: Sequence[str], where: str) -> list[tuple[Any, ...]]:
        names = [f"k{index}" for index in range(len(keys))]
        named = ", ".join(f"{key} AS {name}" for key, name in zip(keys, names, strict=True))
        means = ", ".join(f"coalesce(avg({alias}), 0.0) AS c_{alias}" for alias in self.aliases)
        rows = f"(SELECT {named}, {', '.join(self.aliases)} FROM {self.table} WHERE {where})"
        by = ", ".join(names)
        joined = f"({rows} JOIN (SELECT {by}, {means} FROM {rows} GROUP BY {by}) USING ({by}))"
        centres = [f"c_{alias}" for alias in self.aliases]
        shifted = [f"{alias} - c_{alias}" for alias in self.aliases]
        return self._ask(names, "true", joined, shifted, centres)

    def _ask(
        self, keys: Sequence[str], where: str, table: str, shifted: Sequence[str], centres: Sequence[str]
    ) -> list[tuple[Any, ...]]:
        """One row per group: its keys, its rows, the centres if they are its own, and the sums of each metric."""
        by = ", ".join(f"g{index}" for index in range(len(keys)))
        inner = [f"{key} AS g{index}" for index, key in enumerate(keys)]
        inner += [f"{value} AS d_{alias}" for value, alias in zip(shifted, self.aliases, strict=True)]
        outer = [by, "count(*)", *(f"any_value({centre})" for centre in centres)]
        for columns in self.metrics.values():
            outer += self._sums(columns)
        source = f"SELECT {', '.join([*inner, *centres])} FROM {table} WHERE {where}"
        return db.rows(self.cursor, f"SELECT {', '.join(outer)} FROM ({source}) GROUP BY {by} ORDER BY {by}")

    def _sums(self, columns: Columns) -> list[str]:
        parts = [f"count(d_{alias})" for alias in columns.aliases]
        for order in self.orders:
            for factors in combinations_with_replacement(columns.aliases, order):
                parts.append("sum(" + " * ".join(f"d_{alias}" for alias in factors) + ")")
        return parts

    def _read(
        self, rows: Sequence[tuple[Any, ...]], keys: int, centres: Sequence[float] | None
    ) -> tuple[dict[Keys, Group], bool]:
        """Groups, and whether the centres were near enough to every group's mean."""
        if not rows:
            return {}, True
        numbers = np.array(
            [[math.nan if value is None else value for value in row[keys:]] for row in rows], dtype=float
        )
        place = 1  # after the number of rows
        own = np.tile(np.array(centres), (len(rows), 1)) if centres is not None else numbers[:, 1 : 1 + self._width]
        place += 0 if centres is not None else self._width
        moments, near, used = {}, True, 0
        for metric, columns in self.metrics.items():
            k = len(columns.names)
            powers = [p for order in self.orders for p in combinations_with_replacement(range(k), order)]
            counts, sums = numbers[:, place : place + k], numbers[:, place + k : place + k + len(powers)]
            sums_of = {power: sums[:, index] for index, power in enumerate(powers)}
            moments[metric], close = _central(columns.names, counts, own[:, used : used + k], sums_of)
            near, place, used = near and close, place + k + len(powers), used + k
        return {
            tuple(row[:keys]): Group(int(row[keys]), {metric: parts[index] for metric, parts in moments.items()})
            for index, row in enumerate(rows)
        }, near

    @property
    def _width(self) -> int:
        return len(self.aliases)


def _central(
    names: tuple[str, ...], counts: FloatArray, centres: FloatArray, sums: Mapping[tuple[int, ...], FloatArray]
) -> tuple[list[ArmMoments], bool]:
    """Central moments of all groups from sums of products about their centres, and whether all centres were near.

    Args:
        names: Of the columns.
        counts: Values by group and column, shape (groups, k).
        centres: Shape (groups, k).
        sums: Factors of a product → its sums, shape (groups,).
    """
    groups, k = counts.shape
    if (counts != counts[:, :1]).any():
        raise ArithmeticError("columns of one metric with different numbers of values")
    n = counts[:, 0]
    filled = n > 0
    if not all(np.isfinite(values[filled]).all() for values in sums.values()):
        raise ArithmeticError("a sum that is not finite")
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_of = {powers: values / n for powers, values in sums.items()}
        first = np.stack([mean_of[(i,)] for i in range(k)], axis=1)
        second, third = np.empty((groups, k, k)), np.full((groups, k, k, k), math.nan)
        for i, j in product(range(k), repeat=2):
            second[:, i, j] = mean_of[(min(i, j), max(i, j))]
        central = second - first[:, :, None] * first[:, None, :]
        index = np.arange(k)
        central[:, index, index] = np.maximum(central[:, index, index], 0.0)
        if (0, 0, 0) in mean_of:
            for i, j, m in product(range(k), repeat=3):
                a, b, c = sorted((i, j, m))
                mixed = first[:, i] * second[:, j, m] + first[:, j] * second[:, i, m] + first[:, m] * second[:, i, j]
                together = 2.0 * first[:, i] * first[:, j] * first[:, m]
                third[:, i, j, m] = mean_of[(a, b, c)] - mixed + together
        covariance = np.where((n > 1)[:, None, None], central * (n / (n - 1))[:, None, None], math.nan)
        mean = centres + first
        matters = (n > 1)[:, None] & (np.abs(first) > _ROUNDING * np.abs(mean))
        far = matters & (first**2 > WORST_SHIFT**2 * central[:, index, index])
    parts = [
        ArmMoments(names, int(n[g]), mean[g], covariance[g], third[g]) if filled[g] else empty(names)
        for g in range(groups)
    ]
    return parts, not bool(far.any())
