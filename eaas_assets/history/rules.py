"""Which rule of the release policy applies to a metric, and what a change of it means under that rule.

Belongs here: exact threshold arithmetic of one metric. Where the two values come from is not its matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from eaas_assets.contracts.policies import MetricRule
from eaas_assets.history.measures import FIELD_SUFFIX, Measure, is_rate
from eaas_assets.history.wording import change, level, title
from eaas_assets.stats.descriptive import at_least, difference_exact, falls_by
from eaas_assets.stats.power import resolution
from eaas_assets.wording import points

EVERY_FIELD = "accuracy"
"""Name in the policy of the rule for every ``<field>_accuracy`` that it does not name itself."""


class Change(NamedTuple):
    """What became of a metric.

    Attributes:
        difference: Now minus before, exact as decimals; nan where either is unknown.
        verdict: regression | improvement | unchanged | undetermined.
        statement: In one sentence.
    """

    difference: float
    verdict: str
    statement: str


def rule_for(metric: str, rules: dict[str, MetricRule]) -> MetricRule | None:
    """The rule of a metric; None where the policy has none."""
    if metric in rules:
        return rules[metric]
    return rules.get(EVERY_FIELD) if metric.endswith(FIELD_SUFFIX) else None


def ruled_metrics(metrics: Iterable[str], rules: dict[str, MetricRule]) -> list[str]:
    """The metrics that a rule speaks of, in the order of the rules."""
    order = list(rules)
    ruled = [metric for metric in set(metrics) if rule_for(metric, rules)]
    return sorted(ruled, key=lambda metric: (order.index(metric if metric in rules else EVERY_FIELD), metric))


def exceeds(before: Measure, now: Measure, allowed: float) -> bool | None:
    """Whether a rate fell by more than ``allowed``, exactly as decimals; None if either is unknown."""
    within = at_least(allowed, difference_exact(before.value, now.value))
    return None if within is None else not within


def judge_change(metric: str, before: Measure, now: Measure, rule: MetricRule) -> Change:
    """Whether the metric got worse or better by as much as the rule says, equality included.

    A smaller change is ``unchanged``, unless it is one that so few evaluations cannot show: less than one of them,
    while one of them is more than the rule asks about. Then, and where a value is unknown, it is ``undetermined``.
    """
    difference = difference_exact(now.value, before.value)
    name = title(metric).capitalize()
    if not (before.known and now.known):
        which = "only one of the two runs" if before.known or now.known else "neither run"
        return Change(difference, "undetermined", f"{name}: known of {which}, so nothing can be said of a change.")
    worse, better = falls_by(before.value, now.value, rule.by), falls_by(now.value, before.value, rule.by)
    if rule.better == "lower":
        worse, better = better, worse
    moved = f"{name}: {level(metric, now)} after {level(metric, before)}"
    limit = change(metric, rule.by)
    step = _step(metric, before, now)
    part = step is not None and abs(difference) > 0 and not at_least(abs(difference), step)
    told = f"less than one evaluation, which is {points(step)}" if step is not None and part else ""
    if worse or better:
        size = change(metric, difference) + (f" ({told})" if told else "")
        verdict, word = ("regression", "worse") if worse else ("improvement", "better")
        return Change(difference, verdict, f"{moved}, {word} by {size}; it counts from {limit} on.")
    if difference == 0:
        return Change(0.0, "unchanged", f"{moved}, no change.")
    if told and step is not None and step > rule.by:
        return Change(difference, "undetermined", f"{moved}: {told}, so a change of {limit} cannot be told here.")
    return Change(difference, "unchanged", f"{moved}, less than the change of {limit} that counts.")


def _step(metric: str, before: Measure, now: Measure) -> float | None:
    """The smallest step that the coarser of the two rates can make; None for other metrics."""
    if not is_rate(metric) or not before.denominator or not now.denominator:
        return None
    return resolution(min(before.denominator, now.denominator))
