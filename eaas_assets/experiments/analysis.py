"""One experiment through design, monitoring and impact, as rows; what is found is decided in these packages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from eaas_assets.contracts.experiment import Experiment
from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.errors import InputError, Problem
from eaas_assets.experiments.design.learned import NOTHING_LEARNED, Learned
from eaas_assets.experiments.design.rows import design_rows
from eaas_assets.experiments.evidence import evidence_id
from eaas_assets.experiments.impact.dispatch import impact_rows, refused_rows
from eaas_assets.experiments.monitoring.rows import monitoring_rows
from eaas_assets.experiments.observations.access import Opened
from eaas_assets.experiments.observations.agent_runs import AgentRunTables
from eaas_assets.experiments.observations.opening import open_observations
from eaas_assets.experiments.registry import RegisteredExperiment
from eaas_assets.experiments.tables import registry_row

Rows = list[dict[str, Any]]


class Surroundings(NamedTuple):
    """What an experiment is analysed in.

    Attributes:
        root: The data folder.
        policy: Rules.
        others: All experiments that are known.
        runs: Evaluated runs, for experiments on them.
        learned: From experiments that have ended.
    """

    root: Path
    policy: ExperimentPolicy
    others: Sequence[Experiment] = ()
    runs: AgentRunTables | None = None
    learned: Learned = NOTHING_LEARNED


class Asked(NamedTuple):
    """One experiment; with its evidence, if that has not changed and only its design has to be compared again."""

    registered: RegisteredExperiment
    evidence: str | None = None


class Analysis(NamedTuple):
    """What one experiment adds to each table.

    Attributes:
        registry: Its row of ExperimentRegistry; none where only the design was compared again.
        design: Rows of DesignValidation; empty if the observations could not be read.
        monitoring: Rows of ExperimentMonitoring.
        impact: Rows of CausalImpact; refused ones if the observations could not be read.
        segments: Rows of SegmentImpact.
    """

    registry: Rows
    design: Rows
    monitoring: Rows
    impact: Rows
    segments: Rows


def analyse(surroundings: Surroundings, asked: Asked) -> Analysis:
    """One experiment; observations that cannot be read are a result, too."""
    registered = asked.registered
    try:
        opened = open_observations(surroundings.root, registered.document, surroundings.runs)
    except InputError as error:
        return _unreadable(registered, surroundings.policy, error.problems)
    try:
        if asked.evidence is not None:
            return Analysis([], _design(surroundings, registered, opened, asked.evidence), [], [], [])
        return _whole(surroundings, registered, opened)
    except InputError as error:  # a large file is read as often as it is asked, and may be gone by then
        return _unreadable(registered, surroundings.policy, error.problems)


def _whole(surroundings: Surroundings, registered: RegisteredExperiment, opened: Opened) -> Analysis:
    experiment, policy = registered.document, surroundings.policy
    evidence = evidence_id(experiment, opened.data_digest, policy.digest)
    impact, segments = impact_rows(experiment, opened, policy, evidence)
    return Analysis(
        [registry_row(registered, opened, evidence, policy.digest)],
        _design(surroundings, registered, opened, evidence),
        monitoring_rows(experiment, opened, policy, evidence),
        impact,
        segments,
    )


def _design(surroundings: Surroundings, registered: RegisteredExperiment, opened: Opened, evidence: str) -> Rows:
    _, policy, others, _, learned = surroundings
    return design_rows(registered.document, opened, policy, evidence, others, learned)


def _unreadable(registered: RegisteredExperiment, policy: ExperimentPolicy, problems: Sequence[Problem]) -> Analysis:
    evidence = evidence_id(registered.document, None, policy.digest)
    reason = f"its observations cannot be read: {problems[0]}"
    refused = refused_rows(registered.document, policy, evidence, "unreadable", reason)
    return Analysis([registry_row(registered, None, evidence, policy.digest, problems)], [], [], refused, [])
