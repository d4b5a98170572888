from __future__ import annotations

import pandas as pd

from eaas_assets.contracts.evaluation import (
    AgentPerformanceSummary,
    EvaluationScores,
    ExecutedEvaluations,
    ValidationResults,
    WorkflowHealth,
)
from eaas_assets.contracts.readings import FileReading
from eaas_assets.contracts.tables import build, contract_problems
from eaas_assets.errors import Problem
from eaas_assets.evaluation.health import workflow_health_rows
from eaas_assets.evaluation.validation import validation_rows


def executed(*statuses: str) -> pd.DataFrame:
    rows = [{"trial": 1, "attempts": 1, "status": status, "measured_s": 2.5} for status in statuses]
    return build(ExecutedEvaluations, rows)


def health(executions: pd.DataFrame, readings: list[FileReading]) -> pd.DataFrame:
    validation = build(ValidationResults, validation_rows("RUN_1", readings, ["suites/mine/"]))
    empty = build(EvaluationScores, []), build(AgentPerformanceSummary, [])
    rows = workflow_health_rows("RUN_1", validation, executions, *empty, {"execute": 12.5})
    table = build(WorkflowHealth, rows)
    assert contract_problems(WorkflowHealth, table) == []
    return table.set_index("stage")


GOOD = FileReading("suites/mine/suite.yaml", "suite", 1)
PARTLY = FileReading("suites/mine/a.json", "scenarios", 3, [Problem("suites/mine/a.json", "x", "y", "z", 2)])
ELSEWHERE = FileReading("suites/other/suite.yaml", "suite", None, [Problem("suites/other/suite.yaml", "x", "y", "z")])


def test_failures_and_the_time_they_cost_are_told_by_stage() -> None:
    table = health(executed("completed", "timeout", "failed"), [GOOD])
    assert table.loc["execute", ["status", "units", "failures", "time_lost_s", "duration_s"]].tolist() == [
        "degraded", 3, 2, 5.0, 12.5,
    ]  # fmt: skip
    assert pd.isna(table.loc["score", "duration_s"])


def test_a_stage_in_which_everything_failed_has_failed() -> None:
    assert health(executed("timeout", "failed"), [GOOD]).loc["execute", "status"] == "failed"


def test_what_was_not_run_did_not_fail() -> None:
    assert health(executed("completed", "not_run"), [GOOD]).loc["execute", ["units", "failures"]].tolist() == [1, 0]


def test_only_files_that_the_run_rests_on_count_as_its_inputs() -> None:
    table = health(executed("completed"), [GOOD, PARTLY, ELSEWHERE])
    assert table.loc["read inputs", ["units", "failures"]].tolist() == [2, 1]


def test_validation_results_tell_the_outcome_and_the_problems_of_every_file() -> None:
    table = build(ValidationResults, validation_rows("RUN_1", [GOOD, PARTLY, ELSEWHERE], ["suites/mine/"]))
    assert contract_problems(ValidationResults, table) == []
    assert table["outcome"].tolist() == ["ok", "partly", "failed"]
    assert table["used_by_run"].tolist() == [True, True, False]
    assert '"row":2' in table["problems_json"].tolist()[1]
