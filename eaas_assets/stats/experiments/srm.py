"""Sample-ratio mismatch: do the arms hold as many units as the allocation says?

A mismatch means that units were lost or assigned wrongly, and no effect of such an experiment can be trusted.
``srm_test`` is for one look at the end, ``AnytimeSrm`` for a look every night: its p-value may be read as often as
one likes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from eaas_assets.stats.experiments.distributions import chi2_sf

DEFAULT_THRESHOLD = 0.001
"""P-values below it are a mismatch: small, as every experiment is checked and true mismatches soon have tiny ones."""
MIN_EXPECTED = 10.0
"""Smallest expected count for the chi-squared approximation."""
MAX_OUTCOMES = 200_000
"""Most tables of counts that the exact test lists."""
DEFAULT_CONCENTRATION = 1_000.0
"""Prior weight of the anytime test where no sample is planned, in units: how close to the planned allocation a
mismatch is expected to be."""
_LEAST, _MOST, _SHARE_OF_PLAN = 100.0, 10_000.0, 0.1


class SrmResult(NamedTuple):
    """A check of the sample ratio.

    Attributes:
        p_value: Probability of counts at least as odd under the planned allocation; nan if the plan has one arm or no
            unit has come.
        mismatch: Whether ``p_value`` is below ``threshold``.
        threshold: The threshold in force.
        statistic: Pearson's chi-squared for ``chi_squared``, the log of the e-value for ``anytime``, nan for
            ``exact_multinomial``.
        method: ``chi_squared``, ``exact_multinomial`` or ``anytime``.
        counts: Observed units per arm.
        expected: Units per arm that the allocation would give.
    """

    p_value: float
    mismatch: bool
    threshold: float
    statistic: float
    method: str
    counts: tuple[int, ...]
    expected: tuple[float, ...]


def srm_test(counts: Sequence[int], allocation: Sequence[float], threshold: float = DEFAULT_THRESHOLD) -> SrmResult:
    """Test of the planned allocation at one look: chi-squared, or exact for counts too small for it.

    Args:
        counts: Units per arm.
        allocation: Planned weights per arm, positive, in any scale.
        threshold: P-values below it are a mismatch.

    Raises:
        ValueError: If counts and allocation do not fit or are out of range.

    Source: Fabijan et al. (2019), Diagnosing sample ratio mismatch in online controlled experiments, KDD.
    """
    shares = _shares(counts, allocation)
    n = sum(counts)
    expected = tuple(n * share for share in shares)
    if n == 0 or len(counts) == 1:
        return SrmResult(math.nan, False, threshold, math.nan, "chi_squared", tuple(counts), expected)
    if min(expected) < MIN_EXPECTED and math.comb(n + len(counts) - 1, len(counts) - 1) <= MAX_OUTCOMES:
        p_value = _exact_p(tuple(counts), shares)
        return SrmResult(
            p_value, p_value < threshold, threshold, math.nan, "exact_multinomial", tuple(counts), expected
        )
    statistic = sum((count - mean) ** 2 / mean for count, mean in zip(counts, expected, strict=True))
    p_value = chi2_sf(statistic, len(counts) - 1)
    return SrmResult(p_value, p_value < threshold, threshold, statistic, "chi_squared", tuple(counts), expected)


def concentration_for(planned_units: float) -> float:
    """Prior weight of the anytime test for a planned sample: a tenth of it, from 100 to 10,000 units.

    The test keeps its promise for any weight that is fixed beforehand; the weight decides what it sees. With 10,000
    units a loss of a third of an arm in an experiment of two thousand units would stay unseen.

    Args:
        planned_units: Units, or groups of them, that are to be randomised into all arms.
    """
    return min(_MOST, max(_SHARE_OF_PLAN * planned_units, _LEAST))


def anytime_srm(
    looks: Sequence[Sequence[int]],
    allocation: Sequence[float],
    threshold: float = DEFAULT_THRESHOLD,
    concentration: float = DEFAULT_CONCENTRATION,
) -> SrmResult:
    """Test of the planned allocation that holds at every look.

    The evidence against the plan is the likelihood of the assignments under a Dirichlet mixture around the plan over
    that under the plan: a martingale that starts at one, so it ever exceeds 1 / threshold with at most that
    probability, however often one looks.

    Args:
        looks: Cumulative counts per arm, one row per look, in order.
        allocation: Planned weights per arm.
        threshold: P-values below it are a mismatch.
        concentration: Prior weight of the plan, in units: ``concentration_for`` the sample. Larger finds small
            mismatches in large experiments.

    Returns:
        The result at the last look; its p-value is the smallest of all looks.

    Source: Lindon & Malek (2022), Anytime-valid inference for multinomial count data, NeurIPS.
    """
    if not looks:
        raise ValueError("at least one look is needed")
    if not concentration > 0.0:
        raise ValueError(f"concentration == {concentration}, must be positive")
    shares = [_shares(counts, allocation) for counts in looks][-1]
    log_values = [_log_e_value(counts, shares, concentration) for counts in looks]
    last = tuple(looks[-1])
    p_value = min(1.0, math.exp(-max(log_values)))
    expected = tuple(sum(last) * share for share in shares)
    return SrmResult(p_value, p_value < threshold, threshold, log_values[-1], "anytime", last, expected)


def _log_e_value(counts: Sequence[int], shares: tuple[float, ...], concentration: float) -> float:
    """Log Bayes factor of a Dirichlet(concentration × shares) mixture against the shares themselves."""
    n = sum(counts)
    value = math.lgamma(concentration) - math.lgamma(concentration + n)
    for count, share in zip(counts, shares, strict=True):
        prior = concentration * share
        value += math.lgamma(prior + count) - math.lgamma(prior) - count * math.log(share)
    return value


def _exact_p(counts: tuple[int, ...], shares: tuple[float, ...]) -> float:
    """Total probability of all tables that are no more likely than the one observed."""
    logs = [math.log(share) for share in shares]
    n = sum(counts)
    observed = _log_probability(counts, logs, n)
    slack = 1e-7  # tables of equal probability must count as equal
    total = 0.0
    for table in _tables(n, len(counts)):
        value = _log_probability(table, logs, n)
        if value <= observed + slack:
            total += math.exp(value)
    return min(total, 1.0)


def _log_probability(table: Sequence[int], logs: Sequence[float], n: int) -> float:
    weights = sum(count * log - math.lgamma(count + 1) for count, log in zip(table, logs, strict=True))
    return math.lgamma(n + 1) + weights


def _tables(n: int, arms: int) -> list[tuple[int, ...]]:
    """All ways to spread n units over the arms."""
    if arms == 1:
        return [(n,)]
    return [(first, *rest) for first in range(n + 1) for rest in _tables(n - first, arms - 1)]


def _shares(counts: Sequence[int], allocation: Sequence[float]) -> tuple[float, ...]:
    if len(counts) != len(allocation) or not counts:
        raise ValueError(f"{len(counts)} counts do not fit {len(allocation)} planned shares")
    if any(count < 0 for count in counts):
        raise ValueError("counts must not be negative")
    if not all(0.0 < weight < math.inf for weight in allocation):
        raise ValueError("planned shares must be positive and finite")
    total = math.fsum(allocation)
    return tuple(weight / total for weight in allocation)
