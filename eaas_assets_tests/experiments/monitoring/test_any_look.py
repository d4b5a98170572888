"""Looking every night does not raise the error rate: whole experiments are replayed in which nothing happens.

Each replay is watched on every one of its days; an alarm on any of them counts. The default run is small and finds
gross errors; the slow run bounds the rates as promised. Harm is replayed where it is exactly as large as its margin,
which is the hardest case in which no alarm may be raised.
"""

import math
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pytest

from eaas_assets.experiments.monitoring.drift import drift
from eaas_assets.experiments.monitoring.effects import effects, timeline
from eaas_assets.experiments.monitoring.novelty import novelty
from eaas_assets.experiments.monitoring.sample_ratio import sample_ratio
from eaas_assets.experiments.monitoring.segments import segments
from eaas_assets.experiments.monitoring.watch import Watch
from eaas_assets.experiments.observations.access import DayOfArms, DayOfCounts, Integrity
from eaas_assets.stats.experiments.moments import ArmMoments, merge_all
from eaas_assets_tests.experiments.observations_by_hand import (
    FIRST_DAY,
    experiment_by_hand,
    metric_by_hand,
    policy_by_hand,
)

DAYS = 28
PER_DAY = 80
MARGIN = 0.2
SMALL, LARGE = 25, 1500


@dataclass
class Nights:
    """The days of one replay up to a night, by segment."""

    days: list[dict[str, list[ArmMoments]]]
    integrity: Integrity = field(default_factory=Integrity)
    granular: bool = True

    def counts(self):
        return {arm: sum(part.n for day in self.days for part in day[arm]) for arm in ("control", "treatment")}

    def counts_by_day(self):
        return [
            DayOfCounts(FIRST_DAY + timedelta(days=i), {arm: sum(part.n for part in day[arm]) for arm in day})
            for i, day in enumerate(self.days)
        ]

    def moments_by_day(self, metric):
        return [
            DayOfArms(FIRST_DAY + timedelta(days=i), {arm: merge_all(day[arm]) for arm in day})
            for i, day in enumerate(self.days)
        ]

    def moments_by_segment(self, metric, dimension):
        return {
            f"s{i}": {arm: merge_all([day[arm][i] for day in self.days]) for arm in ("control", "treatment")}
            for i in range(3)
        }

    def clusters(self, metric, arm):
        return None


def replay(rng, effect=0.0, weather=0.0):
    """Days of skewed values, in three segments; ``weather`` moves all units of a day alike."""
    days = []
    for day in range(DAYS):
        shock = weather * rng.normal() + weather * math.sin(2 * math.pi * day / 7)
        n = rng.poisson(PER_DAY / 6, size=(2, 3))
        days.append(
            {
                arm: [
                    ArmMoments.from_arrays(spend=rng.exponential(1.0, k) + shock + (effect if side else 0.0))
                    for k in n[side]
                ]
                for side, arm in enumerate(("control", "treatment"))
            }
        )
    return days


def watched(data, planned=DAYS * PER_DAY):
    experiment = experiment_by_hand(
        status="running",
        sample={"planned": planned},
        segments=["segment"],
        metrics=[
            metric_by_hand("spend"),
            metric_by_hand("worst", "guardrail", margin=MARGIN, column="spend"),
        ],
    )
    return Watch(experiment, data, policy_by_hand(), clustered=False, untold="")


def guardrail(data):
    """Watched for harm of the metric alone."""
    experiment = experiment_by_hand(
        status="running",
        sample={"planned": DAYS * PER_DAY},
        metrics=[
            metric_by_hand("arpu", "secondary"),
            metric_by_hand("other"),
            metric_by_hand("spend", "guardrail", margin=MARGIN),
        ],
    )
    return Watch(experiment, data, policy_by_hand(), clustered=False, untold="")


def alarm_any_night(check, days, first):
    return any(bool(check(Nights(days[:night]))) for night in range(first, DAYS + 1))


def sample_ratio_alarm(rng):
    return sample_ratio(watched(Nights(replay(rng))))[-1].alarm


def sequence_misses(rng):
    data = watched(Nights(replay(rng)))
    metric = data.experiment.primary
    found = effects(data, metric, timeline(data, metric))
    return any(row.low > 0.0 or row.high < 0.0 for row in found if not math.isnan(row.low))


