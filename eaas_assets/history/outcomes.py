"""The results of two runs as arrays by scenario, with families and segments: what ``verdict`` and ``gate`` work on.

Belongs here: reading. Which scenarios are compared is the matter of ``pairing``; nothing is tested here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eaas_assets.history.clustering import groups
from eaas_assets.history.measures import FIELD_SUFFIX, field_matches
from eaas_assets.history.pairing import Pairing
from eaas_assets.history.verdict import PairedOutcomes
from eaas_assets.stats.descriptive import p95

Values = dict[str, NDArray[np.float64]]
Labels = dict[str, NDArray[np.object_]]


def paired_outcomes(
    before: pd.DataFrame,
    after: pd.DataFrame,
    pairing: Pairing,
    segments: Labels,
    cluster_by: str | None,
) -> PairedOutcomes:
    """The outcomes of the paired scenarios, in the order of ``pairing.pairs``.

    Args:
        before: ScenarioEvaluations of the earlier run.
        after: Those of the later run.
        pairing: Of these two.
        segments: Segment → value for each paired scenario, from :func:`segment_labels`.
        cluster_by: The segment that names the families.
    """
    pairs = pairing.pairs
    names = pd.Index(pairs["scenario_id"])
    times = np.concatenate([_numbers(rows["response_time_ms"]) for rows in (before, after)])
    slow = p95(times[~np.isnan(times)])
    counts = {side: pairs[[f"{side}_trials", f"{side}_passed"]].to_numpy(np.int64) for side in ("before", "after")}
    values = []
    for side, rows in (("before", before), ("after", after)):
        tried, passed = counts[side].T
        values.append({"pass_rate": passed / tried} | _scenario_means(rows, names, slow))
    return PairedOutcomes(
        before=values[0],
        after=values[1],
        before_trials=counts["before"][:, 0],
        after_trials=counts["after"][:, 0],
        families=families_of(segments, cluster_by),
        segments=segments,
    )


def segment_labels(scenarios: pd.DataFrame | None, suite: str | None, names: pd.Series) -> Labels:
    """Segment → its value for each scenario, None where unknown.

    Args:
        scenarios: JourneyScenarios, of any suites; None: nothing is known.
        suite: Whose scenarios they are.
        names: The scenarios asked about.
    """
    if scenarios is None or suite is None:
        return {}
    own = scenarios[scenarios["suite"] == suite].drop_duplicates("scenario_id")
    texts = own.set_index("scenario_id")["segments_json"].reindex(names)
    codes, distinct = pd.factorize(texts)
    parsed: list[Mapping[str, str | None]] = [*(json.loads(text) for text in distinct), {}]  # the last one: unknown
    segments = sorted({segment for values in parsed for segment in values})
    return {segment: np.array([values.get(segment) for values in parsed], dtype=object)[codes] for segment in segments}


def families_of(segments: Labels, cluster_by: str | None) -> NDArray[np.intp] | None:
    """Number of each scenario's family; a scenario of unknown family is one of its own. None without such a segment."""
    if cluster_by is None or cluster_by not in segments:
        return None
    return groups(segments[cluster_by])


def _scenario_means(rows: pd.DataFrame, names: pd.Index, slow: float) -> Values:
    """Metric → mean over the known trials of each scenario; nan where none is known.

    A percentile has no mean: in its place stands the share of trials slower than the percentile of both runs together,
    which rises with it. For failures of high risk it is their share in the scenarios of high risk.
    """
    index = names.get_indexer(pd.Index(rows["scenario_id"]))
    times = _numbers(rows["response_time_ms"])
    passed = _numbers(rows["passed"])
    asked = rows["status"].notna() & (rows["status"] != "not_run")
    columns = {
        "average_score": _numbers(rows["overall_score"]),
        "human_review_rate": _numbers(rows["requires_human_review"]),
        "average_response_time_ms": times,
        "p95_response_time_ms": np.where(np.isnan(times), np.nan, times > slow),
        "average_cost_usd": _numbers(rows["cost_usd"]),
        "execution_failure_rate": np.where(asked, rows["status"] != "completed", np.nan),
        "high_risk_failures": np.where(rows["risk"] == "high", 1 - passed, np.nan),
    }
    for metric, matched in field_matches(rows["matches_json"]).items():
        columns[f"{metric}{FIELD_SUFFIX}"] = _numbers(matched)
    return {metric: _means(values, index, len(names)) for metric, values in columns.items()}


def _means(values: NDArray[np.float64], index: NDArray[np.intp], n: int) -> NDArray[np.float64]:
    used = (index >= 0) & ~np.isnan(values)
    known = np.bincount(index[used], minlength=n)
    sums = np.bincount(index[used], weights=values[used], minlength=n)
    return np.where(known > 0, sums / np.maximum(known, 1), np.nan)


def _numbers(column: pd.Series) -> NDArray[np.float64]:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)
