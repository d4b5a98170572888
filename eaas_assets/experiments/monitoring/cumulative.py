"""Moments of one arm at successive looks, as arrays with the looks in front.

Belongs here: stacking and cumulating what came in day by day, so that sixty looks cost as little as one. Effects are in
``estimates``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from eaas_assets.experiments.observations.access import FloatArray
from eaas_assets.stats.experiments.moments import ArmMoments


class Stacked(NamedTuple):
    """As :class:`ArmMoments`, once per look.

    Attributes:
        names: Columns.
        n: Units, shape (looks,).
        mean: Shape (looks, k).
        covariance: Divisor n − 1, shape (looks, k, k).
        third: Third central moments, divisor n, shape (looks, k, k, k).
    """

    names: tuple[str, ...]
    n: FloatArray
    mean: FloatArray
    covariance: FloatArray
    third: FloatArray

    def at(self, looks: Sequence[int]) -> Stacked:
        """Some of the looks."""
        index = list(looks)
        return Stacked(self.names, self.n[index], self.mean[index], self.covariance[index], self.third[index])

    def column(self, name: str) -> int:
        """Position of a column."""
        return self.names.index(name)


def stack(parts: Sequence[ArmMoments]) -> Stacked:
    """Moments side by side. All parts have the same columns; there is at least one."""
    return Stacked(
        parts[0].names,
        np.array([part.n for part in parts], dtype=np.float64),
        np.stack([part.mean for part in parts]),
        np.stack([part.covariance for part in parts]),
        np.stack([part.third for part in parts]),
    )


def cumulate(parts: Sequence[ArmMoments]) -> Stacked:
    """Moments of the first part, of the first two, and so on, as if each had been one table.

    Sums are taken about the overall mean, which keeps the digits that sums of squares would lose. Parts without a unit
    change nothing; an unknown variance makes all later ones unknown.

    Source: Chan, Golub & LeVeque (1983), Algorithms for computing the sample variance, American Statistician 37, for
    the shift; Pébay (2008), SAND2008-6212, for third moments.
    """
    single = stack(parts)
    n = single.n
    some = n > 0
    mean = np.where(some[:, None], single.mean, 0.0)
    centre = n @ mean / max(float(n.sum()), 1.0)
    if not np.isfinite(centre).all():
        centre = np.zeros_like(centre)
    shift = np.where(some[:, None], mean - centre, 0.0)
    many = n > 1
    scatter = np.where(many[:, None, None], single.covariance, 0.0) * np.maximum(n - 1.0, 0.0)[:, None, None]
    cubes = np.where(many[:, None, None, None], single.third, 0.0) * n[:, None, None, None]
    with np.errstate(over="ignore", invalid="ignore"):
        first = np.cumsum(n[:, None] * shift, axis=0)
        second = np.cumsum(scatter + n[:, None, None] * _outer(shift), axis=0)
        third = np.cumsum(cubes + _spread(shift, scatter) + n[:, None, None, None] * _cube(shift), axis=0)
        total = np.cumsum(n)
        # Looks before the first unit stay unknown.
        units = np.where(total > 0, total, np.nan)
        delta = first / units[:, None]
        covariance = (second - units[:, None, None] * _outer(delta)) / np.where(total > 1, total - 1, np.nan)[
            :, None, None
        ]
        central = (third - _spread(delta, second)) / units[:, None, None, None] + 2.0 * _cube(delta)
    return Stacked(single.names, total, centre + delta, covariance, central)


def kept(total: int, maximum: int) -> list[int]:
    """Which of ``total`` looks are kept: at most ``maximum``, evenly, always the last."""
    if total <= maximum:
        return list(range(total))
    return [(place + 1) * total // maximum - 1 for place in range(maximum)]


def _outer(vector: FloatArray) -> FloatArray:
    return np.asarray(vector[:, :, None] * vector[:, None, :])


def _cube(vector: FloatArray) -> FloatArray:
    return np.asarray(_outer(vector)[:, :, :, None] * vector[:, None, None, :])


def _spread(vector: FloatArray, matrix: FloatArray) -> FloatArray:
    """The three ways to put a vector beside a symmetric matrix, summed."""
    product = vector[:, :, None, None] * matrix[:, None, :, :]
    return np.asarray(product + product.transpose(0, 2, 1, 3) + product.transpose(0, 2, 3, 1))
