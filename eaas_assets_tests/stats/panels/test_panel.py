"""Rows become a balanced panel or a refusal with a code."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eaas_assets.errors import EstimateRefused
from eaas_assets.stats.panels.panel import Panel, adoption_panel, balanced_panel

UNIT = np.array(["a", "a", "b", "b"])
TIME = np.array([1, 2, 1, 2])
OUTCOME = np.array([1.0, 2.0, 3.0, 4.0])


def code_of(**changes: object) -> str:
    rows: dict[str, object] = {"unit": UNIT, "time": TIME, "outcome": OUTCOME, "treated": [0, 1, 0, 0], **changes}
    with pytest.raises(EstimateRefused) as refused:
        balanced_panel(**rows)  # type: ignore[arg-type]
    return refused.value.code


def test_rows_in_any_order_give_one_panel() -> None:
    order = [3, 0, 2, 1]
    treated = np.array([0, 1, 0, 0])
    panel = balanced_panel(UNIT[order], TIME[order], OUTCOME[order], treated[order])
    assert panel.outcome.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert panel.adoption.tolist() == [1, 2]
    assert panel.treatment.tolist() == [[0, 1], [0, 0]]
    assert panel.single_adoption() == 1


def test_holes_and_faults_are_refused_by_code() -> None:
    assert code_of(unit=UNIT[:3], time=TIME[:3], outcome=OUTCOME[:3], treated=[0, 1, 0]) == "missing_cells"
    assert code_of(time=np.array([1, 1, 1, 2])) == "duplicate_cells"
    assert code_of(outcome=[1.0, math.nan, 3.0, 4.0]) == "not_finite"
    assert code_of(outcome=[1.0, math.inf, 3.0, 4.0]) == "not_finite"
    assert code_of(time=np.array([1.0, math.nan, 1.0, 2.0])) == "not_finite"
    assert code_of(treated=[0, 2, 0, 0]) == "bad_treatment"
    assert code_of(treated=[1, 0, 0, 0]) == "treatment_reverses"
    assert code_of(unit=[], time=[], outcome=[], treated=[]) == "no_data"


def test_a_missing_cell_is_named() -> None:
    with pytest.raises(EstimateRefused, match="unit b at 2"):
        balanced_panel(UNIT[:3], TIME[:3], OUTCOME[:3], [0, 1, 0])


@pytest.mark.parametrize(
    ("adoption", "code"),
    [
        ([2, 2], "no_treated"),
        ([1, 1], "no_control"),
        ([0, 2], "no_pre_period"),
        ([1, 0], "staggered_adoption"),
    ],
)
def test_designs_without_a_comparison_are_refused(adoption: list[int], code: str) -> None:
    panel = Panel(OUTCOME.reshape(2, 2), np.array(["a", "b"]), np.array([1, 2]), np.array(adoption))
    with pytest.raises(EstimateRefused) as refused:
        panel.single_adoption()
    assert refused.value.code == code


def test_adoption_times_may_lie_between_periods_or_never_come() -> None:
    unit, time = np.repeat([0, 1, 2], 3), np.tile([10, 20, 30], 3)
    panel = adoption_panel(unit, time, np.arange(9.0), np.repeat([15.0, math.nan, math.inf], 3))
    assert panel.adoption.tolist() == [1, 3, 3]


def test_adoption_times_work_as_dates() -> None:
    unit, time = np.repeat(["a", "b"], 2), np.tile(np.array(["2026-01-01", "2026-01-02"], dtype="M8[D]"), 2)
    adoption = np.repeat(np.array(["2026-01-02", "NaT"], dtype="M8[D]"), 2)
    assert adoption_panel(unit, time, np.arange(4.0), adoption).adoption.tolist() == [1, 2]


def test_two_adoption_times_of_one_unit_are_refused() -> None:
    with pytest.raises(EstimateRefused) as refused:
        adoption_panel(UNIT, TIME, OUTCOME, [1, 2, np.inf, np.inf])
    assert refused.value.code == "adoption_changes"


def test_rows_of_unequal_number_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="unit has 3 rows"):
        balanced_panel(UNIT[:3], TIME, OUTCOME, [0, 1, 0, 0])
