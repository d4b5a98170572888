"""Every experiment through design, monitoring and impact: each on its own, and only where its evidence is new.

Belongs here: order, reuse, and that one broken experiment stops nobody. What is found is decided in the packages that
are called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from eaas_assets.contracts.experiment import Experiment
from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.contracts.experiments import (
    CausalImpact,
    DesignValidation,
    ExperimentMonitoring,
    ExperimentRegistry,
    SegmentImpact,
)
from eaas_assets.contracts.tables import Table, build
from eaas_assets.errors import InputError, Problem
from eaas_assets.experiments.design.learned import NOTHING_LEARNED, Learned
from eaas_assets.experiments.design.rows import design_rows, told_by_neighbours
from eaas_assets.experiments.evidence import data_digest, evidence_id, still_good
from eaas_assets.experiments.impact.dispatch import impact_rows, refused_rows
from eaas_assets.experiments.monitoring.rows import monitoring_rows
from eaas_assets.experiments.observations.access import Opened
from eaas_assets.experiments.observations.agent_runs import AgentRunTables
from eaas_assets.experiments.opening_ahead import opened_ahead, opened_or_problems
from eaas_assets.experiments.registry import ExperimentCatalogue, RegisteredExperiment
from eaas_assets.experiments.tables import broken_row, registry_row

Rows = list[dict[str, Any]]


class Analysis(NamedTuple):
    """What one experiment adds to each table.

    Attributes:
        registry: Its row of ExperimentRegistry.
        design: Rows of DesignValidation; empty if the observations could not be read.
        monitoring: Rows of ExperimentMonitoring.
        impact: Rows of CausalImpact; refused ones if the observations could not be read.
        segments: Rows of SegmentImpact.
        problems: Why the observations could not be read.
    """

    registry: dict[str, Any]
    design: Rows
    monitoring: Rows
    impact: Rows
    segments: Rows
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, eq=False)
class ExperimentTables:
    """The tables of all experiments.

    Attributes:
        registry: ExperimentRegistry.
        design: DesignValidation.
        monitoring: ExperimentMonitoring.
        impact: CausalImpact.
        segments: SegmentImpact.
        renewed: Experiments that were analysed now; the rows of the others are those of the last time.
    """

    registry: pd.DataFrame
    design: pd.DataFrame
    monitoring: pd.DataFrame
    impact: pd.DataFrame
    segments: pd.DataFrame
    renewed: tuple[str, ...] = ()


def analyse(
    root: Path,
    registered: RegisteredExperiment,
    policy: ExperimentPolicy,
    others: Sequence[Experiment] = (),
    runs: AgentRunTables | None = None,
    learned: Learned = NOTHING_LEARNED,
) -> Analysis:
    """One experiment; observations that cannot be read are a result, too.

    Args:
        root: The data folder.
        registered: The experiment.
        policy: Rules.
        others: All experiments that are known.
        runs: Evaluated runs, for experiments on them.
        learned: From experiments that have ended.
    """
    return _analysed(opened_or_problems(root, registered, runs), registered, policy, others, learned)


def _analysed(
    opened: Opened | tuple[Problem, ...],
    registered: RegisteredExperiment,
    policy: ExperimentPolicy,
    others: Sequence[Experiment],
    learned: Learned,
) -> Analysis:
    if isinstance(opened, tuple):
        return _unreadable(registered, policy, opened)
    experiment = registered.document
    evidence = evidence_id(experiment, opened.data_digest, policy.digest)
    try:
        impact, segments = impact_rows(experiment, opened, policy, evidence)
        return Analysis(
            registry_row(registered, opened, evidence, policy.digest),
            design_rows(experiment, opened, policy, evidence, others, learned),
            monitoring_rows(experiment, opened, policy, evidence),
            impact,
            segments,
        )
    except InputError as error:  # a large file is read as often as it is asked, and may be gone by then
        return _unreadable(registered, policy, error.problems)


def _design_again(
    opened: Opened | tuple[Problem, ...],
    registered: RegisteredExperiment,
    policy: ExperimentPolicy,
    evidence: str,
    others: Sequence[Experiment],
    learned: Learned,
) -> Rows | None:
    """Rows of a design whose own evidence has not changed; None if its data cannot be read any more."""
    if isinstance(opened, tuple):
        return None
    try:
        return design_rows(registered.document, opened, policy, evidence, others, learned)
    except InputError:
        return None


def analyse_all(
    root: Path,
    catalogue: ExperimentCatalogue,
    policy: ExperimentPolicy,
    runs: AgentRunTables | None = None,
    earlier: ExperimentTables | None = None,
    learned: Learned = NOTHING_LEARNED,
    progress: Callable[[str], None] | None = None,
) -> ExperimentTables:
    """Every experiment, in order of their ids; rows of those whose evidence has not changed are kept.

    Designs are also compared with each other: when some document has changed, the designs that it disturbs or repeats
    are checked again, but effects only of experiments whose own evidence is new.

    Args:
        root: The data folder.
        catalogue: What is registered there.
        policy: Rules.
        runs: Evaluated runs, for experiments on them.
        earlier: Tables of the last time; None: everything is new.
        learned: From experiments that have ended.
        progress: Told each experiment that has been analysed.
    """
    others = [registered.document for registered in catalogue.experiments.values()]
    good = {} if earlier is None else _still_good(root, catalogue, policy, runs, earlier.registry)
    settled = {} if earlier is None else _settled(catalogue, policy, earlier, good)
    rows = _Rows([broken_row(name, problems, policy.digest) for name, problems in catalogue.broken.items()])
    renewed = []
    wanted = [entry for name, entry in catalogue.experiments.items() if name not in settled]
    for registered, opened in opened_ahead(root, wanted, runs):
        name = registered.document.experiment
        design = _design_again(opened, registered, policy, good[name], others, learned) if name in good else None
        if design is not None:
            rows.design += design
        else:  # new evidence, or data that were there a moment ago
            good.pop(name, None)
            rows.add(_analysed(opened, registered, policy, others, learned))
            renewed.append(name)
        if progress is not None:
            progress(name)
    return ExperimentTables(
        _joined(ExperimentRegistry, rows.registry, None if earlier is None else earlier.registry, good),
        _joined(DesignValidation, rows.design, None if earlier is None else earlier.design, settled),
        _joined(ExperimentMonitoring, rows.monitoring, None if earlier is None else earlier.monitoring, good),
        _joined(CausalImpact, rows.impact, None if earlier is None else earlier.impact, good),
        _joined(SegmentImpact, rows.segments, None if earlier is None else earlier.segments, good),
        tuple(renewed),
    )


@dataclass
class _Rows:
    """New rows of the five tables."""

    registry: Rows = field(default_factory=list)
    design: Rows = field(default_factory=list)
    monitoring: Rows = field(default_factory=list)
    impact: Rows = field(default_factory=list)
    segments: Rows = field(default_factory=list)

    def add(self, analysis: Analysis) -> None:
        self.registry.append(analysis.registry)
        self.design += analysis.design
        self.monitoring += analysis.monitoring
        self.impact += analysis.impact
        self.segments += analysis.segments


def _unreadable(registered: RegisteredExperiment, policy: ExperimentPolicy, problems: Sequence[Problem]) -> Analysis:
    evidence = evidence_id(registered.document, None, policy.digest)
    reason = f"its observations cannot be read: {problems[0]}"
    refused = refused_rows(registered.document, policy, evidence, "unreadable", reason)
    row = registry_row(registered, None, evidence, policy.digest, problems)
    return Analysis(row, [], [], refused, [], tuple(problems))


def _still_good(
    root: Path,
    catalogue: ExperimentCatalogue,
    policy: ExperimentPolicy,
    runs: AgentRunTables | None,
    registry: pd.DataFrame,
) -> dict[str, str]:
    """Experiments whose evidence is that of the last time, with it; what could not be used then is tried again."""
    usable = registry[registry["usable"]]
    before = dict(zip(usable["experiment_id"].tolist(), usable["evidence_id"].tolist(), strict=True))
    good = {}
    for name, registered in catalogue.experiments.items():
        try:
            data = data_digest(root, registered.document, runs)
        except InputError:
            continue
        evidence = evidence_id(registered.document, data, policy.digest)
        if before.get(name) == evidence:
            good[name] = evidence
    return good


def _settled(
    catalogue: ExperimentCatalogue, policy: ExperimentPolicy, earlier: ExperimentTables, good: Mapping[str, str]
) -> dict[str, str]:
    """Of the experiments in ``good``, those whose design is the same, too: others do to it what they did."""
    documents = catalogue.experiments
    if _definitions(earlier.registry) == {name: registered.digest for name, registered in documents.items()}:
        return dict(good)
    others = [registered.document for registered in documents.values()]
    before: dict[str, set[tuple[str, ...]]] = {}
    columns = (earlier.design[column].tolist() for column in ("experiment_id", "check", "statement", "evidence_json"))
    for name, *finding in zip(*columns, strict=True):
        before.setdefault(name, set()).add(tuple(finding))
    return {
        name: evidence
        for name, evidence in good.items()
        if told_by_neighbours(documents[name].document, policy, others) <= before.get(name, set())
    }


def _definitions(registry: pd.DataFrame) -> dict[str, str]:
    known = registry[registry["definition_digest"].notna()]
    return dict(zip(known["experiment_id"].tolist(), known["definition_digest"].tolist(), strict=True))


def _joined(contract: type[Table], rows: Rows, earlier: pd.DataFrame | None, good: Mapping[str, str]) -> pd.DataFrame:
    """New rows and those of an earlier table whose evidence still holds, by experiment."""
    parts = [build(contract, rows)]
    if earlier is not None:
        parts.append(still_good(earlier, good))
    filled = [part for part in parts if len(part)]
    table = pd.concat(filled, ignore_index=True) if filled else parts[0]
    return table.sort_values("experiment_id", kind="stable", ignore_index=True)
