"""Tables of one run, made by hand from the contracts: v1.1 loses two of the ten scenarios that v1.0 passes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from eaas_assets.contracts.evaluation import (
    AgentCalls,
    AgentPerformanceSummary,
    EvaluationFieldScores,
    EvaluationPlan,
    EvaluationScores,
    EvaluationSummary,
    ExecutedEvaluations,
    ValidationResults,
    WorkflowHealth,
)
from eaas_assets.contracts.history import BaselineComparison, RegressionAnalysis, RunMetrics, TrendAnalysis
from eaas_assets.contracts.inputs import JourneyScenarios, SpecialistAgents, SuiteAudit
from eaas_assets.contracts.policies import EvaluationPolicy, Gates, ReleasePolicy
from eaas_assets.contracts.readings import read_document
from eaas_assets.contracts.tables import build
from eaas_assets.reporting.evaluation.tables import EvaluationReportTables

DATA = Path(__file__).parents[3] / "data"
RUN, AGENT, SUITE = "RUN_20260301T090000000Z_a1b2c3", "support_orchestrator", "customer_support"
AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
POLICY, RELEASE = "e" * 64, "f" * 64
SCENARIOS = [f"S{place:03d}" for place in range(1, 11)]
LOST = ["S006", "S008"]
FAILED = [*LOST, "S010"]
RISKS = {"S006": "high", "S008": "high", "S005": "high", "S010": "low"}
PATHS = {"S006": ["shipping", "apology", "escalation"], "S008": ["shipping", "apology", "escalation"]}

EVALUATION_POLICY = EvaluationPolicy.model_validate({
    "policy": "evaluation",
    "overall": {"correctness": 0.5, "response_time": 0.2, "output_quality": 0.3},
    "pass_threshold": 0.8,
    "rounding": 3,
    "response_time": {
        "target_s": 2.0, "bands": [{"up_to": 1.0, "score": 1.0}, {"up_to": 1.5, "score": 0.8}],
        "beyond": 0.0, "slow_above": 2.0, "clock": ["measured", "simulated"],
    },
    "output_quality": {"coverage": 0.6, "structure": 0.4, "required_fields": ["status"], "incomplete_step": 0.5},
    "health": {"healthy": 0.85, "degraded": 0.7},
})  # fmt: skip


def release_policy(**gates: str) -> ReleasePolicy:
    """The shipped policy, with gates as loud as these tests need them."""
    shipped, _ = read_document(ReleasePolicy, DATA, "policies/release.yaml")
    loud = {"regression": "error", "high_risk_failures": "error", "suite_audit": "warn", "inputs_valid": "warn"}
    return shipped.model_copy(update={"gates": Gates.model_validate(loud | gates)})


def make_tables(**replaced: Any) -> EvaluationReportTables:
    """The run; keyword arguments replace whole tables."""
    return replace(_made(), **replaced)


@cache
def _made() -> EvaluationReportTables:
    return EvaluationReportTables(
        plan=build(EvaluationPlan, [plan_row()]),
        executed=build(ExecutedEvaluations, [executed_row(scenario) for scenario in SCENARIOS]),
        calls=build(AgentCalls, [row for scenario in SCENARIOS for row in call_rows(scenario)]),
        scores=build(EvaluationScores, [score_row(scenario) for scenario in SCENARIOS]),
        field_scores=build(EvaluationFieldScores, [row for scenario in SCENARIOS for row in field_rows(scenario)]),
        performance=build(AgentPerformanceSummary, performance_rows()),
        summary=build(EvaluationSummary, [summary_row()]),
        validation=build(ValidationResults, validation_rows()),
        workflow_health=build(WorkflowHealth, workflow_rows()),
        baseline=build(BaselineComparison, [baseline_row()]),
        regression=build(RegressionAnalysis, regression_rows()),
        trend=build(TrendAnalysis, trend_rows()),
        audit=build(SuiteAudit, audit_rows()),
        run_metrics=build(RunMetrics, metric_rows()),
        scenarios=build(JourneyScenarios, [scenario_row(scenario) for scenario in SCENARIOS]),
        specialists=build(SpecialistAgents, specialist_rows()),
        evaluation_policy=EVALUATION_POLICY,
        release_policy=release_policy(),
        data_versions={"suites/customer_support/suite.yaml": "3" * 64, "eaas_assets": "0.1.0"},
    )


@cache
def clear_tables() -> EvaluationReportTables:
    """A run that passes everything: two scenarios gained, none lost, nothing to find fault with."""
    summary = summary_row() | {
        "total_passed": 10, "total_failed": 0, "overall_pass_rate": 1.0, "pass_rate_low": 0.722, "pass_rate_high": 1.0,
        "average_score": 0.97, "health_status": "healthy", "healthy_count": 3, "degraded_count": 0, "critical_count": 0,
    }  # fmt: skip
    baseline = baseline_row() | {
        "baseline_passed": 8, "baseline_pass_rate": 0.8, "current_passed": 10, "current_pass_rate": 1.0,
        "improvement": 0.2, "improvement_percentage": 25.0, "improvement_low": -0.09, "improvement_high": 0.51,
        "regression_detected": False, "verdict": "inconclusive", "lost_scenarios_json": "[]", "alarms_json": "[]",
        "gained_scenarios_json": json.dumps(LOST), "details": "Two scenarios are gained and none is lost.",
    }  # fmt: skip
    fields = [row | {"matched": True, "actual_json": row["expected_json"]} for s in SCENARIOS for row in field_rows(s)]
    metrics = [row | {"value": 0.0} if row["metric"] == "high_risk_failures" else row for row in metric_rows()]
    metrics = [row | {"value": 1.0, "numerator": 10} if row["metric"].endswith("_accuracy") else row for row in metrics]
    return make_tables(
        scores=build(EvaluationScores, [
            score_row(scenario) | {"passed": True, "overall_score": 0.97, "correctness_score": 1.0, "issues_json": "[]"}
            for scenario in SCENARIOS
        ]),
        field_scores=build(EvaluationFieldScores, fields),
        performance=build(AgentPerformanceSummary, [
            row | {"health_status": "healthy", "missed_count": 0, "missed_scenarios_json": "[]"}
            for row in performance_rows() if row["total_evaluations"]
        ]),
        summary=build(EvaluationSummary, [summary]),
        validation=build(ValidationResults, validation_rows()[:1]),
        baseline=build(BaselineComparison, [baseline]),
        regression=build(RegressionAnalysis, []),
        audit=build(SuiteAudit, audit_rows()[1:]),
        run_metrics=build(RunMetrics, metrics),
    )  # fmt: skip


def key(scenario: str) -> str:
    return f"key-{scenario}"


def plan_row() -> dict[str, Any]:
    return {
        "run_id": RUN, "created_at": AT, "agent": AGENT, "version": "v1.1", "suite": SUITE,
        "evaluation_type": "release_validation", "goal": "Tell whether v1.1 is safe to ship in place of v1.0.",
        "success_criteria_json": json.dumps({"evaluation_passes_at": 0.8, "pass_rate_may_fall_by_at_most": 0.05}),
        "scenarios": 10, "trials": 1, "planned_evaluations": 10, "concurrency": 8, "agent_digest": "a" * 64,
        "suite_digest": "b" * 64, "plan_digest": "c" * 64, "resumed": False,
    }  # fmt: skip


def executed_row(scenario: str) -> dict[str, Any]:
    lost = scenario == "S010"
    return {
        "run_id": RUN, "evaluation_key": key(scenario), "agent": AGENT, "version": "v1.1", "suite": SUITE,
        "scenario_id": scenario, "trial": 1, "inputs_digest": "d" * 64, "status": "timeout" if lost else "completed",
        "error_code": "timeout" if lost else None, "error": "no answer within 30 s" if lost else None,
        "answer_json": None if lost else "{}", "message": None if lost else "We are sorry that it is late.",
        "confidence": None if lost else 0.8, "needs_human_review": None if lost else False,
        "measured_s": 30.0 if lost else 0.84, "attempts": 1,
    }  # fmt: skip


def call_rows(scenario: str) -> list[dict[str, Any]]:
    if scenario == "S010":
        return []
    return [
        {"run_id": RUN, "evaluation_key": key(scenario), "scenario_id": scenario, "trial": 1, "step": step,
         "agent_id": agent, "action": "answer", "output_json": json.dumps({"status": "done"}), "response_time_s": 0.42}
        for step, agent in enumerate(("shipping", "apology"), 1)
    ]  # fmt: skip


def score_row(scenario: str) -> dict[str, Any]:
    late, failed = scenario == "S010", scenario in FAILED
    overall = 0.0 if late else 0.5 if failed else 1.0
    issues = ["evaluation_failed: timeout"] if late else ["outcome_mismatch: acknowledge != prevent_churn"]
    return {
        "run_id": RUN, "evaluation_key": key(scenario), "scenario_id": scenario, "trial": 1,
        "risk": RISKS.get(scenario, "medium"), "status": "timeout" if late else "completed",
        "correctness_score": 0.0 if failed else 1.0, "response_time_s": None if late else 0.84,
        "response_time_source": None if late else "measured", "response_time_score": None if late else 1.0,
        "output_quality_score": 0.0 if late else 0.6 if failed else 1.0, "overall_score": overall,
        "passed": not failed, "all_fields_match": not failed, "issues_json": json.dumps(issues if failed else []),
        "policy_hash": POLICY, "scored_at": AT,
    }  # fmt: skip


def field_rows(scenario: str) -> list[dict[str, Any]]:
    failed, late = scenario in FAILED, scenario == "S010"
    path = PATHS.get(scenario, ["shipping", "apology"])
    values = {
        "issue_type": ("exact", 0.3, "delay_with_churn" if failed else "delay", "delay"),
        "resolution_path": ("sequence", 0.3, path, ["shipping", "apology"]),
        "outcome": ("exact", 0.4, "prevent_churn" if failed else "acknowledge", "acknowledge"),
    }
    return [
        {"run_id": RUN, "evaluation_key": key(scenario), "scenario_id": scenario, "trial": 1, "field": field,
         "compare": compare, "weight": weight, "expected_json": json.dumps(expected),
         "actual_json": None if late else json.dumps(actual), "matched": not late and expected == actual,
         "policy_hash": POLICY}
        for field, (compare, weight, expected, actual) in values.items()
    ]  # fmt: skip


def performance_rows() -> list[dict[str, Any]]:
    def row(agent: str, total: int, passed: int, **more: Any) -> dict[str, Any]:
        return {
            "run_id": RUN, "agent_id": agent, "total_evaluations": total, "passed_count": passed,
            "failed_count": total - passed, "expected_evaluations": total, "unexpected_count": 0, "missed_count": 0,
            "unexpected_scenarios_json": "[]", "missed_scenarios_json": "[]", "common_issues_json": "[]",
            "policy_hash": POLICY, **more,
        }  # fmt: skip

    rate = {"pass_rate": 7 / 9, "pass_rate_low": 0.453, "pass_rate_high": 0.937, "average_score": 0.889}
    issues = json.dumps([{"issue": "outcome_mismatch", "count": 2}])
    return [
        row("shipping", 9, 7, **rate, average_response_time=0.42, health_status="healthy", common_issues_json=issues),
        row("apology", 9, 7, **rate | {"average_score": 0.8}, average_response_time=0.42, health_status="degraded"),
        row("refund", 1, 0, pass_rate=0.0, pass_rate_low=0.0, pass_rate_high=0.793, average_score=0.2,
            health_status="critical", unexpected_count=1, unexpected_scenarios_json='["S008"]'),
        row("escalation", 0, 0, expected_evaluations=2, missed_count=2, missed_scenarios_json=json.dumps(LOST)),
    ]  # fmt: skip


def summary_row() -> dict[str, Any]:
    return {
        "run_id": RUN, "agent": AGENT, "version": "v1.1", "suite": SUITE, "total_scenarios": 10,
        "total_evaluations": 10, "total_passed": 7, "total_failed": 3, "execution_failures": 1,
        "overall_pass_rate": 0.7, "pass_rate_low": 0.397, "pass_rate_high": 0.892, "average_score": 0.8,
        "health_status": "degraded", "agents_evaluated": 3, "healthy_count": 1, "degraded_count": 1,
        "critical_count": 1, "policy_hash": POLICY,
    }  # fmt: skip


def validation_rows() -> list[dict[str, Any]]:
    problem = {"file": "history/runs.json", "code": "wrong_type", "found": "'x'", "expected": "a number", "row": 3,
               "field": "overall_pass_rate"}  # fmt: skip
    return [
        {"run_id": RUN, "file": "suites/customer_support/suite.yaml", "kind": "suite", "used_by_run": True,
         "outcome": "ok", "rows_read": 1, "problem_count": 0, "problems_json": "[]"},
        {"run_id": RUN, "file": "history/runs.json", "kind": "history", "used_by_run": False, "outcome": "partly",
         "rows_read": 5, "problem_count": 1, "problems_json": json.dumps([problem])},
        {"run_id": RUN, "file": "agents/other/v1.yaml", "kind": "agent", "used_by_run": False, "outcome": "failed",
         "rows_read": None, "problem_count": 1, "problems_json": json.dumps([problem | {"row": None, "field": None}])},
    ]  # fmt: skip


def workflow_rows() -> list[dict[str, Any]]:
    return [
        {"run_id": RUN, "stage": "inputs", "status": "ok", "units": 3, "failures": 0, "duration_s": 0.02,
         "time_lost_s": 0.0, "statement": "Every file that the run uses was read."},
        {"run_id": RUN, "stage": "execution", "status": "degraded", "units": 10, "failures": 1, "duration_s": 31.2,
         "time_lost_s": 30.0, "statement": "One of ten evaluations timed out."},
        {"run_id": RUN, "stage": "scoring", "status": "ok", "units": 10, "failures": 0, "duration_s": None,
         "time_lost_s": None, "statement": "Every evaluation was scored."},
    ]  # fmt: skip


def baseline_row() -> dict[str, Any]:
    return {
        "run_id": RUN, "agent": AGENT, "version": "v1.1", "baseline_version": "v1.0", "baseline_run_id": "RUN_B",
        "baseline_source": "executed", "current_pass_rate": 0.7, "current_passed": 7, "current_total": 10,
        "baseline_pass_rate": 0.9, "baseline_passed": 9, "baseline_total": 10, "improvement": -0.2,
        "improvement_percentage": -22.222, "improvement_low": -0.51, "improvement_high": 0.09, "p_value": 0.5,
        "regression_detected": True, "verdict": "worse", "lost_scenarios_json": json.dumps(LOST),
        "gained_scenarios_json": "[]", "unpaired_scenarios_json": "[]", "worst_segments_json": "[]", "margin": 0.05,
        "alarms_json": '["worse","points_rules","lost_scenarios"]', "findings_json": '[{"test":"mcnemar"}]',
        "details": "v1.1 passes 7 of 10 where v1.0 passes 9 of 10: a fall of 20 points, more than the 5 that the "
        "policy allows. With 10 scenarios one scenario is 10 points.",
        "policy_hash": RELEASE,
    }  # fmt: skip


def regression_rows() -> list[dict[str, Any]]:
    def row(kind: str, subject: str, verdict: str, statement: str, **more: Any) -> dict[str, Any]:
        return {"run_id": RUN, "against": "baseline", "reference_run_id": "RUN_B", "kind": kind, "subject": subject,
                "verdict": verdict, "statement": statement, "policy_hash": RELEASE,
                "alarm": verdict in {"regression", "lost"}, **more}  # fmt: skip

    lost = {"previous": 1.0, "current": 0.0, "change": -1.0}
    rows = [
        row("metric", "pass_rate", "regression", "The pass rate fell.", previous=0.9, current=0.7, change=-0.2,
            threshold=0.05),
        row("metric", "average_response_time_ms", "unchanged", "As fast as before.", previous=860.0, current=840.0,
            change=-20.0, threshold=100.0),
        row("metric", "human_review_rate", "undetermined", "Not recorded before.", current=0.0),
        *(row("scenario", scenario, "lost", "Passed before, fails now.", **lost) for scenario in LOST),
    ]  # fmt: skip
    previous = {"against": "previous_run", "reference_run_id": "RUN_A"}
    told = row("statement", "suite", "undetermined", "Ten scenarios cannot tell a change of 5 points.")
    return [*rows, rows[1] | previous, told | previous]


def trend_rows() -> list[dict[str, Any]]:
    return [
        {"run_id": RUN, "agent": AGENT, "metric": "pass_rate", "direction": "stable", "runs": 5,
         "first_run_at": AT - timedelta(days=28), "last_run_at": AT, "slope_per_run": 0.015, "slope_low": -0.1,
         "slope_high": 0.12, "p_value": 0.8, "statement": "No direction can be told from five runs.",
         "policy_hash": RELEASE},
        {"run_id": RUN, "agent": AGENT, "metric": "p95_response_time_ms", "direction": "undetermined", "runs": 2,
         "first_run_at": None, "last_run_at": None, "statement": "Two runs are too few.", "policy_hash": RELEASE},
    ]  # fmt: skip


def audit_rows() -> list[dict[str, Any]]:
    return [
        {"suite": SUITE, "finding": "contradictory_labels", "severity": "error", "subject": "S002, S006",
         "statement": "The same facts have two labels.", "advice": "Let the message decide, or mend a label.",
         "evidence_json": json.dumps([{"scenario_id": "S002", "issue_type": "delay"}])},
        {"suite": SUITE, "finding": "resolution", "severity": "info", "subject": "suite", "evidence_json": "{}",
         "statement": "One scenario is 10 points.", "advice": "Add scenarios to see smaller changes."},
        {"suite": "history", "finding": "impossible_rate", "severity": "warning", "subject": "RUN_H1",
         "statement": "0.75 cannot come from 10 scenarios.", "advice": "Ask who recorded it.", "evidence_json": "[]"},
    ]  # fmt: skip


def metric_rows() -> list[dict[str, Any]]:
    def row(run: str, days: int, version: str, metric: str, value: float, **more: Any) -> dict[str, Any]:
        return {"run_id": run, "run_timestamp": AT - timedelta(days=days), "agent": AGENT, "version": version,
                "source": "executed", "metric": metric, "value": value, "policy_hash": POLICY, **more}  # fmt: skip

    old = {"source": "historical", "policy_hash": None}
    ten = {"denominator": 10}
    return [
        row("RUN_H1", 28, "v0.9", "pass_rate", 0.75, **old),
        row("RUN_H2", 21, "v1.0", "pass_rate", 0.88, **old),
        row("RUN_A", 14, "v0.9", "pass_rate", 0.6, numerator=6, low=0.313, high=0.832, **ten),
        row("RUN_B", 7, "v1.0", "pass_rate", 0.9, numerator=9, low=0.596, high=0.982, **ten),
        row(RUN, 0, "v1.1", "pass_rate", 0.7, numerator=7, low=0.397, high=0.892, **ten),
        row(RUN, 0, "v1.1", "issue_type_accuracy", 0.7, numerator=7, low=0.397, high=0.892, **ten),
        row(RUN, 0, "v1.1", "resolution_path_accuracy", 0.8, numerator=8, low=0.49, high=0.943, **ten),
        row(RUN, 0, "v1.1", "outcome_accuracy", 0.7, numerator=7, low=0.397, high=0.892, **ten),
        row(RUN, 0, "v1.1", "high_risk_failures", 2.0, numerator=10, **ten),
        row(RUN, 0, "v1.1", "human_review_rate", 0.0, numerator=0, denominator=9, low=0.0, high=0.299),
        row(RUN, 0, "v1.1", "average_response_time_ms", 840.0, numerator=9, **ten),
        row(RUN, 0, "v1.1", "p95_response_time_ms", 912.0, numerator=9, **ten),
    ]


def scenario_row(scenario: str) -> dict[str, Any]:
    return {
        "suite": SUITE, "scenario_id": scenario, "row": int(scenario[1:]),
        "message": f"Where is my parcel? ({scenario})",
        "risk": RISKS.get(scenario, "medium"), "severity": 2, "segments_json": "{}", "context_json": "{}",
        "expected_json": "{}", "inputs_digest": "d" * 64,
    }  # fmt: skip


def specialist_rows() -> list[dict[str, Any]]:
    return [
        {"suite": SUITE, "name": name, "agent_id": f"{name}_v1", "description": f"Takes care of {name}.",
         "actions_json": "{}", "settings_json": "{}"}
        for name in ("shipping", "apology", "refund", "escalation")
    ]  # fmt: skip
