"""Metrics are tried where nothing happened; one that errs too often is found, one that cannot be tried says why."""

import json

import numpy as np
import pytest

from eaas_assets.contracts.experiments import MetricCalibration
from eaas_assets.contracts.tables import build, contract_problems
from eaas_assets.experiments import calibration
from eaas_assets.experiments.calibration import calibration_rows
from eaas_assets_tests.experiments.observations_by_hand import (
    PairedByHand,
    SummaryByHand,
    UnitsByHand,
    experiment_by_hand,
    metric_by_hand,
    opened_by_hand,
    panel_by_hand,
    policy_by_hand,
    proportion_moments,
)

POLICY = policy_by_hand()
ID = "e" * 16


class SingleUnits(UnitsByHand):
    """Units that hand out all columns, as the reader of files does."""

    def unit_columns(self, metric, arm, most):
        known = np.flatnonzero(np.asarray(self.arm) == arm)[:most]
        return {name: column[known] for name, column in self._of_metric(metric).items()}


def units(make=SingleUnits, n=4000, control=0.5, **more):
    rng = np.random.default_rng(1)
    before = rng.lognormal(0, 1, n)
    arm = np.where(rng.random(n) < control, "control", "treatment")
    columns = {
        "spend": before + rng.normal(size=n) + 5.0 * (arm == "treatment"),
        "before": before,
        "won": rng.random(n) < 0.1,
        "clicks": rng.poisson(2, n),
        "views": 1 + rng.poisson(4, n),
    }
    return make(arm, columns, names=("control", "treatment"), **more)


def rows_of(source, **changes):
    return calibration_rows(experiment_by_hand(**changes), opened_by_hand(source), POLICY, ID, 7)


METRICS = [
    metric_by_hand("spend"),
    metric_by_hand("adjusted", "secondary", column="spend", covariate="before"),
    metric_by_hand("won", "secondary", "proportion"),
    metric_by_hand("rate", "secondary", "ratio", numerator="clicks", denominator="views"),
    metric_by_hand("tail", "secondary", "quantile", column="spend", quantile=0.9),
]


def test_sound_metrics_of_every_kind_keep_their_promise():
    rows = rows_of(units(), metrics=METRICS)
    assert contract_problems(MetricCalibration, build(MetricCalibration, rows)) == []
    assert [row["metric"] for row in rows] == [metric["name"] for metric in METRICS]
    for row in rows:
        assert row["passed"] is True, row["statement"]
        assert row["replays"] == POLICY.calibration.replays
        assert row["rate_low"] <= row["rate"] == row["rejected"] / row["replays"] <= row["rate_high"]
        assert row["promised"] == POLICY.estimate.alpha


def test_the_treatment_arm_has_no_part_in_it():
    """Moving the treatment by a thousand units changes nothing."""
    alone = units()
    moved = units()
    moved._columns["spend"] = moved._columns["spend"] + 1000.0 * (np.asarray(moved.arm) == "treatment")
    assert rows_of(alone, metrics=METRICS[:1]) == rows_of(moved, metrics=METRICS[:1])


def test_the_same_seed_gives_the_same_rows_and_metrics_do_not_share_their_splits():
    rows = rows_of(units(), metrics=METRICS[:2])
    assert json.dumps(rows) == json.dumps(rows_of(units(), metrics=METRICS[:2]))
    twins = [metric_by_hand("spend"), metric_by_hand("spend2", "secondary", column="spend")]
    assert len({row["rejected"] for row in rows_of(units(), metrics=twins)}) == 2


def test_a_test_that_errs_too_often_loses_its_verdict(monkeypatch):
    """An estimator whose p-values are too small stands in for the real one."""
    rng = np.random.default_rng(0)

    def overconfident(metric, columns, share, replays, _rng):
        return rng.random(replays) ** 1.5  # below .05 in 14 % of splits

    monkeypatch.setattr(calibration, "moment_p_values", overconfident)
    row = rows_of(units(), metrics=METRICS[:1])[0]
    assert row["passed"] is False
    assert row["rate_low"] > row["promised"]
    assert "cannot be true" in row["statement"]


def test_a_sound_metric_is_accused_less_than_once_in_five_hundred_nights():
    """By the definition of the rule: the exact binomial probability of a failure at the promised rate."""
    from scipy import stats

    replays, promised = POLICY.calibration.replays, POLICY.estimate.alpha
    least = next(k for k in range(replays) if stats.binom.sf(k - 1, replays, promised) < calibration.SUSPICION)
    assert stats.binom.sf(least - 1, replays, promised) < 0.002
    assert stats.binom.sf(least - 1, replays, 2.5 * promised) > 0.95, "an error rate of 12.5 % is found in a night"


@pytest.mark.parametrize(
    ("source", "changes", "reason"),
    [
        (None, {"metrics": METRICS[:1]}, "no observations"),
        (
            SummaryByHand(
                {"control": 500, "treatment": 520},
                {"won": {"control": proportion_moments("won", 90, 500), "treatment": proportion_moments("won", 9, 52)}},
            ),
            {"metrics": [metric_by_hand("won", kind="proportion")]},
            "only statistics of the arms",
        ),
        (panel_by_hand({"spend": np.ones((4, 6))}, [3, 3, 9, 9]), {"design": "rollout"}, "its rank among placebos"),
        (units(n=150), {"metrics": METRICS[:1]}, "too few to be split"),
        (units(UnitsByHand), {"metrics": METRICS[1:2]}, "cannot be had unit by unit"),
    ],
    ids=["nothing", "summary", "panel", "few units", "no columns"],
)  # fmt: skip
def test_what_cannot_be_tried_says_why(source, changes, reason):
    metrics = [dict(metric) for metric in changes.get("metrics", [metric_by_hand("spend")])]
    if reason.startswith("cannot"):
        metrics = [{**metrics[0], "role": "primary"}]
    row = rows_of(source, **{**changes, "metrics": metrics})[0]
    assert row["passed"] is None
    assert row["rate"] is None
    assert reason in row["reason"]
    assert reason in row["statement"]


def test_values_alone_are_enough_for_a_mean():
    assert rows_of(units(UnitsByHand), metrics=METRICS[:1])[0]["passed"] is True


def test_groups_that_were_randomised_are_split_as_wholes():
    rng = np.random.default_rng(0)
    n, groups = 4000, 40
    group = rng.integers(0, groups, n)
    arm = np.where(group % 2 == 0, "control", "treatment")
    level = rng.normal(0, 1, groups)
    source = UnitsByHand(
        arm, {"spend": level[group] + rng.normal(size=n)}, cluster=group, names=("control", "treatment")
    )
    observations = {"kind": "units", "file": "a.csv", "unit": "u", "variant": "v", "cluster": "c"}
    assert rows_of(source, metrics=METRICS[:1], observations=observations)[0]["passed"] is True
    few = UnitsByHand(arm, {"spend": level[group]}, cluster=group % 8, names=("control", "treatment"))
    assert "too few" in rows_of(few, metrics=METRICS[:1], observations=observations)[0]["reason"]


def test_pairs_are_tried_with_their_arms_swapped():
    rng = np.random.default_rng(0)
    family = np.arange(300) // 3
    good = (rng.random(100) < 0.5)[family]
    values = {"control": good * 1.0, "treatment": np.where(rng.random(300) < 0.2, 1.0 - good, good)}
    source = PairedByHand({"won": values}, clusters=family)
    row = rows_of(source, design="paired", metrics=[metric_by_hand("won", kind="proportion")])[0]
    assert row["passed"] is True
    assert row["replays"] == calibration.MOST_SWAPS
