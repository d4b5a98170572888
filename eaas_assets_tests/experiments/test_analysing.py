"""All experiments together: what is kept, what is made anew, and that a broken one stops nobody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml

from eaas_assets import processes
from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.contracts.readings import read_document
from eaas_assets.errors import InputError
from eaas_assets.experiments import analysing
from eaas_assets.experiments.analysing import ExperimentTables, analyse_all
from eaas_assets.experiments.evidence import data_digest, evidence_id
from eaas_assets.experiments.registry import read_experiments
from eaas_assets_tests.experiments.observations.worlds import BOUGHT, UNITS, experiment

DATA = Path(__file__).parents[2] / "data"
TABLES = ("registry", "design", "monitoring", "impact", "segments")
POLICY, _ = read_document(ExperimentPolicy, DATA, "policies/experiments.yaml")
ROWS = "user,arm,bought\n" + "".join(
    f"u{index},{'control' if index % 2 else 'treatment'},{int(index % 7 == 0)}\n" for index in range(400)
)


def register(root: Path, name: str, rows: str = ROWS, **changes: object) -> None:
    document = experiment(experiment=name, metrics=[BOUGHT], observations=UNITS, population=name, **changes)
    folder = root / "experiments" / name
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(document.model_dump(mode="json", exclude_none=True))
    (folder / "experiment.yaml").write_text(text, encoding="utf-8")
    (folder / "data.csv").write_text(rows, encoding="utf-8")


def analysed(root: Path, earlier: ExperimentTables | None = None) -> ExperimentTables:
    return analyse_all(root, read_experiments(root), POLICY, earlier=earlier)


@pytest.fixture
def world(tmp_path: Path) -> Path:
    for name in ("A", "B", "C"):
        register(tmp_path, name)
    return tmp_path


def test_nothing_is_made_anew_where_nothing_changed(world: Path) -> None:
    first = analysed(world)
    again = analysed(world, first)
    assert first.renewed == ("A", "B", "C")
    assert again.renewed == ()
    for table in TABLES:
        assert getattr(again, table).equals(getattr(first, table)), table


def test_several_processes_make_the_same_tables_as_one(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(world, "unreadable", "user,arm\n")
    alone = analysed(world)
    told: list[str] = []
    monkeypatch.setattr(processes, "_processes", lambda _items: 2)
    monkeypatch.setattr(analysing, "MOST_ROWS", 5)
    spread = analyse_all(world, read_experiments(world), POLICY, progress=told.append)
    assert sorted(told) == ["A", "B", "C", "unreadable"]
    assert spread.renewed == alone.renewed
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(spread, table), getattr(alone, table))


def test_new_data_renew_their_experiment_only(world: Path) -> None:
    first = analysed(world)
    register(world, "B", ROWS + "u400,control,1\n")
    again = analysed(world, first)
    assert again.renewed == ("B",)
    evidence = dict(zip(again.registry["experiment_id"], again.registry["evidence_id"], strict=True))
    for table in (again.design, again.monitoring, again.impact):
        assert (table["experiment_id"].map(evidence) == table["evidence_id"]).all()
    assert again.registry["observed_units"].tolist() == [400, 401, 400]


def test_a_new_document_renews_the_designs_of_all_but_no_other_effect(world: Path) -> None:
    first = analysed(world)
    register(world, "D")
    again = analysed(world, first)
    assert again.renewed == ("D",)
    assert sorted(again.design["experiment_id"].unique()) == ["A", "B", "C", "D"]
    assert len(again.design) > len(first.design)
    assert again.design.duplicated(["experiment_id", "check", "statement"]).sum() == 0


@pytest.mark.parametrize(
    ("hypothesis", "looked_at"),
    [("More answers come in.", ["A", "B", "C", "D"]), ("Orders are packed by night shifts.", ["D"])],
)
def test_only_designs_that_a_new_document_bears_on_are_checked_again(world, hypothesis, looked_at) -> None:
    for name in ("A", "B", "C"):
        register(world, name, hypothesis="More answers come in.")
    first = analysed(world)
    register(world, "D", hypothesis=hypothesis)
    told: list[str] = []
    again = analyse_all(world, read_experiments(world), POLICY, earlier=first, progress=told.append)
    assert told == looked_at
    assert again.design.equals(analysed(world).design)


def test_an_experiment_that_is_gone_has_no_rows(world: Path) -> None:
    first = analysed(world)
    (world / "experiments" / "A" / "experiment.yaml").unlink()
    again = analysed(world, first)
    assert again.registry["usable"].tolist() == [False, True, True]
    assert "A" not in set(again.impact["experiment_id"])


def test_broken_experiments_are_rows_and_the_others_go_on(world: Path) -> None:
    register(world, "A", "user,arm,bought\nu1,control,maybe\n")
    (world / "experiments" / "B" / "experiment.yaml").write_text("experiment: B\ncolour: green\n", encoding="utf-8")
    found = analysed(world)
    rows = found.registry.set_index("experiment_id")
    assert rows["usable"].tolist() == [False, False, True]
    assert "not_a_proportion" in rows.loc["A", "problems_json"]
    assert "extra_forbidden" in rows.loc["B", "problems_json"]
    refused = found.impact[found.impact["experiment_id"] == "A"]
    assert refused["refusal_code"].tolist() == ["unreadable"]
    assert "maybe" in refused["refusal_reason"].iloc[0]
    assert found.impact[found.impact["experiment_id"] == "C"]["verdict"].iloc[0] != "refused"


def test_what_could_not_be_used_is_tried_again(world: Path) -> None:
    (world / "experiments" / "A" / "data.csv").unlink()
    first = analysed(world)
    assert analysed(world, first).renewed == ("A",)
    register(world, "A")
    assert analysed(world, first).registry["usable"].all()


def test_evidence_is_document_data_and_policy(world: Path) -> None:
    document = read_experiments(world).experiments["A"].document
    data = data_digest(world, document)
    name = evidence_id(document, data, POLICY.digest)
    assert len(name) == 16
    assert name == evidence_id(document, data, POLICY.digest)
    register(world, "A", ROWS + "u400,control,1\n")
    others = {
        evidence_id(document, data_digest(world, document), POLICY.digest),
        evidence_id(document, data, "another"),
        evidence_id(document, None, POLICY.digest),
        evidence_id(document.model_copy(update={"title": "Other"}), data, POLICY.digest),
    }
    assert len(others | {name}) == 5
    (world / "experiments" / "A" / "data.csv").unlink()
    with pytest.raises(InputError):
        data_digest(world, document)


def test_tables_of_no_experiments_are_empty(tmp_path: Path) -> None:
    found = analysed(tmp_path)
    assert [len(table) for table in (found.registry, found.design, found.impact)] == [0, 0, 0]
    assert analysed(tmp_path, replace(found, renewed=())).renewed == ()
