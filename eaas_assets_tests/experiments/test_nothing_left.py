"""Files that can be read and of which no row can be used: the registry, the design and the refusal say why."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from eaas_assets.experiments.analysing import ExperimentTables, analyse_all
from eaas_assets.experiments.registry import read_experiments
from eaas_assets_tests.experiments.test_bad_input import POLICY, register, sound

PANEL = {"kind": "panel", "file": "data.csv", "unit": "shop", "time": "week", "adoption": "since"}
SALES = [{"name": "sales", "role": "primary", "kind": "mean", "direction": "increase"}]
ROLLOUT = {"type": "phased_rollout", "design": "rollout", "metrics": SALES}


def shops(**columns: Any) -> pd.DataFrame:
    weeks = [(shop, week, 3.0 + week) for shop in range(8) for week in range(10)]
    frame = pd.DataFrame(weeks, columns=["shop", "week", "sales"])
    return frame.assign(since=[5 if shop < 4 else None for shop in frame["shop"]]).assign(**columns)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> ExperimentTables:
    root = tmp_path_factory.mktemp("data")
    register(root, "late", sound().assign(seen="2026-01-01T00:00:00Z"))
    register(root, "torn", pd.concat([sound(), sound().assign(arm=sound()["arm"].to_numpy()[::-1])]))
    untimed = {"kind": "units", "file": "data.csv", "unit": "user", "variant": "arm"}
    register(
        root, "contradicting", pd.concat([sound(), sound().assign(spend=sound()["spend"] + 1)]), observations=untimed
    )
    dates = shops(since=lambda frame: [5 if week < 5 else 6 for week in frame["week"]])
    register(root, "two_dates", dates, observations=PANEL, **ROLLOUT)
    twice = pd.concat([shops(), shops(sales=lambda frame: frame["sales"] + 1)])
    register(root, "twice", twice, observations=PANEL, **ROLLOUT)
    return analyse_all(root, read_experiments(root), POLICY)


@pytest.mark.parametrize(
    ("name", "reason", "check", "outcome"),
    [
        ("late", "280 rows after the planned end", "rows_outside_plan", "warning"),
        ("torn", "280 units in two arms", "units_in_two_arms", "error"),
        ("contradicting", "280 rows in contradiction to another one", "duplicates", "error"),
        ("two_dates", "8 units in two arms or with two dates of treatment", "adoption_dates", "error"),
        ("twice", "160 rows in contradiction to another one", "duplicates", "error"),
    ],
)
def test_it_is_told_why_no_row_is_left(
    tables: ExperimentTables, name: str, reason: str, check: str, outcome: str
) -> None:
    impact = tables.impact[tables.impact["experiment_id"] == name]
    assert set(impact["refusal_code"]) == {"no_observations"}
    assert impact["refusal_reason"].str.contains(reason).all()
    design = tables.design[tables.design["experiment_id"] == name].set_index("check")
    assert design.loc[check, "outcome"] == outcome
    assert design.loc[check, "action"]
    assert design.loc["metrics_observed", "outcome"] == "error"
