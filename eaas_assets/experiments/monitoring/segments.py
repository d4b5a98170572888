"""Is a declared segment harmed, in the primary metric or a guardrail, whatever the average says?

P-values hold at every look, and Holm's correction over all segments, metrics and arms holds at every look with them: a
false alarm needs one of the unharmed segments to be beyond its own boundary at some time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from eaas_assets.contracts.experiment import Metric
from eaas_assets.errors import shown
from eaas_assets.experiments.impact.segments import MAX_VALUES
from eaas_assets.experiments.monitoring.boundary import Look, harm_p, look
from eaas_assets.experiments.monitoring.cumulative import stack
from eaas_assets.experiments.monitoring.estimates import arm_estimates
from eaas_assets.experiments.monitoring.watch import Finding, Watch, unanswerable
from eaas_assets.experiments.wording import change, count, interval, p_text
from eaas_assets.stats.multiplicity import holm


class Part(NamedTuple):
    """One segment of one metric and arm: what is seen of it, and the p-value of harm before correction."""

    metric: Metric
    arm: str
    name: str
    seen: Look
    p_value: float


def segments(watched: Watch) -> list[Finding]:
    """One finding per metric, arm and segment, at the latest look; none for a dimension of too many values."""
    watched_metrics = [metric for metric in watched.experiment.metrics if metric.role != "secondary"]
    parts = [
        part
        for metric in watched_metrics
        if not unanswerable(metric, watched)
        for dimension in watched.experiment.segments
        for part in _parts(watched, metric, dimension)
    ]
    return judged(parts, watched.policy.monitoring.harm_alpha)


def judged(parts: Sequence[Part], threshold: float) -> list[Finding]:
    """Segments with their p-values corrected over all of them, and an alarm below ``threshold``."""
    asked = sum(not math.isnan(part.p_value) for part in parts)
    adjusted = holm([part.p_value for part in parts]).tolist()
    return [_finding(part, p_value, asked, threshold) for part, p_value in zip(parts, adjusted, strict=True)]


def _parts(watched: Watch, metric: Metric, dimension: str) -> list[Part]:
    by_value = watched.data.moments_by_segment(metric, dimension)
    if not by_value or len(by_value) > MAX_VALUES:
        return []
    names = list(by_value)
    control = stack([by_value[name][watched.experiment.control.name] for name in names])
    level = watched.policy.estimate.level
    parts = []
    for arm in watched.arms:
        found = arm_estimates(metric, stack([by_value[name][arm] for name in names]), control)
        planned = watched.planned_pair(arm)
        # The share of the plan that is reached is that of the whole experiment: segments have no plan of their own.
        fraction = float((found.n_treatment + found.n_control).sum()) / planned
        margin = metric.margin or 0.0 if metric.role == "guardrail" else 0.0
        for place, name in enumerate(names):
            p_value = math.nan
            seen = look(found, place, planned, level, fraction or 1.0)
            if not seen.reason:
                relative = metric.scale == "relative"
                p_value = harm_p(found, place, planned, metric.higher_is_better, margin, relative, fraction)
            parts.append(Part(metric, arm, f"{dimension} = {name}", seen, p_value))
    return parts


def _finding(part: Part, p_value: float, asked: int, threshold: float) -> Finding:
    metric, seen = part.metric, part.seen
    start = f"{metric.name} in {part.arm}, {shown(part.name, 80)[1:-1]}: "
    alarm = None if math.isnan(p_value) else p_value < threshold
    if alarm is None:
        statement = f"{start}cannot be told over {count(seen.units, 'unit')}, because {seen.reason}."
    else:
        statement = (
            f"{start}{change(metric, seen.estimate)} {interval(metric, seen.low, seen.high)} over "
            f"{count(seen.units, 'unit')}; harm is {'shown' if alarm else 'not shown'} "
            f"({p_text(p_value)} after correction over {count(asked, 'comparison')}, alarm below {threshold:.2g})."
        )
    return Finding(
        "segment_anomaly",
        statement,
        seen.units,
        metric=metric.name,
        arm=part.arm,
        segment=part.name,
        estimate=seen.estimate,
        low=seen.low,
        high=seen.high,
        p_value=p_value,
        threshold=threshold,
        alarm=alarm,
    )
