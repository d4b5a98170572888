"""What the effect on the primary metric is worth a year, in money.

Belongs here: when a value can be told, and the same figures for every design. The arithmetic is in
`stats.experiments.benefit`. Whether it is worth it is a decision and made elsewhere.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

from eaas_assets.contracts.experiment import Experiment
from eaas_assets.experiments.impact.answers import Answer
from eaas_assets.stats.experiments.benefit import net_benefit
from eaas_assets.stats.experiments.distributions import normal_quantile
from eaas_assets.stats.experiments.results import Effect


class Worth(NamedTuple):
    """Yearly net value; nan with the reason why there is none.

    Attributes:
        value: Effect × money per unit × units − yearly cost of keeping the change.
        low: At the worse limit of the interval.
        high: At the better one.
        p_loss: Probability that it is negative.
        break_even: Effect at which it is zero, in the metric's unit.
        reason: Why there is no value; empty if there is one.
    """

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p_loss: float = math.nan
    break_even: float = math.nan
    reason: str = ""


def worth(experiment: Experiment, answer: Answer) -> Worth:
    """Money of one answer.

    Args:
        experiment: Its document, with ``value`` and ``cost``.
        answer: Effect on one metric.
    """
    reason = _no_value(experiment, answer)
    if reason or experiment.value is None:
        return Worth(reason=reason)
    money = experiment.value
    found = net_benefit(
        _with_error(answer.effect),
        money.usd_per_unit,
        money.units_per_year,
        experiment.cost.rollout_per_year_usd or 0.0,
    )
    least = _no_gain(answer.effect, money.usd_per_unit * money.units_per_year)
    return Worth(found.value, found.low, found.high, max(found.p_negative, least), found.break_even)


def _no_value(experiment: Experiment, answer: Answer) -> str:
    if answer.metric.role != "primary":
        return "money is told for the primary metric only"
    if experiment.value is None:
        return "the document does not say what one unit of the primary metric is worth"
    if not answer.effect.answered:
        return "there is no effect to value"
    if answer.metric.kind == "quantile":
        return "a change of a quantile does not tell the change of the total"
    return ""


def _has_own_error(effect: Effect) -> bool:
    """Whether the interval comes with degrees of freedom; those of panels do not."""
    return not math.isnan(effect.df)


def _no_gain(effect: Effect, factor: float) -> float:
    """Probability of no gain at all, by the p-value of a panel: what placebos or series rank, no tail can undercut.

    A loss is at least as likely, since keeping the change costs something or nothing. 0 where tails are known.
    """
    if _has_own_error(effect) or math.isnan(effect.p_value) or factor == 0.0:
        return 0.0
    half = effect.p_value / 2.0
    return half if factor * effect.estimate > 0.0 else 1.0 - half


def _with_error(effect: Effect) -> Effect:
    """The effect with the normal error that its interval implies, where it has none of its own."""
    if _has_own_error(effect):
        return effect
    half = (effect.high - effect.low) / 2.0
    return replace(effect, se=half / normal_quantile(0.5 + effect.level / 2.0), df=math.inf)
