"""Rows of one experiment, made by hand from the contracts: a win that harms a segment and waits for approval."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from eaas_assets.contracts.decisions import Approvals, DecisionCounterfactuals, Decisions, ExperimentPortfolio
from eaas_assets.contracts.experiments import (
    CausalImpact,
    DesignValidation,
    ExperimentMonitoring,
    ExperimentRegistry,
    MetricCalibration,
    SegmentImpact,
)
from eaas_assets.contracts.tables import build
from eaas_assets.reporting.experiment.tables import ExperimentReportTables

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
EXPERIMENT, EVIDENCE, DECISION = "E105", "ab12cd34ef56ab12", "d" * 64
POLICY, RULES, ASKED = "e" * 64, "f" * 64, "a" * 64
OF = {"experiment_id": EXPERIMENT, "evidence_id": EVIDENCE, "policy_hash": POLICY}

CONTRACTS = {
    "registry": ExperimentRegistry, "design": DesignValidation, "monitoring": ExperimentMonitoring,
    "impact": CausalImpact, "segments": SegmentImpact, "calibration": MetricCalibration, "decisions": Decisions,
    "counterfactuals": DecisionCounterfactuals, "approvals": Approvals, "portfolio": ExperimentPortfolio,
}  # fmt: skip


def make_tables(**replaced: Any) -> ExperimentReportTables:
    """The experiment; keyword arguments replace whole tables."""
    return replace(_made(), **replaced)


@cache
def _made() -> ExperimentReportTables:
    rows = {
        "registry": [registry_row()], "design": design_rows(), "monitoring": monitoring_rows(),
        "impact": impact_rows(), "segments": segment_rows(), "calibration": calibration_rows(),
        "decisions": [decision_row(), earlier_row()], "counterfactuals": counterfactual_rows(),
        "approvals": approval_rows(), "portfolio": [portfolio_row()],
    }  # fmt: skip
    tables = {name: build(contract, rows[name]) for name, contract in CONTRACTS.items()}
    return ExperimentReportTables(**tables, audit_head="42 9f8e7d6c", data_versions={"eaas_assets": "0.1.0"})


def empty_tables(**row: Any) -> ExperimentReportTables:
    """An experiment of which nothing is known but that its folder is there."""
    tables = {name: build(contract, []) for name, contract in CONTRACTS.items()}
    given = {"experiment_id": EXPERIMENT, "evidence_id": EVIDENCE, "policy_hash": POLICY, "usable": False,
             **dict.fromkeys(("variants_json", "metrics_json", "segments_json", "conditions_json"), "null"),
             "problems_json": json.dumps([{"file": "experiments/E105/experiment.yaml", "code": "not_yaml", "row": 3,
                                           "field": "metrics", "found": "a tab", "expected": "YAML"}])}  # fmt: skip
    return ExperimentReportTables(**tables | {"registry": build(ExperimentRegistry, [given | row])})


def registry_row() -> dict[str, Any]:
    return {
        "experiment_id": EXPERIMENT, "usable": True, "title": "Shorter replies", "domain": "support",
        "type": "ab_test", "design": "randomised", "status": "concluded", "hypothesis": "Short replies are read.",
        "hypothesis_type": "growth", "population": "customers of the shop", "owner": "ana",
        "decision_owner": "vp_growth", "risk_tier": "medium", "risk_notes": "Tone may suffer.",
        "registered_kpi": "conversion_rate", "primary_metric": "reply_rate", "direction": "increase",
        "minimum_effect": 0.02, "variants_json": json.dumps([{"name": "control"}, {"name": "short"}]),
        "metrics_json": json.dumps([{"name": "reply_rate", "role": "primary"}]), "segments_json": '["plan"]',
        "conditions_json": "{}", "planned_start": AT - timedelta(days=28), "planned_end": AT, "planned_units": 1000,
        "observed_units": 1020, "observed_from": AT - timedelta(days=27), "observed_to": AT,
        "cost_to_date_usd": 4200.0, "fixed_cost_usd": 1000.0, "cost_per_week_usd": 800.0,
        "rollout_cost_per_year_usd": 12000.0, "usd_per_unit": 3.0, "units_per_year": 200000.0, "claimed_effect": 0.05,
        "claimed_annual_value_usd": 30000.0, "problems_json": "[]", "definition_digest": "1" * 64,
        "data_digest": "2" * 64, "evidence_id": EVIDENCE, "policy_hash": POLICY,
    }  # fmt: skip


def design_rows() -> list[dict[str, Any]]:
    grade = {"grade": "B", "grade_reasons_json": json.dumps(["the registered KPI is not the primary metric"])}

    def row(area: str, check: str, outcome: str, statement: str, action: str | None) -> dict[str, Any]:
        return OF | grade | {"area": area, "check": check, "outcome": outcome, "statement": statement,
                             "evidence_json": json.dumps({"units": 1020}), "action": action}  # fmt: skip

    return [
        row("sample", "power", "passed", "1,020 units show 7 points with 80 % power.", None),
        row("metrics", "registered_kpi", "warning", "conversion_rate is not the primary metric.", "Register one."),
        row("assignment", "balance", "error", "Two units sit in both arms.", "Leave them out."),
        row("data", "times", "not_known", "No unit has a time.", None),
    ]


def monitoring_rows() -> list[dict[str, Any]]:
    looks = [
        OF | {"check": "effect", "look": look, "looked_at": AT - timedelta(days=28 - 7 * look), "latest": look == 4,
              "metric": "reply_rate", "arm": "short", "units": 255 * look, "planned_units": 1000,
              "estimate": 0.12 - 0.01 * look, "low": 0.08 - 0.3 / look, "high": 0.08 + 0.3 / look,
              "p_value": 0.2 / look, "threshold": 0.05, "alarm": None,
              "statement": f"Look {look}: the effect can be told."}
        for look in range(1, 5)
    ]  # fmt: skip
    return [
        *looks,
        OF | {"check": "sample_ratio", "look": 1, "looked_at": None, "latest": True, "units": 1020, "p_value": 0.53,
              "threshold": 0.001, "alarm": False, "statement": "520 and 500 units fit a fair split."},
        OF | {"check": "segment_anomaly", "look": 1, "looked_at": AT, "latest": True, "metric": "reply_rate",
              "segment": "plan = enterprise", "units": 80, "estimate": -0.1, "low": -0.2, "high": -0.01,
              "p_value": 0.001, "threshold": 0.01, "alarm": True, "statement": "plan = enterprise falls behind."},
    ]  # fmt: skip


def impact_row(metric: str, role: str, verdict: str, **more: Any) -> dict[str, Any]:
    return OF | {
        "arm": "short", "control": "control", "metric": metric, "role": role, "kind": "proportion",
        "direction": "increase", "strength": "randomised", "method": "Newcombe interval", "inference": "fixed_horizon",
        "n_treatment": 520, "n_control": 500, "level": 0.95, "scale": "absolute", "verdict": verdict,
        "refusals_json": "{}", "assumptions_json": json.dumps(["units do not affect each other"]),
        "diagnostics_json": "{}", "statement": f"{metric} is {verdict}.",
    } | more  # fmt: skip


EVENT_STUDY = {
    "event": [-3, -2, -1, 0, 1, 2], "event_estimate": [0.01, -0.01, 0.0, 0.05, 0.06, 0.07],
    "event_low": [-0.03, -0.05, 0.0, 0.01, 0.02, 0.03], "event_high": [0.05, 0.03, 0.0, 0.09, 0.1, 0.11],
    "band_low": [-0.05, -0.07, None, -0.01, 0.0, 0.01], "band_high": [0.07, 0.05, None, 0.11, 0.12, 0.13],
}  # fmt: skip
FORECAST = {
    "time": [f"2026-02-{day:02d}" for day in range(1, 11)], "observed": [20, 21, 20, 22, 21, 26, 27, 26, 28, 27],
    "counterfactual": [20.5] * 10, "low": [None] * 5 + [18.0] * 5, "high": [None] * 5 + [23.0] * 5,
}  # fmt: skip
SYNTHETIC = {
    "time": list(range(8)), "treated": [5, 6, 7, 8, 11, 12, 13, 14], "synthetic": [5, 6, 7, 8, 9, 10, 11, 12],
    "gap": [0, 0, 0, 0, 2, 2, 2, 2],
}  # fmt: skip


STAGGERED = {"event_study": EVENT_STUDY, "intervention": {"time": [6]}}
EXPECTED_SERIES = {"forecast": FORECAST, "intervention": {"time": ["2026-02-06"]}}
ONE_UNIT = {"synthetic_control": SYNTHETIC, "donors": {"donor": ["a"], "weight": [1.0]}, "intervention": {"time": [4]}}


def impact_rows() -> list[dict[str, Any]]:
    return [
        impact_row("reply_rate", "primary", "improved", treatment_value=0.2596, control_value=0.18, estimate=0.0796,
                   se=0.0257, low=0.0285, high=0.1301, p_value=0.0021, p_adjusted=0.0021, relative=0.442,
                   relative_low=0.14, relative_high=0.82, benefit=0.0796, benefit_low=0.0285, benefit_high=0.1301,
                   minimum_effect=0.02, meets_minimum=True, excludes_minimum=False, detectable_effect=0.07,
                   paths_json=json.dumps(STAGGERED), net_value_usd=35760.0, net_value_low_usd=5100.0,
                   net_value_high_usd=66060.0, p_loss=0.007, break_even=0.02,
                   statement="reply_rate rose by 8.0 points: 135 of 520 against 90 of 500 (95 % CI +2.9 to +13.0)."),
        impact_row("handling_time", "guardrail", "non_inferior", kind="mean", unit="min", direction="decrease",
                   treatment_value=12.4, control_value=12.2, estimate=0.2, se=0.3, low=-0.39, high=0.79, p_value=0.5,
                   relative=0.016, relative_low=-0.032, relative_high=0.065, margin=1.0, benefit=-0.2),
        impact_row("complaints", "guardrail", "harmed", direction="decrease", treatment_value=0.05, control_value=0.02,
                   estimate=0.03, low=0.006, high=0.055, p_value=0.01, relative=1.5, relative_low=0.2,
                   relative_high=9.0, margin=0.005, paths_json=json.dumps(ONE_UNIT)),
        impact_row("revenue", "secondary", "refused", kind="mean", unit="USD", refusal_code="no_variance",
                   refusal_reason="no variance was given", n_treatment=None, paths_json=json.dumps(EXPECTED_SERIES),
                   refusals_json=json.dumps({"no_variance": "no variance was given", "relative": "control is 0"}),
                   value_reason="no money was declared"),
    ]  # fmt: skip


def segment_rows() -> list[dict[str, Any]]:
    def row(value: str, **more: Any) -> dict[str, Any]:
        return OF | {"arm": "short", "metric": "reply_rate", "role": "primary", "dimension": "plan", "value": value,
                     "statement": f"plan = {value} is as the rest."} | more  # fmt: skip

    return [
        row("free", n_treatment=400, n_control=380, estimate=0.1, low=0.04, high=0.16, benefit=0.1, shrunk=0.09,
            p_harm=0.99, p_harm_adjusted=1.0, harmed=False, harmed_although_average_won=False),
        row("enterprise", n_treatment=40, n_control=40, estimate=-0.15, low=-0.28, high=-0.02, benefit=-0.15,
            shrunk=-0.09, p_harm=0.001, p_harm_adjusted=0.003, harmed=True, harmed_although_average_won=True,
            statement="plan = enterprise is harmed: −15 points of 80 units, although the average won."),
        row("trial", refusal_code="too_few", refusal_reason="3 units are too few"),
    ]  # fmt: skip


def calibration_rows() -> list[dict[str, Any]]:
    return [
        OF | {"metric": "reply_rate", "replays": 2000, "rejected": 96, "rate": 0.048, "rate_low": 0.039,
              "rate_high": 0.058, "promised": 0.05, "passed": True, "statement": "It keeps its promise."},
        OF | {"metric": "revenue", "replays": 0, "rejected": 0, "promised": 0.05, "reason": "there are no units",
              "statement": "It could not be tried."},
    ]  # fmt: skip


def decision_row(**more: Any) -> dict[str, Any]:
    return {
        "decision_id": DECISION, "current": True, "subject_kind": "experiment", "subject_id": EXPERIMENT,
        "title": "Shorter replies", "phase": "concluded", "decision": "pivot", "state": "pending_approval",
        "rule": "segment_harmed", "rule_position": 3, "capped_from": None,
        "rationale": "The average rose by 8.0 points but 1 of 2 segments is harmed.", "confidence": "high",
        "risk": "medium", "strength": "randomised", "owner": "ana", "decision_owner": "vp_growth",
        "at_stake_usd": 35760.0,
        "required_json": json.dumps({"roles": ["vp_growth", "legal"], "people": 2, "signed": True}),
        "missing_json": json.dumps({"roles": ["legal"], "people": 1, "signed": True}),
        "facts_json": json.dumps({"primary.benefit": 0.0796}), "missing_facts_json": '["value.se_usd"]',
        "reversal_triggers_json": json.dumps(["No segment is harmed in a repeat."]),
        "next_review_on": AT + timedelta(days=14), "evidence_id": EVIDENCE,
        "data_versions_json": json.dumps({"document": "1" * 64, "code": "0.1.0"}), "policy_hash": RULES,
        "approvals_policy_hash": ASKED, "decided_at": AT, "audit_seq": 42,
    } | more  # fmt: skip


def earlier_row() -> dict[str, Any]:
    return decision_row(
        decision_id="c" * 64, current=False, decision="continue", effective_decision="continue", state="made",
        phase="running", rule="not_enough_data", rationale="The interval holds nought.", required_json="{}",
        missing_json="{}", decided_at=AT - timedelta(days=14), audit_seq=17,
    )  # fmt: skip


def counterfactual_rows() -> list[dict[str, Any]]:
    of = {"decision_id": DECISION, "subject_id": EXPERIMENT, "decision": "pivot", "policy_hash": RULES}
    return [
        of | {"rank": 1, "kind": "evidence", "fact": "segments.harmed", "rule": "clear_win", "current_value": "1",
              "flipped_value": "0", "change": -1.0, "becomes": "scale", "further_units": 400, "further_days": 12,
              "further_usd": 1600.0, "statement": "With no harmed segment it would be: scale."},
        of | {"rank": 2, "kind": "threshold", "fact": "primary.benefit_low", "rule": "clear_win", "current_value": None,
              "flipped_value": "0.03", "becomes": "retire", "standard_errors": 1.25, "reason": "it is a threshold",
              "statement": "With a bound of 3 points it would be: retire."},
    ]  # fmt: skip


def approval_rows() -> list[dict[str, Any]]:
    def row(place: str, **more: Any) -> dict[str, Any]:
        return {"approval_id": place * 64, "audit_seq": 43, "decision_id": DECISION, "subject_id": EXPERIMENT,
                "action": "approve", "person": "vera", "role": "vp_growth", "at": AT + timedelta(hours=1),
                "expires_at": AT + timedelta(days=30), "signed": True, "valid": True} | more  # fmt: skip

    return [
        row("1", reason="The segment can be left out."),
        row("2", person="ana", signed=False, valid=False, refusal_code="own_experiment",
            refusal_reason="its owner may not approve it"),
    ]  # fmt: skip


def portfolio_row(**more: Any) -> dict[str, Any]:
    return {
        "rank": 3, "experiment_id": EXPERIMENT, "title": "Shorter replies", "domain": "support", "type": "ab_test",
        "owner": "ana", "population": "customers of the shop", "risk_tier": "medium", "status": "concluded",
        "decision": "pivot", "decision_state": "pending_approval", "effect_class": "growth, proportion",
        "raw_effect": 0.442, "raw_se": 0.17, "shrunk_effect": 0.31, "shrunk_low": 0.05, "shrunk_high": 0.6,
        "expected_value_usd": 24000.0, "value_low_usd": -1200.0, "value_high_usd": 52000.0, "p_loss": 0.02,
        "risk_adjusted_value_usd": 19000.0, "cost_to_date_usd": 4200.0, "roi": 1.5, "roi_low": -0.1, "roi_high": 3.2,
        "cost_of_continuing_usd": 800.0, "value_of_waiting_usd": 300.0, "evidence_id": EVIDENCE,
        "statement": "Worth USD 24,000 a year after luck is taken off.", "policy_hash": RULES,
    } | more  # fmt: skip
