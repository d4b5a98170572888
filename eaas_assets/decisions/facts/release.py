"""Facts of one agent version: what rules may ask about it, from the rows of its latest full run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from eaas_assets.decisions.facts.effect import NO_REFUSAL, NO_UNIT
from eaas_assets.decisions.facts.values import (
    Row,
    Rows,
    counted,
    difference,
    error_of_interval,
    get,
    items,
    known_only,
)


class ReleaseRows(NamedTuple):
    """What one run left in the tables.

    Attributes:
        plan: Its row of `evaluation_plan`.
        summary: Its row of `evaluation_summary`.
        baseline: Its row of `baseline_comparison`.
        segments: Its rows of `segment_comparison`.
        calibration: Its rows of `gate_calibration`.
        trends: Its rows of `trend_analysis`.
        metrics: Its rows of `run_metrics`.
    """

    plan: Row | None
    summary: Row | None
    baseline: Row | None
    segments: Rows = ()
    calibration: Rows = ()
    trends: Rows = ()
    metrics: Rows = ()


def release_facts(rows: ReleaseRows) -> dict[str, Any]:
    """Every fact that is known of one agent version, by name: plain JSON values; what is not known is left out."""
    facts = {
        "subject.kind": "release",
        "subject.phase": "release",
        "subject.type": "release",
        "subject.risk_tier": release_risk(rows.metrics),
        **_outcome(rows.plan, rows.summary),
        **_comparison(rows.baseline, rows.segments),
        "release.gate_calibration": _gate_calibration(rows.calibration),
        "release.direction": _of_metric(rows.trends, "pass_rate", "direction"),
        "release.high_risk_failures": _count(_of_metric(rows.metrics, "high_risk_failures", "value")),
        "cost.to_date_usd": _of_metric(rows.metrics, "total_cost_usd", "value"),
    }
    return known_only(facts)


def release_risk(metrics: Rows) -> str:
    """Risk tier of a version: low where its suite has no high-risk scenario, medium where it fails none of them.

    High where it fails one, and where that is not known.
    """
    row = next((row for row in metrics if row["metric"] == "high_risk_failures"), None)
    failed, tried = (None, None) if row is None else (get(row, "value"), get(row, "denominator"))
    if failed is None or tried is None or failed > 0:
        return "high"
    return "medium" if tried > 0 else "low"


def _outcome(plan: Row | None, summary: Row | None) -> dict[str, Any]:
    if summary is None:
        return {}
    planned = None if plan is None else get(plan, "planned_evaluations")
    evaluated = get(summary, "total_evaluations")
    return {
        "subject.domain": get(summary, "suite"),
        "subject.arm": get(summary, "version"),
        "release.pass_rate": get(summary, "overall_pass_rate"),
        "release.pass_rate_low": get(summary, "pass_rate_low"),
        "release.health": get(summary, "health_status"),
        "release.not_run": None if planned is None or evaluated is None else max(0, planned - evaluated),
    }


def _comparison(row: Row | None, segments: Rows) -> dict[str, Any]:
    if row is None:
        return {}
    low, high, level = (get(row, name) for name in ("improvement_low", "improvement_high", "level"))
    rates = get(row, "current_pass_rate"), get(row, "baseline_pass_rate")
    paired = low is not None and high is not None
    verdict = get(row, "verdict")
    return {
        "design.strength": "paired" if paired else "none",
        "sample.observed": get(row, "paired_scenarios"),
        "primary.answered": paired,
        "primary.refusal": NO_REFUSAL if paired else "no_baseline" if verdict == "no_baseline" else "not_paired",
        "primary.benefit": difference(*rates, get(row, "improvement")),
        "primary.benefit_low": low,
        "primary.benefit_high": high,
        "primary.se": error_of_interval(low, high, level),
        "primary.kind": "proportion",
        "primary.unit": NO_UNIT,
        "primary.p": get(row, "p_value"),
        "segments.judged": sum(get(segment, "p_value") is not None for segment in segments),
        "segments.harmed": counted(segments, "forbids", True),
        "release.verdict": verdict,
        "release.regression_alarms": len(items(row, "alarms_json")),
        "release.lost": len(items(row, "lost_scenarios_json")),
        "release.gained": len(items(row, "gained_scenarios_json")),
    }


def _gate_calibration(rows: Rows) -> str | None:
    kept = [get(row, "keeps_promise") for row in rows if row["situation"] != "drop"]
    if not kept:
        return None if not rows else "not_testable"
    if False in kept:
        return "broken"
    return "not_testable" if None in kept else "kept"


def _of_metric(rows: Sequence[Row], metric: str, column: str) -> Any:
    return next((get(row, column) for row in rows if row["metric"] == metric), None)


def _count(value: float | None) -> int | None:
    return None if value is None else int(value)
