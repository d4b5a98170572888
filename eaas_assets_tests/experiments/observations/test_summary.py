"""Statistics per variant: taken as they stand, and nothing made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eaas_assets.errors import InputError
from eaas_assets.experiments.observations.access import Opened
from eaas_assets_tests.experiments.observations.worlds import BOUGHT, SPEND, experiment
from eaas_assets_tests.experiments.observations.worlds import opened as open_text

SUMMARY = {"kind": "summary", "file": "data.csv"}
RATES = "variant,metric,n,successes\ncontrol,bought,500,90\ntreatment,bought,520,135\n"


def opened(root: Path, text: str, **changes: Any) -> Opened:
    return open_text(root, text, observations=SUMMARY, **changes)


def test_successes_are_a_proportion_with_its_own_variance(tmp_path: Path) -> None:
    data = opened(tmp_path, RATES, metrics=[BOUGHT])
    part = data.randomised.moments(experiment(metrics=[BOUGHT]).primary)["control"]
    zeros_and_ones = np.r_[np.ones(90), np.zeros(410)]
    assert (part.n, part.mean[0]) == (500, 0.18)
    assert part.covariance[0, 0] == pytest.approx(zeros_and_ones.var(ddof=1), rel=1e-12)
    assert part.third[0, 0, 0] == pytest.approx(((zeros_and_ones - 0.18) ** 3).mean(), rel=1e-12)
    assert (data.observed_units, data.randomised.granular) == (1020, False)
    assert data.randomised.counts() == {"control": 500, "treatment": 520}
    assert data.randomised.counts_by_day() is None


def test_a_mean_without_spread_has_no_variance(tmp_path: Path) -> None:
    data = opened(tmp_path, "variant,metric,n,mean\ncontrol,spend,300,42\ntreatment,spend,310,29\n")
    part = data.randomised.moments(experiment().primary)["control"]
    assert part.mean[0] == 42.0
    assert part.problem("control", [None]).code == "no_variance"


def test_a_standard_deviation_is_squared(tmp_path: Path) -> None:
    data = opened(tmp_path, "variant,metric,n,mean,sd\ncontrol,spend,300,42,3\ntreatment,spend,310,29,2\n")
    assert data.randomised.moments(experiment().primary)["control"].covariance[0, 0] == 9.0


def test_segments_alone_are_merged_and_a_whole_is_not_counted_twice(tmp_path: Path) -> None:
    rows = (
        "variant,metric,n,mean,variance,segment_tier\ncontrol,spend,2,1,2,gold\ncontrol,spend,2,4,2,silver\n"
        "treatment,spend,3,5,1,gold\n"
    )
    data = opened(tmp_path, rows, segments=["tier"])
    metric = experiment().primary
    part = data.randomised.moments(metric)["control"]
    assert (part.n, part.mean[0]) == (4, 2.5)
    assert part.covariance[0, 0] == pytest.approx(np.var([0.0, 2.0, 3.0, 5.0], ddof=1))
    assert {
        value: arms["treatment"].n for value, arms in data.randomised.moments_by_segment(metric, "tier").items()
    } == {
        "gold": 3,
        "silver": 0,
    }
    whole = opened(tmp_path, rows + "control,spend,10,2,1,\n", segments=["tier"])
    assert whole.randomised.moments(metric)["control"].n == 10


def test_ratios_come_with_their_denominator(tmp_path: Path) -> None:
    ratio = {"name": "rate", "role": "primary", "kind": "ratio", "direction": "increase"}
    ratio |= {"numerator": "orders", "denominator": "visits"}
    text = (
        "variant,metric,n,mean,variance,mean_denominator,variance_denominator,covariance\n"
        "control,rate,100,1,2,4,5,1.5\ntreatment,rate,100,1,2,4,5,\n"
    )
    arms = opened(tmp_path, text, metrics=[ratio]).randomised.moments(experiment(metrics=[ratio]).primary)
    assert arms["control"].names == ("rate.numerator", "rate.denominator")
    assert arms["control"].covariance.tolist() == [[2.0, 1.5], [1.5, 5.0]]
    assert arms["treatment"].problem("treatment", [None, "rate.denominator"]).code == "no_variance"


def test_unknown_variants_are_counted_and_repeated_rows_count_once(tmp_path: Path) -> None:
    text = RATES + "control,bought,500,90\nother,bought,5,1\ntreatment,bought,521,135\n"
    integrity = opened(tmp_path, text, metrics=[BOUGHT]).randomised.integrity
    assert (integrity.duplicate_rows, integrity.conflicting_rows) == (1, 2)
    assert integrity.unknown_variants == {"other": 1}


@pytest.mark.parametrize(
    ("row", "code", "field"),
    [
        ("control,bought,10.5,1", "not_a_count", "n"),
        ("control,bought,-1,0", "not_a_count", "n"),
        ("control,bought,inf,1", "not_a_count", "n"),
        ("control,bought,1e300,1", "not_a_count", "n"),
        ("control,bought,1e18,1", "not_a_count", "n"),
        ("control,bought,10,11", "not_a_count", "successes"),
        ("control,bought,10,1.5", "not_a_count", "successes"),
        ("control,bought,10,", "missing_value", "mean"),
        ("control,sold,10,1", "unknown_metric", "metric"),
        ("control,bought,ten,1", "not_a_number", "n"),
    ],
)
def test_numbers_that_cannot_be_are_named_with_their_row(tmp_path: Path, row: str, code: str, field: str) -> None:
    with pytest.raises(InputError) as refused:
        opened(tmp_path, RATES + row + "\n", metrics=[BOUGHT])
    (problem,) = refused.value.problems
    assert (problem.code, problem.row, problem.field) == (code, 3, field)


def test_a_spread_is_not_negative(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"row 1, field 'variance'.*\[negative\]"):
        opened(tmp_path, "variant,metric,n,mean,variance\ncontrol,spend,3,1,-1\n", metrics=[SPEND])


@pytest.mark.parametrize(
    ("columns", "row", "field"),
    [("mean,sd,variance", "10,3,4", "variance"), ("successes,mean", "30,0.5", "mean")],
)
def test_two_statements_of_one_number_must_agree(tmp_path: Path, columns: str, row: str, field: str) -> None:
    metric = BOUGHT if "successes" in columns else SPEND
    text = f"variant,metric,n,{columns}\ncontrol,{metric['name']},100,{row}\n"
    with pytest.raises(InputError, match=rf"row 1, field '{field}'.*\[contradiction\]"):
        opened(tmp_path, text, metrics=[metric])
    rounded = text.replace("10,3,4", "10,3.1,9.7").replace("30,0.5", "30,0.303")
    assert opened(tmp_path, rounded, metrics=[metric]).randomised.counts()["control"] == 100
