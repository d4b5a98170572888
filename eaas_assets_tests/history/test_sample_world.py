"""The story of the sample world as the history tells it: v1.1 loses churn handling, v1.2 mends it."""

from __future__ import annotations

import json
from datetime import timedelta

import pandas as pd
import pytest

from eaas_assets.agents.catalogue import read_agent_versions
from eaas_assets.agents.opening import open_agent
from eaas_assets.contracts.identifiers import VersionKey
from eaas_assets.history.baseline import compare_with_baseline
from eaas_assets.history.imports import read_history
from eaas_assets.history.record import RunRecord, combine, previous_run_id, read_run
from eaas_assets.history.regression import analyse_regression, regression_found
from eaas_assets.history.runs import executed_run, historical_runs
from eaas_assets.history.trend import analyse_trend
from eaas_assets_tests.evaluation.local_runs import execute, judge, read_world, shipped_policy
from eaas_assets_tests.history.runs_by_hand import AGENT, DATA, SUITE, outcomes, release_policy, run_tables

VERSIONS = ("v0.9", "v1.0", "v1.1", "v1.2")
POLICY = release_policy()


def executed(version: str, run_id: str, day: int) -> tuple[RunRecord, pd.Series]:
    world = read_world(SUITE)
    file = read_agent_versions(DATA).versions[VersionKey(AGENT, version)]
    done = execute(open_agent(file.version), world, run_id)
    judged = judge(done, world)
    every = outcomes(world.scenarios["scenario_id"].tolist(), [])
    plan = run_tables(run_id, version, every, day=day)[0]
    facts = done.executed.assign(agent=AGENT, version=version)
    policy_hash = shipped_policy().digest_for(world.suite)
    return executed_run(plan, facts, judged.scores, judged.field_scores, policy_hash), judged.summary


@pytest.fixture(scope="module")
def nights() -> tuple[RunRecord, dict[str, pd.Series]]:
    """The imported runs, then two nights on which every version ran."""
    imported = read_history(DATA)
    records = [historical_runs(imported, AGENT, version) for version in VERSIONS]
    summaries = {}
    for night in (1, 2):
        for place, version in enumerate(VERSIONS):
            run_id = f"NIGHT{night}_{version}"
            record, summaries[run_id] = executed(version, run_id, 10 * night + place)
            records.append(record)
    return combine(records), summaries


def baseline_of(version: str) -> str | None:
    return read_agent_versions(DATA).versions[VersionKey(AGENT, version)].version.baseline


def gate(history: RunRecord, run_id: str) -> list[str]:
    baseline = baseline_of(run_id.split("_")[1])
    analysis = analyse_regression(run_id, baseline, history, POLICY)
    return regression_found(analysis, compare_with_baseline(run_id, baseline, history, POLICY))


def until(history: RunRecord, day: int) -> RunRecord:
    """The history as it stood some days after the first executed run."""
    first = history.runs.loc[history.runs["source"] == "executed", "run_timestamp"].min()
    runs = history.runs[history.runs["run_timestamp"] <= first + timedelta(days=day)]
    return RunRecord(runs, history.metrics, history.scenarios)


def test_metrics_agree_with_the_summary_of_the_evaluation(nights):
    history, summaries = nights
    for run_id, summary in summaries.items():
        measures = read_run(history, run_id).measures
        rate = measures["pass_rate"]
        assert (rate.numerator, rate.denominator) == (summary["total_passed"], summary["total_evaluations"])
        assert (rate.low, rate.high) == (summary["pass_rate_low"], summary["pass_rate_high"])
        assert measures["average_score"].value == pytest.approx(summary["average_score"], abs=1e-12)


def test_v1_1_is_red_for_the_lost_churn_scenarios(nights):
    history, _ = nights
    known = until(history, 2)  # v1.1 has just run for the first time
    row = compare_with_baseline("NIGHT1_v1.1", "v1.0", known, POLICY).iloc[0]
    assert (row["baseline_run_id"], row["regression_detected"]) == ("NIGHT1_v1.0", True)
    assert json.loads(row["lost_scenarios_json"]) == ["S006", "S008"]
    found = gate(known, "NIGHT1_v1.1")
    assert "Against the baseline run NIGHT1_v1.0: 2 scenarios lost: S006, S008." in found
    assert any("High-risk failures" in told for told in found)


def test_v1_2_is_green_and_names_what_it_mended(nights):
    known = until(nights[0], 3)
    row = compare_with_baseline("NIGHT1_v1.2", baseline_of("v1.2"), known, POLICY).iloc[0]
    assert json.loads(row["lost_scenarios_json"]) == []
    assert gate(known, "NIGHT1_v1.2") == []
    analysis = analyse_regression("NIGHT1_v1.2", baseline_of("v1.2"), known, POLICY)
    against_v1_1 = analysis[(analysis["against"] == "previous_run") & (analysis["verdict"] == "gained")]
    assert against_v1_1["subject"].tolist() == ["S005", "S006", "S008", "S009"]


def test_on_the_second_night_nothing_changed_and_an_old_version_is_not_blamed_for_being_old(nights):
    history, _ = nights
    for version in VERSIONS:
        run_id = f"NIGHT2_{version}"
        assert previous_run_id(history, read_run(history, run_id)) == f"NIGHT1_{version}"
        analysis = analyse_regression(run_id, None, history, POLICY)
        changes = analysis.loc[analysis["kind"] != "statement", "verdict"]
        assert set(changes) == {"unchanged"}


def test_old_and_new_runs_are_one_series(nights):
    trend = analyse_trend("NIGHT2_v1.2", nights[0], POLICY).set_index("metric")
    assert set(trend["runs"]) == {6 + 8}
    assert {"issue_type_accuracy", "resolution_path_accuracy", "outcome_accuracy"} < set(trend.index)
