"""Random splits of units on which nothing can have an effect, and the p-values that the estimators give them.

Belongs here: the replays. Which metric is tried and what follows from it is in ``calibration``.

The splits are of the control arm alone: had the treatment an effect on the spread or the tail of a metric, splits of
all units together would be of a mixture that nobody measures, and a broken test could hide in it. Every split has the
sizes that the allocation gives, so that a test that fails for unequal arms is found. Of a proportion nothing can be
split but its rate; its arms are drawn.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from eaas_assets.contracts.experiment import Metric
from eaas_assets.experiments.impact.paired import paired_effect
from eaas_assets.experiments.monitoring.cumulative import Stacked
from eaas_assets.experiments.monitoring.estimates import arm_estimates
from eaas_assets.experiments.observations.access import Clusters, FloatArray, PairedData
from eaas_assets.stats.experiments.clusters import cluster_difference
from eaas_assets.stats.experiments.distributions import normal_sf, t_two_sided
from eaas_assets.stats.experiments.proportions import Counts, score_z
from eaas_assets.stats.experiments.quantile_metric import QuantileArm, quantile_difference, quantile_probabilities
from eaas_assets.stats.experiments.skewness import remove_skewness
from eaas_assets.stats.paired import mcnemar_exact

_TOGETHER = 50
"""Splits that are computed at once: enough to be fast, few enough to need little memory."""
_BALANCED = 5e-4
_ALONE = 200_000
"""Multiplications of a product of matrices that linear algebra does in one thread: in several, waiting for each other
takes twice the processor time, and far longer on a machine that has other work."""


def splits(rng: np.random.Generator, n: int, size: int, replays: int) -> Iterator[NDArray[np.bool_]]:
    """Which units are in the first group, in blocks of shape (splits, n); every group has exactly ``size`` units.

    A draw by single units is corrected to the size by moving units at random, which leaves every group of that size
    equally likely.
    """
    for start in range(0, replays, _TOGETHER):
        block = min(_TOGETHER, replays - start)
        drawn = np.frombuffer(rng.bytes(block * n), dtype=np.uint8).reshape(block, n)
        inside = drawn < round(256.0 * size / n)
        for row in inside:
            surplus = int(np.count_nonzero(row)) - size
            pool = np.flatnonzero(row if surplus > 0 else ~row)
            moved = rng.choice(pool.size, abs(surplus), replace=False, shuffle=False)
            row[pool[moved]] = surplus < 0
        yield inside


def moment_p_values(
    metric: Metric, columns: Mapping[str, FloatArray], share: float, replays: int, rng: np.random.Generator
) -> FloatArray:
    """P-values of a mean, proportion or ratio over random splits; nan where the estimator refuses.

    Args:
        metric: Metric.
        columns: Its columns as in moments (`access.Arms`), each of shape (units,).
        share: Share of the units in the first group.
        replays: Splits.
        rng: Source of the splits.
    """
    values = np.vstack(list(columns.values()))
    n = values.shape[1]
    size = round(n * share)
    if metric.kind == "proportion" and metric.covariate is None:
        return proportion_p_values(float(values[0].mean()), (size, n - size), replays, rng)
    centre = values.mean(axis=1)
    powers = _Powers(values - centre[:, None], 3 if _uneven(size, n - size) else 2)
    found = []
    for inside in splits(rng, n, size, replays):
        sums = powers.sums(inside)
        first, second = powers.moments(sums, size), powers.moments(powers.total - sums, n - size)
        names = tuple(columns)
        arms = [Stacked(names, part[0], part[1] + centre, part[2], part[3]) for part in (first, second)]
        estimates = arm_estimates(metric, arms[0], arms[1])
        variance = estimates.var_treatment - 2.0 * estimates.covariance + estimates.var_control
        for place in range(inside.shape[0]):
            if estimates.reason[place]:
                found.append(math.nan)
                continue
            t = float(estimates.treatment[place] - estimates.control[place]) / math.sqrt(float(variance[place]))
            plain = remove_skewness(t, float(estimates.skewness[place]))
            found.append(t_two_sided(plain, float(estimates.df[place])))
    return np.array(found)


def quantile_p_values(
    metric: Metric, values: FloatArray, share: float, level: float, replays: int, rng: np.random.Generator
) -> FloatArray:
    """The same for a quantile. Values are sorted once; a split only picks among them."""
    ordered = np.sort(values)
    n = ordered.size
    size = round(n * share)
    quantile = metric.quantile or 0.5
    probabilities = {k: quantile_probabilities(k, quantile, level) for k in {size, n - size}}
    found = []
    for block in splits(rng, n, size, replays):
        for row in block:
            arms = []
            for inside in (row, ~row):
                arm = ordered[inside]
                low, middle, high = (_at(arm, p) for p in probabilities[arm.size])
                arms.append(QuantileArm(arm.size, middle, low, high))
            found.append(quantile_difference(arms[0], arms[1], quantile, level).p_value)
    return np.array(found)


def cluster_p_values(clusters: Clusters, share: float, replays: int, rng: np.random.Generator) -> FloatArray:
    """The same where groups were randomised: groups are split."""
    n = clusters.sizes.size
    found = []
    for block in splits(rng, n, round(n * share), replays):
        for row in block:
            effect = cluster_difference(
                clusters.totals[row], clusters.sizes[row], clusters.totals[~row], clusters.sizes[~row]
            )
            found.append(effect.p_value)
    return np.array(found)


def pair_p_values(
    metric: Metric, pairs: PairedData, level: float, replays: int, rng: np.random.Generator
) -> FloatArray:
    """P-values of a paired comparison whose arms are swapped at random; nan where the estimator refuses."""
    single = np.unique(pairs.clusters).size == pairs.clusters.size
    if metric.kind == "proportion" and single and np.isin([pairs.control, pairs.treatment], (0.0, 1.0)).all():
        discordant = int(np.count_nonzero(pairs.control != pairs.treatment))
        gained = rng.binomial(discordant, 0.5, replays).tolist()
        known = {k: mcnemar_exact(discordant - k, k).p_value for k in set(gained)}
        return np.array([known[k] for k in gained])
    effects = (paired_effect(metric, part, level) for part in swapped_pairs(pairs, replays, rng))
    return np.array([effect.p_value if effect.answered else math.nan for effect in effects])


def some_families(pairs: PairedData, most: int, rng: np.random.Generator) -> PairedData:
    """At most about ``most`` pairs, drawn by whole families."""
    if pairs.control.size <= most:
        return pairs
    names, family = np.unique(pairs.clusters, return_inverse=True)
    order = rng.permutation(names.size)
    taken = order[: max(2, int(np.searchsorted(np.cumsum(np.bincount(family)[order]), most)))]
    kept = np.isin(family, taken)
    units = tuple(np.array(pairs.units)[kept].tolist())
    return PairedData(units, pairs.control[kept], pairs.treatment[kept], pairs.clusters[kept], pairs.left_out)


def swapped_pairs(pairs: PairedData, replays: int, rng: np.random.Generator) -> Iterator[PairedData]:
    """Pairs whose arms are swapped at random, whole families at once: no arm can be better."""
    _, family = np.unique(pairs.clusters, return_inverse=True)
    for _ in range(replays):
        swap = (rng.random(int(family.max()) + 1) < 0.5)[family]
        control = np.where(swap, pairs.treatment, pairs.control)
        treatment = np.where(swap, pairs.control, pairs.treatment)
        yield PairedData(pairs.units, control, treatment, pairs.clusters, pairs.left_out)


def proportion_p_values(rate: float, sizes: tuple[int, int], replays: int, rng: np.random.Generator) -> FloatArray:
    """The same for a proportion, whose units have nothing but their rate: arms are drawn from it.

    A split would hold the successes of both groups together fixed. Their difference then has so few values that the
    share of findings jumps between 2 and 12 % with the number of successes, while over repeated experiments, of which
    the promise is, it is 5 %.

    Args:
        rate: Share of successes in the control arm.
        sizes: Units of the two groups.
        replays: Draws.
        rng: Source of the draws.
    """
    drawn = [rng.binomial(size, rate, replays).tolist() for size in sizes]
    return np.array(
        [
            min(1.0, 2.0 * normal_sf(abs(score_z(Counts(first, sizes[0], second, sizes[1])))))
            for first, second in zip(*drawn, strict=True)
        ]
    )


def _at(ordered: FloatArray, probability: float) -> float:
    """The quantile of sorted values at a probability, as ``numpy.quantile`` has it; nan outside."""
    if math.isnan(probability):
        return math.nan
    place = probability * (ordered.size - 1)
    below = min(math.floor(place), ordered.size - 2)
    return float(ordered[below] + (place - below) * (ordered[below + 1] - ordered[below]))


def _uneven(first: int, second: int) -> bool:
    return abs(1.0 / first**2 - 1.0 / second**2) / (1.0 / first + 1.0 / second) ** 1.5 >= _BALANCED


class _Powers:
    """Products of the centred columns, so that the moments of any group are one multiplication."""

    def __init__(self, centred: FloatArray, order: int) -> None:
        self._k = centred.shape[0]
        self._terms = [
            term for degree in range(1, order + 1) for term in combinations_with_replacement(range(self._k), degree)
        ]
        self._products = np.stack([np.prod(centred[list(term)], axis=0) for term in self._terms], axis=1)
        self.total = self._products.sum(axis=0)

    def sums(self, inside: NDArray[np.bool_]) -> FloatArray:
        """Sums of all products over each group, shape (groups, products)."""
        (groups, units), terms = inside.shape, len(self._terms)
        piece = max(1, _ALONE // (groups * terms))
        sums = np.zeros((groups, terms))
        for start in range(0, units, piece):
            sums += inside[:, start : start + piece].astype(np.float64) @ self._products[start : start + piece]
        return sums

    def moments(self, sums: FloatArray, size: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Units, means, covariances and third moments of each group, shapes as in :class:`Stacked`."""
        groups, k = sums.shape[0], self._k
        raw = sums / size
        mean = raw[:, :k]
        second, third = np.zeros((groups, k, k)), np.full((groups, k, k, k), np.nan)
        for column, term in enumerate(self._terms):
            if len(term) == 2:
                second[:, term[0], term[1]] = second[:, term[1], term[0]] = raw[:, column]
            elif len(term) == 3:
                for i, j, m in {(term[a], term[b], term[c]) for a, b, c in _ORDERS}:
                    third[:, i, j, m] = raw[:, column]
        outer = mean[:, :, None] * mean[:, None, :]
        shifted = third - _spread(mean, second) + 2.0 * outer[:, :, :, None] * mean[:, None, None, :]
        return np.full(groups, float(size)), mean, (second - outer) * (size / (size - 1.0)), shifted


_ORDERS = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))


def _spread(vector: FloatArray, matrix: FloatArray) -> FloatArray:
    product = vector[:, :, None, None] * matrix[:, None, :, :]
    return np.asarray(product + product.transpose(0, 2, 1, 3) + product.transpose(0, 2, 3, 1))
