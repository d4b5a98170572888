"""How often a kind of change works, and how often a win of that kind is luck.

A rate of few experiments says little, so each is drawn towards the rate of all experiments: the belief before any
record is a Beta distribution, and the record is added to it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import pandas as pd
from scipy.special import betaincinv

from eaas_assets.contracts.portfolio_policy import PriorRule
from eaas_assets.stats.experiments.planning import false_positive_risk

_SMALLEST_RATE = 1e-3


class Rate(NamedTuple):
    """A success rate.

    Attributes:
        worked: Experiments that showed an improvement.
        answered: Experiments with an answer.
        estimate: Posterior mean.
        low: Equal-tailed interval.
        high: Upper end.
    """

    worked: int
    answered: int
    estimate: float
    low: float
    high: float


def success_rate(worked: int, answered: int, centre: float, weight: float, level: float) -> Rate:
    """Posterior of the rate at which experiments work.

    Args:
        worked: Experiments that showed an improvement.
        answered: Experiments with an answer, also an inconclusive one.
        centre: Rate that is believed before.
        weight: How many experiments this belief weighs as much as.
        level: Level of the interval.

    Raises:
        ValueError: If the counts do not fit each other.
    """
    if not 0 <= worked <= answered:
        raise ValueError(f"worked == {worked}, must lie between 0 and answered == {answered}")
    a = centre * weight + worked
    b = (1.0 - centre) * weight + answered - worked
    tail = (1.0 - level) / 2.0
    return Rate(
        worked, answered, a / (a + b), float(betaincinv(a, b, tail)), float(betaincinv(a, b, 1.0 - tail))
    )  # fmt: skip


def overall_rate(worked: int, answered: int, rule: PriorRule) -> Rate:
    """The rate of all experiments, which the rate of each kind is drawn towards."""
    return success_rate(worked, answered, rule.success_rate, rule.success_weight, rule.level)


def true_improvement_share(win_rate: float, alpha: float, power: float) -> float:
    """Share of experiments that truly improve their metric, from the share that show an improvement.

    Wins are true improvements that were detected and false alarms on the good side:
    win rate = power × share + alpha / 2 × (1 − share). Kept inside (0, 1).
    """
    share = (win_rate - alpha / 2.0) / (power - alpha / 2.0)
    return min(max(share, _SMALLEST_RATE), 1.0 - _SMALLEST_RATE)


def luck_share(win_rate: float, rule: PriorRule) -> float:
    """Probability that a significant improvement of this kind is none (see ``false_positive_risk``)."""
    if not math.isfinite(win_rate):
        raise ValueError(f"win_rate == {win_rate}, must be finite")
    share = true_improvement_share(win_rate, rule.alpha, rule.power)
    return false_positive_risk(share, rule.alpha, rule.power)


def win_shares(learned: pd.DataFrame, rule: PriorRule) -> dict[str, float]:
    """Share of true improvements by domain, for checks of the next design: how likely a win there is luck.

    Args:
        learned: LearningSummaries of the last time; of an empty one nothing is known.
        rule: What is believed without a record.
    """
    counted = learned.assign(answered=learned["experiments"] - learned["refused"])
    sums = counted.groupby("domain")[["worked", "answered"]].sum()
    overall = overall_rate(int(sums["worked"].sum()), int(sums["answered"].sum()), rule)
    shares = {}
    for domain, worked, answered in sums[sums["answered"] > 0].itertuples():
        rate = success_rate(int(worked), int(answered), overall.estimate, rule.success_weight, rule.level)
        shares[str(domain)] = true_improvement_share(rate.estimate, rule.alpha, rule.power)
    return shares
