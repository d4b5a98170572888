"""Counts, means and covariances of the columns of one arm: the sufficient statistics of most estimators.

Reading arrays, taking a database's aggregates and merging partitions belong here; effects do not.

Variances come centred (``var_samp``, ``covar_samp``, or two passes over an array). Sums of squares are not accepted:
with a mean of ten million standard deviations they keep at most three digits and may turn negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from eaas_assets.stats.experiments.results import Refusal

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

_ROUNDING = 8.0 * float(np.finfo(np.float64).eps)
"""A standard deviation below this share of the mean is rounding noise of a constant column."""


@dataclass(frozen=True, slots=True, eq=False)
class ArmMoments:
    """Moments of one arm, over one row per unit of randomisation.

    Attributes:
        names: The columns' names, in the order of the arrays.
        n: Number of rows. Every column has a value in every row.
        mean: Means, shape (k,).
        covariance: Sample covariances with divisor n − 1, shape (k, k); nan where unknown.
        third: Third central moments with divisor n, shape (k, k, k); nan where unknown. They correct intervals of
            skewed metrics between arms of unequal size, and are not needed otherwise.
    """

    names: tuple[str, ...]
    n: int
    mean: FloatArray
    covariance: FloatArray
    third: FloatArray

    @classmethod
    def from_arrays(cls, **columns: npt.ArrayLike) -> ArmMoments:
        """Moments of equally long one-dimensional arrays, by two passes.

        A column with a missing or infinite value gets a nan mean, and estimators refuse it as ``not_finite``.

        Raises:
            ValueError: If no column is given, or the columns are not one-dimensional and equally long.
        """
        names = tuple(columns)
        arrays = [np.asarray(columns[name], dtype=np.float64) for name in names]
        if not arrays or any(array.ndim != 1 or array.size != arrays[0].size for array in arrays):
            raise ValueError("columns must be one-dimensional arrays of one length")
        values = np.vstack(arrays)
        n = values.shape[1]
        k = len(names)
        if n == 0:
            return cls(names, 0, np.full(k, np.nan), np.full((k, k), np.nan), np.full((k, k, k), np.nan))
        usable = np.isfinite(values).all(axis=1)
        values[~usable] = 0.0
        # Values whose squares are beyond double precision get infinite moments, which estimators refuse.
        with np.errstate(over="ignore", invalid="ignore"):
            mean = values.mean(axis=1)
            centred = values - mean[:, None]
            residue = centred.mean(axis=1)  # the rounding of the first pass
            mean = mean + residue
            centred -= residue[:, None]
            covariance = centred @ centred.T / (n - 1) if n > 1 else np.full((k, k), np.nan)
            third = np.stack([(centred * row) @ centred.T / n for row in centred])
        mean[~usable] = np.nan
        covariance[~usable, :] = covariance[:, ~usable] = np.nan
        third[~usable, :, :] = third[:, ~usable, :] = third[:, :, ~usable] = np.nan
        return cls(names, n, mean, covariance, third)

    @classmethod
    def from_aggregates(
        cls,
        n: int,
        means: Mapping[str, float],
        variances: Mapping[str, float | None],
        covariances: Mapping[tuple[str, str], float] | None = None,
        third: Mapping[tuple[str, str, str], float] | None = None,
    ) -> ArmMoments:
        """Moments from a database's aggregates.

        Args:
            n: Number of rows.
            means: ``avg(x)`` by column; its keys name the columns.
            variances: ``var_samp(x)`` by column. None or absent: unknown, and no interval will be given.
            covariances: ``covar_samp(x, y)`` by pair of columns, in either order.
            third: ``avg((x − x̄)(y − ȳ)(z − z̄))`` by triple of columns, in any order, where known; for one column
                ``skewness(x) * stddev(x)^3``.

        Raises:
            ValueError: If ``n`` is negative or a key names an unknown column.
        """
        if n < 0:
            raise ValueError(f"n == {n}, must not be negative")
        names = tuple(means)
        k = len(names)
        covariance = np.full((k, k), np.nan)
        for index, name in enumerate(names):
            variance = variances.get(name)
            covariance[index, index] = np.nan if variance is None else variance
        for pair, value in (covariances or {}).items():
            for i, j in permutations(_positions(names, pair)):
                covariance[i, j] = value
        moments = np.full((k, k, k), np.nan)
        for triple, value in (third or {}).items():
            for i, j, m in permutations(_positions(names, triple)):
                moments[i, j, m] = value
        return cls(names, n, np.array([means[name] for name in names], dtype=np.float64), covariance, moments)

    def column(self, name: str | None) -> int:
        """Position of a column; the first one for None.

        Raises:
            ValueError: If there is no such column.
        """
        if name is None:
            return 0
        if name not in self.names:
            raise ValueError(f"no column {name!r} among {self.names}")
        return self.names.index(name)

    def variance_of(self, name: str | None) -> float:
        """Sample variance of a column; exactly 0.0 where only the rounding of a constant is left."""
        index = self.column(name)
        variance = float(self.covariance[index, index])
        floor = (_ROUNDING * float(self.mean[index])) ** 2
        return 0.0 if 0.0 <= variance <= floor else variance

    def merge(self, other: ArmMoments) -> ArmMoments:
        """Moments of the rows of both, as if they had been one table.

        Source: Chan, Golub & LeVeque (1979), the parallel update; third moments by Pébay (2008), SAND2008-6212.

        Raises:
            ValueError: If the columns differ.
        """
        if self.names != other.names:
            raise ValueError(f"columns differ: {self.names} and {other.names}")
        if self.n == 0 or other.n == 0:
            return self if other.n == 0 else other
        n = self.n + other.n
        delta = other.mean - self.mean
        here, there = _scatter(self), _scatter(other)
        scatter = here + there + np.outer(delta, delta) * (self.n * (other.n / n))
        cross = np.multiply.outer(delta, (self.n * there - other.n * here) / n)
        third = (
            self.n * self.third
            + other.n * other.third
            + np.multiply.outer(np.outer(delta, delta), delta) * (self.n * (other.n / n) * ((self.n - other.n) / n))
            + cross
            + cross.transpose(1, 0, 2)
            + cross.transpose(1, 2, 0)
        ) / n
        return ArmMoments(self.names, n, self.mean + delta * (other.n / n), scatter / (n - 1), third)

    def problem(self, arm: str, columns: Sequence[str | None]) -> Refusal | None:
        """What forbids an estimate from these columns of this arm, if anything.

        Args:
            arm: The arm's name in the reason.
            columns: The columns that the estimator needs.
        """
        if self.n == 0:
            return Refusal("empty_arm", f"the {arm} arm has no unit with a value")
        index = [self.column(name) for name in columns]
        means, block = self.mean[index], self.covariance[index][:, index]
        if not np.isfinite(means).all() or np.isinf(block).any():
            return Refusal("not_finite", f"the {arm} arm has missing or infinite values")
        if self.n == 1:
            return Refusal("too_few_units", f"the {arm} arm has one unit, a variance needs two")
        if np.isnan(block).any():
            return Refusal("no_variance", f"no variance or covariance is known for the {arm} arm")
        spread = np.diag(block)
        # 1e-9: aggregates of perfectly correlated columns may exceed the bound by rounding.
        bound = np.sqrt(np.outer(np.clip(spread, 0.0, None), np.clip(spread, 0.0, None))) * (1.0 + 1e-9)
        if (spread < 0.0).any() or (np.abs(block) > bound).any():
            return Refusal(
                "invalid_moments", f"variances of the {arm} arm are negative or too small for its covariances"
            )
        return None


def merge_all(parts: Iterable[ArmMoments]) -> ArmMoments:
    """Moments of all partitions of one arm together.

    Raises:
        TypeError: If there is no partition.
    """
    return reduce(ArmMoments.merge, parts)


def _scatter(part: ArmMoments) -> FloatArray:
    """Sums of squares and products about the mean; zero for a single row."""
    return np.zeros_like(part.covariance) if part.n == 1 else part.covariance * (part.n - 1)


def _positions(names: tuple[str, ...], key: tuple[str, ...]) -> list[int]:
    unknown = [name for name in key if name not in names]
    if unknown:
        raise ValueError(f"moment of unknown columns {unknown}, known are {names}")
    return [names.index(name) for name in key]
