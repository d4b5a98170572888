"""Panels: who is treated from when, and what is wrong with periods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eaas_assets.errors import InputError
from eaas_assets.experiments.observations.access import PanelData
from eaas_assets_tests.experiments.observations.worlds import opened

ROLLOUT = {"kind": "panel", "file": "data.csv", "unit": "store", "time": "day", "adoption": "since"}
ROWS = (
    "store,day,since,spend\nb,2024-10-01,,1\nb,2024-10-02,,2\nb,2024-10-03,,3\n"
    "a,2024-10-01,2024-10-02,4\na,2024-10-02,2024-10-02,5\na,2024-10-03,2024-10-02,6\n"
)
DAY = 19997  # 2024-10-01 in days from 1970-01-01


def panel(root: Path, text: str, declared: dict[str, Any] = ROLLOUT, **changes: Any) -> PanelData:
    design = {"design": "rollout", "type": "phased_rollout"} | changes
    found = opened(root, text, observations=declared, **design)
    assert found.panel is not None
    return found.panel


def test_a_panel_is_sorted_and_says_who_is_treated_from_when(tmp_path: Path) -> None:
    data = panel(tmp_path, ROWS)
    assert data.time_is_day
    assert data.unit.tolist() == ["a", "a", "a", "b", "b", "b"]
    assert data.time.tolist() == [DAY, DAY + 1, DAY + 2] * 2
    assert data.adoption.tolist() == [DAY + 1] * 3 + [DAY + 3] * 3
    assert data.outcome["spend"].tolist() == [4.0, 5.0, 6.0, 1.0, 2.0, 3.0]
    assert data.cluster is None
    assert data.controls.shape == (6, 0)


def test_periods_may_be_whole_numbers_with_one_intervention(tmp_path: Path) -> None:
    text = "store,day,spend\na,1,1\na,2,2\nb,1,3\nb,2,4\n"
    declared = {"kind": "panel", "file": "data.csv", "unit": "store", "time": "day", "intervention": 2}
    data = panel(tmp_path, text, declared | {"treated": ["b"]})
    assert not data.time_is_day
    assert data.adoption.tolist() == [3, 3, 2, 2]
    everyone = panel(tmp_path, text, declared)
    assert everyone.adoption.tolist() == [2, 2, 2, 2]
    with pytest.raises(InputError, match=r"field 'observations.treated': found 'c'; expected a unit of the data"):
        panel(tmp_path, text, declared | {"treated": ["c"]})
    with pytest.raises(InputError, match=r"found '2024-10-01'; expected a whole number \[not_a_period\]"):
        panel(tmp_path, text, declared | {"intervention": "2024-10-01"})


def test_one_series_needs_no_unit(tmp_path: Path) -> None:
    declared = {"kind": "panel", "file": "data.csv", "time": "day", "intervention": "2024-10-02", "controls": ["other"]}
    text = "day,spend,other\n2024-10-01,1,7\n2024-10-02,2,8\n"
    data = panel(tmp_path, text, declared, design="before_after")
    assert data.unit.tolist() == ["(all)", "(all)"]
    assert data.controls.tolist() == [[7.0], [8.0]]


def test_missing_days_are_named_and_weeks_miss_none(tmp_path: Path) -> None:
    gap = ROWS.replace("2024-10-03", "2024-10-04")
    assert panel(tmp_path, gap).integrity.missing_days == ("2024-10-03",)
    weekly = ROWS.replace("2024-10-02", "2024-10-08").replace("2024-10-03", "2024-10-15")
    assert panel(tmp_path, weekly).integrity.missing_days == ()


def test_a_unit_adopted_twice_is_not_used(tmp_path: Path) -> None:
    data = panel(tmp_path, ROWS.replace("a,2024-10-03,2024-10-02", "a,2024-10-03,2024-10-01"))
    assert set(data.unit.tolist()) == {"b"}
    assert (data.integrity.units_in_two_arms, data.integrity.units_in_two_arms_examples) == (1, ("a",))
    assert not data.integrity.measured_before_treatment, "nobody is treated, at whatever time"


def test_periods_before_the_only_date_are_measured_before_the_treatment(tmp_path: Path) -> None:
    rows = "store,day,since,spend\na,2024-10-01,{0},1\na,2024-10-02,{0},2\nb,2024-10-01,,1\nb,2024-10-02,,2\n"
    assert panel(tmp_path, rows.format("2024-12-01")).integrity.measured_before_treatment
    assert not panel(tmp_path, rows.format("2024-10-02")).integrity.measured_before_treatment
    assert not panel(tmp_path, rows.format("")).integrity.measured_before_treatment, "nobody is treated, ever"


def test_repeated_and_contradicting_periods_are_counted(tmp_path: Path) -> None:
    data = panel(tmp_path, ROWS + "b,2024-10-01,,1\nb,2024-10-02,,9\n")
    assert (data.integrity.duplicate_rows, data.integrity.conflicting_rows) == (1, 2)
    assert data.unit.size == 5


def test_rows_after_the_planned_end_are_not_used(tmp_path: Path) -> None:
    data = panel(tmp_path, ROWS, planned_end="2024-10-02")
    assert data.integrity.rows_after_end == 2
    assert data.time.max() == DAY + 1


def test_values_that_are_missing_or_infinite_are_counted(tmp_path: Path) -> None:
    missing = panel(tmp_path, ROWS.replace("2024-10-02,,2", "2024-10-02,,"))
    assert missing.integrity.null_values == {"spend": {"control": 1}}
    assert np.isnan(missing.outcome["spend"][4])
    infinite = panel(tmp_path, ROWS.replace("2024-10-02,,2", "2024-10-02,,inf"))
    assert infinite.integrity.infinite_values == {"spend": 1}
    assert np.isnan(infinite.outcome["spend"]).all()


def test_a_period_that_is_none_is_named_with_its_row(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"row 7, field 'day': found 'Tuesday'; expected a day"):
        panel(tmp_path, ROWS + "b,Tuesday,,9\n")


def test_a_panel_without_rows_is_read(tmp_path: Path) -> None:
    data = panel(tmp_path, "store,day,since,spend\n")
    assert (data.unit.size, data.integrity.units) == (0, 0)


def test_days_beyond_the_calendar_are_refused_and_its_last_one_means_never(tmp_path: Path) -> None:
    never = panel(tmp_path, ROWS.replace(",,", ",9999-12-31,"))
    assert never.adoption.tolist() == panel(tmp_path, ROWS).adoption.tolist()
    with pytest.raises(InputError, match=r"row 7, field 'day': found '20000-01-01'; expected a day.*\[not_a_time\]"):
        panel(tmp_path, ROWS + "b,20000-01-01,,9\n")


ARMS = ROLLOUT | {"variant": "kind"}
THREE = [{"name": name, "allocation": share} for name, share in (("control", 0.5), ("a", 0.25), ("b", 0.25))]


def test_a_panel_may_tell_which_arm_a_unit_is_of(tmp_path: Path) -> None:
    text = (
        "store,day,since,kind,spend\nx,1,2,a,1\nx,2,2,a,2\ny,1,2,b,3\ny,2,2,b,4\nz,1,,,5\nz,2,,control,6\n"
        "w,1,2,z,7\nw,2,2,z,8\nv,1,2,a,9\nv,2,2,b,9\n"
    )
    data = panel(tmp_path, text, ARMS, variants=THREE)
    assert data.arm is not None
    assert list(zip(data.unit.tolist(), data.arm.tolist(), strict=True)) == [
        ("x", "a"), ("x", "a"), ("y", "b"), ("y", "b"), ("z", "control"), ("z", "control"),
    ]  # fmt: skip
    assert data.adoption.tolist() == [2, 2, 2, 2, 3, 3]
    assert (data.integrity.rows, dict(data.integrity.unknown_variants)) == (10, {"z": 2})
    assert data.integrity.units_in_two_arms_examples == ("v",)


def test_with_one_intervention_all_but_the_control_are_treated(tmp_path: Path) -> None:
    text = "store,day,kind,spend\nx,1,a,1\nx,2,a,\ny,1,b,3\ny,2,b,4\nz,1,control,5\nz,2,control,6\n"
    declared = {**ARMS, "adoption": None, "intervention": 2}
    data = panel(tmp_path, text, declared, variants=THREE)
    assert data.adoption.tolist() == [2, 2, 2, 2, 3, 3]
    assert data.integrity.null_values == {"spend": {"a": 1}}


def test_a_unit_of_the_control_that_is_treated_is_an_error(tmp_path: Path) -> None:
    text = "store,day,since,kind,spend\nx,1,2,a,1\nx,2,2,a,2\nz,1,2,control,5\nz,2,2,control,6\n"
    with pytest.raises(InputError, match=r"field 'since': found 'z'; expected no adoption .*\[control_is_treated\]"):
        panel(tmp_path, text, ARMS, variants=THREE)


@pytest.mark.parametrize("wrong", [{"treated": ["x"], "adoption": None, "intervention": 2}, {"unit": None}])
def test_arms_need_units_and_stand_instead_of_a_list_of_treated_ones(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises((InputError, ValueError), match="variant"):
        panel(tmp_path, "store,day,since,kind,spend\nx,1,2,a,1\n", {**ARMS, **wrong}, variants=THREE)


def test_periods_between_whole_numbers_are_refused_and_never_rounded(tmp_path: Path) -> None:
    text = "store,day,since,spend\nb,1.5,,1\nb,2.5,,2\na,1.5,2,4\na,2.5,2,5\n"
    with pytest.raises(InputError, match=r"row 1, field 'day': found '1.5'"):
        panel(tmp_path, text)
    written_by_pandas = "store,day,since,spend\nb,1.0,,1\nb,2.0,,2\na,1.0,2.0,4\na,2.0,2.0,5\n"
    assert panel(tmp_path, written_by_pandas).adoption.tolist() == [2, 2, 3, 3]


def test_a_share_lies_between_nothing_and_all(tmp_path: Path) -> None:
    share = {"name": "spend", "role": "primary", "kind": "proportion", "direction": "increase"}
    with pytest.raises(InputError, match=r"row 2, field 'spend': found '2' .*a share from 0 to 1 \[not_a_proportion\]"):
        panel(tmp_path, ROWS, metrics=[share])
