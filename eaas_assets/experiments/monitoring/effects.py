"""Confidence sequences of every metric, and harm of guardrails found early.

An effect is shown, not judged: its limits hold at all looks together. A guardrail is judged by a one-sided p-value
against its margin; the error rate is shared by all guardrails and arms, so that it is that of the whole experiment.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np

from eaas_assets.contracts.experiment import Metric
from eaas_assets.experiments.monitoring.boundary import Look, harm_p, look
from eaas_assets.experiments.monitoring.cumulative import Stacked, cumulate, kept, stack
from eaas_assets.experiments.monitoring.estimates import Estimates, arm_estimates
from eaas_assets.experiments.monitoring.watch import Finding, Watch, unanswerable
from eaas_assets.experiments.observations.access import DayOfArms
from eaas_assets.experiments.wording import change, count, interval, level, p_text, percent


class Timeline(NamedTuple):
    """A metric over time.

    Attributes:
        days: What came in by day; None where times are unknown.
        times: Time of each kept look; None where unknown.
        arms: Moments up to each kept look.
    """

    days: Sequence[DayOfArms] | None
    times: list[datetime | None]
    arms: Mapping[str, Stacked]


def timeline(watched: Watch, metric: Metric) -> Timeline:
    """The kept looks at a metric: by day of entry, or one."""
    names = [variant.name for variant in watched.experiment.variants]
    days = watched.data.moments_by_day(metric)
    if not days:
        whole = watched.data.moments(metric)
        return Timeline(None, [None], {name: stack([whole[name]]) for name in names})
    places = kept(len(days), watched.policy.monitoring.maximum_looks)
    arms = {name: cumulate([day.arms[name] for day in days]).at(places) for name in names}
    return Timeline(days, [days[place].day for place in places], arms)


def effects(watched: Watch, metric: Metric, over_time: Timeline | None) -> list[Finding]:
    """Confidence sequences of a metric by arm, and for a guardrail its harm.

    Args:
        watched: The experiment.
        metric: The metric.
        over_time: Its looks; None where it cannot be followed.
    """
    reason = watched.untold or unanswerable(metric, watched)
    findings = []
    for arm in watched.arms:
        if reason or over_time is None:
            findings += _untold(watched, metric, arm, reason)
            continue
        found = arm_estimates(metric, over_time.arms[arm], over_time.arms[watched.experiment.control.name])
        findings += _sequence(watched, metric, arm, found, over_time.times)
        if metric.role == "guardrail":
            findings += _harm(watched, metric, arm, found, over_time.times)
    return findings


def _untold(watched: Watch, metric: Metric, arm: str, reason: str) -> list[Finding]:
    counts = watched.data.counts()
    units = int(counts.get(arm, 0) + counts.get(watched.experiment.control.name, 0))
    checks = ["effect", *(["guardrail_harm"] if metric.role == "guardrail" else [])]
    return [
        Finding(check, f"{metric.name} in {arm}: not told, because {reason}.", units, metric=metric.name, arm=arm)
        for check in checks
    ]


def _sequence(
    watched: Watch, metric: Metric, arm: str, found: Estimates, times: list[datetime | None]
) -> list[Finding]:
    findings = []
    planned, confidence = watched.planned_pair(arm), watched.policy.estimate.level
    smallest = math.nan
    for place, at in enumerate(times):
        seen = look(found, place, planned, confidence)
        smallest = seen.p_value if math.isnan(smallest) else min(smallest, seen.p_value)
        findings.append(
            Finding(
                "effect",
                _effect_statement(metric, arm, seen, confidence) if place + 1 == len(times) else _earlier(place, times),
                seen.units,
                look=place + 1,
                looked_at=at,
                latest=place + 1 == len(times),
                metric=metric.name,
                arm=arm,
                estimate=seen.estimate,
                low=seen.low,
                high=seen.high,
                p_value=smallest,
            )
        )
    return findings


def _earlier(place: int, times: list[datetime | None]) -> str:
    return f"Look {place + 1} of {len(times)}; the latest one tells in words what was found."


def _effect_statement(metric: Metric, arm: str, seen: Look, confidence: float) -> str:
    start = f"{metric.name} in {arm}: "
    if seen.reason:
        return f"{start}no interval yet over {count(seen.units, 'unit')}, because {seen.reason}."
    if seen.low <= 0.0 <= seen.high:
        says = "neither better nor worse is shown"
    else:
        says = "better" if (seen.estimate > 0.0) == metric.higher_is_better else "worse"
    limits = interval(metric, seen.low, seen.high)
    return (
        f"{start}{change(metric, seen.estimate)} {limits} against {level(metric, seen.control)} over "
        f"{count(seen.units, 'unit')}: {says} ({percent(confidence)} at all looks together)."
    )


def _harm(watched: Watch, metric: Metric, arm: str, found: Estimates, times: list[datetime | None]) -> list[Finding]:
    findings = []
    planned, threshold = watched.planned_pair(arm), watched.guardrail_threshold
    margin, relative = metric.margin or 0.0, metric.scale == "relative"
    smallest, since = math.nan, None
    for place, at in enumerate(times):
        p_value = harm_p(found, place, planned, metric.higher_is_better, margin, relative)
        smallest = p_value if math.isnan(smallest) else min(smallest, p_value)
        alarm = None if math.isnan(smallest) else smallest < threshold
        since = (at, place + 1) if alarm and since is None else since
        told = bool(np.isfinite(found.treatment[place]) and np.isfinite(found.control[place]))
        estimate = float(found.treatment[place] - found.control[place]) if told else math.nan
        units = int(found.n_treatment[place] + found.n_control[place])
        findings.append(
            Finding(
                "guardrail_harm",
                _harm_statement(metric, arm, (estimate, units), (smallest, threshold), since, found.reason[place])
                if place + 1 == len(times)
                else _earlier(place, times),
                units,
                look=place + 1,
                looked_at=at,
                latest=place + 1 == len(times),
                metric=metric.name,
                arm=arm,
                estimate=estimate,
                p_value=smallest,
                threshold=threshold,
                alarm=alarm,
            )
        )
    return findings


def _harm_statement(
    metric: Metric,
    arm: str,
    seen: tuple[float, int],
    against: tuple[float, float],
    since: tuple[datetime | None, int] | None,
    reason: str,
) -> str:
    estimate, units = seen
    p_value, threshold = against
    if math.isnan(p_value):
        return f"{metric.name} in {arm}: harm cannot be told yet over {count(units, 'unit')}, because {reason}."
    says = "not shown"
    if since is not None:
        day = "" if since[0] is None else f" on {since[0]:%Y-%m-%d}"
        says = f"shown since look {since[1]}{day}"
    return (
        f"{metric.name} in {arm}: {change(metric, estimate)} over {count(units, 'unit')}; "
        f"{allowed_harm(metric)} is {says} ({p_text(p_value)}, alarm below {threshold:.2g})."
    )


def allowed_harm(metric: Metric) -> str:
    """The harm of a guardrail that raises an alarm."""
    if metric.margin is None:
        return "any harm, as no margin is declared"
    if metric.scale == "relative":
        return f"harm beyond {percent(metric.margin)} of the control"
    return f"harm beyond {change(metric, metric.margin).lstrip('+')}"
