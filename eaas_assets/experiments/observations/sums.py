"""Sums of products by group: adding groups up, and the moments that follow from them.

Belongs here: arithmetic on sums that are there already. Which sums are asked for, and about which centres, is decided
in `moments`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, product
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from eaas_assets.stats.experiments.moments import ArmMoments

if TYPE_CHECKING:
    from eaas_assets.stats.experiments.moments import FloatArray

WORST_SHIFT = 100.0
"""Distance of a group's mean from the centre, in standard deviations, beyond which the grouping is done again: at 100,
four of sixteen digits are lost."""

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


@dataclass(frozen=True, eq=False)
class Sums:
    """Rows and sums by group.

    Attributes:
        keys: The values that make each group.
        numbers: Shape (groups, 1 + sums): rows, then for each metric the values of its columns and the sums of
            products of each of the ``orders``; nan where a group has no value.
        centres: What was taken off the values, shape (columns,) or (groups, columns).
        orders: Of the products: 1 and 2, and 3 for third moments.
    """

    keys: list[Keys]
    numbers: FloatArray
    centres: FloatArray
    orders: Sequence[int]

    def added_up(self, positions: Sequence[int]) -> Sums:
        """Groups by some of the keys; the centres must be the same for all groups."""
        columns = list(zip(*self.keys, strict=True))
        place: dict[Keys, int] = {}
        keys = zip(*(columns[position] for position in positions), strict=True) if columns else ()
        into = np.array([place.setdefault(key, len(place)) for key in keys], dtype=np.intp)
        numbers = np.zeros((len(place), self.numbers.shape[1]))
        np.add.at(numbers, into, np.nan_to_num(self.numbers, posinf=math.inf, neginf=-math.inf))
        return Sums(list(place), numbers, self.centres, self.orders)

    def groups(self, metrics: Mapping[str, Columns]) -> tuple[dict[Keys, Group], bool]:
        """Moments by group, and whether the centres were near enough to the mean of every group.

        Args:
            metrics: Metric → its columns, in the order of the sums.

        Raises:
            ArithmeticError: A sum is not finite, or a row has a value in one column of a metric and none in another.
        """
        centres = np.broadcast_to(self.centres, (len(self.keys), self.centres.shape[-1]))
        moments, near, used, place = {}, True, 0, 1  # after the number of rows
        for metric, columns in metrics.items():
            k = len(columns.names)
            powers = [power for order in self.orders for power in combinations_with_replacement(range(k), order)]
            counts = self.numbers[:, place : place + k]
            sums = self.numbers[:, place + k : place + k + len(powers)]
            sums_of = {power: sums[:, index] for index, power in enumerate(powers)}
            moments[metric], close = _central(columns.names, counts, centres[:, used : used + k], sums_of)
            near, place, used = near and close, place + k + len(powers), used + k
        return {
            key: Group(int(rows), {metric: parts[index] for metric, parts in moments.items()})
            for index, (key, rows) in enumerate(zip(self.keys, self.numbers[:, 0], strict=True))
        }, near


def empty(names: tuple[str, ...]) -> ArmMoments:
    """Moments of no rows."""
    k = len(names)
    return ArmMoments(names, 0, np.full(k, math.nan), np.full((k, k), math.nan), np.full((k, k, k), math.nan))


def without_value(part: ArmMoments) -> ArmMoments:
    """The same number of rows with a mean that is not finite, so that every estimator refuses them."""
    return ArmMoments(part.names, part.n, part.mean * math.nan, part.covariance * math.nan, part.third * math.nan)


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
