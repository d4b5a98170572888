from __future__ import annotations

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.history.imports import read_history
from eaas_assets.history.pairing import pair
from eaas_assets.history.runs import historical_runs
from eaas_assets_tests.history.runs_by_hand import AGENT, DATA, outcomes, run


def rows(results, **options):
    return run("R1", "v1.0", results, **options).scenarios


def names(first: int, last: int) -> list[str]:
    return [f"S{number:03d}" for number in range(first, last + 1)]


def test_lost_and_gained_scenarios_are_named():
    found = pair(rows(outcomes(["A", "B", "C"], ["D"])), rows(outcomes(["A", "D"], ["B", "C"])))
    assert (found.lost, found.gained, found.shifted) == (["B", "C"], ["D"], [])
    assert found.single
    assert found.whole
    assert not found.identical


def test_scenarios_of_only_one_run_are_unpaired_not_failed():
    found = pair(rows(outcomes(["A", "B"], [])), rows(outcomes(["A", "C"], [])))
    assert found.unpaired == ["B", "C"]
    assert found.identical
    assert not found.whole


def test_an_evaluation_that_was_not_scored_is_unpaired_not_lost():
    found = pair(rows(outcomes(["A", "B"], [])), rows({"A": [True], "B": [None]}))
    assert (found.lost, found.unpaired) == ([], ["B"])


def test_another_expected_value_makes_another_question():
    found = pair(rows(outcomes(["A", "B"], [])), rows(outcomes(["A"], ["B"]), expected={"B": "something else"}))
    assert (found.lost, found.redefined, found.unpaired) == ([], ["B"], [])
    assert found.pairs["scenario_id"].tolist() == ["A"]


def test_several_trials_are_a_share_and_sides_change_at_one_half():
    before = rows({"A": [True] * 4, "B": [True] * 4, "C": [False] * 4, "D": [True, True, False, False]})
    after = rows(
        {
            "A": [True, True, False, False],
            "B": [True, True, True, False],
            "C": [True] * 3 + [False],
            "D": [True, False] * 2,
        }
    )
    found = pair(before, after)
    assert (found.lost, found.gained, found.shifted) == (["A"], ["C"], ["B"])
    assert not found.single


def test_trials_may_differ_in_number():
    found = pair(rows({"A": [True, True], "B": [True]}), rows({"A": [True] * 3, "B": [False, True, True]}))
    assert found.lost == []
    assert found.shifted == ["B"]


def test_with_an_imported_run_passing_means_that_every_recorded_field_matched():
    imported = historical_runs(read_history(DATA), AGENT, "v1.1").scenarios
    found = pair(imported[imported["run_id"] == "RUN_2026_01_17"], imported[imported["run_id"] == "RUN_2026_01_24"])
    assert found.by_fields
    assert found.gained == ["S008"]
    executed = rows(outcomes(["S008"], [])).assign(matches_json='{"outcome":false}', expected_json='{"tone":"kind"}')
    assert pair(imported.tail(1), executed).lost == ["S008"]  # it passed by score, but the field did not match
    elsewhere = executed.assign(matches_json='{"queue":true}')
    assert pair(imported.tail(1), elsewhere).unpaired == ["S008"]  # no field in common: nothing to compare


TRIALS = st.lists(st.booleans(), min_size=1, max_size=3)


def bare_rows(results: dict[str, list[bool]]) -> pd.DataFrame:
    """The columns of scenario rows that pairing reads."""
    tried = [(name, passed) for name, trials in results.items() for passed in trials]
    return pd.DataFrame(tried, columns=["scenario_id", "passed"]).assign(
        passed=lambda frame: frame["passed"].astype("boolean"),
        source="executed",
        matches_json="{}",
        expected_json="{}",
    )


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(TRIALS, TRIALS), min_size=1, max_size=8), st.integers(0, 2**31))
def test_pairing_does_not_depend_on_the_order_of_rows_and_turns_round(trials, seed):
    before = bare_rows({f"S{place}": first for place, (first, _) in enumerate(trials)})
    after = bare_rows({f"S{place}": second for place, (_, second) in enumerate(trials)})
    found = pair(before, after)
    again = pair(before.sample(frac=1, random_state=seed), after.sample(frac=1, random_state=seed + 1))
    assert found.pairs.equals(again.pairs)
    assert found[1:] == again[1:]
    back = pair(after, before)
    assert (found.lost, found.gained, found.shifted) == (back.gained, back.lost, back.shifted)
