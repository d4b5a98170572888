"""What there is, exactly: a change of the graph is a change of this file."""

from __future__ import annotations

import importlib
import sys
import tomllib
import warnings
from pathlib import Path

import dagster as dg
import pytest
import yaml

from eaas_assets.cli import WORKSPACE
from eaas_assets.definitions import defs

PROJECT = Path(__file__).resolve().parents[2]

ASSETS = {
    "inputs": {
        "agent_versions", "customers", "decision_rules", "historical_evaluation_runs", "historical_run_metrics",
        "historical_scenario_evaluations", "journey_scenarios", "logistics", "marketing_signals", "orders",
        "specialist_agents", "suite_audit",
    },
    "evaluation": {
        "agent_calls", "agent_performance_summary", "evaluation_field_scores", "evaluation_plan", "evaluation_scores",
        "evaluation_summary", "executed_evaluations", "validation_results", "workflow_health",
    },
    "history": {
        "baseline_comparison", "evaluation_runs", "gate_calibration", "regression_analysis", "run_metrics",
        "scenario_evaluations", "segment_comparison", "trend_analysis", "trial_reliability",
    },
    "experiments": {
        "causal_impact", "design_validation", "experiment_monitoring", "experiment_registry", "metric_calibration",
        "segment_impact",
    },
    "decisions": {
        "approvals", "audit_log", "decision_counterfactuals", "decisions", "experiment_portfolio", "learning_summaries",
        "policy_backtest", "portfolio_summary",
    },
    "reports": {"evaluation_report", "experiment_report", "portfolio_report", "report_index"},
}  # fmt: skip
WITHOUT_CONTRACT = {"customers", "orders", "logistics", "marketing_signals", "report_index"}
GATES = {
    "suite_audit:suites_are_sound",
    "validation_results:inputs_are_valid",
    "executed_evaluations:plan_is_complete",
    "evaluation_scores:no_high_risk_failures",
    "regression_analysis:no_regression",
    "gate_calibration:gate_keeps_its_promise",
    "experiment_registry:experiments_are_readable",
    "experiment_monitoring:no_experiment_alarms",
    "metric_calibration:metrics_keep_their_error_rate",
    "decisions:no_decision_waits",
    "audit_log:audit_log_is_intact",
}
BLOCKING = {"meets_contract", "plan_is_complete"}


@pytest.fixture(scope="module")
def graph() -> dg.AssetGraph:
    return defs().resolve_asset_graph()


def test_the_assets_are_exactly_these(graph: dg.AssetGraph) -> None:
    found: dict[str, set[str]] = {}
    for key in graph.get_all_asset_keys():
        found.setdefault(graph.get(key).group_name or "", set()).add(key.to_user_string())
    assert found == ASSETS


def test_the_checks_are_exactly_these(graph: dg.AssetGraph) -> None:
    tables = set().union(*ASSETS.values()) - WITHOUT_CONTRACT
    expected = {f"{table}:meets_contract" for table in tables} | GATES
    assert {f"{key.asset_key.to_user_string()}:{key.name}" for key in graph.asset_check_keys} == expected


def test_contracts_and_completeness_block_what_follows_and_gates_do_not(graph: dg.AssetGraph) -> None:
    for key in graph.asset_check_keys:
        assert graph.get_check_spec(key).blocking == (key.name in BLOCKING), key


def test_jobs_schedules_and_sensors_are_exactly_these() -> None:
    repository = defs().get_repository_def()
    jobs = {job.name for job in repository.get_all_jobs()} - {"__ASSET_JOB"}
    assert jobs == {
        "deliver_notifications", "evaluate_agent_version", "record_approval", "refresh_decisions",
        "refresh_experiments", "refresh_inputs", "replay_policy",
    }  # fmt: skip
    assert {schedule.name for schedule in repository.schedule_defs} == {"nightly_evaluation", "nightly_experiments"}
    assert {sensor.name for sensor in repository.sensor_defs} == {
        "new_agent_versions", "changed_experiments", "due_decisions", "waiting_notifications",
    }  # fmt: skip


def test_automation_runs_without_being_switched_on() -> None:
    repository = defs().get_repository_def()
    assert {schedule.default_status for schedule in repository.schedule_defs} == {dg.DefaultScheduleStatus.RUNNING}
    assert {sensor.default_status for sensor in repository.sensor_defs} == {dg.DefaultSensorStatus.RUNNING}


def test_every_asset_is_described_owned_versioned_and_kinded(graph: dg.AssetGraph) -> None:
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert node.owners, key
        assert node.code_version, key
        assert node.kinds, key
        if key.to_user_string() not in WITHOUT_CONTRACT:
            assert "dagster/column_schema" in node.metadata, key


def test_every_module_loads_without_any_dagster_warning_but_the_one_preview_argument(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Loading a defs folder hides warnings, so each module is imported afresh here, with warnings as errors."""
    modules = sorted(f"eaas_assets.defs.{path.stem}" for path in (PROJECT / "eaas_assets" / "defs").glob("[!_]*.py"))
    for module in modules:
        monkeypatch.delitem(sys.modules, module, raising=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for module in modules:
            importlib.import_module(module)
    told = {str(warning.message).split(" is currently")[0] for warning in caught}
    told = {text for text in told if "__fields__" not in text}  # pydantic, about Dagster's own code
    assert told <= {"Specifying a partitions_def on an AssetCheckSpec"}


def test_workspace_and_project_file_name_the_same_code_location() -> None:
    workspace = yaml.safe_load((PROJECT / "workspace.yaml").read_text())["load_from"][0]["python_module"]
    assert yaml.safe_load(WORKSPACE)["load_from"][0]["python_module"] == workspace
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["dg"]["project"]
    assert workspace["location_name"] == project["code_location_name"]
    assert workspace["module_name"] == f"{project['root_module']}.definitions"


def test_steps_run_in_the_process_of_their_run() -> None:
    assert defs().executor is dg.in_process_executor
