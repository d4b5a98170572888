"""Which run is the one before: the first implementation of this world compared with rows that had no results."""

from __future__ import annotations

import pandas as pd
import pytest

from eaas_assets.errors import StorageError
from eaas_assets.history.imports import read_history
from eaas_assets.history.record import RunRecord, baseline_run_id, combine, previous_run_id, read_run
from eaas_assets.history.runs import historical_runs
from eaas_assets_tests.history.runs_by_hand import AGENT, DATA, outcomes, run, stated_run

ALL = outcomes(["S001", "S002"], ["S003"])


@pytest.fixture(scope="module")
def imported() -> RunRecord:
    history = read_history(DATA)
    return combine(historical_runs(history, AGENT, version) for version in ("v0.9", "v1.0", "v1.1"))


def before(history: RunRecord, run_id: str) -> str | None:
    return previous_run_id(history, read_run(history, run_id))


def test_every_imported_run_follows_the_one_before_it(imported):
    order = imported.runs["run_id"].tolist()
    assert [before(imported, run_id) for run_id in order] == [None, *order[:-1]]


def test_a_new_version_follows_the_latest_executed_run_of_any_version(imported):
    history = combine([imported, run("R1", "v1.0", ALL), run("R2", "v1.1", ALL, day=1)])
    assert before(history, "R1") == "RUN_2026_01_10"
    assert before(history, "R2") == "R1"


def test_a_known_version_follows_its_own_last_run_whatever_ran_in_between():
    nights = [run(f"R{day}", version, ALL, day=day) for day, version in enumerate(["v0.9", "v1.0", "v0.9", "v1.0"])]
    history = combine(nights)
    assert before(history, "R2") == "R0"
    assert before(history, "R3") == "R1"


def test_partial_runs_and_runs_without_results_are_no_reference():
    history = combine(
        [
            run("R1", "v1.0", ALL),
            run("R2", "v1.0", ALL, day=1, partial=True),
            run("R3", "v1.0", {"S001": [None], "S002": [None]}, day=2),
            stated_run("R4", "v1.0", {}, day=3),
            run("R5", "v1.0", ALL, day=4),
        ]
    )
    assert before(history, "R5") == "R1"
    assert baseline_run_id(history, read_run(history, "R5"), "v1.0") == "R1"


def test_runs_of_another_suite_or_agent_are_no_reference():
    history = combine([run("R1", "v1.0", ALL), run("R2", "v1.1", ALL, day=1)])
    history.runs.loc[0, "suite"] = "ticket_routing"
    assert before(history, "R2") is None
    history.runs.loc[0, ["suite", "agent"]] = ["customer_support", "another"]
    assert before(history, "R2") is None


def test_two_runs_of_one_moment_are_ordered_by_their_identifiers():
    history = combine([run("R2", "v1.0", ALL), run("R1", "v1.0", ALL)])
    assert before(history, "R2") == "R1"
    assert before(history, "R1") is None


def test_the_baseline_is_the_latest_full_run_and_executed_before_imported(imported):
    history = combine([imported, run("R1", "v1.1", ALL)])
    current = read_run(history, "R1")
    assert baseline_run_id(history, current, "v1.0") == "RUN_2026_01_10"
    assert baseline_run_id(history, current, "v9.9") is None
    later = combine([history, run("R2", "v1.0", ALL, day=1), run("R3", "v1.0", ALL, day=2)])
    assert baseline_run_id(later, current, "v1.0") == "R3"


def test_a_run_is_read_under_the_wanted_scoring_else_under_its_last():
    lenient = run("R1", "v1.0", outcomes(["S001", "S002"], []))
    strict = run("R1", "v1.0", outcomes(["S001"], ["S002"]), scoring="b" * 64)
    history = RunRecord(lenient.runs, *(combine([lenient, strict])[1:]))
    assert read_run(history, "R1").measures["pass_rate"].value == 0.5
    assert read_run(history, "R1", "a" * 64).measures["pass_rate"].value == 1.0
    assert len(read_run(history, "R1", "a" * 64).scenarios) == 2
    assert read_run(history, "R1", "never").policy_hash == "b" * 64


def test_a_run_that_is_not_there_once_is_an_error(imported):
    with pytest.raises(StorageError, match="0 runs"):
        read_run(imported, "R9")
    with pytest.raises(StorageError, match="2 runs"):
        read_run(RunRecord(*(pd.concat([table, table]) for table in imported)), "RUN_2026_01_10")


def test_an_imported_run_that_several_records_hold_is_taken_once(imported):
    with_first, with_second = (combine([imported, run(name, "v1.0", ALL)]) for name in ("R1", "R2"))
    both = combine([with_first, with_second])
    assert len(both.runs) == 6 + 2
    assert not both.metrics.duplicated(["run_id", "metric"]).any()
    assert len(both.scenarios) == 6 + 2 * 3
    assert read_run(both, "RUN_2026_01_10").measures["pass_rate"].value == 0.88


def test_rows_that_an_executed_run_has_twice_are_a_fault_and_not_hidden():
    twice = combine([run("R1", "v1.0", ALL), run("R1", "v1.0", ALL)])
    with pytest.raises(StorageError, match="2 runs"):
        read_run(twice, "R1")
