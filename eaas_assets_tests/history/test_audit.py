"""What the audit must find is listed in the facts of the sample world: six runs of ten scenarios, one row of each."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from eaas_assets.contracts.inputs import JourneyScenarios, SuiteAudit
from eaas_assets.contracts.tables import build
from eaas_assets.history.audit import audit_history
from eaas_assets.history.imports import HistoryReading, read_history
from eaas_assets_tests.history.runs_by_hand import DATA
from eaas_assets_tests.history.test_imports import sample
from eaas_assets_tests.worlds import write_records


def journey_scenarios() -> pd.DataFrame:
    rows = json.loads((DATA / "suites/customer_support/journey_scenarios.json").read_text())
    fields = ("issue_type", "resolution_path", "outcome")
    return build(
        JourneyScenarios,
        [
            {
                "suite": "customer_support",
                "scenario_id": row["scenario_id"],
                "row": number,
                "message": row["customer_message"],
                "risk": row["risk"],
                "severity": row["severity"],
                "segments_json": "{}",
                "context_json": "{}",
                "expected_json": json.dumps({field: row[f"expected_{field}"] for field in fields}),
                "inputs_digest": "d",
            }
            for number, row in enumerate(rows, 1)
        ],
    )


def audited(history: HistoryReading, scenarios: pd.DataFrame | None = None) -> pd.DataFrame:
    return build(SuiteAudit, audit_history(history, scenarios))


def changed(tmp_path: Path, **stems: list[dict]) -> HistoryReading:
    for stem in ("evaluation_runs", "run_summary_metrics", "scenario_evaluations"):
        write_records(tmp_path, f"history/{stem}.json", stems.get(stem, sample(stem)))
    return read_history(tmp_path)


@pytest.fixture(scope="module")
def findings() -> pd.DataFrame:
    return audited(read_history(DATA), journey_scenarios())


def of(findings: pd.DataFrame, kind: str) -> pd.DataFrame:
    return findings[findings["finding"] == kind].set_index("subject")


def test_only_two_pass_rates_can_come_from_ten_scenarios(findings):
    impossible = of(findings, "impossible_rate")
    rates = {
        run_id: [row["metric"] for row in json.loads(text)] for run_id, text in impossible["evidence_json"].items()
    }
    assert {run_id for run_id, metrics in rates.items() if "overall_pass_rate" not in metrics} == {
        "RUN_2026_01_03",
        "RUN_2026_01_17",
    }
    assert len(rates) == 6
    assert sum(len(metrics) for metrics in rates.values()) == 21  # of 30; counted by hand from the summary
    assert set(impossible["severity"]) == {"error"}


def test_an_impossible_rate_is_shown_with_the_nearest_possible_ones(findings):
    evidence = json.loads(of(findings, "impossible_rate").loc["RUN_2025_12_20", "evidence_json"])
    assert evidence[0] == {
        "run_id": "RUN_2025_12_20",
        "metric": "overall_pass_rate",
        "value": 0.75,
        "scenario_count": 10,
        "nearest_below": "7/10",
        "nearest_above": "8/10",
    }


def test_no_run_is_confirmed_by_its_one_surviving_row(findings):
    unconfirmed = of(findings, "unconfirmed_summary")
    assert len(unconfirmed) == 6
    statement = unconfirmed.loc["RUN_2026_01_10", "statement"]
    assert "0.88" in statement
    assert "1 of its 10 scenario rows" in statement
    assert "S005: resolution_path, outcome did not match" in statement
    assert "0 to 9 passes" in statement
    assert "1 to 10 passes" in unconfirmed.loc["RUN_2026_01_24", "statement"]


def test_three_high_risk_failures_do_not_fit_into_two_failures(findings):
    contradictory = of(findings, "contradictory_summary")
    assert contradictory.index.tolist() == ["RUN_2026_01_17"]
    assert "3 high-risk failures" in contradictory["statement"].iloc[0]
    assert "at most 2 failures of 10" in contradictory["statement"].iloc[0]


def test_a_value_outside_every_enumeration_is_named(findings):
    unknown = of(findings, "unknown_value")
    assert unknown.index.tolist() == ["notify_customer_only"]
    assert json.loads(unknown["evidence_json"].iloc[0])[0]["run_id"] == "RUN_2026_01_10"


def test_nothing_is_called_unknown_when_nobody_says_what_is_known():
    assert of(audited(read_history(DATA)), "unknown_value").empty


def test_pass_rates_above_an_accuracy_are_noted_once(findings):
    noted = findings[findings["finding"] == "pass_rate_above_accuracy"]
    assert len(noted) == 1
    assert "6 of 6 runs" in noted["statement"].iloc[0]
    assert noted["severity"].iloc[0] == "info"


def test_a_summary_that_its_rows_contradict_is_an_error(tmp_path):
    metrics = sample("run_summary_metrics")
    metrics[0] |= {"outcome_accuracy": 1.0, "human_review_rate": 0.0}
    found = of(audited(changed(tmp_path, run_summary_metrics=metrics)), "contradictory_summary")
    statements = found.loc[["RUN_2025_12_20"], "statement"].tolist()
    assert any("outcome_accuracy is 1.0, but 1 of 10 rows say: not outcome_match" in told for told in statements)
    assert any("human_review_rate is 0.0, but 1 of 10 rows say: requires_human_review" in told for told in statements)


def test_two_sources_of_one_run_that_disagree_are_an_error(tmp_path):
    """A complete record of four rows, three passed: a summary of 0.92 and no high-risk failure is another run's."""
    runs, metrics, rows = sample("evaluation_runs"), sample("run_summary_metrics"), sample("scenario_evaluations")
    runs[5]["scenario_count"] = 4
    rows += [rows[5] | {"scenario_id": name} for name in ("S001", "S002")]
    rows.append(rows[5] | {"scenario_id": "S006", "outcome_match": False, "actual_outcome": "unknown_outcome"})
    history = changed(tmp_path, evaluation_runs=runs, run_summary_metrics=metrics, scenario_evaluations=rows)
    found = audited(history, journey_scenarios())
    contradictory = of(found, "contradictory_summary").loc[["RUN_2026_01_24"], "statement"].tolist()
    assert any("overall_pass_rate is 0.92, but 1 of 4 rows say: not passed" in told for told in contradictory)
    assert any("0 high-risk failures are stated, but 1 row of high risk" in told for told in contradictory)
    assert "RUN_2026_01_24" not in of(found, "unconfirmed_summary").index


