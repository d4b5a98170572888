"""Does the metric of the control arm move over time, beyond its usual change from day to day?

Nothing was done to the control arm, so what moves there is the world or the measurement. The first week is compared
with everything after it. Days are the observations (their totals, weighted by units): units of one day share its
weather, so they are no independent evidence of a trend, and a weekly rhythm widens the error instead of looking like a
drift. The estimate gains information as a mean of independent days does, so the boundary of the confidence sequences
holds at all looks together; the error rate is shared by the metrics.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from eaas_assets.contracts.experiment import Metric
from eaas_assets.experiments.monitoring.boundary import deviate
from eaas_assets.experiments.monitoring.watch import Finding, Watch
from eaas_assets.experiments.observations.access import DayOfArms
from eaas_assets.experiments.wording import change, count, level, p_text
from eaas_assets.stats.experiments.clusters import cluster_difference
from eaas_assets.stats.experiments.moments import ArmMoments
from eaas_assets.stats.experiments.sequential import anytime_p

WEEK = 7
"""Days of the reference, and fewest days after it."""
USUAL_DAYS = 28
"""Duration that the boundary is tuned to where none is planned."""


def drift(watched: Watch, metric: Metric, days: Sequence[DayOfArms] | None) -> list[Finding]:
    """One finding at the latest look; none where units have no time."""
    if not days:
        return []
    control = watched.experiment.control.name
    parts = [day.arms[control] for day in days]
    units = sum(part.n for part in parts)
    threshold = watched.policy.monitoring.drift_alpha / len(watched.experiment.metrics)
    at = days[-1].day
    totals, sizes = _by_day(metric, parts)
    late = totals.size - WEEK
    reason = f"{totals.size} days have units, {2 * WEEK} are needed" if late < WEEK else ""
    if not reason:
        effect = cluster_difference(totals[WEEK:], sizes[WEEK:], totals[:WEEK], sizes[:WEEK])
        reason = "" if effect.answered else effect.refusals[0].reason
    if reason:
        statement = f"{metric.name} in {control}: drift cannot be told, because {reason}."
        return [Finding("metric_drift", statement, units, looked_at=at, metric=metric.name, threshold=threshold)]
    fraction = _information(late) / _information(max(_planned_days(watched) - WEEK, WEEK))
    p_value = anytime_p(deviate(effect.estimate / effect.se, effect.df), fraction)
    alarm = p_value < threshold
    says = "the control arm moves although nothing was done to it" if alarm else "no sign of a drift"
    statement = (
        f"{metric.name} in {control}: {level(metric, effect.control)} in the first week, "
        f"{change(metric, effect.estimate)} in the {count(late, 'day')} after it "
        f"({p_text(p_value)}, alarm below {threshold:.2g}): {says}."
    )
    return [
        Finding(
            "metric_drift",
            statement,
            units,
            looked_at=at,
            metric=metric.name,
            estimate=effect.estimate,
            p_value=p_value,
            threshold=threshold,
            alarm=alarm,
        )
    ]


def _by_day(metric: Metric, parts: Sequence[ArmMoments]) -> tuple[np.ndarray, np.ndarray]:
    """Totals and sizes of the days that have units; for a ratio, sums above and below the line."""
    some = [part for part in parts if part.n > 0]
    if metric.kind == "ratio":
        above = [part.n * part.mean[part.column(f"{metric.name}.numerator")] for part in some]
        below = [part.n * part.mean[part.column(f"{metric.name}.denominator")] for part in some]
    else:
        above = [part.n * part.mean[part.column(metric.name)] for part in some]
        below = [float(part.n) for part in some]
    totals, sizes = np.array(above, dtype=np.float64), np.array(below, dtype=np.float64)
    counts = ~(sizes <= 0.0)
    return totals[counts], sizes[counts]


def _information(late: int) -> float:
    """Information of the difference between a first week and so many days after it, in days."""
    return 1.0 / (1.0 / WEEK + 1.0 / late)


def _planned_days(watched: Watch) -> int:
    start, end = watched.experiment.planned_start, watched.experiment.planned_end
    if start is not None and end is not None:
        return (end - start).days + 1
    sample = watched.experiment.sample
    if sample is not None and sample.per_day:
        return math.ceil(sample.planned / sample.per_day)
    return USUAL_DAYS
