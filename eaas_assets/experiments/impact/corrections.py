"""P-values that stand for all the questions that were asked at once.

Belongs here: which questions belong together. The arms of the primary metric are decided on (Holm); secondary metrics
are screened (Benjamini–Hochberg), per arm; guardrails are each held to their own margin and not corrected, because
every one of them must hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from eaas_assets.experiments.impact.answers import Answer
from eaas_assets.stats.multiplicity import benjamini_hochberg, holm


def corrected(answers: Sequence[Answer]) -> list[Answer]:
    """Answers with ``p_adjusted`` where several questions were asked. The order stays.

    Args:
        answers: All answers of one experiment.
    """
    result = list(answers)
    primary = [place for place, answer in enumerate(answers) if answer.metric.role == "primary"]
    _adjust(result, primary, holm)
    for arm in dict.fromkeys(answer.arm for answer in answers):
        places = [
            place for place, answer in enumerate(answers) if answer.metric.role == "secondary" and answer.arm == arm
        ]
        _adjust(result, places, benjamini_hochberg)
    return result


def _adjust(
    answers: list[Answer], places: Sequence[int], correction: Callable[[list[float]], NDArray[np.float64]]
) -> None:
    if len(places) < 2:
        return
    adjusted = correction([answers[place].effect.p_value for place in places])
    for place, value in zip(places, adjusted, strict=True):
        answers[place] = replace(answers[place], p_adjusted=float(value))
