"""Mean paired differences without bounds that may be looked at before the end, and results that are made anew.

Two ways to be looked at, each with a rule of its own:

* pairs that come one after another: the confidence sequence of `experiments.sequential`, with the one-sample error of
  the differences. A one-sided tail does not cancel in one sample as it does between two arms of equal size, so a
  look needs ``MIN_PAIRS`` independent pairs or families. Lognormal differences (σ 1) that are looked at from 20 pairs
  on raise a false alarm in 7.5 % of experiments where 5 % are promised, from 50 on in 4 %;
* all pairs at once, replaced by each repetition: no boundary for growing samples holds. The error is divided among the
  repetitions, 1 / (k (k + 1)) for the k-th, and their sum is bounded however they depend on each other (Bonferroni).

Belongs here: levels and p-values of a look. The tests themselves are in `paired`; shares are in `paired_betting`.
"""

from __future__ import annotations

import math

from eaas_assets.stats.experiments.distributions import normal_quantile, normal_sf
from eaas_assets.stats.experiments.sequential import anytime_p, critical_value

MIN_PAIRS = 50
"""Fewest independent pairs, or families, for a look at a mean without bounds."""
LARGEST_LEVEL = 1.0 - 1e-14
"""Beyond it the level of a single look cannot be told from certainty."""
_SMALLEST_P = 1e-300


def level_at_look(fraction: float, level: float) -> float:
    """Confidence level of an interval at one look whose likes hold at all looks together with ``level``.

    Args:
        fraction: Pairs so far over planned pairs; may exceed 1.
        level: Over all looks.
    """
    return 1.0 - 2.0 * normal_sf(critical_value(fraction, 1.0 - level))


def p_at_look(p_value: float, fraction: float) -> float:
    """Two-sided p-value that holds at every look, from that of a test at a single one.

    It is below an error rate exactly when the single one is below one minus ``level_at_look``.
    """
    if math.isnan(p_value):
        return math.nan
    return anytime_p(-normal_quantile(max(p_value, _SMALLEST_P) / 2.0), fraction)


def share_of_repetition(repetition: int) -> float:
    """Share of the error that belongs to the k-th repetition; all shares sum to 1.

    Raises:
        ValueError: If the first is not called 1.
    """
    if repetition < 1:
        raise ValueError(f"repetition == {repetition}, must be at least 1")
    return 1.0 / (repetition * (repetition + 1.0))
