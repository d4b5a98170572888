"""Looks at shares while successes are few: neither intervals nor alarms take an empty arm for a certain one."""

import numpy as np
import pytest

from eaas_assets.experiments.monitoring.rows import monitoring_rows
from eaas_assets.stats.experiments.proportions import proportion_difference
from eaas_assets.stats.experiments.sequential import anytime_effect
from eaas_assets_tests.experiments.observations_by_hand import (
    UnitsByHand,
    experiment_by_hand,
    metric_by_hand,
    opened_by_hand,
    policy_by_hand,
)


@pytest.mark.parametrize(("share", "treated"), [(0.02, 0.1), (0.98, 0.1), (0.1, 0.2)])
def test_nothing_is_shown_in_more_experiments_than_promised(share, treated):
    """At .02 and a tenth of the units treated the plain variance raised the harm alarm in 40 % of experiments."""
    metrics = [metric_by_hand("won", kind="proportion"), metric_by_hand("lost", "guardrail", "proportion")]
    arms = [{"name": "control", "allocation": 1.0 - treated}, {"name": "treatment", "allocation": treated}]
    experiment = experiment_by_hand(status="running", variants=arms, metrics=metrics, sample={"planned": 2800})
    rng, alarms, shown = np.random.default_rng(9), 0, 0
    for _ in range(40):
        source = UnitsByHand(
            np.where(rng.random(2800) < treated, "treatment", "control"),
            {name: (rng.random(2800) < share).astype(float) for name in ("won", "lost")},
            day=np.sort(rng.integers(0, 28, 2800)),
            names=("control", "treatment"),
        )
        rows = monitoring_rows(experiment, opened_by_hand(source), policy_by_hand(), "e" * 16)
        alarms += any(row["alarm"] for row in rows if row["check"] == "guardrail_harm")
        won = [row for row in rows if row["check"] == "effect" and row["metric"] == "won" and row["low"] is not None]
        shown += any(row["low"] > 0.0 or row["high"] < 0.0 for row in won)
    assert max(alarms, shown) <= 8  # of 40 at 5 %, in all but 1 of 1,000 times


def test_an_arm_without_success_is_not_certain():
    look = anytime_effect(proportion_difference(0, 60, 11, 540), 2800)
    assert look.estimate == pytest.approx(-11 / 540)
    assert look.low < 0.0 < look.high
    assert look.p_value > 0.05
    assert look.relative.estimate == pytest.approx(-1.0)
