"""Effects by declared segment: do they differ, how large are they really, and who was harmed?

Belongs here: the rows' numbers. Segments of one dimension are compared with each other and shrunk towards their mean;
harm is named only after correction over all segments of the metric, whatever their dimension and arm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from eaas_assets.errors import EstimateRefused
from eaas_assets.experiments.impact.answers import Answer, Estimator, beyond_precision, refused_effect, told
from eaas_assets.stats.experiments.results import Effect
from eaas_assets.stats.multiplicity import holm

if TYPE_CHECKING:
    from eaas_assets.stats.experiments.segments import Heterogeneity, SegmentFinding

MAX_VALUES = 200
"""Most values of a dimension whose effects are told: with more there is next to nobody in each."""

ALL = "(all)"
"""Stands for all values of a dimension that could not be told apart."""


class SegmentAnswer(NamedTuple):
    """One value of one dimension.

    Attributes:
        answer: Effect over all units.
        dimension: Declared segment.
        finding: Effect in the segment, shrunk effect and p-value of harm.
        spread: Heterogeneity of the dimension; None with fewer than two effects.
        p_harm: Corrected over all segments of the metric; nan if refused.
        harmed: Whether harm is shown; None where it cannot be told.
    """

    answer: Answer
    dimension: str
    finding: SegmentFinding
    spread: Heterogeneity | None
    p_harm: float
    harmed: bool | None


def segment_answers(
    answers: Sequence[Answer], dimensions: Sequence[str], estimator: Estimator, alpha: float
) -> list[SegmentAnswer]:
    """All segments of all answers.

    Args:
        answers: Effects over all units, one per metric and arm.
        dimensions: Declared segments.
        estimator: The design.
        alpha: Probability of naming any segment of a metric harmed when none is.
    """
    found = []
    for metric in dict.fromkeys(answer.metric.name for answer in answers):
        same = [answer for answer in answers if answer.metric.name == metric]
        found += _corrected(
            [part for answer in same for name in dimensions for part in _dimension(answer, name, estimator, alpha)],
            alpha,
        )
    return found


def _dimension(answer: Answer, dimension: str, estimator: Estimator, alpha: float) -> list[SegmentAnswer]:
    try:
        found = estimator.by_segment(answer.metric, answer.arm, dimension)
        effects = _limited(answer, dimension, {value: told(effect) for value, effect in found.items()})
    except EstimateRefused as error:
        effects = {ALL: refused_effect(answer.metric, error.code, error.reason, answer.effect.level)}
    except (OverflowError, ZeroDivisionError):
        effects = {ALL: beyond_precision(answer.metric, answer.effect.level)}
    if not effects:
        return []
    from eaas_assets.stats.experiments.segments import analyse_segments

    analysis = analyse_segments(effects, answer.effect, answer.metric.higher_is_better, alpha)
    return [
        SegmentAnswer(answer, dimension, finding, analysis.heterogeneity, math.nan, None)
        for finding in analysis.findings
    ]


def _limited(answer: Answer, dimension: str, effects: Mapping[str, Effect]) -> Mapping[str, Effect]:
    if len(effects) <= MAX_VALUES:
        return effects
    sizes = (answer.effect.n_treatment, answer.effect.n_control)
    reason = f"{dimension} has {len(effects):,} values, at most {MAX_VALUES} are told"
    return {ALL: refused_effect(answer.metric, "too_many_segments", reason, answer.effect.level, sizes=sizes)}


def _corrected(parts: Sequence[SegmentAnswer], alpha: float) -> list[SegmentAnswer]:
    adjusted = holm([part.finding.p_harm for part in parts])
    return [
        part._replace(p_harm=float(p), harmed=None if math.isnan(p) else bool(p < alpha))
        for part, p in zip(parts, adjusted, strict=True)
    ]
