"""Every experiment's tables: each experiment on its own, and only where its evidence is new.

Belongs here: order, reuse, and putting tables together. One experiment is analysed in `analysis`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.contracts.experiments import (
    CausalImpact,
    DesignValidation,
    ExperimentMonitoring,
    ExperimentRegistry,
    SegmentImpact,
)
from eaas_assets.contracts.tables import Table, build
from eaas_assets.errors import InputError
from eaas_assets.experiments.analysis import Analysis, Asked, Rows, Surroundings, analyse
from eaas_assets.experiments.design.learned import NOTHING_LEARNED, Learned
from eaas_assets.experiments.design.rows import told_by_neighbours
from eaas_assets.experiments.evidence import data_digest, evidence_id, still_good
from eaas_assets.experiments.observations.agent_runs import AgentRunTables
from eaas_assets.experiments.registry import ExperimentCatalogue
from eaas_assets.experiments.tables import broken_row
from eaas_assets.processes import spread

MOST_ROWS = 10_000
"""Rows that are held one by one before they become a part of a table, which needs a third of their memory."""


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
    broken = [broken_row(name, problems, policy.digest) for name, problems in catalogue.broken.items()]
    parts = _Parts()
    parts.add(Analysis(broken, [], [], [], []))
    renewed = []
    surroundings = Surroundings(root, policy, others, runs, learned)
    wanted = [Asked(entry, good.get(name)) for name, entry in catalogue.experiments.items() if name not in settled]
    for asked, analysis in spread(analyse, surroundings, wanted):
        name = asked.registered.document.experiment
        parts.add(analysis)
        if analysis.registry:  # new evidence, or data that were there a moment ago
            good.pop(name, None)
            renewed.append(name)
        if progress is not None:
            progress(name)
    return ExperimentTables(
        parts.table(ExperimentRegistry, None if earlier is None else earlier.registry, good),
        parts.table(DesignValidation, None if earlier is None else earlier.design, settled),
        parts.table(ExperimentMonitoring, None if earlier is None else earlier.monitoring, good),
        parts.table(CausalImpact, None if earlier is None else earlier.impact, good),
        parts.table(SegmentImpact, None if earlier is None else earlier.segments, good),
        tuple(sorted(renewed)),
    )


class _Parts:
    """New rows of the five tables, as parts of tables and as single rows."""

    def __init__(self) -> None:
        contracts = (ExperimentRegistry, DesignValidation, ExperimentMonitoring, CausalImpact, SegmentImpact)
        self._rows: dict[type[Table], Rows] = {contract: [] for contract in contracts}
        self._parts: dict[type[Table], list[pd.DataFrame]] = {contract: [] for contract in contracts}

    def add(self, analysis: Analysis) -> None:
        """What one experiment adds."""
        for (contract, rows), more in zip(self._rows.items(), analysis, strict=True):
            rows += more
            if len(rows) > MOST_ROWS:
                self._parts[contract].append(build(contract, rows))
                rows.clear()

    def table(self, contract: type[Table], earlier: pd.DataFrame | None, good: Mapping[str, str]) -> pd.DataFrame:
        """New rows and those of an earlier table whose evidence still holds, by experiment."""
        parts = [*self._parts[contract], build(contract, self._rows[contract])]
        if earlier is not None:
            parts.append(still_good(earlier, good))
        filled = [part for part in parts if len(part)]
        table = pd.concat(filled, ignore_index=True) if filled else parts[0]
        return table.sort_values("experiment_id", kind="stable", ignore_index=True)


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
