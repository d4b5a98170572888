"""Rows of evidence tables by hand, complete enough for facts; tests change what they are about."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from eaas_assets.decisions.facts.release import ReleaseRows

Row = dict[str, Any]


def registry(**changes: Any) -> Row:
    return {
        "experiment_id": "E1",
        "usable": True,
        "title": "Shorter replies",
        "domain": "sales",
        "type": "ab_test",
        "design": "randomised",
        "status": "concluded",
        "owner": "growth",
        "decision_owner": "vp_sales",
        "risk_tier": "low",
        "primary_metric": "reply_rate",
        "direction": "increase",
        "variants_json": json.dumps(
            [
                {"name": "control", "allocation": 0.5, "cost_per_unit_usd": 0.2},
                {"name": "short", "allocation": 0.5, "cost_per_unit_usd": 0.4},
            ]
        ),
        "metrics_json": json.dumps(
            [{"name": "reply_rate", "role": "primary"}, {"name": "complaints", "role": "guardrail"}]
        ),
        "conditions_json": json.dumps({"blockers": [], "interference": False}),
        "planned_start": datetime(2026, 3, 2, tzinfo=UTC),
        "planned_end": datetime(2026, 3, 29, tzinfo=UTC),
        "planned_units": 1000,
        "observed_units": 900,
        "observed_from": datetime(2026, 3, 2, tzinfo=UTC),
        "observed_to": datetime(2026, 3, 19, 22, tzinfo=UTC),
        "cost_to_date_usd": 270.0,
        "cost_per_week_usd": 70.0,
        "usd_per_unit": 10.0,
        "units_per_year": 1000.0,
        "claimed_annual_value_usd": 5000.0,
        "definition_digest": "d" * 64,
        "data_digest": "e" * 64,
        "evidence_id": "abcdef0123456789",
        "policy_hash": "f" * 64,
    } | changes


def impact(**changes: Any) -> Row:
    return {
        "experiment_id": "E1",
        "arm": "short",
        "metric": "reply_rate",
        "role": "primary",
        "direction": "increase",
        "kind": "proportion",
        "unit": None,
        "strength": "randomised",
        "treatment_value": 0.35,
        "control_value": 0.25,
        "se": 0.02,
        "p_value": 0.001,
        "p_adjusted": float("nan"),
        "relative": 0.4,
        "benefit": 0.35 - 0.25,
        "benefit_low": 0.06,
        "benefit_high": 0.14,
        "scale": "absolute",
        "minimum_effect": 0.10,
        "excludes_minimum": None,
        "verdict": "improved",
        "refusal_code": None,
        "net_value_usd": 900.0,
        "net_value_low_usd": 500.0,
        "p_loss": 0.01,
    } | changes


def guardrail(verdict: str = "non_inferior", **changes: Any) -> Row:
    return impact(metric="complaints", role="guardrail", verdict=verdict, **changes)


def refused(code: str, **changes: Any) -> Row:
    unknown = dict.fromkeys(
        ("se", "p_value", "relative", "benefit", "benefit_low", "benefit_high", "net_value_usd", "net_value_low_usd"),
        float("nan"),
    )
    return impact(refusal_code=code, verdict="refused", p_loss=float("nan"), strength="none", **unknown) | changes


def look(check: str, alarm: bool | None, **changes: Any) -> Row:
    metric = None if check == "sample_ratio" else "reply_rate"
    row = {"check": check, "latest": True, "alarm": alarm, "metric": metric, "arm": "short", "segment": None}
    return row | {"days_left": None} | changes


MONITORING = [
    look("sample_ratio", False, arm=None),
    look("novelty", False),
    look("metric_drift", False, arm=None),
    look("guardrail_harm", False, metric="complaints"),
]
DESIGN = [
    {"check": "sample", "outcome": "passed", "grade": "B"},
    {"check": "duration", "outcome": "warning", "grade": "B"},
    {"check": "blockers", "outcome": "not_known", "grade": "B"},
]
CALIBRATION = [{"metric": "reply_rate", "passed": True}, {"metric": "complaints", "passed": False}]


def segment(value: str, harmed: bool | None, **changes: Any) -> Row:
    row = {"arm": "short", "metric": "reply_rate", "role": "primary", "dimension": "region", "value": value}
    return row | {"harmed": harmed} | changes


def release(
    passed: int,
    total: int,
    before: int | None,
    verdict: str,
    health: str,
    high_risk: int,
    alarms: tuple[str, ...] = (),
    low: float | None = None,
    high: float | None = None,
) -> ReleaseRows:
    """One run of an agent version; ``before``: evaluations that its baseline passed, None without one."""
    paired = low is not None
    return ReleaseRows(
        plan={"planned_evaluations": total},
        summary={
            "version": "v1",
            "suite": "support",
            "total_evaluations": total,
            "overall_pass_rate": passed / total,
            "pass_rate_low": max(0.0, passed / total - 0.3),
            "health_status": health,
        },
        baseline={
            "verdict": verdict,
            "current_pass_rate": passed / total,
            "baseline_pass_rate": None if before is None else before / total,
            "improvement": None if before is None else passed / total - before / total,
            "improvement_low": low,
            "improvement_high": high,
            "level": 0.95 if paired else None,
            "p_value": 0.5 if paired else None,
            "paired_scenarios": total if paired else None,
            "alarms_json": json.dumps(list(alarms)),
            "lost_scenarios_json": json.dumps(["S1"] if "lost_scenarios" in alarms else []),
            "gained_scenarios_json": "[]",
        },
        segments=[{"p_value": 0.4, "forbids": False}, {"p_value": None, "forbids": False}],
        calibration=[
            {"situation": "same_agent", "keeps_promise": True},
            {"situation": "drop", "keeps_promise": None},
        ],
        trends=[{"metric": "pass_rate", "direction": "undetermined"}],
        metrics=[
            {"metric": "high_risk_failures", "value": float(high_risk), "denominator": 4},
            {"metric": "total_cost_usd", "value": 0.25, "denominator": total},
        ],
    )
