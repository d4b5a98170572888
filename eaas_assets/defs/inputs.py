"""Stage *inputs*: what people wrote, read and checked: suites, agent versions, rules, history, the audit of suites."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd

from eaas_assets.agents import tables as agent_tables
from eaas_assets.contracts.inputs import (
    AgentVersions,
    DecisionRules,
    HistoricalEvaluationRuns,
    HistoricalRunMetrics,
    HistoricalScenarioEvaluations,
    JourneyScenarios,
    SpecialistAgents,
    SuiteAudit,
)
from eaas_assets.defs.checks import gate_result
from eaas_assets.defs.tables import asset_options, table_metadata, table_options, table_result
from eaas_assets.defs.world import World
from eaas_assets.history.audit import audit_history
from eaas_assets.suites import tables as suite_tables
from eaas_assets.suites.audit import suite_audit as audit_suites

GROUP = "inputs"


@dg.asset(**asset_options(JourneyScenarios, GROUP, frozenset({"json", "csv"})))
def journey_scenarios(world: World) -> Iterator[dg.MaterializeResult[Any]]:
    """Scenarios of every suite: what the agent is told, the facts it may see, and what is expected of it.

    A scenario with a fault is left out and stands in `validation_results`; the others go on.
    """
    frame = suite_tables.journey_scenarios(world.files.suites)
    suites = {f"scenarios of {name}": int(rows) for name, rows in frame["suite"].value_counts().items()}
    yield table_result(
        JourneyScenarios, frame, preview=["suite", "scenario_id", "message", "risk", "expected_json"], metadata=suites
    )


def _context_asset(table: str, what: str) -> dg.AssetsDefinition:
    """An asset for a context table; its columns are the ones that the user's suite declares."""

    @dg.asset(
        name=table,
        description=f"{what} Columns and their contract are declared by the suite that uses the table; "
        "rows that break it are left out and stand in `validation_results`.",
        **table_options(None, GROUP, frozenset({"json"})),
    )
    def context_table(world: World) -> dg.MaterializeResult[pd.DataFrame]:
        frame = suite_tables.context_table(world.files.suites, table)
        return dg.MaterializeResult(value=frame, metadata=table_metadata(frame))

    return context_table


customers = _context_asset("customers", "Customers with their loyalty tier and churn risk.")
orders = _context_asset("orders", "Orders with their status, carrier and warehouse flag.")
logistics = _context_asset("logistics", "What the carriers report about each order.")
marketing_signals = _context_asset("marketing_signals", "Engagement, satisfaction and campaign signals per customer.")


@dg.asset(**asset_options(SpecialistAgents, GROUP, frozenset({"json"})))
def specialist_agents(world: World) -> Iterator[dg.MaterializeResult[Any]]:
    """Specialists that orchestrators may call, with their actions and response templates."""
    frame = suite_tables.specialist_agents(world.files.suites)
    yield table_result(SpecialistAgents, frame, preview=["suite", "name", "agent_id", "description"])


@dg.asset(**asset_options(DecisionRules, GROUP, frozenset({"yaml"})))
def decision_rules(world: World) -> Iterator[dg.MaterializeResult[Any]]:
    """Business rules of the suites: the rule table, and the ordered classification in which the first match wins."""
    yield table_result(DecisionRules, suite_tables.decision_rules(world.files.suites))


@dg.asset(**asset_options(AgentVersions, GROUP, frozenset({"yaml"})))
def agent_versions(world: World) -> Iterator[dg.MaterializeResult[Any]]:
    """Every readable agent version. A file that cannot be read stands in `validation_results` with its faults."""
    faults = [str(problem) for file in world.files.agents.files for problem in file.problems]
    yield table_result(
        AgentVersions,
        agent_tables.agent_versions(world.files.agents),
        metadata={
            "faulty_files": sum(file.outcome == "failed" for file in world.files.agents.files),
            "faults": dg.MetadataValue.md("\n".join(f"* {fault}" for fault in faults[:20]) or "none"),
        },
    )


@dg.asset(**asset_options(HistoricalEvaluationRuns, GROUP, frozenset({"json"})))
def historical_evaluation_runs(world: World) -> Iterator[dg.MaterializeResult[Any]]:
    """Evaluation runs that were made before this system."""
    yield table_result(HistoricalEvaluationRuns, world.files.history.runs)


@dg.asset(**asset_options(HistoricalRunMetrics, GROUP, frozenset({"json"})))
def historical_run_metrics(world: World) -> Iterator[dg.MaterializeResult[Any]]:
    """Summary metrics of the historical runs, as they were written down at the time."""
    yield table_result(HistoricalRunMetrics, world.files.history.metrics)


@dg.asset(**asset_options(HistoricalScenarioEvaluations, GROUP, frozenset({"json"})))
def historical_scenario_evaluations(world: World) -> Iterator[dg.MaterializeResult[Any]]:
    """The scenario evaluations that survive from the historical runs."""
    yield table_result(HistoricalScenarioEvaluations, world.files.history.scenarios)


@dg.asset(
    deps=[historical_evaluation_runs, historical_run_metrics, historical_scenario_evaluations],
    **asset_options(SuiteAudit, GROUP),
)
def suite_audit(
    world: World, journey_scenarios: pd.DataFrame, decision_rules: pd.DataFrame
) -> Iterator[dg.MaterializeResult[Any]]:
    """What is wrong with the test suites and the recorded history, because a bad test set makes every number a lie.

    Contradictory labels, labels that no rule can produce, rules that can never fire, duplicates, labels at odds with
    the facts, leaked expected values, and the smallest change that the suite can detect.
    """
    history_findings = audit_history(world.files.history, journey_scenarios, decision_rules)
    frame = audit_suites(world.files.suites, extra_findings=history_findings)
    counts = Counter(frame["severity"])
    yield table_result(
        SuiteAudit,
        frame,
        preview=["suite", "finding", "severity", "subject", "statement"],
        metadata={"errors": counts["error"], "warnings": counts["warning"]},
    )


@dg.asset_check(
    asset=suite_audit,
    name="suites_are_sound",
    description="No finding of severity error. How loud: `gates.suite_audit` in the release policy.",
)
def suites_are_sound(world: World, suite_audit: pd.DataFrame) -> dg.AssetCheckResult:
    """Red with every finding of severity error."""
    errors = suite_audit[suite_audit["severity"] == "error"]
    reasons = [f"{row.suite}: {row.statement}" for row in errors.itertuples()]
    severity = world.files.release_policy.gates.suite_audit
    return gate_result(reasons, severity, f"{len(suite_audit)} findings, none of severity error")
