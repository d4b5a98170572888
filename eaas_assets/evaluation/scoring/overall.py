"""From matching fields to correctness, and from three scores to the overall one: all weights, and no floats between.

Weights and scores are decimals that people wrote. They are added as fractions and rounded once, so that
0.30 + 0.30 + 0.40 is 1, and an overall score exactly on the threshold has reached it.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from eaas_assets.contracts.conditions import exact
from eaas_assets.contracts.policies import EvaluationPolicy
from eaas_assets.contracts.suite import FieldRule
from eaas_assets.errors import PolicyError
from eaas_assets.evaluation.scoring.alignment import distinct


def correctness_scores(matched: NDArray[np.bool_], rules: dict[str, FieldRule], decimals: int) -> NDArray[np.float64]:
    """Weighted share of the fields that match: exact decimals, rounded half to even.

    Args:
        matched: Shape (evaluations, fields), in the order of ``rules``.
        rules: Field → its rule; the weights sum to 1.
        decimals: Places of the result.
    """
    kinds = distinct(*np.packbits(matched, axis=1).T)
    weights = [Fraction(exact(rule.weight)) for rule in rules.values()]
    scores = [
        float(round(sum((w for w, hit in zip(weights, matched[row], strict=True) if hit), start=Fraction(0)), decimals))
        for row in kinds.first
    ]
    return np.array(scores, dtype=np.float64)[kinds.code]


def overall_scores(
    correctness: NDArray[np.float64],
    response: NDArray[np.float64],
    quality: NDArray[np.float64],
    policy: EvaluationPolicy,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Weighted mean of the scores that are defined, rounded half to even, and whether it reaches the threshold.

    The weights of undefined scores (nan) are shared by the others in proportion to theirs.

    Raises:
        PolicyError: All weight is on scores that are undefined.
    """
    weights = [
        Fraction(exact(weight))
        for weight in (policy.overall.correctness, policy.overall.response_time, policy.overall.output_quality)
    ]
    threshold = Fraction(exact(policy.pass_threshold))
    columns = (correctness, response, quality)
    kinds = distinct(*columns)
    scores = np.zeros(len(kinds.first))
    passed = np.zeros(len(kinds.first), dtype=np.bool_)
    for index, row in enumerate(kinds.first):
        values = [float(column[row]) for column in columns]
        defined = [(w, Fraction(exact(v))) for w, v in zip(weights, values, strict=True) if not np.isnan(v)]
        total = sum((weight for weight, _ in defined), start=Fraction(0))
        if total == 0:
            raise PolicyError("policies/evaluation.yaml, overall: all weight is on scores that are undefined here")
        mean = round(sum((w * v for w, v in defined), start=Fraction(0)) / total, policy.rounding)
        scores[index], passed[index] = float(mean), mean >= threshold
    return scores[kinds.code], passed[kinds.code]
