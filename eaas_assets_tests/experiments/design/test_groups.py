"""Rollouts and replays: units to compare with, periods from before, complete pairs."""

from dataclasses import replace

import numpy as np

from eaas_assets_tests.experiments.design.asking import check, grade_of, judge, outcome
from eaas_assets_tests.experiments.observations_by_hand import (
    PairedByHand,
    metric_by_hand,
    panel_by_hand,
)


def panel(adoption, periods=40, missing=0):
    rng = np.random.default_rng(0)
    made = panel_by_hand({"spend": rng.normal(size=(len(adoption), periods))}, adoption)
    if not missing:
        return made
    kept = slice(None, -missing)
    return replace(
        made, unit=made.unit[kept], time=made.time[kept], adoption=made.adoption[kept],
        outcome={"spend": made.outcome["spend"][kept]}, controls=made.controls[kept],
    )  # fmt: skip


ROLLOUT = {"design": "rollout", "status": "concluded", "metrics": [metric_by_hand("spend", unit="USD")]}


def test_a_rollout_needs_units_to_compare_with():
    assert outcome(judge(panel([20] * 8 + [99] * 8), **ROLLOUT), "comparison_units") == "passed"
    assert outcome(judge(panel([20] * 4 + [30] * 8), **ROLLOUT), "comparison_units") == "warning"
    assert outcome(judge(panel([20] + [99] * 4), **ROLLOUT), "comparison_units") == "warning"
    nobody = judge(panel([99] * 12), **ROLLOUT)
    assert outcome(nobody, "comparison_units") == "error"
    assert grade_of(nobody) == "F"


def test_a_rollout_needs_periods_from_before():
    assert outcome(judge(panel([20] * 8 + [99] * 8), **ROLLOUT), "periods_before") == "passed"
    assert outcome(judge(panel([2] * 8 + [99] * 8), **ROLLOUT), "periods_before") == "warning"
    assert outcome(judge(panel([0] * 8 + [99] * 8), **ROLLOUT), "periods_before") == "error"


def test_units_with_two_dates_of_treatment_are_told():
    made = panel([20] * 8 + [99] * 8)
    assert outcome(judge(made, **ROLLOUT), "adoption_dates") == "passed"
    integrity = replace(made.integrity, units_in_two_arms=2, units_in_two_arms_examples=("shop a", "shop b"))
    rows = judge(replace(made, integrity=integrity), **ROLLOUT)
    assert outcome(rows, "adoption_dates") == "error"
    assert "2 units of 18" in check(rows, "adoption_dates")["statement"]
    assert "'shop a'" in check(rows, "adoption_dates")["statement"]


def test_missing_cells_of_a_panel_are_told():
    assert outcome(judge(panel([20] * 8 + [99] * 8), **ROLLOUT), "panel_cells") == "passed"
    assert outcome(judge(panel([20] * 8 + [99] * 8, missing=5), **ROLLOUT), "panel_cells") == "warning"


def test_a_series_without_comparison_is_a_warning_however_long():
    rows = judge(panel([35], periods=60), **{**ROLLOUT, "design": "before_after"})
    assert outcome(rows, "comparison_units") == "warning"
    assert outcome(rows, "periods_before") == "passed"
    assert (
        outcome(judge(panel([10], periods=60), **{**ROLLOUT, "design": "before_after"}), "periods_before") == "warning"
    )


def pairs(left_out=0, n=200):
    control = np.ones(n)
    control[:left_out] = np.nan
    return PairedByHand({"spend": {"control": control, "treatment": np.zeros(n)}})


PAIRED = {"design": "paired", "status": "concluded", "metrics": [metric_by_hand("spend", unit="USD")]}


def test_pairs_stand_for_all_units_if_few_are_left_out():
    assert outcome(judge(pairs(), **PAIRED), "pairs") == "passed"
    assert outcome(judge(pairs(left_out=40), **PAIRED), "pairs") == "warning"
    rows = judge(pairs(left_out=200), **PAIRED)
    assert outcome(rows, "pairs") == "error"
    assert grade_of(rows) == "F"
