"""Paired experiments under watch: one look that holds at every look."""

from __future__ import annotations

import numpy as np
import pytest

from eaas_assets.contracts.experiments import ExperimentMonitoring
from eaas_assets.contracts.tables import build, contract_problems
from eaas_assets.experiments.monitoring.rows import monitoring_rows
from eaas_assets_tests.experiments.impact.test_any_data import odd_experiment
from eaas_assets_tests.experiments.observations_by_hand import (
    PairedByHand,
    experiment_by_hand,
    metric_by_hand,
    opened_by_hand,
    policy_by_hand,
)


def pairs(n=120, better=0.0, slower=0.0, segments=None):
    rng = np.random.default_rng(1)
    ease = rng.random(n)
    passed = {arm: (ease < rate) * 1.0 for arm, rate in (("control", 0.5), ("treatment", 0.5 + better))}
    base = rng.exponential(10.0, n)
    time = {"control": base, "treatment": base + rng.normal(slower, 2.0, n)}
    return PairedByHand({"passed": passed, "time": time}, segments=segments or {})


def watch(source, **changes):
    metrics = [
        metric_by_hand("passed", kind="proportion"),
        metric_by_hand("time", "guardrail", direction="decrease", margin=1.0, unit="s"),
    ]
    document = {"design": "paired", "status": "running", "sample": {"planned": 120}, "metrics": metrics, **changes}
    return monitoring_rows(experiment_by_hand(**document), opened_by_hand(source), policy_by_hand(), "e" * 16)


def by_check(rows):
    return {(row["check"], row["metric"], row["segment"]): row for row in rows}


def test_effect_harm_and_progress_are_told_and_what_is_not_followed_is_said():
    rows = watch(pairs(better=0.3))
    found = by_check(rows)
    assert set(found) == {
        ("effect", "passed", None), ("effect", "time", None), ("guardrail_harm", "time", None),
        ("progress", None, None),
    }  # fmt: skip
    effect = found["effect", "passed", None]
    assert 0.0 < effect["low"] < effect["estimate"] < effect["high"]
    assert "over 120 pairs: better" in effect["statement"]
    assert found["guardrail_harm", "time", None]["alarm"] is False
    assert "earlier looks, drift and novelty are not followed" in found["progress", None, None]["statement"]
    assert contract_problems(ExperimentMonitoring, build(ExperimentMonitoring, rows)) == []


def test_harm_of_a_guardrail_raises_its_alarm_beyond_the_margin_only():
    for slower, alarm in ((4.0, True), (0.5, False)):
        row = by_check(watch(pairs(slower=slower)))["guardrail_harm", "time", None]
        assert row["alarm"] is alarm
        assert row["threshold"] == policy_by_hand().monitoring.harm_alpha
        assert "harm beyond 1 s is" in row["statement"]


def test_a_harmed_segment_is_an_anomaly_after_correction():
    source = pairs(n=240, segments={"task": np.tile(["refund", "delay"], 120)})
    time = dict(source.by_metric["time"])
    time["treatment"] = time["treatment"] + 6.0 * (np.asarray(source.segments["task"]) == "delay")
    source.by_metric = {**source.by_metric, "time": time}
    found = by_check(watch(source, segments=["task"], sample={"planned": 240}))
    assert found["segment_anomaly", "time", "task = delay"]["alarm"] is True
    assert found["segment_anomaly", "time", "task = refund"]["alarm"] is False
    assert found["segment_anomaly", "passed", "task = delay"]["alarm"] is False


def test_too_few_pairs_and_what_forbids_effects_are_told():
    few = by_check(watch(pairs(n=20)))
    assert "20 independent pairs are known, a look at a mean needs 50" in few["effect", "time", None]["statement"]
    assert few["guardrail_harm", "time", None]["alarm"] is None
    changed = by_check(watch(pairs(), conditions={"changed_mid_test": "the prompt"}))
    assert "the prompt" in changed["effect", "passed", None]["statement"]
    assert changed["guardrail_harm", "time", None]["alarm"] is None


@pytest.mark.parametrize("metric", [metric_by_hand("passed", kind="quantile", quantile=0.5)])
def test_quantiles_are_not_told(metric):
    row = by_check(watch(pairs(), metrics=[metric]))["effect", "passed", None]
    assert "a quantile is not told by pairs" in row["statement"]


def test_numbers_beyond_double_precision_are_told_as_such():
    huge = PairedByHand({"time": {"control": np.full(60, 1e300), "treatment": np.linspace(-1e300, 1e300, 60)}})
    row = by_check(watch(huge, metrics=[metric_by_hand("time")]))["effect", "time", None]
    assert row["low"] is None
    assert "not told" in row["statement"]


def test_odd_pairs_end_in_rows_that_keep_the_contract():
    watched = 0
    for seed in range(120):
        experiment, source = odd_experiment(seed)
        if experiment.design == "paired":
            rows = monitoring_rows(experiment, opened_by_hand(source), policy_by_hand(), "e" * 16)
            assert contract_problems(ExperimentMonitoring, build(ExperimentMonitoring, rows)) == []
            watched += 1
    assert watched > 20
