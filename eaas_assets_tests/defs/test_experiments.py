"""The sample experiments through the real jobs: each decided for its own reason, and only what changed done again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from eaas_assets.storage.tables import TableStore
from eaas_assets_tests.defs.instances import Installation, checks, errors, installation
from eaas_assets_tests.worlds import (
    sample_world,
    shipped_policy,
    write_decision_policies,
    write_policies,
    write_text,
    write_yaml,
)

OUTCOMES = {
    "E001": "scale",
    "E003": "do_not_start",
    "E004": "scale",
    "E005": "pivot",
    "E007": "pause",
    "E009": "pause",
    "E010": "scale",
    "E013": "start",
    "E014": "fix_design",
    "E015": "retire",
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, Any]]:
    """The sample world with its experiments, looked at once for this module; no agent version is evaluated."""
    with installation(sample_world(tmp_path_factory.mktemp("data")), tmp_path_factory.mktemp("output")) as made:
        yield made, made.run("refresh_experiments")


def snapshot(made: Installation, table: str) -> pd.DataFrame:
    return made.tables.read(made.tables.snapshot_path(table))


def current(made: Installation) -> dict[str, Any]:
    decisions = snapshot(made, "decisions")
    return {row["subject_id"]: row for row in decisions[decisions["current"]].to_dict("records")}


def test_every_sample_experiment_is_decided_as_it_was_meant(sample: tuple[Installation, Any]) -> None:
    made, result = sample
    assert result.success, errors(result)
    decided = current(made)
    assert {name: decided[name]["decision"] for name in OUTCOMES} == OUTCOMES
    assert decided["E002"]["decision"] in {"pause", "continue"}
    assert decided["E012"]["decision"] != "scale", "before and after alone never scales"
    assert decided["E012"]["capped_from"] == "scale"


def test_every_table_meets_its_contract(sample: tuple[Installation, Any]) -> None:
    _, result = sample
    assert {name for name, check in checks(result).items() if not check.passed} == {
        "experiment_monitoring:no_experiment_alarms",
        "decisions:no_decision_waits",
    }


def test_alarms_and_waiting_decisions_are_named_in_their_checks(sample: tuple[Installation, Any]) -> None:
    _, result = sample
    told = checks(result)
    alarms = told["experiment_monitoring:no_experiment_alarms"].metadata["explanation"].value
    assert all(experiment in alarms for experiment in ("E006", "E007", "E009"))
    assert "E004" in told["decisions:no_decision_waits"].metadata["explanation"].value


def test_effects_can_be_seen_in_the_ui_as_pictures(sample: tuple[Installation, Any]) -> None:
    _, result = sample
    materialised = {
        event.asset_key.to_user_string(): event.step_materialization_data.materialization.metadata
        for event in result.get_asset_materialization_events()
    }
    for asset in ("causal_impact", "experiment_monitoring", "experiment_portfolio"):
        assert materialised[asset]["picture"].value.startswith("!["), asset
        assert "data:image/svg+xml;base64," in materialised[asset]["picture"].value
    effects = materialised["causal_impact"]
    assert "E010" in effects["picture: event study"].value
    assert "E016" in effects["picture: synthetic control"].value
    assert "E012" in effects["picture: forecast"].value


def test_every_experiment_has_its_page_and_the_index_leads_to_it(sample: tuple[Installation, Any]) -> None:
    made, _ = sample
    index = (made.output / "reports" / "index.html").read_text(encoding="utf-8")
    assert 'href="portfolio.html"' in index
    for experiment in snapshot(made, "experiment_registry")["experiment_id"]:
        assert f'href="experiments/{experiment}.html"' in index
        assert (made.output / "reports" / "experiments" / f"{experiment}.html").exists()


def test_looking_again_without_new_evidence_changes_nothing(sample: tuple[Installation, Any]) -> None:
    made, _ = sample
    log = (made.output / "audit" / "log.jsonl").read_bytes()
    before = snapshot(made, "decisions")
    written = {path: path.stat().st_mtime_ns for path in (made.output / "reports" / "experiments").iterdir()}
    again = made.run("refresh_experiments")
    assert again.success, errors(again)
    assert (made.output / "audit" / "log.jsonl").read_bytes() == log
    pd.testing.assert_frame_equal(snapshot(made, "decisions"), before)
    assert {path: path.stat().st_mtime_ns for path in (made.output / "reports" / "experiments").iterdir()} == written


# -- a world of its own, to change and to break -------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Installation]:
    """Two sample experiments and the policies, in a world without agents."""
    data = tmp_path / "data"
    write_policies(data)
    write_decision_policies(data)
    sample_experiments = sample_world(tmp_path / "sample") / "experiments"
    for name in ("E001", "E008"):
        shutil.copytree(sample_experiments / name, data / "experiments" / name)
    with installation(data, tmp_path / "output") as made:
        yield made


def refreshed(made: Installation) -> Any:
    result = made.run("refresh_experiments")
    assert result.success, errors(result)
    return result


def evidence(tables: TableStore) -> dict[str, str]:
    registry = tables.read(tables.snapshot_path("experiment_registry"))
    return dict(zip(registry["experiment_id"], registry["evidence_id"], strict=True))


def test_a_broken_experiment_stops_no_other_and_is_named(desk: Installation) -> None:
    write_text(desk.data, "experiments/E001/experiment.yaml", "experiment: E001\nflavour: vanilla\n")
    write_text(desk.data, "experiments/E099/experiment.yaml", "experiment: [")
    result = refreshed(desk)
    check = checks(result)["experiment_registry:experiments_are_readable"]
    assert not check.passed
    assert "flavour" in check.metadata["explanation"].value
    assert "E099" in check.metadata["explanation"].value
    decided = current(desk)
    assert decided["E008"]["decision"] == "pivot"
    assert decided["E001"]["decision"] not in {"scale", "start"}


def test_only_an_experiment_whose_evidence_changed_is_decided_again(desk: Installation) -> None:
    refreshed(desk)
    before, old = evidence(desk.tables), current(desk)
    path = desk.data / "experiments" / "E008" / "experiment.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "\n# a comment\n", encoding="utf-8")
    refreshed(desk)
    assert evidence(desk.tables) == before, "a comment is no evidence"
    summary = desk.data / "experiments" / "E001" / "summary.csv"
    summary.write_text(summary.read_text(encoding="utf-8").replace("135", "95"), encoding="utf-8")
    refreshed(desk)
    after, new = evidence(desk.tables), current(desk)
    assert after["E008"] == before["E008"]
    assert after["E001"] != before["E001"]
    assert new["E008"]["decision_id"] == old["E008"]["decision_id"]
    assert new["E001"]["decision_id"] != old["E001"]["decision_id"]
    assert new["E001"]["decision"] != "scale", "95 of 520 against 90 of 500 is no win"


def test_a_world_without_experiments_is_decided_without_a_fault(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write_policies(data)
    write_decision_policies(data)
    with installation(data, tmp_path / "output") as made:
        refreshed(made)
        assert snapshot(made, "decisions").empty
        assert snapshot(made, "experiment_portfolio").empty


def test_another_policy_can_be_tried_on_past_decisions_from_the_launchpad(desk: Installation) -> None:
    refreshed(desk)
    policy = shipped_policy("decisions")
    policy["rules"] = [
        rule | {"decision": "pivot"} if rule["rule"] == "clear_win" else rule for rule in policy["rules"]
    ]
    write_yaml(desk.data, "policies/other.yaml", policy)
    config = {"ops": {"policy_backtest": {"config": {"policy_file": "policies/other.yaml"}}}}
    result = desk.run("replay_policy", run_config=config)
    assert result.success, errors(result)
    rows = snapshot(desk, "policy_backtest").set_index("subject_id")
    assert rows.loc["E001", "new_decision"] == "pivot"
    assert bool(rows.loc["E001", "differs"])
    assert not bool(rows.loc["E008", "differs"])
    assert current(desk)["E001"]["decision"] == "scale", "nothing is decided by it"
