"""Designs by hand: a sound experiment, and how it is judged once something is changed."""

from datetime import timedelta

import numpy as np

from eaas_assets.experiments.design.learned import NOTHING_LEARNED
from eaas_assets.experiments.design.rows import design_rows
from eaas_assets.experiments.observations.access import Integrity, Opened
from eaas_assets_tests.experiments.observations_by_hand import (
    FIRST_DAY,
    UnitsByHand,
    experiment_by_hand,
    metric_by_hand,
    opened_by_hand,
    policy_by_hand,
)

POLICY = policy_by_hand()
START = FIRST_DAY.date()
SOUND = {
    "status": "proposed",
    "hypothesis": "Shorter answers raise the spend of a customer",
    "registered_kpi": "spend",
    "planned_start": START,
    "planned_end": START + timedelta(days=27),
    "sample": {"planned": 2800, "per_day": 100},
    "metrics": [
        metric_by_hand(
            "spend", unit="USD", covariate="before", minimum_effect=0.25, expected={"value": 5.0, "sd": 2.0}
        ),
        metric_by_hand("complaints", "guardrail", "proportion", direction="decrease", margin=0.01),
    ],
    "conditions": {"interference": False, "changed_mid_test": None, "blockers": [], "data_quality": []},
}


def units(n=2800, days=28, share=0.5, seed=0, shift=0.0, **more):
    rng = np.random.default_rng(seed)
    arm = np.where(rng.random(n) < share, "treatment", "control")
    before = rng.normal(5, 2, n) + shift * (arm == "treatment")
    columns = {
        "spend": before + rng.normal(0, 1, n),
        "before": before,
        "complaints": (rng.random(n) < 0.05).astype(float),
    }
    integrity = more.pop("integrity", Integrity(rows=n, units=n))
    day = rng.integers(0, days, n) if days else None
    return UnitsByHand(arm, columns, day=day, integrity=integrity, names=("control", "treatment"), **more)


def judge(source=None, others=(), learned=NOTHING_LEARNED, **changes):
    experiment = experiment_by_hand(**{**SOUND, **changes})
    opened = source if isinstance(source, Opened) else opened_by_hand(source)
    return design_rows(experiment, opened, POLICY, "e" * 16, list(others), learned)


def concluded(source=None, **changes):
    return judge(units() if source is None else source, status="concluded", **changes)


def check(rows, name):
    found = [row for row in rows if row["check"] == name]
    assert len(found) == 1, f"{len(found)} rows of {name} among {[row['check'] for row in rows]}"
    return found[0]


def outcome(rows, name):
    row = check(rows, name)
    assert (row["action"] is None) or row["outcome"] != "passed", "nothing is to be done about what passed"
    if row["outcome"] in ("warning", "error"):
        assert row["action"], "whoever is told of a fault is told what to do"
    return row["outcome"]


def grade_of(rows):
    assert len({row["grade"] for row in rows}) == 1
    return rows[0]["grade"]
