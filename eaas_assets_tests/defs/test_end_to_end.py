"""The sample world through the real jobs, files and Dagster: its story comes out, whatever happens on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from eaas_assets.contracts.identifiers import VersionKey
from eaas_assets_tests.defs.instances import Installation, checks, errors, installation
from eaas_assets_tests.worlds import SAMPLE_DATA, sample_world

ORCHESTRATOR = "customer_support_orchestrator"
VERSIONS = [f"{ORCHESTRATOR}@{version}" for version in ("v0.9", "v1.0", "v1.1", "v1.2")]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, dict[str, Any]]]:
    """All versions of the sample world, evaluated once for this module."""
    with installation(SAMPLE_DATA, tmp_path_factory.mktemp("output")) as made:
        yield made, {version: made.run(partition=version) for version in VERSIONS}


def only(made: Installation, table: str, version: str) -> pd.Series:
    frame = made.tables.read_partition(table, version)
    assert frame is not None
    return frame.iloc[-1]


def test_every_version_is_evaluated(sample: tuple[Installation, dict[str, Any]]) -> None:
    made, results = sample
    for version, result in results.items():
        assert result.success, errors(result)
        assert only(made, "evaluation_summary", version)["total_evaluations"] == 10


def test_the_churn_regression_of_v1_1_is_found_named_and_red(sample: tuple[Installation, dict[str, Any]]) -> None:
    made, results = sample
    row = only(made, "baseline_comparison", VERSIONS[2])
    assert json.loads(row["lost_scenarios_json"]) == ["S006", "S008"]
    assert row["regression_detected"]
    gate = checks(results[VERSIONS[2]])["regression_analysis:no_regression"]
    assert not gate.passed
    assert "S006" in gate.metadata["explanation"].value
    assert "S008" in gate.metadata["explanation"].value


def test_the_gate_is_green_for_v1_0_and_for_v1_2_which_mends_the_regression(
    sample: tuple[Installation, dict[str, Any]],
) -> None:
    made, results = sample
    for version in (VERSIONS[1], VERSIONS[3]):
        assert checks(results[version])["regression_analysis:no_regression"].passed, version
    regained = made.tables.read_partition("regression_analysis", VERSIONS[3])
    assert regained is not None
    gained = regained[(regained["against"] == "previous_run") & (regained["verdict"] == "gained")]
    assert {"S006", "S008"} <= set(gained["subject"])


def test_contract_checks_are_green_and_every_table_lies_where_the_docs_say(
    sample: tuple[Installation, dict[str, Any]],
) -> None:
    made, results = sample
    evaluated = checks(results[VERSIONS[0]])
    assert all(check.passed for name, check in evaluated.items() if name.endswith(":meets_contract"))
    tables = {path.name for path in (made.output / "tables").iterdir()}
    assert {name.split(":")[0] for name in evaluated} <= tables


def test_old_and_new_runs_are_one_history(sample: tuple[Installation, dict[str, Any]]) -> None:
    made, _ = sample
    runs = made.tables.read_newest("evaluation_runs", ORCHESTRATOR)
    assert runs is not None
    assert runs["run_id"].is_unique
    assert runs["source"].value_counts().to_dict() == {"historical": 6, "executed": 4}


def test_reports_are_written_and_the_index_leads_to_each(sample: tuple[Installation, dict[str, Any]]) -> None:
    made, _ = sample
    index = (made.output / "reports" / "index.html").read_text()
    for version in VERSIONS:
        report = made.tables.read_partition("evaluation_report", version)
        assert report is not None
        assert sorted(report["format"]) == ["html", "md"]
        for path in report["path"]:
            assert (made.output / path).is_file()
        html = report.loc[report["format"] == "html", "path"].iloc[0]
        assert html.removeprefix("reports/") in index


def test_materializing_again_makes_a_new_run_and_leaves_the_old_one(tmp_path: Path) -> None:
    with installation(SAMPLE_DATA, tmp_path) as made:
        assert made.run(partition=VERSIONS[1]).success
        assert made.run(partition=VERSIONS[1]).success
        runs = made.tables.run_ids("executed_evaluations", VERSIONS[1])
        assert len(runs) == 2
        executed = pd.read_parquet(tmp_path / "tables" / "executed_evaluations" / VERSIONS[1])
        assert executed.groupby("run_id")["evaluation_key"].nunique().tolist() == [10, 10]
        assert len(executed) == 20


def test_scoring_again_under_another_policy_executes_nothing_and_keeps_the_old_scores(tmp_path: Path) -> None:
    data = sample_world(tmp_path / "data")
    with installation(data, tmp_path / "output") as made:
        assert made.run(partition=VERSIONS[1]).success
        policy = data / "policies" / "evaluation.yaml"
        policy.write_text(policy.read_text().replace("pass_threshold: 0.80", "pass_threshold: 0.95"))
        again = made.run(
            partition=VERSIONS[1],
            asset_selection=[
                _key(name) for name in ("evaluation_scores", "evaluation_field_scores", "evaluation_summary")
            ],
        )
        assert again.success, errors(again)
        scores = pd.read_parquet(tmp_path / "output" / "tables" / "evaluation_scores")
        assert len(made.tables.run_ids("executed_evaluations", VERSIONS[1])) == 1
        assert scores["run_id"].nunique() == 1
        assert scores.groupby("policy_hash").size().tolist() == [10, 10]


def _key(name: str) -> Any:
    import dagster as dg

    return dg.AssetKey(name)


@pytest.mark.parametrize(
    ("scope", "asked"),
    [
        ({"scenario_id": "S003"}, ["S003"]),
        ({"target_agent_id": "refund_agent"}, ["S003", "S009"]),
        ({"target_agent_id": "refund_agent_v1"}, ["S003", "S009"]),
    ],
)
def test_a_scope_from_the_launchpad_is_honoured(tmp_path: Path, scope: dict[str, str], asked: list[str]) -> None:
    with installation(SAMPLE_DATA, tmp_path) as made:
        config = {"ops": {"evaluation_plan": {"config": scope | {"evaluation_type": "spot_check", "goal": "look"}}}}
        assert made.run(partition=VERSIONS[1], run_config=config).success
        assert sorted(made.tables.read_partition("executed_evaluations", VERSIONS[1])["scenario_id"]) == asked  # type: ignore[index]
        plan = only(made, "evaluation_plan", VERSIONS[1])
        assert (plan["evaluation_type"], plan["goal"]) == ("spot_check", "look")
        runs = made.tables.read_partition("evaluation_runs", VERSIONS[1])
        assert runs is not None
        assert runs.loc[runs["source"] == "executed", "scope"].tolist() == ["partial"]


def test_a_scope_that_matches_nothing_fails_with_a_clear_message(tmp_path: Path) -> None:
    with installation(SAMPLE_DATA, tmp_path) as made:
        config = {"ops": {"evaluation_plan": {"config": {"scenario_id": "S999"}}}}
        result = made.run(partition=VERSIONS[1], run_config=config)
        assert not result.success
        assert "scenario_id=S999" in errors(result)


def test_a_broken_file_is_told_about_and_everything_else_still_runs(tmp_path: Path) -> None:
    data = sample_world(tmp_path / "data")
    (data / "agents" / ORCHESTRATOR / "v1.3.yaml").write_text("agent: [unfinished")
    orders = data / "suites" / "customer_support" / "orders.json"
    orders.write_text(orders.read_text().replace('"C005"', '"C999"'))
    with installation(data, tmp_path / "output") as made:
        result = made.run(partition=VERSIONS[1])
        assert result.success, errors(result)
        gate = checks(result)["validation_results:inputs_are_valid"]
        assert not gate.passed
        assert "agents/customer_support_orchestrator/v1.3.yaml" in gate.metadata["explanation"].value
        # The scenarios of the dangling order are left out; the other eight are evaluated.
        assert only(made, "evaluation_summary", VERSIONS[1])["total_evaluations"] == 8
        broken = made.run(partition=f"{ORCHESTRATOR}@v1.3")
        assert not broken.success
        assert "v1.3.yaml" in errors(broken)
        assert len(made.tables.run_ids("evaluation_summary", VERSIONS[1])) == 1


@pytest.mark.parametrize("key", ["../x", "x" * 300 + "@v1", "a@v1\0", "a/b@v1", "a@", "@v1", "a"])
def test_an_unsafe_partition_key_is_refused_and_nothing_is_written(tmp_path: Path, key: str) -> None:
    with installation(SAMPLE_DATA, tmp_path / "output") as made:
        result = made.run(partition=key)
        assert not result.success
        assert "unsafe_key" in errors(result)
        outside = [path for path in tmp_path.rglob("*") if path.is_file() and "output" not in path.parts]
        assert outside == []


def test_a_table_that_breaks_its_contract_stops_what_follows_and_shows_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eaas_assets.defs import inputs

    made_rows = inputs.suite_tables.journey_scenarios
    monkeypatch.setattr(
        inputs.suite_tables, "journey_scenarios", lambda readings: made_rows(readings).assign(risk="huge")
    )
    with installation(SAMPLE_DATA, tmp_path) as made:
        result = made.run(partition=VERSIONS[1])
        assert not result.success
        check = checks(result)["journey_scenarios:meets_contract"]
        assert not check.passed
        assert check.metadata["failures"].value == 34
        assert "huge" in str(check.metadata["failing_rows"].records[0].data)
        assert made.tables.run_ids("executed_evaluations", VERSIONS[1]) == []


def test_parsing_a_partition_key_gives_agent_and_version() -> None:
    assert VersionKey.parse(VERSIONS[0]) == (ORCHESTRATOR, "v0.9")
