"""Any design with any data ends in rows; and over many experiments the verdicts keep their promised error rates."""

from __future__ import annotations

import numpy as np
import pytest

from eaas_assets_tests.experiments.impact.asking import assert_contracts_hold, both_tables
from eaas_assets_tests.experiments.observations_by_hand import (
    PairedByHand,
    UnitsByHand,
    experiment_by_hand,
    metric_by_hand,
    panel_by_hand,
)

ROLES = {"m0": "primary", "m1": "guardrail", "m2": "secondary", "m3": "secondary"}
CLUSTERED = {"kind": "units", "file": "u.csv", "unit": "u", "variant": "v", "cluster": "c"}


def odd_values(rng, n):
    """Values as people send them: constant, huge, tiny, skewed, missing, 0/1, one outlier."""
    choices = (
        lambda: rng.normal(0.0, 1.0, n),
        lambda: np.zeros(n),
        lambda: 1e9 + rng.normal(0.0, 1e-3, n),
        lambda: rng.lognormal(0.0, 2.0, n),
        lambda: (rng.random(n) < rng.random()).astype(float),
        lambda: rng.integers(0, 3, n).astype(float),
        lambda: np.where(rng.random(n) < 0.3, np.nan, rng.normal(0.0, 1.0, n)),
        lambda: 1e-200 * rng.normal(0.0, 1.0, n),
        lambda: np.where(rng.random(n) < 0.05, 1e8, 1.0),
    )
    return choices[rng.integers(len(choices))]()


def odd_metric(rng, name, design):
    kind = str(rng.choice(["mean", "proportion", "ratio", "quantile"]))
    more = {
        "ratio": {"numerator": name, "denominator": "below"},
        "quantile": {"quantile": float(rng.uniform(0.01, 0.99))},
    }.get(kind, {})
    sizes = {size: float(10 ** rng.uniform(-6.0, 3.0)) for size in ("minimum_effect", "margin") if rng.random() < 0.6}
    choice = {
        "direction": str(rng.choice(["increase", "decrease"])),
        "scale": str(rng.choice(["absolute", "relative"])),
    }
    if design == "randomised" and kind != "quantile" and rng.random() < 0.3:
        choice["covariate"] = "before"
    return metric_by_hand(name, ROLES[name], kind, **more, **sizes, **choice)


