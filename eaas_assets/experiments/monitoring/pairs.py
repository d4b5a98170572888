"""Paired experiments under watch: every metric's effect so far, harm of guardrails, harm of segments.

Pairs carry no times, so there is one look, at all pairs so far; it holds however often it is made, as the one of
`impact.paired_looks` does. What takes times is not followed: earlier looks, drift, novelty.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from eaas_assets.contracts.experiment import Experiment, Metric
from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.experiments.impact.answers import beyond_precision, told
from eaas_assets.experiments.impact.obstacles import obstacle
from eaas_assets.experiments.impact.paired_looks import Looks, effect_at_look, harm_p
from eaas_assets.experiments.impact.pairing import looks_of, without_effect
from eaas_assets.experiments.impact.segments import MAX_VALUES
from eaas_assets.experiments.impact.wording import counted
from eaas_assets.experiments.monitoring.boundary import Look
from eaas_assets.experiments.monitoring.effects import allowed_harm
from eaas_assets.experiments.monitoring.segments import Part, judged
from eaas_assets.experiments.monitoring.watch import Finding, harm_threshold
from eaas_assets.experiments.observations.access import Opened, PairedData, PairedSource
from eaas_assets.experiments.wording import change, interval, level, p_text, percent
from eaas_assets.stats.experiments.results import Effect


class _Pairs(NamedTuple):
    """What all checks share; ``untold`` says why no effect of the experiment is told, and is empty otherwise."""

    source: PairedSource
    confidence: float
    looks: Looks
    untold: str


def pairs_findings(
    experiment: Experiment, opened: Opened, source: PairedSource, policy: ExperimentPolicy
) -> list[Finding]:
    """Findings about every metric and arm, and every segment of those that decide.

    Args:
        experiment: The document.
        opened: Its observations.
        source: The pairs in them.
        policy: Levels and thresholds.
    """
    forbidden = obstacle(experiment, opened, policy)
    untold = "" if forbidden is None else forbidden.reason
    watched = _Pairs(source, policy.estimate.level, looks_of(experiment, source), untold)
    threshold = harm_threshold(experiment, policy)
    findings: list[Finding] = []
    parts: list[Part] = []
    with np.errstate(over="ignore", invalid="ignore"):
        for metric in experiment.metrics:
            for arm in (variant.name for variant in experiment.treatments):
                pairs = source.pairs(metric, arm)
                seen, harm = _seen(watched, metric, pairs, 1.0)
                findings.append(_shown(metric, arm, seen, watched.confidence))
                if metric.role == "guardrail":
                    findings.append(_harm(metric, arm, seen, harm, threshold))
                if metric.role != "secondary" and not untold:
                    parts += [part for name in experiment.segments for part in _parts(watched, metric, arm, name)]
    return findings + judged(parts, policy.monitoring.harm_alpha)


def _seen(watched: _Pairs, metric: Metric, pairs: PairedData, share: float) -> tuple[Look, float]:
    """The look at a share of all pairs, and the p-value of harm; nan where nothing is told."""
    looks = watched.looks._replace(planned=max(1.0, watched.looks.planned * share))
    effect = _effect(watched, metric, pairs, looks)
    reason = watched.untold or next((one.reason for one in effect.refusals if one.scope == "effect"), "")
    units = pairs.control.size
    if reason:
        return Look(math.nan, math.nan, math.nan, math.nan, math.nan, units, reason), math.nan
    seen = Look(effect.estimate, effect.low, effect.high, effect.p_value, effect.control, units, "")
    try:
        return seen, harm_p(metric, pairs, watched.confidence, looks)
    except (OverflowError, ZeroDivisionError):  # beyond double precision on the scale of the margin
        return seen, math.nan


def _effect(watched: _Pairs, metric: Metric, pairs: PairedData, looks: Looks) -> Effect:
    problem = without_effect(metric, pairs, watched.source, watched.confidence)
    if problem is not None:
        return problem
    try:
        return told(effect_at_look(metric, pairs, watched.confidence, looks))
    except (OverflowError, ZeroDivisionError):
        return beyond_precision(metric, watched.confidence)


def _parts(watched: _Pairs, metric: Metric, arm: str, dimension: str) -> list[Part]:
    by_value = watched.source.pairs_by_segment(metric, arm, dimension)
    if len(by_value) > MAX_VALUES:
        return []
    everybody = sum(pairs.control.size for pairs in by_value.values())
    found = []
    for value, pairs in by_value.items():
        seen, harm = _seen(watched, metric, pairs, pairs.control.size / everybody if everybody else 1.0)
        found.append(Part(metric, arm, f"{dimension} = {value}", seen, harm))
    return found


def _shown(metric: Metric, arm: str, seen: Look, confidence: float) -> Finding:
    start, pairs = f"{metric.name} in {arm}: ", counted(seen.units, "pair")
    if seen.reason:
        statement = f"{start}not told over {pairs}, because {seen.reason}."
    else:
        says = "better" if (seen.estimate > 0.0) == metric.higher_is_better else "worse"
        if seen.low <= 0.0 <= seen.high:
            says = "neither better nor worse is shown"
        statement = (
            f"{start}{change(metric, seen.estimate)} {interval(metric, seen.low, seen.high)} against "
            f"{level(metric, seen.control)} over {pairs}: {says} ({percent(confidence)} at all looks together)."
        )
    return Finding(
        "effect",
        statement,
        seen.units,
        metric=metric.name,
        arm=arm,
        estimate=seen.estimate,
        low=seen.low,
        high=seen.high,
        p_value=seen.p_value,
    )


def _harm(metric: Metric, arm: str, seen: Look, p_value: float, threshold: float) -> Finding:
    start, pairs = f"{metric.name} in {arm}: ", counted(seen.units, "pair")
    alarm = None if math.isnan(p_value) else p_value < threshold
    if alarm is None:
        why = seen.reason or "its error on the scale of the margin cannot be told"
        statement = f"{start}harm cannot be told over {pairs}, because {why}."
    else:
        statement = (
            f"{start}{change(metric, seen.estimate)} over {pairs}; {allowed_harm(metric)} is "
            f"{'shown' if alarm else 'not shown'} ({p_text(p_value)}, alarm below {threshold:.2g})."
        )
    return Finding(
        "guardrail_harm",
        statement,
        seen.units,
        metric=metric.name,
        arm=arm,
        estimate=seen.estimate,
        p_value=p_value,
        threshold=threshold,
        alarm=alarm,
    )
