"""A run against its baseline in every segment of the suite: where harm could hide behind an average.

Belongs here: the rows of SegmentComparison. The guard of the verdict, which looks at the same segments, is in
``verdict``.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from eaas_assets.contracts.history import SegmentComparison
from eaas_assets.contracts.policies import ComparisonRule, ReleasePolicy
from eaas_assets.contracts.tables import build
from eaas_assets.history.baseline import baseline_side_by_side
from eaas_assets.history.record import RunRecord, read_run
from eaas_assets.history.verdict import PairedOutcomes, SegmentFinding, Word, metric_values
from eaas_assets.stats.intervals import Interval
from eaas_assets.stats.paired import paired_difference


def compare_segments(
    run_id: str,
    baseline_version: str | None,
    history: RunRecord,
    policy: ReleasePolicy,
    scenarios: pd.DataFrame,
    scoring: str | None = None,
) -> pd.DataFrame:
    """SegmentComparison of one run; without rows where nothing can be paired with a baseline.

    Args:
        run_id: The run in question.
        baseline_version: Declared baseline of its version; None for a first version.
        history: The one history, with this run in it.
        policy: The release policy.
        scenarios: JourneyScenarios, which name the segments.
        scoring: Hash of the evaluation policy under which results count; None: of each run the last one.
    """
    run = read_run(history, run_id, scoring)
    comparison = baseline_side_by_side(run, baseline_version, history, policy, scoring, scenarios)
    if comparison is None or comparison.paired is None:
        return build(SegmentComparison, [])
    outcomes, rule = comparison.paired.outcomes, policy.comparison
    shared = {
        "run_id": run.run_id,
        "agent": run.agent,
        "version": run.version,
        "baseline_version": comparison.reference.version,
        "baseline_run_id": comparison.reference.run_id,
        "metric": rule.metrics[0],
        "policy_hash": policy.digest,
    }
    found = comparison.paired.verdict.segments
    return build(SegmentComparison, [shared | _row(segment, outcomes, rule) for segment in found])


def _row(found: SegmentFinding, outcomes: PairedOutcomes, rule: ComparisonRule) -> dict[str, Any]:
    interval = _interval(found, outcomes, rule)
    return {
        "segment": found.segment,
        "value": found.value,
        "scenarios": found.n,
        "before": found.before,
        "after": found.after,
        "difference": found.difference,
        "low": interval.low,
        "high": interval.high,
        "p_value": found.p_value,
        "p_adjusted": found.p_adjusted,
        "verdict": _word(found, interval, rule),
        "forbids": found.harmed or found.fell,
        "reason": _reason(found, rule),
    }


def _interval(found: SegmentFinding, outcomes: PairedOutcomes, rule: ComparisonRule) -> Interval:
    before, after, known = metric_values(outcomes, rule.metrics[0])
    inside = outcomes.segments[found.segment][known] == found.value
    families = None if outcomes.families is None else outcomes.families[known][inside]
    return paired_difference((after - before)[inside], families, rule.level, limit=1.0).interval


def _word(found: SegmentFinding, interval: Interval, rule: ComparisonRule) -> Word:
    if found.p_adjusted <= rule.alpha:
        return "better" if found.difference > 0 else "worse"
    judged = found.n >= rule.segment_minimum and not found.fell
    return "not_worse" if judged and interval.low > -rule.worst_segment_margin else "inconclusive"


def _reason(found: SegmentFinding, rule: ComparisonRule) -> str | None:
    if found.n < rule.segment_minimum:
        return f"fewer than {rule.segment_minimum} scenarios"
    return "its scenarios are one family: nothing to estimate an error from" if math.isnan(found.p_value) else None
