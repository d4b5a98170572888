"""How complete and well formed the calls of an evaluation are. Whether they were the right ones is correctness."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eaas_assets.contracts.conditions import exact
from eaas_assets.contracts.policies import OutputQualityRule
from eaas_assets.evaluation.scoring.alignment import distinct
from eaas_assets.evaluation.scoring.answers import have_fields
from eaas_assets.evaluation.scoring.specialists import Calls


def output_quality_scores(
    evaluations: int, aligned: Calls, calls: pd.DataFrame, rule: OutputQualityRule, decimals: int
) -> NDArray[np.float64]:
    """Quality score of each evaluation of a suite with a path.

    coverage × |called ∩ expected| / |expected| (1 where nobody is expected) + structure × the mean over calls of 1 or
    ``incomplete_step``. Calls that nobody expected are not punished here. Without any call the score is 0; where none
    was expected either there is nothing to judge, and it is nan.

    Args:
        evaluations: How many evaluations there are.
        aligned: Their calls and expectations.
        calls: Table `agent_calls`.
        rule: The policy's shares.
        decimals: Places to which the exact score is rounded, half to even.
    """
    size = len(aligned.names)
    both = np.intersect1d(aligned.called, aligned.expected, assume_unique=True)
    hits = np.bincount(both // max(size, 1), minlength=evaluations)
    expected = np.bincount(aligned.expected // max(size, 1), minlength=evaluations)
    total = np.bincount(aligned.evaluation, minlength=evaluations)
    whole = have_fields(calls["output_json"].iloc[aligned.row], rule.required_fields)
    complete = np.bincount(aligned.evaluation[whole], minlength=evaluations)
    kinds = distinct(hits, expected, complete, total)
    scores = [
        _score(int(hits[row]), int(expected[row]), int(complete[row]), int(total[row]), rule, decimals)
        for row in kinds.first
    ]
    return np.array(scores, dtype=np.float64)[kinds.code]


def _score(hits: int, expected: int, complete: int, total: int, rule: OutputQualityRule, decimals: int) -> float:
    if total == 0:
        return 0.0 if expected else float("nan")
    coverage = Fraction(hits, expected) if expected else Fraction(1)
    structure = (complete + (total - complete) * Fraction(exact(rule.incomplete_step))) / total
    score = Fraction(exact(rule.coverage)) * coverage + Fraction(exact(rule.structure)) * structure
    return float(round(score, decimals))
