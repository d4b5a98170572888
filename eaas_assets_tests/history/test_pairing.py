from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.history.imports import read_history
from eaas_assets.history.pairing import pair, paired_test
from eaas_assets.history.runs import historical_runs
from eaas_assets.stats.paired import mcnemar_exact, paired_rate_interval
from eaas_assets_tests.history.runs_by_hand import AGENT, DATA, outcomes, run

SHARED = Path(os.environ.get("EAAS_SHARED_DATA", DATA.parent.parent / "shared" / "data"))


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


def test_single_trials_are_tested_by_mcnemar_with_tangos_interval():
    found = paired_test(pair(rows(outcomes(names(1, 9), names(10, 10))), rows(outcomes(names(3, 10), names(1, 2)))))
    assert found.p_value == mcnemar_exact(2, 1).p_value
    assert found.interval[:2] == pytest.approx(paired_rate_interval(2, 1, 10)[:2], abs=1e-9)
    assert found.difference == pytest.approx(-0.1)
    assert not found.significant


def test_six_losses_without_a_gain_are_significant_and_five_are_not():
    """Two-sided exact McNemar: 2 / 2^6 = .031 and 2 / 2^5 = .0625."""
    everyone = rows(outcomes(names(1, 10), []))
    six = paired_test(pair(everyone, rows(outcomes(names(7, 10), names(1, 6)))))
    five = paired_test(pair(everyone, rows(outcomes(names(6, 10), names(1, 5)))))
    assert (six.p_value, five.p_value) == (pytest.approx(2 / 64), pytest.approx(2 / 32))
    assert six.significant
    assert not five.significant


def test_repeats_do_not_count_as_scenarios():
    """One scenario lost ten times over is one change, however often it was tried."""
    before = rows({"A": [True] * 10, "B": [True] * 10, "C": [False] * 10})
    after = rows({"A": [False] * 10, "B": [True] * 10, "C": [False] * 10})
    found = paired_test(pair(before, after))
    assert found.n == 3
    assert found.difference == pytest.approx(-1 / 3)
    assert found.p_value > 0.05


def test_too_few_pairs_have_no_interval():
    one = paired_test(pair(rows(outcomes(["A"], [])), rows(outcomes([], ["A"]))))
    none = paired_test(pair(rows(outcomes(["A"], [])), rows(outcomes(["B"], []))))
    assert (one.n, one.p_value) == (1, 1.0)
    assert math.isnan(one.interval.low)
    assert (none.n, none.significant) == (0, False)
    assert math.isnan(none.difference)


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
    there, here = paired_test(found), paired_test(back)
    assert there.difference == pytest.approx(-here.difference, abs=1e-12, nan_ok=True)
    assert there.p_value == pytest.approx(here.p_value, nan_ok=True)


@pytest.mark.shared_data
@pytest.mark.skipif(not (SHARED / "tau2_finetune").exists(), reason="public data sets are not there")
@pytest.mark.parametrize(
    ("domain", "passed", "lost", "gained", "p_value"),
    [("airline", (10, 13), 3, 6, 0.51), ("retail", (34, 34), 6, 6, 1.0)],
)
def test_a_published_fine_tune_hides_losses_behind_an_equal_average(domain, passed, lost, gained, p_value):
    """tau2-bench, one model before and after fine-tuning: retail stays at 34 of 40 with six lost and six gained."""

    def results(model: str) -> dict[str, list[bool]]:
        simulations = json.loads((SHARED / "tau2_finetune" / f"{model}_{domain}.json").read_text())["simulations"]
        return {str(one["task_id"]): [one["reward_info"]["reward"] == 1.0] for one in simulations}

    before, after = rows(results("base")), rows(results("finetuned"))
    assert (before["passed"].sum(), after["passed"].sum()) == passed
    found = pair(before, after)
    assert (len(found.lost), len(found.gained)) == (lost, gained)
    assert paired_test(found).p_value == pytest.approx(p_value, abs=0.005)