def harm_alarm(rng):
    data = guardrail(Nights(replay(rng, -MARGIN)))
    metric = data.experiment.guardrails[0]
    found = effects(data, metric, timeline(data, metric))
    return any(row.alarm for row in found if row.check == "guardrail_harm")


def drift_alarm(rng, weather=0.0):
    days = replay(rng, weather=weather)
    whole = watched(Nights(days))
    by_day = whole.data.moments_by_day(whole.experiment.primary)
    return any(drift(whole, whole.experiment.primary, by_day[:night])[0].alarm for night in range(14, DAYS + 1))


def drift_alarm_with_weather(rng):
    return drift_alarm(rng, weather=0.3)


def novelty_alarm(rng):
    whole = watched(Nights(replay(rng, 0.3)))
    by_day = whole.data.moments_by_day(whole.experiment.primary)
    return any(novelty(whole, whole.experiment.primary, by_day[:night])[0].alarm for night in range(14, DAYS + 1))


def segment_alarm(rng):
    days = replay(rng)
    return alarm_any_night(lambda data: any(row.alarm for row in segments(primary_only(data))), days, 4)


def primary_only(data):
    experiment = experiment_by_hand(
        status="running", sample={"planned": DAYS * PER_DAY}, segments=["segment"], metrics=[metric_by_hand("spend")]
    )
    return Watch(experiment, data, policy_by_hand(), clustered=False, untold="")


POLICY = policy_by_hand()
ALARMS = [
    (sample_ratio_alarm, POLICY.sample_ratio.threshold),
    (sequence_misses, POLICY.estimate.alpha),
    (harm_alarm, POLICY.monitoring.harm_alpha),
    (drift_alarm, POLICY.monitoring.drift_alpha),
    (drift_alarm_with_weather, POLICY.monitoring.drift_alpha),
    (novelty_alarm, POLICY.monitoring.novelty_alpha),
    (segment_alarm, POLICY.monitoring.harm_alpha),
]


def bound(alpha, replays):
    """Most false alarms that a rate of ``alpha`` gives in all but 1 of 1,000 simulations (normal approximation)."""
    return alpha * replays + 3.09 * math.sqrt(replays * alpha * (1 - alpha)) + 1


@pytest.mark.parametrize(("alarm", "alpha"), ALARMS)
def test_false_alarms_over_all_nights_are_as_rare_as_promised_in_a_few_replays(alarm, alpha):
    rng = np.random.default_rng(20260105)
    assert sum(bool(alarm(rng)) for _ in range(SMALL)) <= bound(alpha, SMALL)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("alarm", "alpha"), ALARMS)
def test_false_alarms_over_all_nights_are_as_rare_as_promised(alarm, alpha):
    rng = np.random.default_rng(5)
    assert sum(bool(alarm(rng)) for _ in range(LARGE)) <= bound(alpha, LARGE)


def test_the_same_replays_raise_alarms_where_something_happens():
    """The counterpart: alarms that could never be raised would keep every promise."""
    rng = np.random.default_rng(1)
    harmed = guardrail(Nights(replay(rng, -0.6)))
    metric = harmed.experiment.guardrails[0]
    assert any(row.alarm for row in effects(harmed, metric, timeline(harmed, metric)) if row.check == "guardrail_harm")
    fading = Nights([*replay(rng, 1.0)[:14], *replay(rng)[14:]])
    assert novelty(watched(fading), metric_of(fading), fading.moments_by_day(None))[0].alarm
    steady = Nights(replay(rng))
    days = steady.moments_by_day(None)
    moved = [day._replace(arms={arm: _raised(part, 1.0) for arm, part in day.arms.items()}) for day in days]
    assert drift(watched(steady), metric_of(steady), [*days[:7], *moved[7:]])[0].alarm
    assert any(row.alarm for row in segments(primary_only(Nights(replay(rng, -0.6)))))
    lost = [{"control": day["control"], "treatment": day["treatment"][:2]} for day in replay(rng)]
    assert sample_ratio(watched(Nights(lost)))[-1].alarm


def metric_of(data):
    return watched(data).experiment.primary


def _raised(part, by):
    return ArmMoments(part.names, part.n, part.mean + by, part.covariance, part.third)
