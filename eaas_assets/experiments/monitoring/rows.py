"""The rows of ExperimentMonitoring of one experiment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from eaas_assets.contracts.experiment import Experiment
from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.experiments.monitoring.drift import drift
from eaas_assets.experiments.monitoring.effects import effects, timeline
from eaas_assets.experiments.monitoring.novelty import novelty
from eaas_assets.experiments.monitoring.progress import progress
from eaas_assets.experiments.monitoring.sample_ratio import sample_ratio
from eaas_assets.experiments.monitoring.segments import segments
from eaas_assets.experiments.monitoring.watch import Finding, unanswerable, watch
from eaas_assets.experiments.observations.access import Opened, RandomisedData


def monitoring_rows(
    experiment: Experiment, opened: Opened, policy: ExperimentPolicy, evidence_id: str
) -> list[dict[str, Any]]:
    """What can be watched of an experiment; empty without observations.

    Only randomised experiments are followed over time. Paired ones have one look, at all pairs so far; of panels the
    periods are told, and their effects are judged by their own estimators.
    """
    findings: list[Finding] = []
    if opened.randomised is not None:
        findings = _randomised(experiment, opened, opened.randomised, policy)
    elif opened.paired is not None:
        from eaas_assets.experiments.monitoring.pairs import pairs_findings

        findings = pairs_findings(experiment, opened, opened.paired, policy)
    findings += progress(experiment, opened)
    planned = experiment.sample.planned if experiment.sample else None
    common = {
        "experiment_id": experiment.experiment,
        "evidence_id": evidence_id,
        "planned_units": planned,
        "policy_hash": policy.digest,
    }
    return [finding.row(**common) for finding in findings]


def _randomised(
    experiment: Experiment, opened: Opened, data: RandomisedData, policy: ExperimentPolicy
) -> list[Finding]:
    watched = watch(experiment, opened, data, policy)
    findings = sample_ratio(watched)
    if findings and findings[-1].alarm and not watched.untold:
        watched = replace(watched, untold="the sample ratio does not fit the plan")
    for metric in experiment.metrics:
        over_time = None if unanswerable(metric, watched) else timeline(watched, metric)
        findings += effects(watched, metric, over_time)
        if over_time is None:
            continue
        findings += drift(watched, metric, over_time.days)
        if metric.role == "primary" and not watched.untold:
            findings += novelty(watched, metric, over_time.days)
    return findings if watched.untold else findings + segments(watched)
