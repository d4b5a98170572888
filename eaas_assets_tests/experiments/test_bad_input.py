"""What users get wrong, from file to rows: a problem, a refusal or a finding; and the experiment beside it goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import yaml

from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.contracts.readings import read_document
from eaas_assets.experiments.analysing import ExperimentTables, analyse_all
from eaas_assets.experiments.registry import read_experiments
from eaas_assets_tests.experiments.observations.worlds import experiment

POLICY, _ = read_document(ExperimentPolicy, Path(__file__).parents[2] / "data", "policies/experiments.yaml")
METRICS = [
    {"name": "bought", "role": "primary", "kind": "proportion", "direction": "increase"},
    {"name": "spend", "role": "secondary", "kind": "mean", "direction": "increase"},
]
UNITS = {"kind": "units", "file": "data.csv", "unit": "user", "variant": "arm", "time": "seen"}
PLAN = {"planned_start": "2025-01-06", "planned_end": "2025-02-02", "sample": {"planned": 280}}


def sound() -> pd.DataFrame:
    """Ten units a day for four weeks, five in each arm."""
    number = np.arange(280)
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "user": [f"u{n}" for n in number],
            "arm": np.where(number % 2, "control", "treatment"),
            "seen": (pd.Timestamp("2025-01-06T08:00:00") + pd.to_timedelta(number // 10, "D")).strftime(
                "%Y-%m-%dT%H:%M:%SZ"
            ),
            "bought": rng.integers(0, 2, 280),
            "spend": rng.gamma(2.0, 10.0, 280).round(2),
        }
    )


def register(root: Path, name: str, content: pd.DataFrame | bytes, **changes: Any) -> None:
    """An experiment with its file; a frame is written as CSV."""
    document = experiment(
        experiment=name, metrics=METRICS, observations=UNITS, population=name, hypothesis=f"{name} helps.", **PLAN
    )
    folder = root / "experiments" / name
    folder.mkdir(parents=True)
    text = yaml.safe_dump(document.model_dump(mode="json", exclude_none=True) | changes)
    (folder / "experiment.yaml").write_text(text, encoding="utf-8")
    data = content if isinstance(content, bytes) else content.to_csv(index=False).encode()
    (folder / "data.csv").write_bytes(data)


class Case(NamedTuple):
    """What is done to sound data, and where it is told: a problem, a refusal of a metric, or a finding."""

    change: Callable[[pd.DataFrame], pd.DataFrame | bytes]
    problem: tuple[str, int | None, str | None] | None = None
    refusal: tuple[str, str] | None = None
    finding: tuple[str, str] | None = None


def also(rows: slice, **columns: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Some rows once more, with other values."""
    return lambda frame: pd.concat([frame, frame.iloc[rows].assign(**columns)])


def put(column: str, value: Any, rows: slice = slice(None)) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """A value in some rows of a column."""

    def changed(frame: pd.DataFrame) -> pd.DataFrame:
        frame[column] = frame[column].astype(object)
        frame.iloc[rows, frame.columns.get_loc(column)] = value
        return frame

    return changed


