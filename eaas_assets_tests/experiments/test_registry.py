"""The registry: one folder, one experiment; a bad one is told and hides no other."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

from eaas_assets.experiments.registry import read_experiments
from eaas_assets_tests.experiments.observations.worlds import experiment


def register(root: Path, folder: str, **changes: object) -> Path:
    document = experiment(experiment=folder).model_dump(mode="json", exclude_none=True) | changes
    path = root / "experiments" / folder / "experiment.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def test_a_world_without_the_folder_has_no_experiments(tmp_path: Path) -> None:
    assert read_experiments(tmp_path) == ({}, [], {})


def test_every_folder_is_an_experiment_in_order(tmp_path: Path) -> None:
    for folder in ("E2", "E1"):
        register(tmp_path, folder)
    (tmp_path / "experiments" / "generate.py").write_text("# makes the data\n", encoding="utf-8")
    (tmp_path / "experiments" / ".hidden").mkdir()
    catalogue = read_experiments(tmp_path)
    assert list(catalogue.experiments) == ["E1", "E2"]
    assert catalogue.experiments["E1"].file == "experiments/E1/experiment.yaml"
    assert [(reading.file, reading.outcome) for reading in catalogue.files] == [
        ("experiments/E1/experiment.yaml", "ok"),
        ("experiments/E2/experiment.yaml", "ok"),
    ]


def test_comments_and_order_do_not_change_the_digest(tmp_path: Path) -> None:
    path = register(tmp_path, "E1")
    before = read_experiments(tmp_path).experiments["E1"].digest
    lines = yaml.safe_dump(yaml.safe_load(path.read_text(encoding="utf-8")), sort_keys=False)
    path.write_text("# a remark\n" + lines, encoding="utf-8")
    assert read_experiments(tmp_path).experiments["E1"].digest == before
    path.write_text(lines.replace("It helps.", "It harms."), encoding="utf-8")
    assert read_experiments(tmp_path).experiments["E1"].digest != before


def test_bad_documents_are_told_and_the_others_go_on(tmp_path: Path) -> None:
    register(tmp_path, "good")
    register(tmp_path, "unknown_field", colour="green")
    register(tmp_path, "misnamed", experiment="other")
    (tmp_path / "experiments" / "empty").mkdir()
    catalogue = read_experiments(tmp_path)
    assert list(catalogue.experiments) == ["good"]
    assert {folder: [problem.code for problem in problems] for folder, problems in catalogue.broken.items()} == {
        "empty": ["missing_file"],
        "misnamed": ["name_mismatch"],
        "unknown_field": ["extra_forbidden"],
    }
    (problem,) = catalogue.broken["unknown_field"]
    assert (problem.file, problem.field) == ("experiments/unknown_field/experiment.yaml", "colour")
    assert problem.row is not None
    assert {reading.outcome for reading in catalogue.files} == {"ok", "failed"}


def test_fields_that_contradict_each_other_are_told_with_their_values(tmp_path: Path) -> None:
    arms = [{"name": "control", "allocation": 0.5}, {"name": "treatment", "allocation": 0.6}]
    register(tmp_path, "shares", variants=arms)
    register(tmp_path, "dates", planned_start="2025-01-06", planned_end="2024-01-06")
    register(tmp_path, "none", metrics=[{"name": "a", "role": "secondary", "kind": "mean", "direction": "increase"}])
    register(tmp_path, "segments", segments=["country", "device", "country"])
    spend = {"name": "spend", "role": "primary", "kind": "mean", "direction": "increase", "covariate": "before"}
    pairs = {"kind": "paired", "file": "pairs.csv", "unit": "task", "variant": "arm"}
    register(tmp_path, "covariate", design="paired", observations=pairs, metrics=[spend])
    broken = read_experiments(tmp_path).broken
    assert {name: problems[0].expected for name, problems in broken.items()} == {
        "covariate": "no covariate with design paired, which adjusts nothing, as spend has",
        "dates": "planned_end not before planned_start, 2025-01-06, as 2024-01-06 is",
        "segments": "segments named once, not 'country' twice",
        "none": "exactly one primary metric, not 0",
        "shares": "allocations that sum to 1, not to 1.1",
    }
    assert {problems[0].found for problems in broken.values()} == {"fields that do not fit together"}


@pytest.mark.parametrize("size", [1e300, 1e-300])
def test_numbers_whose_squares_nobody_can_hold_are_told(tmp_path: Path, size: float) -> None:
    metric = {"name": "a", "role": "primary", "kind": "mean", "direction": "increase"}
    register(tmp_path, "effect", metrics=[{**metric, "minimum_effect": size}])
    register(tmp_path, "spread", metrics=[{**metric, "expected": {"value": 1.0, "sd": size}}])
    register(tmp_path, "rate", sample={"planned": 100, "per_day": size})
    register(tmp_path, "money", value={"usd_per_unit": -size, "units_per_year": 1})
    broken = read_experiments(tmp_path).broken
    assert {name: problem.field for name, (problem,) in broken.items()} == {
        "effect": "metrics.0.minimum_effect",
        "money": "value.usd_per_unit",
        "rate": "sample.per_day",
        "spread": "metrics.0.expected.sd",
    }
    assert {problem.expected for (problem,) in broken.values()} == {"0, or a number of a size from 1e-30 to 1e+30"}


def test_names_that_are_no_ids_are_told(tmp_path: Path) -> None:
    register(tmp_path, "good")
    (tmp_path / "experiments" / "a b;--").mkdir()
    (tmp_path / "experiments" / "stray.yaml").write_text("experiment: stray\n", encoding="utf-8")
    catalogue = read_experiments(tmp_path)
    assert list(catalogue.experiments) == ["good"]
    assert sorted(problem.code for reading in catalogue.files for problem in reading.problems) == [
        "misplaced_file",
        "unsafe_id",
    ]


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "experiments").write_text("", encoding="utf-8")
    (reading,) = read_experiments(tmp_path).files
    assert [problem.code for problem in reading.problems] == ["unreadable_folder"]


def test_the_documents_example_is_an_experiment(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    example = page.split("## An experiment:")[1].split("```yaml\n")[1].split("```")[0]
    folder = tmp_path / "experiments" / "returns_banner"
    folder.mkdir(parents=True)
    (folder / "experiment.yaml").write_text(example, encoding="utf-8")
    assert read_experiments(tmp_path).broken == {}


def test_a_thousand_experiments_are_read_in_a_few_seconds(tmp_path: Path) -> None:
    text = register(tmp_path, "E0").read_text(encoding="utf-8")
    for number in range(1, 1000):
        folder = tmp_path / "experiments" / f"E{number}"
        folder.mkdir()
        (folder / "experiment.yaml").write_text(text.replace("experiment: E0", f"experiment: E{number}"), "utf-8")
    started = time.process_time()
    assert len(read_experiments(tmp_path).experiments) == 1000
    assert time.process_time() - started < 5.0
