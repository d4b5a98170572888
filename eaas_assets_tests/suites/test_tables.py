"""Suites as tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

from eaas_assets.contracts.inputs import DecisionRules, JourneyScenarios, SpecialistAgents
from eaas_assets.suites.reading import SuiteReading, read_suites
from eaas_assets.suites.tables import context_table, decision_rules, journey_scenarios, specialist_agents
from eaas_assets_tests.worlds import SAMPLE_DATA, small_world


@pytest.fixture(scope="module")
def sample() -> list[SuiteReading]:
    return read_suites(SAMPLE_DATA)


def test_scenarios_of_all_suites_stand_in_one_table(sample: list[SuiteReading]) -> None:
    frame = journey_scenarios(sample)
    assert frame["suite"].value_counts().to_dict() == {"ticket_routing": 24, "customer_support": 10}
    row = frame[frame["scenario_id"] == "S006"].to_dict("records")[0]
    assert json.loads(row["context_json"])["customers.churn_risk"] == 0.28
    assert json.loads(row["expected_json"])["outcome"] == "resolve_delay_and_prevent_churn"
    assert (row["risk"], row["severity"], row["row"]) == ("high", 2, 6)


def test_expected_paths_of_the_sample_call_nineteen_specialists(sample: list[SuiteReading]) -> None:
    expected = journey_scenarios(sample).query("suite == 'customer_support'")["expected_json"].map(json.loads)
    calls = pd.Series([agent for row in expected for agent in row["resolution_path"]]).value_counts()
    assert calls.to_dict() == {
        "shipping_update_agent": 7, "apology_message_agent": 6, "escalation_agent": 4, "refund_agent": 2,
    }  # fmt: skip


def test_specialists_and_rules_of_the_sample(sample: list[SuiteReading]) -> None:
    assert set(specialist_agents(sample)["agent_id"].str.removesuffix("_v1")) == set(specialist_agents(sample)["name"])
    rules = decision_rules(sample)
    assert rules["kind"].value_counts().to_dict() == {"table": 9, "classification": 9}
    first = rules[rules["kind"] == "classification"].iloc[0]
    assert (first["rule"], first["position"], json.loads(first["conditions_json"])[0]["value"]) == ("lost", 1, "lost")


def test_tables_of_no_suites_are_empty_and_keep_their_columns() -> None:
    for make, contract in (
        (journey_scenarios, JourneyScenarios),
        (specialist_agents, SpecialistAgents),
        (decision_rules, DecisionRules),
    ):
        frame = make([])
        assert list(frame.columns) == list(contract.to_schema().columns)
        assert frame.empty


def test_context_table_has_plain_columns_and_lists_as_json(sample: list[SuiteReading], tmp_path: Path) -> None:
    frame = context_table(sample, "marketing_signals")
    assert frame["nps_history_json"].tolist()[2:4] == ["[]", "[4,5,6]"]
    assert frame["csat_last_interaction"].isna().sum() == 1
    assert context_table(sample, "requesters")["managed_device"].dtype == "boolean"
    frame.to_parquet(tmp_path / "x.parquet")
    assert_frame_equal(pq.read_table(tmp_path / "x.parquet").to_pandas(), frame)


def test_context_table_that_no_suite_declares_is_empty(sample: list[SuiteReading]) -> None:
    frame = context_table(sample, "customers_of_nobody")
    assert (list(frame.columns), len(frame)) == (["suite"], 0)


def test_context_tables_of_several_suites_are_put_together() -> None:
    rows: dict[str, list[dict[str, Any]]] = {
        "a": [{"id": "1", "age": 5, "tags": ["x"], "mixed": 1, "suite": "mine"}],
        "b": [{"id": "2", "age": 7.5, "vip": True, "mixed": "two", "tags_json": "taken"}],
    }
    readings = [SuiteReading(name, context={"people": table}) for name, table in rows.items()]
    frame = context_table(readings, "people")
    assert frame["suite"].tolist() == ["a", "b"]
    assert frame["age"].tolist() == [5.0, 7.5]
    assert frame["mixed"].tolist() == ["1", "two"]
    assert frame["vip"].isna().tolist() == [True, False]
    assert frame["people.suite"].tolist()[0] == "mine"
    assert frame["people.tags_json"].tolist()[1] == "taken"


@pytest.mark.parametrize("ending", ["json", "csv"])
def test_context_of_a_readable_suite_meets_parquet(tmp_path: Path, ending: str) -> None:
    frame = context_table(read_suites(small_world(tmp_path, ending)), "accounts")
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "suite": "str", "account_id": "str", "tier": "str", "balance": "float64", "active": "boolean", "since": "str",
    }  # fmt: skip
