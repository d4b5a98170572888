"""Which of an evaluation's times counts, and how it becomes a score."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eaas_assets.contracts.conditions import exact
from eaas_assets.contracts.policies import ResponseTimeRule


def response_times(executed: pd.DataFrame, rule: ResponseTimeRule) -> tuple[NDArray[np.float64], pd.Series]:
    """The time that counts for each evaluation, and the clock that it is from.

    An evaluation that did not complete has no response and so no response time, whatever a clock says about how long
    the failure took.

    Args:
        executed: Table `executed_evaluations`.
        rule: The policy's order of clocks.

    Returns:
        Seconds, nan where unknown, and the clock's name, null where unknown; both in the order of ``executed``.
    """
    seconds = np.full(len(executed), np.nan)
    source = np.full(len(executed), -1)
    completed = executed["status"].to_numpy() == "completed"
    for code, clock in enumerate(rule.clock):
        times = executed[f"{clock}_s"].to_numpy(dtype=np.float64, na_value=np.nan)
        chosen = completed & np.isnan(seconds) & ~np.isnan(times)
        seconds[chosen] = times[chosen]
        source[chosen] = code
    return seconds, pd.Series(rule.clock, dtype="str").reindex(source).reset_index(drop=True)


def response_time_scores(seconds: NDArray[np.float64], rule: ResponseTimeRule) -> NDArray[np.float64]:
    """Score of each time by the policy's bands; a time exactly on a limit is within it. nan stays nan."""
    limits = [multiple_of_target(rule, band.up_to) for band in rule.bands]
    scores = np.array([*(band.score for band in rule.bands), rule.beyond])
    known = ~np.isnan(seconds)
    result = np.full(seconds.shape, np.nan)
    result[known] = scores[np.searchsorted(limits, seconds[known], side="left")]
    return result


def is_slow(seconds: NDArray[np.float64], rule: ResponseTimeRule) -> NDArray[np.bool_]:
    """Whether each time is above the policy's limit for slow answers; an unknown time is not."""
    return seconds > multiple_of_target(rule, rule.slow_above)


def multiple_of_target(rule: ResponseTimeRule, multiple: float) -> float:
    """The largest float that, as it is written, is at most ``multiple`` × target.

    So that ``seconds <= limit`` says of floats what it says of the decimals that people wrote: 0.6 s is within
    2 × 0.3 s and within 3 × 0.2 s, though 3 * 0.2 is not 0.6 in floats.
    """
    product = Fraction(exact(multiple)) * Fraction(exact(rule.target_s))
    nearest = float(product)
    return nearest if Fraction(exact(nearest)) <= product else math.nextafter(nearest, -math.inf)
