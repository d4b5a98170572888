"""Units that met every arm: from files, and from the evaluated runs of two versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from eaas_assets.errors import InputError
from eaas_assets.experiments.observations.agent_runs import AgentRunTables
from eaas_assets.experiments.observations.opening import open_observations
from eaas_assets_tests.experiments.observations.worlds import SPEND, experiment, opened

PAIRED = {"kind": "paired", "file": "data.csv", "unit": "task", "variant": "arm"}
ROWS = "task,arm,spend,kind\nt2,control,1,a\nt2,treatment,2,a\nt1,control,5,b\nt1,treatment,3,b\nt3,control,9,a\n"
RUNS = {"kind": "agent_runs", "agent": "desk"}
VERSIONS = [
    {"name": "old", "allocation": 0.5, "version": "v1"},
    {"name": "new", "allocation": 0.5, "version": "v2"},
]
PASSED = {"name": "pass_rate", "column": "passed", "role": "primary", "kind": "proportion", "direction": "increase"}


def test_units_are_matched_by_name_in_one_order(tmp_path: Path) -> None:
    data = opened(tmp_path, ROWS, design="paired", observations=PAIRED, segments=["kind"])
    pairs = data.paired.pairs(experiment().primary, "treatment")
    assert pairs.units == ("t1", "t2")
    assert (pairs.control.tolist(), pairs.treatment.tolist()) == ([5.0, 1.0], [3.0, 2.0])
    assert pairs.clusters.tolist() == [0, 1]
    assert pairs.left_out == ("t3",)
    by_kind = data.paired.pairs_by_segment(experiment().primary, "treatment", "kind")
    assert {kind: pairs.units for kind, pairs in by_kind.items()} == {"a": ("t2",), "b": ("t1",)}


def test_families_are_clusters(tmp_path: Path) -> None:
    declared = PAIRED | {"cluster": "kind"}
    text = ROWS + "t3,treatment,7,a\n"
    data = opened(tmp_path, text, design="paired", observations=declared)
    assert data.paired.pairs(experiment().primary, "treatment").clusters.tolist() == [0, 1, 1]


def test_a_unit_with_two_values_in_an_arm_is_no_pair(tmp_path: Path) -> None:
    text = ROWS + "t1,control,6,b\nt2,control,1,a\nt4,other,1,a\nt2,control,1,a\n"
    data = opened(tmp_path, text, design="paired", observations=PAIRED)
    assert data.paired.pairs(experiment().primary, "treatment").units == ("t2",)
    integrity = data.paired.integrity
    assert (integrity.duplicate_rows, integrity.conflicting_rows) == (2, 2)
    assert integrity.unknown_variants == {"other": 1}


def test_missing_and_infinite_values_leave_their_unit_out(tmp_path: Path) -> None:
    text = "task,arm,spend\nt1,control,1\nt1,treatment,\nt2,control,inf\nt2,treatment,1\nt3,control,1\nt3,treatment,2\n"
    data = opened(tmp_path, text, design="paired", observations=PAIRED)
    pairs = data.paired.pairs(experiment().primary, "treatment")
    assert (pairs.units, pairs.left_out) == (("t3",), ("t1", "t2"))
    assert data.paired.integrity.infinite_values == {"spend": 1}


def tables(rows: list[tuple[str, str, int, Any, float]], **more: Any) -> AgentRunTables:
    """Scenario rows of runs r1 (v1, superseded), r2 (v1) and r3 (v2)."""
    made = pd.to_datetime(["2024-10-01", "2024-10-02", "2024-10-03", "2024-10-04"], utc=True)
    runs = pd.DataFrame(
        {
            "run_id": ["r1", "r2", "r3", "r4"],
            "run_timestamp": made,
            "agent": "desk",
            "version": ["v1", "v1", "v2", "v2"],
            "source": "executed",
            "scope": ["full", "full", "full", "partial"],
        }
    )
    scenarios = pd.DataFrame(rows, columns=["run_id", "scenario_id", "trial", "passed", "response_time_ms"])
    scenarios["passed"] = scenarios["passed"].astype("boolean")
    scenarios["expected_json"] = "{}"
    scenarios["overall_score"] = np.nan
    scenarios["cost_usd"] = 0.5
    return AgentRunTables(scenarios, runs, **more)


EVALUATED = [
    ("r1", "s1", 1, False, 9.0), ("r2", "s1", 1, True, 100.0), ("r2", "s1", 2, False, 300.0),
    ("r2", "s2", 1, True, 50.0), ("r3", "s1", 1, True, 80.0), ("r3", "s2", 1, None, 70.0), ("r4", "s2", 1, True, 1.0),
]  # fmt: skip


def test_runs_of_two_versions_are_paired_by_scenario_with_trials_averaged(tmp_path: Path) -> None:
    time = {"name": "time", "column": "response_time_ms", "role": "secondary", "kind": "mean", "direction": "decrease"}
    document = experiment(design="paired", observations=RUNS, variants=VERSIONS, metrics=[PASSED, time])
    data = open_observations(tmp_path, document, tables(EVALUATED, families={"s1": "f", "s2": "f"}))
    passed = data.paired.pairs(document.metrics[0], "new")
    assert (passed.units, passed.control.tolist(), passed.treatment.tolist()) == (("s1",), [0.5], [1.0])
    times = data.paired.pairs(document.metrics[1], "new")
    assert (times.control.tolist(), times.treatment.tolist()) == ([200.0, 50.0], [80.0, 70.0])
    assert times.clusters.tolist() == [0, 0]
    assert data.paired.integrity.null_values == {"pass_rate": {"new": 1}}
    assert (data.observed_from.day, data.observed_to.day) == (2, 3)


def test_each_run_after_the_first_comparison_is_a_repetition(tmp_path: Path) -> None:
    """Runs of one version before the other had any were no look at the difference."""
    document = experiment(design="paired", observations=RUNS, variants=VERSIONS, metrics=[PASSED])
    once = open_observations(tmp_path, document, tables(EVALUATED))
    assert once.paired.repetition == 1
    again = tables(EVALUATED)
    again.evaluation_runs.loc[3, "scope"] = "full"
    twice = open_observations(tmp_path, document, again)
    assert twice.paired.repetition == 2
    assert once.data_digest != twice.data_digest


def test_scenarios_whose_expectation_changed_are_no_pair(tmp_path: Path) -> None:
    document = experiment(design="paired", observations=RUNS, variants=VERSIONS, metrics=[PASSED])
    runs = tables(EVALUATED)
    runs.scenario_evaluations.loc[runs.scenario_evaluations["run_id"] == "r3", "expected_json"] = '{"a":1}'
    assert open_observations(tmp_path, document, runs).paired.pairs(document.primary, "new").units == ()


def test_versions_without_a_full_run_have_nothing_yet(tmp_path: Path) -> None:
    document = experiment(design="paired", observations=RUNS, variants=VERSIONS, metrics=[PASSED])
    runs = tables(EVALUATED)
    runs.evaluation_runs.loc[2, "scope"] = "partial"
    assert open_observations(tmp_path, document, runs).kind == "nothing"
    assert open_observations(tmp_path, document).kind == "nothing"


def test_metrics_of_runs_are_those_of_scores(tmp_path: Path) -> None:
    document = experiment(design="paired", observations=RUNS, variants=VERSIONS, metrics=[SPEND])
    with pytest.raises(InputError, match=r"'spend'; expected one of passed, overall_score"):
        open_observations(tmp_path, document, tables(EVALUATED))