CASES = {
    "unit in two arms": Case(also(slice(0, 6, 2), arm="control"), finding=("units_in_two_arms", "error")),
    "unknown variant": Case(put("arm", "ghost", slice(0, 4)), finding=("unknown_variants", "error")),
    "unknown variants only": Case(put("arm", "ghost"), refusal=("bought", "unknown_variant_only")),
    "missing day": Case(
        lambda frame: frame[~frame["seen"].str.startswith("2025-01-15")], finding=("missing_days", "warning")
    ),
    "all-null metric": Case(put("spend", None), refusal=("spend", "empty_arm")),
    "one arm empty": Case(lambda frame: frame[frame["arm"] == "control"], refusal=("bought", "sample_ratio_mismatch")),
    "infinite values": Case(put("spend", "inf", slice(3, 4)), refusal=("spend", "not_finite")),
    "zero variance": Case(put("spend", 3.0), refusal=("spend", "no_variance")),
    "duplicated rows": Case(also(slice(0, 9)), finding=("duplicates", "warning")),
    "time zones mixed": Case(put("seen", "2025-01-09T10:00:00", slice(30, 40)), finding=("time_zones", "error")),
    "later than the plan": Case(
        put("seen", "2025-03-01T00:00:00Z", slice(0, 6)), finding=("rows_outside_plan", "warning")
    ),
    "text in numbers": Case(put("spend", "twelve", slice(6, 7)), problem=("not_a_number", 7, "spend")),
    "unit without a name": Case(put("user", None, slice(2, 3)), problem=("missing_value", 3, "user")),
    "no such column": Case(
        lambda frame: frame.drop(columns="spend"), problem=("missing_column", None, "metrics.1.column")
    ),
    "empty file": Case(lambda _: b"", problem=("empty_file", None, None)),
    "header only": Case(lambda frame: frame.iloc[:0], refusal=("bought", "no_observations")),
    "latin-1": Case(
        lambda frame: frame.to_csv(index=False).replace("u7,", "ü7,").encode("latin-1"),
        problem=("not_utf8", None, None),
    ),
}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> ExperimentTables:
    """Every case as an experiment of one world, with a sound one first and last."""
    root = tmp_path_factory.mktemp("data")
    for name in ("A", "Z"):
        register(root, name, sound())
    for number, case in enumerate(CASES.values()):
        register(root, f"C{number:02d}", case.change(sound()))
    register(root, "U", sound(), colour="green")
    return analyse_all(root, read_experiments(root), POLICY)


def rows_of(table: pd.DataFrame, name: str) -> pd.DataFrame:
    return table[table["experiment_id"] == name]


@pytest.mark.parametrize("title", CASES)
def test_it_is_told_where_it_belongs(tables: ExperimentTables, title: str) -> None:
    name, case = f"C{list(CASES).index(title):02d}", CASES[title]
    (registered,) = rows_of(tables.registry, name).to_dict("records")
    impact = rows_of(tables.impact, name).set_index("metric")
    problems = json.loads(registered["problems_json"])
    assert bool(problems) is (case.problem is not None)
    if case.problem is not None:
        (problem,) = problems
        code, row, field = case.problem
        assert (problem["code"], problem["field"]) == (code, field)
        assert row is None or problem["row"] == row
        assert problem["file"] == f"experiments/{name}/data.csv"
        assert set(impact["refusal_code"]) == {"unreadable"}
    if case.refusal is not None:
        metric, code = case.refusal
        assert impact.loc[metric, "refusal_code"] == code
        assert pd.isna(impact.loc[metric, "p_value"])
    if case.finding is not None:
        check, outcome = case.finding
        design = rows_of(tables.design, name).set_index("check")
        assert design.loc[check, "outcome"] == outcome
        assert design.loc[check, "action"]


def test_a_document_with_an_unknown_field_is_told_with_its_line(tables: ExperimentTables) -> None:
    (row,) = rows_of(tables.registry, "U").to_dict("records")
    (problem,) = json.loads(row["problems_json"])
    assert not row["usable"]
    assert (problem["file"], problem["field"]) == ("experiments/U/experiment.yaml", "colour")
    assert problem["row"] > 0


def test_the_sound_experiments_beside_them_are_estimated(tables: ExperimentTables) -> None:
    for name in ("A", "Z"):
        impact = rows_of(tables.impact, name)
        assert impact["low"].notna().all()
        assert (impact["n_treatment"] == 140).all()


def test_what_is_left_of_a_torn_experiment_is_what_can_be_trusted(tables: ExperimentTables) -> None:
    counted = {title: rows_of(tables.registry, f"C{number:02d}")["observed_units"].iloc[0]
               for number, title in enumerate(CASES)}  # fmt: skip
    assert counted["unit in two arms"] == 277
    assert counted["unknown variant"] == 276
    assert counted["duplicated rows"] == 280
    assert counted["later than the plan"] == 274
