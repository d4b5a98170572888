"""Pictures over all experiments: one of each method over time, and none that is not wanted."""

from __future__ import annotations

import json

import pandas as pd

from eaas_assets.reporting.experiment.overview import effects_overview, looks_overview, paths_overview
from eaas_assets_tests.reporting.experiment.world import EXPECTED_SERIES, ONE_UNIT, STAGGERED, make_tables

TABLES = make_tables()
IMPACT = TABLES.impact


def with_paths(*paths: object) -> pd.DataFrame:
    """One row of an effect for each given set of series."""
    row = IMPACT.iloc[[0]]
    return pd.concat([row.assign(experiment_id=f"E{n}", paths_json=json.dumps(one)) for n, one in enumerate(paths)])


def test_each_method_has_one_picture_that_names_its_experiment() -> None:
    found = paths_overview(with_paths(STAGGERED, STAGGERED, ONE_UNIT, EXPECTED_SERIES))
    assert {sheet: shown.words.partition(".")[0] for sheet, shown in found.items()} == {
        "event_study": "Effect on E0, reply_rate by periods since the change",
        "synthetic_control": "E2, reply_rate",
        "forecast": "E3, reply_rate",
    }
    assert all(str(shown.chart).startswith("<svg") for shown in found.values())


def test_primary_metrics_come_first() -> None:
    frame = with_paths(STAGGERED, STAGGERED)
    frame["role"] = ["guardrail", "primary"]
    assert "E1" in paths_overview(frame)["event_study"].words


def test_series_of_nothing_known_give_no_picture() -> None:
    assert paths_overview(with_paths({"donors": {"donor": ["a"], "weight": [1.0]}}, [], "x")) == {}
    assert paths_overview(IMPACT.iloc[:0]) == {}


def test_the_sequence_of_a_proportion_is_in_points() -> None:
    shown = looks_overview(TABLES.monitoring, IMPACT.assign(kind="proportion"))
    assert " pts</text>" in str(shown.chart)
    assert "holds at all looks" in shown.words
    assert " pts</text>" not in str(looks_overview(TABLES.monitoring, IMPACT.assign(kind="mean")).chart)


def test_the_marks_of_effects_are_explained() -> None:
    assert "✕ worse" in effects_overview(IMPACT).words
