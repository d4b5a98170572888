from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from eaas_assets.contracts.evaluation import EvaluationPlan
from eaas_assets.contracts.policies import EvaluationPolicy, ReleasePolicy
from eaas_assets.contracts.readings import read_document
from eaas_assets.contracts.tables import build, contract_problems
from eaas_assets.evaluation.execution.plan import Scope
from eaas_assets.evaluation.execution.planning import expected_seconds, plan_row, scope_of
from eaas_assets_tests.evaluation.execution.agents_for_tests import plan, run_store
from eaas_assets_tests.worlds import SAMPLE_DATA


def row_of(tmp_path: Path, scope: Scope, goal: str | None = None) -> pd.Series:
    policies = (
        read_document(EvaluationPolicy, SAMPLE_DATA, "policies/evaluation.yaml")[0],
        read_document(ReleasePolicy, SAMPLE_DATA, "policies/release.yaml")[0],
    )
    run = run_store(tmp_path).start(plan(4, scope, baseline="v0", trials=2))
    table = build(EvaluationPlan, [plan_row(run, datetime.now(UTC), goal, *policies, None)])
    assert contract_problems(EvaluationPlan, table) == []
    return table.iloc[0]


@pytest.mark.parametrize("scope", [Scope("S00001", trials=5), Scope(None, "echo", "nightly", 1)])
def test_a_scope_survives_being_written_and_read(tmp_path: Path, scope: Scope) -> None:
    assert scope_of(row_of(tmp_path, scope)) == scope


def test_what_is_read_asks_the_same_questions_whatever_the_version_declares_later(tmp_path: Path) -> None:
    read = scope_of(row_of(tmp_path, Scope()))
    assert read == Scope(trials=2)
    assert plan(4, read, trials=7).digest == plan(4, Scope(), trials=2).digest


def test_the_plan_says_what_it_will_do_and_why(tmp_path: Path) -> None:
    row = row_of(tmp_path, Scope())
    assert row["goal"] == "Find out how well tester v1 answers suite plain and whether it is at least as good as v0."
    assert (row["scenarios"], row["trials"], row["planned_evaluations"]) == (4, 2, 8)
    assert "0.8" in row["success_criteria_json"]
    assert row_of(tmp_path / "other", Scope("S00001"), "look").loc["goal"] == "look"


def test_the_expected_time_follows_the_pace_of_the_latest_run_and_is_unknown_without_one() -> None:
    health = pd.DataFrame(
        {
            "run_id": ["RUN_1", "RUN_2", "RUN_2"],
            "stage": ["execute", "execute", "score"],
            "units": [10, 20, 20],
            "duration_s": [100.0, 5.0, 1000.0],
        }
    )
    assert expected_seconds(health, 40) == 10.0
    assert expected_seconds(None, 40) is None
    assert expected_seconds(health.assign(duration_s=float("nan")), 40) is None
