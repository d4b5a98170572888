"""Effects of a paired experiment that is read before its end: how they may be looked at every night.

Belongs here: which rule fits a metric, and harm of guardrails by the same rule. The statistics are in
`stats.paired_betting` and `stats.paired_sequential`, effects at the end in `paired`.

* pairs that come one after another, shares: bets, exact from the first pair on;
* the same, other means: a confidence sequence tuned to the planned pairs, from 50 independent pairs or families on;
* all pairs at once, as a run of an agent over its scenarios: each run that replaces another has its share of the error.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from eaas_assets.contracts.experiment import Metric
from eaas_assets.experiments.impact.answers import refusal
from eaas_assets.experiments.impact.paired import paired_effect
from eaas_assets.experiments.impact.wording import counted
from eaas_assets.experiments.observations.access import PairedData
from eaas_assets.stats.experiments.relative import signed_relative
from eaas_assets.stats.experiments.results import NO_RELATIVE, Effect, Refusal, Relative, refused
from eaas_assets.stats.paired import paired_difference
from eaas_assets.stats.paired_betting import (
    Rounds,
    better_p,
    better_ratio_p,
    betting_sequence,
    rounds,
    worse_p,
    worse_ratio_p,
)
from eaas_assets.stats.paired_sequential import (
    LARGEST_LEVEL,
    MIN_PAIRS,
    level_at_look,
    p_at_look,
    share_of_repetition,
)

UNPLANNED_PAIRS = 200
"""Pairs that looks are tuned to where no sample was planned. Any number fixed beforehand is valid."""
_ONCE = "pairs enter once, families as wholes, in random order, with their results complete"
_AGAIN = "each run of the scenarios replaces the one before it, and is looked at as it is"
_KEPT = ("left_out", "n_clusters", "higher", "lower")


class Looks(NamedTuple):
    """How the pairs of an experiment come.

    Attributes:
        planned: Planned pairs.
        repetition: Which repetition of all pairs this is, from 1 on; None where pairs come one after another.
    """

    planned: float
    repetition: int | None = None


def effect_at_look(metric: Metric, pairs: PairedData, level: float, looks: Looks) -> Effect:
    """Mean difference of pairs with limits and a p-value that hold at every look.

    Args:
        metric: Metric; a proportion has values between 0 and 1.
        pairs: Finite values, at least one pair.
        level: Confidence level over all looks together.
        looks: How the pairs come.
    """
    if looks.repetition is not None:
        return _repeated(metric, pairs, level, looks.repetition)
    plain = paired_effect(metric, pairs, level)
    if not plain.answered:
        return replace(plain, inference="anytime")
    kept: dict[str, float | str] = {name: plain.diagnostics[name] for name in _KEPT}
    kept["planned_fraction"] = pairs.control.size / looks.planned
    plain = replace(plain, diagnostics=kept, inference="anytime", assumptions=(*_independent(plain), _ONCE))
    if metric.kind == "proportion":
        return _by_bets(plain, rounds(pairs.treatment, pairs.control, pairs.clusters), looks.planned)
    return _by_sequence(metric, pairs, plain, looks.planned)


def _independent(effect: Effect) -> tuple[str, ...]:
    """What is assumed of the pairs; that so few are not skewed is not, as fewer than fifty are not told."""
    return effect.assumptions[:2]


def _by_bets(effect: Effect, data: Rounds, planned: float) -> Effect:
    found = betting_sequence(data, planned, effect.level)
    relative, problems = _relative(effect, found.ratio_low, found.ratio_high)
    method = "mean paired difference (betting confidence sequence)"
    return replace(
        effect,
        method=method + (", by family" if int(effect.diagnostics["n_clusters"]) < effect.n_control else ""),
        low=found.low,
        high=found.high,
        p_value=found.p_value,
        df=math.inf,
        relative=relative,
        refusals=problems,
    )


def _relative(effect: Effect, low: float, high: float) -> tuple[Relative, tuple[Refusal, ...]]:
    if not math.isfinite(high):
        reason = "too few units succeeded under the control arm to bound a relative change"
        return NO_RELATIVE, (refusal("baseline_near_zero", reason, "relative"),)
    ratio = effect.treatment / effect.control
    return signed_relative(ratio, low, high, effect.control, "betting on a paired ratio"), ()


def _by_sequence(metric: Metric, pairs: PairedData, effect: Effect, planned: float) -> Effect:
    problem = _too_early(int(effect.diagnostics["n_clusters"]), pairs, planned, effect.level)
    method = effect.method + ", asymptotic confidence sequence"
    if problem:
        sizes, values = (effect.n_treatment, effect.n_control), (effect.treatment, effect.control)
        early = (refusal("too_early", problem),)
        bare = refused(metric.kind, method, early, sizes=sizes, level=effect.level, values=values)
        return replace(bare, inference="anytime", diagnostics=effect.diagnostics)
    fraction = pairs.control.size / planned
    look = paired_effect(metric, pairs, level_at_look(fraction, effect.level))
    return replace(
        look,
        level=effect.level,
        method=method,
        p_value=p_at_look(look.p_value, fraction),
        inference="anytime",
        assumptions=effect.assumptions,
        diagnostics=effect.diagnostics,
    )


def _too_early(families: int, pairs: PairedData, planned: float, level: float) -> str:
    if families < MIN_PAIRS:
        alone = families == pairs.control.size
        there = counted(families, "independent pair") if alone else f"{families} families of pairs"
        return f"{there} are known, a look at a mean needs {MIN_PAIRS}"
    if level_at_look(pairs.control.size / planned, level) > LARGEST_LEVEL:
        return f"{counted(pairs.control.size, 'pair')} are too few of {planned:,.0f} planned ones for a look"
    return ""


def _repeated(metric: Metric, pairs: PairedData, level: float, repetition: int) -> Effect:
    share = share_of_repetition(repetition)
    look = paired_effect(metric, pairs, 1.0 - (1.0 - level) * share)
    return replace(
        look,
        level=level,
        method=f"{look.method}, error shared among repetitions",
        p_value=min(1.0, look.p_value / share) if look.answered else look.p_value,
        inference="anytime",
        assumptions=(*look.assumptions, _AGAIN),
        diagnostics={**{name: look.diagnostics[name] for name in _KEPT if name in look.diagnostics},
                     "repetition": float(repetition)},
    )  # fmt: skip


def harm_p(metric: Metric, pairs: PairedData, level: float, looks: Looks) -> float:
    """One-sided p-value of harm beyond a guardrail's margin that holds at every look; nan where no look is possible.

    Args:
        metric: Guardrail; without a margin any harm counts.
        pairs: As of ``effect_at_look``, which must have an answer for them.
        level: Confidence level of the looks at the effect.
        looks: How the pairs come.
    """
    margin = metric.margin or 0.0
    relative = metric.scale == "relative"
    if metric.kind == "proportion":
        share = 1.0 if looks.repetition is None else share_of_repetition(looks.repetition)
        return min(1.0, _harm_of_share(metric, pairs, looks.planned, margin) / share)
    bad = -1.0 if metric.higher_is_better else 1.0
    ratio = 1.0 + bad * math.copysign(margin, pairs.control.mean()) if relative else 1.0
    worse = bad * (pairs.treatment - ratio * pairs.control) - (0.0 if relative else margin)
    found = paired_difference(worse, pairs.clusters, level, skewed=True)
    if math.isnan(found.p_value):
        return math.nan
    if found.estimate <= 0.0:
        return 1.0
    if looks.repetition is not None:
        return min(1.0, found.p_value / 2.0 / share_of_repetition(looks.repetition))
    return p_at_look(found.p_value, pairs.control.size / looks.planned) / 2.0


def _harm_of_share(metric: Metric, pairs: PairedData, planned: float, margin: float) -> float:
    data = rounds(pairs.treatment, pairs.control, pairs.clusters)
    if metric.scale == "relative" and margin and np.any(pairs.control > 0.0):
        if metric.higher_is_better:
            return worse_ratio_p(data, planned, 1.0 - margin)
        return better_ratio_p(data, planned, 1.0 + margin)
    if metric.scale == "relative" and margin:
        margin = 0.0  # a share of nothing is nothing
    return worse_p(data, planned, -margin) if metric.higher_is_better else better_p(data, planned, margin)
