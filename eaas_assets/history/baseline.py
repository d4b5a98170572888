"""A run against the declared baseline of its version: the pass rate, its change, and what the change is worth.

Belongs here: the row of BaselineComparison. Metric by metric and scenario by scenario is the regression analysis.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from eaas_assets.contracts.history import BaselineComparison
from eaas_assets.contracts.policies import ReleasePolicy
from eaas_assets.contracts.tables import build
from eaas_assets.history.comparable import Comparison, caveats, limits, put_side_by_side
from eaas_assets.history.measures import UNKNOWN, Measure
from eaas_assets.history.record import Run, RunRecord, baseline_run_id, read_run
from eaas_assets.history.wording import count, joined, level, number, points
from eaas_assets.stats.descriptive import at_least, difference_exact
from eaas_assets.storage.files import canonical_json


def compare_with_baseline(
    run_id: str,
    baseline_version: str | None,
    history: RunRecord,
    policy: ReleasePolicy,
    scoring: str | None = None,
) -> pd.DataFrame:
    """BaselineComparison of one run, one row.

    The reference is the latest full run of the baseline version, an executed one before an imported one. A regression
    is a fall of the pass rate by more than the policy allows, exactly as decimals; ``better`` and ``worse`` are said
    only where the paired test rejects "no difference".

    Args:
        run_id: The run in question.
        baseline_version: Declared baseline of its version; None for a first version.
        history: The one history, with this run in it.
        policy: The release policy.
        scoring: Hash of the evaluation policy under which results count; None: of each run the last one.
    """
    run = read_run(history, run_id, scoring)
    reference_id = None if baseline_version is None else baseline_run_id(history, run, baseline_version)
    if reference_id is None:
        row = _without_baseline(run, baseline_version)
    else:
        reference = read_run(history, reference_id, scoring or run.policy_hash)
        row = _with_baseline(put_side_by_side(reference, run), policy)
    return build(BaselineComparison, [row | {"policy_hash": policy.digest}])


def _without_baseline(run: Run, version: str | None) -> dict[str, Any]:
    if version is None:
        reason = f"{run.version} declares no baseline: it is a first version."
    else:
        reason = f"The baseline {version} has no full run with results on the same suite: evaluate it first."
    current = run.measure("pass_rate")
    return {
        "run_id": run.run_id,
        "agent": run.agent,
        "version": run.version,
        "baseline_version": version,
        "current_pass_rate": current.value,
        "current_passed": current.numerator,
        "current_total": current.denominator,
        "verdict": "no_baseline",
        "lost_scenarios_json": "[]",
        "gained_scenarios_json": "[]",
        "unpaired_scenarios_json": "[]",
        "details": f"Pass rate {level('pass_rate', current)}. {reason}",
    }


def _with_baseline(comparison: Comparison, policy: ReleasePolicy) -> dict[str, Any]:
    reference, run, pairing, test = comparison.reference, comparison.current, comparison.pairing, comparison.test
    before, now = comparison.before.get("pass_rate", UNKNOWN), comparison.after.get("pass_rate", UNKNOWN)
    improvement = difference_exact(now.value, before.value)
    regression = exceeds(before, now, policy.baseline.regression_points)
    verdict = _verdict(comparison)
    return {
        "run_id": run.run_id,
        "agent": run.agent,
        "version": run.version,
        "baseline_version": reference.version,
        "baseline_run_id": reference.run_id,
        "baseline_source": reference.source,
        "current_pass_rate": now.value,
        "current_passed": now.numerator,
        "current_total": now.denominator,
        "baseline_pass_rate": before.value,
        "baseline_passed": before.numerator,
        "baseline_total": before.denominator,
        "improvement": improvement,
        "improvement_percentage": _percentage(improvement, before.value),
        "improvement_low": test.interval.low if test else math.nan,
        "improvement_high": test.interval.high if test else math.nan,
        "p_value": test.p_value if test else math.nan,
        "regression_detected": regression,
        "verdict": verdict,
        "lost_scenarios_json": canonical_json(pairing.lost),
        "gained_scenarios_json": canonical_json(pairing.gained),
        "unpaired_scenarios_json": canonical_json(pairing.unpaired),
        "details": " ".join(_details(comparison, before, now, improvement, regression, policy)),
    }


def exceeds(before: Measure, now: Measure, allowed: float) -> bool | None:
    """Whether a rate fell by more than ``allowed``, exactly as decimals; None if either is unknown."""
    within = at_least(allowed, difference_exact(before.value, now.value))
    return None if within is None else not within


def _percentage(improvement: float, before: float) -> float:
    """The improvement in percent of the baseline; nan for a baseline of 0, of which nothing is a percentage."""
    return round(improvement / before * 100, 10) if before > 0 else math.nan


def _verdict(comparison: Comparison) -> str:
    test = comparison.test
    if test is None:
        return "inconclusive"
    if comparison.pairing.identical:
        return "no_difference"
    if test.significant:
        return "better" if test.difference > 0 else "worse"
    return "inconclusive"


def _details(
    comparison: Comparison,
    before: Measure,
    now: Measure,
    improvement: float,
    regression: bool | None,
    policy: ReleasePolicy,
) -> list[str]:
    told = []
    if comparison.basis != "none":
        told.append(
            f"Pass rate {level('pass_rate', now)} against {level('pass_rate', before)} of {comparison.reference}: "
            f"{_movement(improvement, before.value)}."
        )
    told.extend(paired_sentences(comparison))
    told.extend(caveats(comparison))
    told.append(_judgement(comparison, regression, policy.baseline.regression_points))
    told.extend(limits(comparison, policy.baseline.regression_points))
    return told


def _movement(improvement: float, before: float) -> str:
    if math.isnan(improvement):
        return "the change is unknown"
    if improvement == 0:
        return "no change"
    relative = "" if before == 0 else f" ({number(_percentage(improvement, before))} %)"
    return f"{points(abs(improvement))} {'more' if improvement > 0 else 'less'}{relative}"


def paired_sentences(comparison: Comparison) -> list[str]:
    """Which scenarios were lost and gained, and what the test over all pairs says."""
    pairing, test = comparison.pairing, comparison.test
    told = []
    if len(pairing.pairs):
        told.append(
            f"Of {count(len(pairing.pairs), 'shared scenario')}, {_named(pairing.lost, 'lost')}, "
            f"{_named(pairing.gained, 'gained')}."
        )
    if pairing.by_fields and len(pairing.pairs):
        told.append("There, passing means that every recorded field matched, in both runs.")
    if pairing.shifted:
        told.append(f"Passed in more or fewer of their trials without changing sides: {joined(pairing.shifted)}.")
    if test is not None and not math.isnan(test.interval.low):
        method = "exact McNemar test" if pairing.single else "paired test over scenarios"
        low, high = (number(100 * bound) for bound in test.interval[:2])
        told.append(f"95 % interval of the difference: {low} to {high} points; {method}: p = {test.p_value:.2g}.")
    return told


def _named(scenarios: list[str], what: str) -> str:
    return f"{len(scenarios):,} {what} ({joined(scenarios)})" if scenarios else f"none {what}"


def _judgement(comparison: Comparison, regression: bool | None, allowed: float) -> str:
    if regression is None:
        return "Whether it is a regression cannot be told."
    rule = f"the {points(allowed)} that the policy allows"
    found = f"The fall exceeds {rule}: a regression." if regression else f"No fall beyond {rule}."
    test = comparison.test
    if test is None or comparison.pairing.identical:
        return found
    if test.significant:
        return f"{found} The paired test confirms a difference."
    return f"{found} The paired test cannot tell the difference from chance."