def odd_units(rng, arms, clusters):
    n = int(rng.choice([0, 1, 2, 3, 10, 60, 300]))
    group = rng.integers(0, n // 4 + 1, n)
    arm = np.array(arms)[group % len(arms) if clusters else rng.integers(0, len(arms), n)]
    columns = {name: odd_values(rng, n) for name in (*ROLES, "below", "before")}
    day = rng.integers(0, 5, n) if rng.random() < 0.5 else None
    segments = {"s": rng.choice(["x", "y", "z"], n)}
    return UnitsByHand(arm, columns, segments, day=day, cluster=group if clusters else None, names=arms)


def odd_pairs(rng, arms):
    n = int(rng.choice([0, 1, 2, 3, 10, 60]))
    values = {name: {arm: odd_values(rng, n) for arm in arms} for name in ROLES}
    clusters = rng.integers(0, 5, n) if rng.random() < 0.4 else None
    return PairedByHand(values, clusters=clusters, segments={"s": rng.choice(["x", "y"], n)})


def odd_panel(rng):
    units, periods = int(rng.choice([1, 2, 5, 12, 30])), int(rng.choice([2, 4, 10, 40]))
    dates = [0, periods // 3, periods // 2, periods - 1, 10**6] if rng.random() < 0.5 else [periods // 2, 10**6]
    outcome = {name: odd_values(rng, units * periods).reshape(units, periods) for name in ROLES}
    return panel_by_hand(
        outcome,
        rng.choice(dates, units),
        controls=odd_values(rng, periods) if rng.random() < 0.3 else None,
        cluster=rng.integers(0, 6, units) if rng.random() < 0.3 else None,
        segments={"s": rng.choice(["x", "y"], units)},
    )


def odd_experiment(seed):
    rng = np.random.default_rng(seed)
    arms = ("control", "a", "b")[: int(rng.integers(2, 4))]
    design = str(rng.choice(["randomised", "paired", "rollout", "before_after"]))
    clusters = design == "randomised" and rng.random() < 0.3
    experiment = experiment_by_hand(
        arms=arms,
        design=design,
        metrics=[odd_metric(rng, name, design) for name in ROLES],
        status=str(rng.choice(["running", "concluded"])),
        segments=["s"],
        observations=CLUSTERED if clusters else None,
        value={"usd_per_unit": float(rng.normal(0.0, 10.0)), "units_per_year": float(rng.choice([0.0, 1e3, 1e9]))},
        sample={"planned": int(10 ** rng.uniform(0.0, 6.0))},
    )
    if design == "randomised":
        return experiment, odd_units(rng, arms, clusters)
    return experiment, odd_pairs(rng, arms) if design == "paired" else odd_panel(rng)


def whole_rows(seed):
    """Rows of an odd experiment, whose columns agree with each other."""
    experiment, source = odd_experiment(seed)
    rows, segments = both_tables(experiment, source)
    assert len(rows) == len(ROLES) * len(experiment.treatments)
    for row in rows + segments:
        assert (row["refusal_code"] is None) == (row["low"] is not None), (seed, row["metric"])
        assert row["low"] is None or row["low"] <= row["high"], (seed, row["metric"])
        assert row["statement"].endswith("."), (seed, row["metric"])
    for row in rows:
        assert (row["verdict"] == "refused") == (row["refusal_code"] is not None), (seed, row["metric"])
        assert row["p_loss"] is None or 0.0 <= row["p_loss"] <= 1.0, (seed, row["metric"])
        assert (row["net_value_usd"] is None) == (row["value_reason"] is not None), (seed, row["metric"])
    return rows, segments


def test_odd_data_of_any_design_end_in_rows():
    found = [whole_rows(seed) for seed in range(40)]
    assert_contracts_hold([row for rows, _ in found for row in rows], [row for _, rows in found for row in rows])


@pytest.mark.slow
def test_odd_data_of_any_design_end_in_rows_at_full_size():
    for seed in range(40, 1000):
        whole_rows(seed)


@pytest.mark.slow
def test_three_arms_without_effect_are_called_anything_in_one_experiment_of_twenty():
    """Holm promises 5 % over the arms together; 1,000 experiments: .05 ± three errors of .0069."""
    arms = ("control", "a", "b", "c")
    experiment = experiment_by_hand(arms=arms)
    called = 0
    for seed in range(1000):
        values = np.random.default_rng(seed).normal(0.0, 1.0, 800)
        rows, _ = both_tables(experiment, UnitsByHand(np.tile(arms, 200), {"spend": values}, names=arms))
        called += any(row["verdict"] in ("improved", "harmed") for row in rows)
    assert 0.02 < called / 1000 < 0.05 + 3 * 0.0069


@pytest.mark.slow
def test_a_guardrail_that_loses_its_whole_margin_passes_in_one_experiment_of_forty():
    """A true loss of exactly the margin: non_inferior in 2.5 %, the one-sided error of a 95 % interval."""
    metrics = [metric_by_hand(), metric_by_hand("g", "guardrail", margin=0.2)]
    experiment = experiment_by_hand(metrics=metrics)
    arm = np.repeat(["control", "treatment"], 300)
    passed = 0
    for seed in range(1000):
        values = np.random.default_rng(seed).normal(0.0, 1.0, 600) - 0.2 * (arm == "treatment")
        rows, _ = both_tables(experiment, UnitsByHand(arm, {"spend": values, "g": values}))
        passed += next(row for row in rows if row["metric"] == "g")["verdict"] == "non_inferior"
    assert 0.01 < passed / 1000 < 0.025 + 3 * 0.005
