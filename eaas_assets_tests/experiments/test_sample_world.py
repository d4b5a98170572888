"""The sample experiments: made by their script, all readable, and each shows what it is there to show."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.contracts.experiments import (
    CausalImpact,
    DesignValidation,
    ExperimentMonitoring,
    ExperimentRegistry,
    SegmentImpact,
)
from eaas_assets.contracts.readings import read_document
from eaas_assets.contracts.tables import contract_problems
from eaas_assets.experiments.analysing import ExperimentTables, analyse_all
from eaas_assets.experiments.registry import ExperimentCatalogue, read_experiments

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def catalogue() -> ExperimentCatalogue:
    return read_experiments(DATA)


@pytest.fixture(scope="module")
def tables(catalogue: ExperimentCatalogue) -> ExperimentTables:
    policy, _ = read_document(ExperimentPolicy, DATA, "policies/experiments.yaml")
    return analyse_all(DATA, catalogue, policy)


def test_the_script_makes_the_committed_files_again(tmp_path: Path, catalogue: ExperimentCatalogue) -> None:
    for name in catalogue.experiments:
        (tmp_path / name).mkdir()
    runpy.run_path(str(DATA / "experiments" / "generate.py"))["main"](tmp_path)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.*") if path.is_file())
    assert len(made) == 11
    for relative in made:
        assert (tmp_path / relative).read_bytes() == (DATA / "experiments" / relative).read_bytes(), relative
    assert max((DATA / "experiments" / relative).stat().st_size for relative in made) <= 300 * 1024


def test_every_experiment_is_read_and_opened(catalogue: ExperimentCatalogue, tables: ExperimentTables) -> None:
    assert catalogue.broken == {}
    assert tables.registry["usable"].all()
    assert set(tables.registry["type"]) == {
        "ab_test",
        "phased_rollout",
        "model_swap",
        "workflow_change",
        "agent_behavior_change",
    }
    assert set(tables.registry["status"]) == {"proposed", "running", "concluded"}
    for contract, table in (
        (ExperimentRegistry, tables.registry),
        (DesignValidation, tables.design),
        (ExperimentMonitoring, tables.monitoring),
        (CausalImpact, tables.impact),
        (SegmentImpact, tables.segments),
    ):
        assert contract_problems(contract, table) == []


def test_costs_to_date_are_those_of_the_observed_units(tables: ExperimentTables) -> None:
    costs = tables.registry.set_index("experiment_id")
    spent = costs["cost_to_date_usd"] - costs["fixed_cost_usd"]
    assert costs.loc["E001", "cost_to_date_usd"] == 850.0 + 282.0
    assert spent["E002"] == 562.5
    assert spent["E003"] == 0.0
    assert costs["cost_to_date_usd"].isna()["E007"]  # its units' cost is not known


@pytest.mark.parametrize(
    ("experiment", "metric", "verdict"),
    [
        ("E001", "reply_rate", "improved"),
        ("E002", "avg_resolution_time_minutes", "refused"),
        ("E004", "purchase_rate", "improved"),
        ("E004", "waiting_time", "non_inferior"),
        ("E004", "complaint_rate", "non_inferior"),
        ("E005", "first_contact_resolution", "improved"),
        ("E007", "form_seconds", "refused"),
        ("E008", "renewal_rate", "inconclusive"),
        ("E009", "escalation_rate", "harmed"),
        ("E010", "sales_per_day", "improved"),
        ("E011", "solved_rate", "harmed"),
        ("E012", "tickets_closed", "improved"),
        ("E015", "answer_rate", "harmed"),
        ("E016", "waiting_minutes", "improved"),
        ("E017", "pass_rate", "refused"),
    ],
)
def test_each_shows_what_it_is_there_for(tables: ExperimentTables, experiment: str, metric: str, verdict: str) -> None:
    found = tables.impact[(tables.impact["experiment_id"] == experiment) & (tables.impact["metric"] == metric)]
    assert found["verdict"].tolist() == [verdict]


def test_refusals_harm_alarms_and_grades_stand_where_they_should(tables: ExperimentTables) -> None:
    codes = tables.impact[tables.impact["role"] == "primary"].set_index("experiment_id")["refusal_code"]
    assert (codes["E002"], codes["E003"], codes["E007"]) == ("no_variance", "no_observations", "sample_ratio_mismatch")
    harmed = tables.segments[tables.segments["harmed_although_average_won"].fillna(False)]
    assert harmed[["experiment_id", "value"]].to_numpy().tolist() == [["E005", "mobile"]]
    raised = tables.monitoring[tables.monitoring["latest"] & tables.monitoring["alarm"].fillna(False)]
    alarms = set(zip(raised["experiment_id"], raised["check"], strict=True))
    assert {("E006", "novelty"), ("E007", "sample_ratio"), ("E009", "guardrail_harm")} <= alarms
    assert not {"E001", "E004", "E008", "E015"} & {experiment for experiment, _ in alarms}
    grades = tables.design.groupby("experiment_id")["grade"].first()
    assert (grades["E013"], grades["E004"]) == ("A", "A")
    assert grades["E003"] in {"D", "F"}
    strengths = tables.impact.groupby("experiment_id")["strength"].first()
    assert (strengths["E010"], strengths["E012"]) == ("quasi_experiment", "before_after")
