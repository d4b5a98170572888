"""Contracts of the input tables: scenarios, specialists, rules, agent versions, history, and the audit of suites."""

from __future__ import annotations

from eaas_assets.contracts.suite import RISKS
from eaas_assets.contracts.tables import Boolean, Integer, Table, Timestamp, column, instant, optional

AUDIT_SEVERITIES = ("info", "warning", "error")


class JourneyScenarios(Table):
    """One row per scenario of every suite."""

    suite: str = column("Suite that the scenario belongs to")
    scenario_id: str = column("Unique within its suite")
    row: int = column("1-based record in the scenario file", ge=1)
    message: str = column("What the agent is told")
    risk: str = optional("low, medium or high", isin=RISKS)
    severity: Integer = optional("1 is the worst", ge=1)
    segments_json: str = column("Segment name → value")
    context_json: str = column("Facts that the agent may see, by dotted name")
    expected_json: str = column("Expected value of each field; the agent never sees it")
    inputs_digest: str = column("Hash of what the agent sees")


class SpecialistAgents(Table):
    """One row per specialist that an orchestrator may call."""

    suite: str = column("Suite whose catalogue lists it")
    name: str = column("Name in resolution paths")
    agent_id: str = column("Its identifier; lookups accept name and identifier")
    description: str = column("What it does")
    actions_json: str = column("Actions with their response templates")
    settings_json: str = column("Further settings")


class DecisionRules(Table):
    """One row per business rule: the rule table and the ordered classification."""

    suite: str = column("Suite whose catalogue lists it")
    kind: str = column("table: conditions of an issue type; classification: ordered, first match wins",
                       isin=("table", "classification"))  # fmt: skip
    position: int = column("1-based order within its kind", ge=1)
    rule: str = column("Name of the rule")
    issue_type: str = column("Issue type that it yields")
    conditions_json: str = column("Conditions that must all hold")
    path_json: str = optional("Specialists to call, in order (rule table only)")
    outcome: str = optional("Outcome (rule table only)")


class AgentVersions(Table):
    """One row per readable agent version."""

    partition_key: str = column("agent@version", unique=True)
    agent: str = column("Agent")
    version: str = column("Version")
    suite: str = column("Suite that it answers to")
    adapter: str = column("How it is called")
    baseline: str = optional("Version that it is compared with; null for a first version")
    trials: int = column("Trials per scenario", ge=1)
    live: bool = column("Whether the nightly run evaluates it")
    owner: str = column("Who answers for it")
    digest: str = column("Hash of its definition")
    file: str = column("Path below the data folder")


class HistoricalEvaluationRuns(Table):
    """One row per run that was made before this system."""

    run_id: str = column("Run", unique=True)
    run_timestamp: Timestamp = instant("When it ran")
    target_orchestrator: str = column("Agent")
    target_version: str = column("Version")
    scenario_count: int = column("Scenarios that it says it ran", ge=1)
    evaluation_type: str = column("Why it ran")
    notes: str = optional("Free text")


class HistoricalRunMetrics(Table):
    """One row of summary metrics per historical run. Rates are shares of 0 to 1, times are milliseconds."""

    run_id: str = column("Run", unique=True)
    overall_pass_rate: float = column("Share of scenarios passed", ge=0, le=1)
    issue_classification_accuracy: float = column("Share with the right issue type", ge=0, le=1)
    resolution_path_accuracy: float = column("Share with the right path", ge=0, le=1)
    outcome_accuracy: float = column("Share with the right outcome", ge=0, le=1)
    high_risk_failures: int = column("Failed scenarios of high risk", ge=0)
    human_review_rate: float = column("Share that asked for a person", ge=0, le=1)
    avg_latency_ms: float = column("Mean response time", ge=0)
    p95_latency_ms: float = column("95th percentile of the response time", ge=0)
    regression_flags_json: str = column("Flags raised at the time")
    improvement_flags_json: str = column("Flags raised at the time")
    notes: str = optional("Free text")


class HistoricalScenarioEvaluations(Table):
    """One row per scenario evaluation that survives from a historical run."""

    run_id: str = column("Run")
    scenario_id: str = column("Scenario")
    actual_issue_type: str = optional("Answered issue type")
    expected_issue_type: str = optional("Expected issue type")
    issue_type_match: Boolean = optional("Whether they agree")
    actual_resolution_path_json: str = optional("Specialists called")
    expected_resolution_path_json: str = optional("Specialists expected")
    resolution_path_match: Boolean = optional("Whether they agree, in order")
    actual_outcome: str = optional("Answered outcome")
    expected_outcome: str = optional("Expected outcome")
    outcome_match: Boolean = optional("Whether they agree")
    latency_ms: float = optional("Response time", ge=0)
    confidence_score: float = optional("The agent's own confidence", ge=0, le=1)
    requires_human_review: Boolean = optional("Whether it asked for a person")
    failure_reason: str = optional("Noted at the time")


class SuiteAudit(Table):
    """One row per finding about a suite or about the recorded history."""

    suite: str = column("Suite; `history` for findings about historical runs")
    finding: str = column("Kind of finding, e.g. contradictory_labels")
    severity: str = column("error: numbers built on it are wrong; warning: they may mislead; info: a limit to know",
                           isin=AUDIT_SEVERITIES)  # fmt: skip
    subject: str = column("The scenarios, rule, field or run concerned")
    statement: str = column("What is wrong, in one sentence, with its numbers")
    advice: str = column("What to do about it")
    evidence_json: str = column("The rows that show it")
