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
from eaas_assets.history.comparable import Comparison, Paired, caveats, limits, put_side_by_side
from eaas_assets.history.explanation import paired_sentences, verdict_sentences
from eaas_assets.history.gate import counts
from eaas_assets.history.measures import UNKNOWN, Measure
from eaas_assets.history.record import Run, RunRecord, baseline_run_id, read_run
from eaas_assets.history.rules import exceeds
from eaas_assets.history.wording import level
from eaas_assets.stats.descriptive import difference_exact
from eaas_assets.storage.files import canonical_json
from eaas_assets.wording import number, points


def compare_with_baseline(
    run_id: str,
    baseline_version: str | None,
    history: RunRecord,
    policy: ReleasePolicy,
    scoring: str | None = None,
    scenarios: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """BaselineComparison of one run, one row.

    The reference is the latest full run of the baseline version, an executed one before an imported one. The verdict
    follows from ``policy.comparison`` alone. ``regression_detected`` is another matter: whether the pass rate fell by
    more than ``policy.baseline`` allows, exactly as decimals, by chance or not.

    Args:
        run_id: The run in question.
        baseline_version: Declared baseline of its version; None for a first version.
        history: The one history, with this run in it.
        policy: The release policy.
        scoring: Hash of the evaluation policy under which results count; None: of each run the last one.
        scenarios: JourneyScenarios, for families and segments; None: there are none.
    """
    run = read_run(history, run_id, scoring)
    comparison = baseline_side_by_side(run, baseline_version, history, policy, scoring, scenarios)
    row = _without_baseline(run, baseline_version) if comparison is None else _with_baseline(comparison, policy)
    shared = {"margin": policy.comparison.margin, "policy_hash": policy.digest}
    return build(BaselineComparison, [row | shared])


def baseline_side_by_side(
    run: Run,
    baseline_version: str | None,
    history: RunRecord,
    policy: ReleasePolicy,
    scoring: str | None = None,
    scenarios: pd.DataFrame | None = None,
) -> Comparison | None:
    """A run beside its baseline's; None where no baseline is declared or it has no run. Arguments as above."""
    reference_id = None if baseline_version is None else baseline_run_id(history, run, baseline_version)
    if reference_id is None:
        return None
    return put_side_by_side(read_run(history, reference_id, scoring or run.policy_hash), run, policy, scenarios)


def _without_baseline(run: Run, version: str | None) -> dict[str, Any]:
    if version is None:
        reason = f"{run.version} declares no baseline: it is a first version."
    else:
        reason = f"The baseline {version} has no full run with results on the same suite: evaluate it first."
    current = run.measure("pass_rate")
    lists = ("alarms", "worst_segments", "findings", "lost_scenarios", "gained_scenarios", "unpaired_scenarios")
    return {
        "run_id": run.run_id,
        "agent": run.agent,
        "version": run.version,
        "baseline_version": version,
        "current_pass_rate": current.value,
        "current_passed": current.numerator,
        "current_total": current.denominator,
        "verdict": "no_baseline",
        **{f"{name}_json": "[]" for name in lists},
        "details": f"Pass rate {level('pass_rate', current)}. {reason}",
    }


def _with_baseline(comparison: Comparison, policy: ReleasePolicy) -> dict[str, Any]:
    reference, run, pairing, paired = comparison.reference, comparison.current, comparison.pairing, comparison.paired
    before, now = comparison.before.get("pass_rate", UNKNOWN), comparison.after.get("pass_rate", UNKNOWN)
    improvement = difference_exact(now.value, before.value)
    regression = exceeds(before, now, policy.baseline.regression_points)
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
        "regression_detected": regression,
        "alarms_json": canonical_json(comparison.alarms(policy)),
        **(_unpaired() if paired is None else _verdict(paired)),
        "lost_scenarios_json": canonical_json(pairing.lost),
        "gained_scenarios_json": canonical_json(pairing.gained),
        "unpaired_scenarios_json": canonical_json(pairing.unpaired),
        "details": " ".join(_details(comparison, before, now, improvement, regression, policy)),
    }


def _unpaired() -> dict[str, Any]:
    return {"verdict": "inconclusive", "worst_segments_json": "[]", "findings_json": "[]"}


def _verdict(paired: Paired) -> dict[str, Any]:
    verdict, settlement, one = paired.verdict, paired.settlement, paired.verdict.primary
    planned = {"settle_scenarios": settlement.scenarios, "settle_trials": settlement.trials}
    return {
        "verdict": verdict.word,
        "improvement_low": one.interval.low,
        "improvement_high": one.interval.high,
        "level": one.interval.level,
        "p_value": one.p_adjusted,
        "paired_scenarios": one.n,
        "paired_groups": one.n_clusters,
        "worst_segments_json": canonical_json([str(segment) for segment in verdict.guards]),
        "findings_json": canonical_json(
            [
                {
                    "metric": finding.metric,
                    "scenarios": finding.n,
                    "difference": _known(finding.difference),
                    "low": _known(finding.interval.low),
                    "high": _known(finding.interval.high),
                    "p_value": _known(finding.p_adjusted),
                    "test": finding.method,
                }
                for finding in verdict.findings
            ]
        ),
        "minimum_detectable_effect": settlement.detectable.effect,
        "settle_claim": settlement.claim,
        **{name: more.number for name, more in planned.items()},
        **{f"{name}_cost_usd": more.cost_usd for name, more in planned.items()},
        **{f"{name}_seconds": more.seconds for name, more in planned.items()},
    }


def _known(value: float) -> float | None:
    """JSON has no nan."""
    return None if math.isnan(value) else value


def _percentage(improvement: float, before: float) -> float:
    """The improvement in percent of the baseline; nan for a baseline of 0, of which nothing is a percentage."""
    return round(improvement / before * 100, 10) if before > 0 else math.nan


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
    told.extend(_judgement(comparison, regression, policy))
    told.extend(limits(comparison, policy.baseline.regression_points))
    return told


def _movement(improvement: float, before: float) -> str:
    if math.isnan(improvement):
        return "the change is unknown"
    if improvement == 0:
        return "no change"
    relative = "" if before == 0 else f" ({number(_percentage(improvement, before))} %)"
    return f"{points(abs(improvement))} {'more' if improvement > 0 else 'less'}{relative}"


def _judgement(comparison: Comparison, regression: bool | None, policy: ReleasePolicy) -> list[str]:
    """What the rule about points says, and then what the statistics say: they answer different questions."""
    told = "Whether it is a regression cannot be told."
    if regression is not None:
        rule = f"the {points(policy.baseline.regression_points)} that the policy allows"
        told = f"The fall exceeds {rule}: a regression." if regression else f"No fall beyond {rule}."
    if comparison.paired is None:
        return [told]
    if regression and not counts(comparison.chance, "pass_rate", policy.comparison.alpha):
        told = f"The fall exceeds {rule}, but no further than chance explains."
    return [told, *verdict_sentences(comparison.paired, policy.comparison.margin)]