def test_complete_rows_that_agree_with_their_summary_are_no_finding(tmp_path):
    runs, metrics, rows = sample("evaluation_runs")[:1], sample("run_summary_metrics")[:1], []
    runs[0]["scenario_count"] = 1
    rates = ("overall_pass_rate", "issue_classification_accuracy", "resolution_path_accuracy", "outcome_accuracy")
    metrics[0] |= dict.fromkeys(rates, 0.0) | {"human_review_rate": 1.0, "high_risk_failures": 1}
    rows = sample("scenario_evaluations")[:1]
    history = changed(tmp_path, evaluation_runs=runs, run_summary_metrics=metrics, scenario_evaluations=rows)
    assert audited(history, journey_scenarios()).empty


def test_more_rows_than_scenarios_are_an_error(tmp_path):
    rows = sample("scenario_evaluations")
    runs = sample("evaluation_runs")
    runs[0]["scenario_count"] = 1
    rows.append(rows[0] | {"scenario_id": "S001"})
    found = of(audited(changed(tmp_path, evaluation_runs=runs, scenario_evaluations=rows)), "contradictory_summary")
    assert any("2 scenario rows for 1 scenario" in told for told in found.loc[["RUN_2025_12_20"], "statement"])


def test_a_flag_at_odds_with_its_values_is_an_error(tmp_path):
    rows = sample("scenario_evaluations")
    rows[1]["outcome_match"] = False
    found = of(audited(changed(tmp_path, scenario_evaluations=rows)), "contradictory_match_flag")
    assert found.index.tolist() == ["RUN_2025_12_27 S006"]
    assert "are equal" in found["statement"].iloc[0]


def test_unknown_scenarios_and_changed_expectations_are_named(tmp_path):
    rows = sample("scenario_evaluations")
    rows[0]["scenario_id"] = "S999"
    rows[2]["expected_outcome"] = rows[2]["actual_outcome"] = "provide_eta_update"
    found = audited(changed(tmp_path, scenario_evaluations=rows), journey_scenarios())
    assert of(found, "unknown_scenario").index.tolist() == ["S999"]
    assert of(found, "changed_expectation").index.tolist() == ["RUN_2026_01_03 S004"]


def test_a_run_without_metrics_is_told(tmp_path):
    found = audited(changed(tmp_path, run_summary_metrics=sample("run_summary_metrics")[1:]))
    assert of(found, "missing_summary").index.tolist() == ["RUN_2025_12_20"]


def test_an_average_that_the_rows_alone_exceed_is_an_error(tmp_path):
    metrics = sample("run_summary_metrics")
    metrics[4]["avg_latency_ms"] = 90
    found = of(audited(changed(tmp_path, run_summary_metrics=metrics)), "contradictory_summary")
    assert any("took 960 ms" in told for told in found["statement"])


def test_an_empty_history_has_no_findings(tmp_path):
    assert audit_history(read_history(tmp_path)) == []
