"""Repeated trials of the same scenarios: pass@k, pass^k, flakiness and where the variance sits.

Input is one pass count and one trial count per scenario. A scenario with fewer than k trials says nothing
about k: it is left out of the average and counted, never taken as 0. Comparisons of versions belong to
``paired``.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eaas_assets.stats.intervals import (
    ONE_CLUSTER,
    MeanEstimate,
    cluster_index,
    clustered_proportion,
    finite_values,
)


class TrialRate(NamedTuple):
    """A rate over repeated trials, averaged over scenarios.

    Attributes:
        rate: Mean over the scenarios with enough trials, with its error; nan where there is none.
        k: Trials that the rate speaks of.
        n_scenarios: Scenarios in the mean.
        n_left_out: Scenarios with fewer than ``k`` trials.
    """

    rate: MeanEstimate
    k: int
    n_scenarios: int
    n_left_out: int


class VarianceComponents(NamedTuple):
    """Variance of single results, split into scenarios and repeats.

    Attributes:
        scenario: Variance between scenarios' true means.
        repeat: Variance between repeats of one scenario.
        share: Scenario part of the sum (the intraclass correlation); nan if nothing varies.
        clipped: Whether the estimate for scenarios was negative and set to 0.
        n_scenarios: Number of scenarios.
        n_trials: Number of results.
        reason: Why the parts are nan; empty otherwise.
    """

    scenario: float
    repeat: float
    share: float
    clipped: bool
    n_scenarios: int
    n_trials: int
    reason: str


def _counts(successes: ArrayLike, trials: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    passed, tried = np.asarray(successes, dtype=np.int64), np.asarray(trials, dtype=np.int64)
    if passed.ndim != 1 or passed.shape != tried.shape:
        raise ValueError(f"successes and trials have shapes {passed.shape} and {tried.shape}, must be equal (n,)")
    if (passed < 0).any() or (passed > tried).any():
        raise ValueError("successes must lie between 0 and trials")
    return passed, tried


def _all_of_k(hits: NDArray[np.int64], tried: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """C(hits, k) / C(tried, k): the chance that k different trials are all hits; nan below k trials."""
    if k < 1:
        raise ValueError(f"k == {k}, must be >= 1")
    enough = tried >= k
    share = np.where(enough, 1.0, np.nan)
    for drawn in range(k):
        left = np.where(enough, tried - drawn, 1)
        share *= np.maximum(hits - drawn, 0) / left
    return share


def pass_at_k_by_scenario(successes: ArrayLike, trials: ArrayLike, k: int) -> NDArray[np.float64]:
    """Unbiased chance that at least one of ``k`` trials passes (Chen et al. 2021, arXiv 2107.03374, eq. 1).

    Args:
        successes: Shape (n,), passed trials of each scenario.
        trials: Shape (n,), trials of each scenario.
        k: Number of trials asked about.

    Returns:
        Shape (n,); nan for scenarios with fewer than ``k`` trials.
    """
    passed, tried = _counts(successes, trials)
    return 1 - _all_of_k(tried - passed, tried, k)


def pass_hat_k_by_scenario(successes: ArrayLike, trials: ArrayLike, k: int) -> NDArray[np.float64]:
    """Unbiased chance that all of ``k`` trials pass, pass^k (Yao et al. 2024, arXiv 2406.12045).

    Arguments and result as in ``pass_at_k_by_scenario``.
    """
    passed, tried = _counts(successes, trials)
    return _all_of_k(passed, tried, k)


def _averaged(shares: NDArray[np.float64], k: int, clusters: ArrayLike | None, level: float) -> TrialRate:
    index = cluster_index(clusters, shares.size)
    known = ~np.isnan(shares)
    rate = clustered_proportion(shares[known], index[known], level)
    used = int(known.sum())
    return TrialRate(rate, k, used, shares.size - used)


def pass_at_k(
    successes: ArrayLike, trials: ArrayLike, k: int, clusters: ArrayLike | None = None, level: float = 0.95
) -> TrialRate:
    """pass@k averaged over the scenarios that have at least ``k`` trials, each weighing the same.

    Args:
        successes: Shape (n,), passed trials of each scenario.
        trials: Shape (n,), trials of each scenario; they may differ.
        k: Number of trials asked about.
        clusters: Shape (n,), the family of each scenario; None: each is its own.
        level: Nominal coverage of the interval (``intervals.clustered_proportion``).
    """
    return _averaged(pass_at_k_by_scenario(successes, trials, k), k, clusters, level)


def pass_hat_k(
    successes: ArrayLike, trials: ArrayLike, k: int, clusters: ArrayLike | None = None, level: float = 0.95
) -> TrialRate:
    """pass^k averaged over the scenarios that have at least ``k`` trials; arguments as in ``pass_at_k``."""
    return _averaged(pass_hat_k_by_scenario(successes, trials, k), k, clusters, level)


def pass_at_1(
    successes: ArrayLike, trials: ArrayLike, clusters: ArrayLike | None = None, level: float = 0.95
) -> TrialRate:
    """Pass rate of a single trial. Repeats are averaged first, so they never count as more scenarios."""
    return pass_at_k(successes, trials, 1, clusters, level)


def flakiness(successes: ArrayLike, trials: ArrayLike) -> NDArray[np.float64]:
    """Chance that two trials of the same scenario disagree: the unbiased estimate of 2p(1 - p).

    Share of unequal pairs among all pairs of trials, 2c(n - c) / (n(n - 1)). Its mean over scenarios is
    the share of results that differ between two runs of an unchanged agent, the ``discordance`` of
    ``power.mde_paired_proportions``.

    Returns:
        Shape (n,): 0 for a stable scenario, 0.5 on average for a coin; nan with fewer than 2 trials.
    """
    passed, tried = _counts(successes, trials)
    pairs = tried * (tried - 1)
    unequal = 2 * passed * (tried - passed)
    return np.where(pairs > 0, unequal / np.where(pairs > 0, pairs, 1), np.nan)


def variance_components(values: ArrayLike, scenarios: ArrayLike) -> VarianceComponents:
    """Scenario and repeat variance by the one-way random-effects ANOVA, for unequal numbers of repeats.

    Henderson's method 1 (Searle, Casella & McCulloch 1992, chapter 3). A negative estimate for
    scenarios is set to 0 and said so: the repeats alone explain the spread.

    Args:
        values: Shape (n,), finite results of single trials.
        scenarios: Shape (n,), the scenario of each.
    """
    array = finite_values(values)
    index = cluster_index(scenarios, array.size)
    sizes = np.bincount(index)
    groups, n = sizes.size, array.size
    if groups < 2 or n == groups:
        reason = ONE_CLUSTER if groups < 2 else "no scenario was repeated: the two variances cannot be told apart"
        return VarianceComponents(math.nan, math.nan, math.nan, False, groups, n, reason)
    means = np.bincount(index, weights=array) / sizes
    within = float(np.sum((array - means[index]) ** 2)) / (n - groups)
    between = float(np.sum(sizes * (means - array.mean()) ** 2)) / (groups - 1)
    typical = (n - float(np.sum(sizes**2)) / n) / (groups - 1)
    raw = (between - within) / typical
    scenario = max(0.0, raw)
    total = scenario + within
    share = scenario / total if total > 0 else math.nan
    return VarianceComponents(scenario, within, share, raw < 0, groups, n, "")
