"""What an answer means for its metric: in the good direction, against the minimum effect, and in one word.

Belongs here: the verdict, also of guardrails. Money is in `worth`, the sentence in `statements`.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from eaas_assets.contracts.conditions import exact
from eaas_assets.contracts.experiment import Metric
from eaas_assets.experiments.impact.answers import Answer
from eaas_assets.experiments.impact.wording import size
from eaas_assets.stats.experiments.noninferiority import noninferiority

Verdict = Literal["improved", "harmed", "non_inferior", "no_effect_shown", "inconclusive", "refused"]


class Benefit(NamedTuple):
    """An effect in the good direction: positive is better. nan where there is none."""

    estimate: float
    low: float
    high: float


class Judgement(NamedTuple):
    """What an answer means.

    Attributes:
        verdict: In one word.
        benefit: In the metric's unit, in the good direction.
        meets_minimum: Whether the estimate reaches the minimum effect; None without either.
        excludes_minimum: Whether the whole interval is below it.
        why: What keeps an inconclusive answer from being more, in words; empty for other verdicts.
        within_margin: For a guardrail that got worse by less than its margin.
        beyond_margin: For a guardrail whose whole interval lies beyond its margin.
    """

    verdict: Verdict
    benefit: Benefit
    meets_minimum: bool | None = None
    excludes_minimum: bool | None = None
    why: str = ""
    within_margin: bool = False
    beyond_margin: bool = False


def in_good_direction(metric: Metric, estimate: float, low: float, high: float) -> Benefit:
    """Values as benefits."""
    if metric.higher_is_better:
        return Benefit(estimate, low, high)
    return Benefit(0.0 - estimate, 0.0 - high, 0.0 - low)


def judge(answer: Answer) -> Judgement:
    """The verdict on one answer."""
    effect, metric = answer.effect, answer.metric
    benefit = in_good_direction(metric, effect.estimate, effect.low, effect.high)
    meets, excludes = _against_minimum(answer)
    if not effect.answered:
        return Judgement("refused", benefit, meets, None)
    if answer.doubt:
        return Judgement("inconclusive", benefit, meets, excludes, answer.doubt)
    if metric.role == "guardrail":
        return _guarded(answer, benefit, meets, excludes)
    return _moved(answer, benefit, meets, excludes)


def _against_minimum(answer: Answer) -> tuple[bool | None, bool | None]:
    """Whether the estimate reaches the minimum effect, and whether the interval rules it out."""
    metric, effect = answer.metric, answer.effect
    if metric.minimum_effect is None:
        return None, None
    relative = effect.relative
    scaled = (
        in_good_direction(metric, effect.estimate, effect.low, effect.high)
        if metric.scale == "absolute"
        else in_good_direction(metric, relative.estimate, relative.low, relative.high)
    )
    least = exact(metric.minimum_effect)
    # The last bits of a difference are rounding: .26 − .21 must reach .05.
    meets = None if math.isnan(scaled.estimate) else exact(_tidy(scaled.estimate)) >= least
    excludes = None if math.isnan(scaled.high) else exact(_tidy(scaled.high)) < least
    return meets, excludes


def _tidy(value: float) -> float:
    return float(f"{value:.12g}")


def _moved(answer: Answer, benefit: Benefit, meets: bool | None, excludes: bool | None) -> Judgement:
    """Primary and secondary metrics: the interval and the p-value after correction must both say so."""
    alpha = 1.0 - answer.effect.level
    significant = math.isnan(answer.decisive_p) or answer.decisive_p < alpha
    if benefit.low > 0.0 and significant:
        return Judgement("improved", benefit, meets, excludes)
    if benefit.high < 0.0 and significant:
        return Judgement("harmed", benefit, meets, excludes)
    if excludes:
        return Judgement("no_effect_shown", benefit, meets, excludes)
    if benefit.low <= 0.0 <= benefit.high:
        return Judgement("inconclusive", benefit, meets, excludes, _undecided(answer.metric, excludes))
    why = (
        "its exact test does not show what its interval suggests"
        if math.isnan(answer.p_adjusted)
        else "its interval leaves out zero, but not after correction for the other questions asked"
    )
    return Judgement("inconclusive", benefit, meets, excludes, why)


def _undecided(metric: Metric, excludes: bool | None) -> str:
    if metric.minimum_effect is None or excludes is None:
        return "an improvement, no effect and harm all lie within the interval"
    return f"both no effect and an effect of {size(metric, metric.minimum_effect)} lie within the interval"


def _guarded(answer: Answer, benefit: Benefit, meets: bool | None, excludes: bool | None) -> Judgement:
    """Guardrails: no harm beyond the margin; without a margin harm itself can be shown, and improvement."""
    metric = answer.metric
    harmed = benefit.high < 0.0
    if metric.margin is None:
        if harmed:
            return Judgement("harmed", benefit, meets, excludes)
        if benefit.low > 0.0:  # what got better holds every margin
            return Judgement("non_inferior", benefit, meets, excludes)
        return Judgement("inconclusive", benefit, meets, excludes, "no margin was registered for this guardrail")
    found = noninferiority(answer.effect, metric.margin, metric.higher_is_better, metric.scale)
    if found.verdict == "non_inferior":
        return Judgement("non_inferior", benefit, meets, excludes, within_margin=found.worse)
    if found.verdict == "inferior" or harmed:
        return Judgement("harmed", benefit, meets, excludes, beyond_margin=found.verdict == "inferior")
    if found.code is not None:
        why = "its margin is a share of the control's value, and that is too near zero"
        return Judgement("inconclusive", benefit, meets, excludes, why)
    return Judgement("inconclusive", benefit, meets, excludes, "harm beyond the margin cannot be ruled out")
