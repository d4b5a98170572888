"""Who came into which arm: each check both ways."""

import json
from dataclasses import replace

import numpy as np
import pytest

from eaas_assets.experiments.observations.access import Integrity
from eaas_assets_tests.experiments.design.asking import check, concluded, grade_of, judge, outcome, units
from eaas_assets_tests.experiments.observations_by_hand import (
    SummaryByHand,
    metric_by_hand,
    proportion_moments,
)


def test_a_sample_ratio_mismatch_forbids_deciding():
    rows = concluded(units(n=10_000, share=0.45), sample={"planned": 10_000})
    assert outcome(rows, "sample_ratio") == "error"
    assert grade_of(rows) == "F"


def test_the_sample_ratio_of_a_summary_is_that_of_the_chi_squared_test():
    """E001 of the sample world: 500 against 520 units, p .531."""
    source = SummaryByHand(
        {"control": 500, "treatment": 520},
        {"won": {"control": proportion_moments("won", 90, 500), "treatment": proportion_moments("won", 135, 520)}},
    )
    rows = concluded(source, metrics=[metric_by_hand("won", kind="proportion")])
    assert json.loads(check(rows, "sample_ratio")["evidence_json"])["p_value"] == pytest.approx(0.531, abs=5e-4)
    for name in ("units_in_two_arms", "missing_values", "duplicates", "missing_days", "covariate_balance"):
        assert outcome(rows, name) == "not_known", "nobody looked, so nothing passed"


def test_what_is_odd_about_a_summary_is_told_too():
    arms = {"control": proportion_moments("won", 90, 500), "treatment": proportion_moments("won", 135, 520)}
    integrity = Integrity(rows=5, duplicate_rows=1, unknown_variants={"beta": 2})
    source = SummaryByHand({"control": 500, "treatment": 520}, {"won": arms}, integrity=integrity)
    rows = concluded(source, metrics=[metric_by_hand("won", kind="proportion")])
    assert outcome(rows, "unknown_variants") == "error"
    assert outcome(rows, "duplicates") == "warning"
    assert "earlier one of their arm and metric" in check(rows, "duplicates")["statement"]


@pytest.mark.parametrize(
    ("odd", "wanted", "letter"), [(0, "passed", "A"), (2, "warning", "B"), (20, "error", "D"), (60, "error", "F")]
)
def test_units_in_two_arms_weigh_by_their_share(odd, wanted, letter):
    integrity = Integrity(
        rows=2800, units=2800, units_in_two_arms=odd, units_in_two_arms_examples=("u1",) if odd else ()
    )
    rows = concluded(units(integrity=integrity))
    assert outcome(rows, "units_in_two_arms") == wanted
    assert grade_of(rows) == letter


@pytest.mark.parametrize(("odd", "wanted"), [(0, "passed"), (2, "warning"), (100, "error")])
def test_rows_of_undeclared_arms_weigh_by_their_share(odd, wanted):
    integrity = Integrity(rows=2800, units=2800, unknown_variants={"<b>beta</b>": odd} if odd else {})
    assert outcome(concluded(units(integrity=integrity)), "unknown_variants") == wanted


def test_an_allocation_that_was_changed_on_the_way_forbids_deciding():
    source = units(n=6000)
    day = np.where(np.asarray(source.arm) == "treatment", np.asarray(source.day) // 2 + 14, source.day)
    rows = concluded(replace(source, day=day))
    assert outcome(rows, "allocation_over_time") == "error"
    assert grade_of(rows) == "F"
    assert outcome(concluded(), "allocation_over_time") == "passed"
    assert outcome(concluded(units(days=0)), "allocation_over_time") == "not_known"


def test_a_constant_allocation_is_found_changed_as_rarely_as_promised():
    """150 experiments: at one in a thousand, more than two alarms come in 1 of 2,000 such series."""
    alarms = 0
    for seed in range(150):
        rows = concluded(units(n=600, days=14, seed=seed), metrics=[metric_by_hand("spend")])
        alarms += outcome(rows, "allocation_over_time") == "error"
    assert alarms <= 2


def test_an_uneven_split_is_told_with_its_price():
    variants = [{"name": "control", "allocation": 0.9}, {"name": "treatment", "allocation": 0.1}]
    rows = judge(variants=variants)
    assert outcome(rows, "allocation") == "warning"
    assert json.loads(check(rows, "allocation")["evidence_json"])["cost_factor"] == pytest.approx(1 / 0.36)


def test_arms_that_differ_before_the_treatment_are_an_error():
    assert outcome(concluded(units(shift=0.5)), "covariate_balance") == "error"
    assert outcome(concluded(), "covariate_balance") == "passed"
    assert outcome(judge(units(shift=0.5), status="running"), "covariate_balance") == "error"
    assert outcome(concluded(metrics=[metric_by_hand("spend")]), "covariate_balance") == "not_known"
