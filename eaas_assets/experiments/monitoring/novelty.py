"""Does the effect fade: is the benefit of units that came in the second half smaller than that of the first?

The halves are those of the plan, fixed before anyone looks: the first half ends with the day on which half of the
planned units have come. The second half grows; its difference from the first gains information as any effect does, so
the boundary of the confidence sequences holds at all looks together. The test is one-sided: only fading raises the
alarm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from eaas_assets.contracts.experiment import Metric
from eaas_assets.experiments.monitoring.cumulative import Stacked, cumulate
from eaas_assets.experiments.monitoring.estimates import arm_estimates
from eaas_assets.experiments.monitoring.watch import Finding, Watch
from eaas_assets.experiments.observations.access import DayOfArms
from eaas_assets.experiments.wording import change, count, p_text
from eaas_assets.stats.experiments.sequential import anytime_p


class _Half(NamedTuple):
    effect: float
    variance: float
    units: int
    reason: str
    centre: float = math.nan


def novelty(watched: Watch, metric: Metric, days: Sequence[DayOfArms] | None) -> list[Finding]:
    """One finding per arm at the latest look; none where units have no time."""
    if not days:
        return []
    threshold = watched.policy.monitoring.novelty_alpha / len(watched.arms)
    return [_arm(watched, metric, days, arm, threshold) for arm in watched.arms]


def _arm(watched: Watch, metric: Metric, days: Sequence[DayOfArms], arm: str, threshold: float) -> Finding:
    pair = (arm, watched.experiment.control.name)
    came = np.cumsum([sum(day.arms[name].n for name in pair) for day in days])
    units, half = int(came[-1]), watched.planned_pair(arm) / 2.0
    split = int(np.searchsorted(came, half)) + 1
    base = Finding("novelty", "", units, looked_at=days[-1].day, metric=metric.name, arm=arm, threshold=threshold)
    start = f"{metric.name} in {arm}: "
    if split >= len(days):
        told = f"{start}fading cannot be told before half of the plan, {count(math.ceil(half), 'unit')}, is exceeded; "
        return replace(base, statement=f"{told}there are {units:,}.")
    early, late = (_half(metric, part, pair) for part in (days[:split], days[split:]))
    reason = early.reason or late.reason
    if reason:
        return replace(base, statement=f"{start}fading cannot be told, because {reason}.")
    variance = early.variance + late.variance
    good = 1.0 if metric.higher_is_better else -1.0
    lost = good * (early.centre - late.centre)
    fraction = 2.0 * early.variance / variance
    p_value = anytime_p(lost / math.sqrt(variance), fraction) / 2.0 if lost > 0.0 else 1.0
    alarm = p_value < threshold
    statement = (
        f"{start}{change(metric, early.effect)} among the first {count(early.units, 'unit')} (to "
        f"{days[split - 1].day:%Y-%m-%d}), {change(metric, late.effect)} among the {late.units:,} after them "
        f"({p_text(p_value)}, alarm below {threshold:.2g}): {'the effect fades' if alarm else 'no sign of fading'}."
    )
    change_of_effect = late.effect - early.effect
    return replace(base, statement=statement, estimate=change_of_effect, p_value=p_value, alarm=alarm)


def _half(metric: Metric, days: Sequence[DayOfArms], pair: tuple[str, str]) -> _Half:
    arms = [_total(days, name) for name in pair]
    found = arm_estimates(metric, arms[0], arms[1])
    units = int(found.n_treatment[0] + found.n_control[0])
    if found.reason[0]:
        return _Half(math.nan, math.nan, units, str(found.reason[0]))
    variance = float(found.var_treatment[0] - 2.0 * found.covariance[0] + found.var_control[0])
    effect = float(found.treatment[0] - found.control[0])
    centre = float(found.treatment_centre[0] - found.control_centre[0])
    return _Half(effect, variance, units, "", centre)


def _total(days: Sequence[DayOfArms], name: str) -> Stacked:
    return cumulate([day.arms[name] for day in days]).at([-1])
