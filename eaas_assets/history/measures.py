"""The metrics of a run, computed from its scenario rows, with their counts and intervals.

Belongs here: what a run metric is. Which run is compared with which, and what a change means, is not. The same
functions serve whole runs and the part of a run that it shares with another one.

A rate has counts: ``numerator`` of ``denominator``. Any other metric (a mean, a percentile, a total) says with them
from how many of how many evaluations it is known.
"""

from __future__ import annotations

import json
import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eaas_assets.evaluation.measures import pass_rate
from eaas_assets.stats.descriptive import p95

FIELD_SUFFIX = "_accuracy"


class Measure(NamedTuple):
    """One metric of one run.

    Attributes:
        value: nan where undefined.
        numerator: Count above the line of a rate; for other metrics, evaluations that it is known from.
        denominator: Count below the line; for other metrics, all evaluations. None where history does not say.
        low: Lower end of the 95 % interval of a rate; nan otherwise.
        high: Upper end.
    """

    value: float
    numerator: int | None = None
    denominator: int | None = None
    low: float = math.nan
    high: float = math.nan

    @property
    def known(self) -> bool:
        """Whether it has a value."""
        return not math.isnan(self.value)


UNKNOWN = Measure(math.nan)


def is_rate(metric: str) -> bool:
    """Whether a metric is a share of 0 to 1 with counts."""
    return metric.endswith(("_rate", FIELD_SUFFIX))


def rate(flags: pd.Series, scenario: NDArray[np.intp]) -> Measure:
    """Share of true flags among the known ones, with an interval that respects repeats of a scenario.

    Args:
        flags: Boolean, nullable: unknown ones do not count.
        scenario: Number of each flag's scenario.
    """
    known = flags.notna().to_numpy()
    found = pass_rate(flags.to_numpy(dtype=float, na_value=np.nan)[known].astype(bool), scenario[known])
    bounds = (math.nan if bound is None else bound for bound in (found.rate, found.low, found.high))
    value, low, high = bounds
    return Measure(value, found.passed, found.total, low, high)


def mean(values: pd.Series) -> Measure:
    """Mean of the known values, and how many are known."""
    known = values.dropna().tolist()
    return Measure(math.fsum(known) / len(known) if known else math.nan, len(known), len(values))


def total(values: pd.Series) -> Measure:
    """Sum, if every value is known: the sum of some is not the total."""
    known = values.dropna().tolist()
    complete = len(known) == len(values) > 0
    return Measure(math.fsum(known) if complete else math.nan, len(known), len(values))


def scenario_measures(rows: pd.DataFrame) -> dict[str, Measure]:
    """The metrics that rows of ScenarioEvaluations can tell, by name.

    Args:
        rows: Evaluations of one run under one policy: the whole run, or the part that is compared.
    """
    scenario, _ = pd.factorize(rows["scenario_id"])
    times = rows["response_time_ms"]
    measures = {"pass_rate": rate(rows["passed"], scenario), "average_score": mean(rows["overall_score"])}
    for field, matched in field_matches(rows["matches_json"]).items():
        measures[f"{field}{FIELD_SUFFIX}"] = rate(matched, scenario)
    measures["human_review_rate"] = rate(rows["requires_human_review"], scenario)
    measures["average_response_time_ms"] = mean(times)
    known = times.dropna()
    measures["p95_response_time_ms"] = Measure(p95(known.to_numpy(dtype=float)), len(known), len(times))
    return measures


def field_matches(matches_json: pd.Series) -> dict[str, pd.Series]:
    """Field → whether it matched (nullable), one flag per row; parses each distinct text once."""
    codes, texts = pd.factorize(matches_json)
    parsed: list[dict[str, Any]] = [json.loads(text) for text in texts]
    fields = sorted({field for matches in parsed for field in matches})
    return {
        field: pd.Series(pd.array([matches.get(field) for matches in parsed], dtype="boolean")).take(codes)
        for field in fields
    }
