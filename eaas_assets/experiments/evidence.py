"""What an experiment's rows were made from, as one short name; and which rows are still good.

Equal evidence gives equal rows, so rows whose evidence has not changed need not be made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from eaas_assets.contracts.experiment import Experiment
from eaas_assets.contracts.observations import AgentRuns
from eaas_assets.experiments.folders import document_of, folder_of
from eaas_assets.experiments.observations.agent_runs import AgentRunTables, read_agent_runs
from eaas_assets.experiments.observations.files import find_file
from eaas_assets.storage.files import canonical_json, digest

if TYPE_CHECKING:
    import pandas as pd

ANALYSIS_VERSION = "3"
"""Raised whenever the same evidence would give other rows than before."""
_LENGTH = 16


def evidence_id(experiment: Experiment, data_digest: str | None, policy_digest: str) -> str:
    """Hash of document, observations and policy, in 16 hex digits."""
    return digest(canonical_json([ANALYSIS_VERSION, experiment.digest, data_digest, policy_digest]))[:_LENGTH]


def data_digest(root: Path, experiment: Experiment, runs: AgentRunTables | None = None) -> str | None:
    """Hash of an experiment's observations without opening them; None while there are none.

    Raises:
        InputError: Their file cannot be read.
    """
    declared = experiment.observations
    if declared is None:
        return None
    if isinstance(declared, AgentRuns):
        read = None if runs is None else read_agent_runs(runs, experiment, declared, document_of(experiment.experiment))
        return None if read is None else read.data_digest
    return find_file(root, folder_of(experiment.experiment), declared.file).digest


def still_good(table: pd.DataFrame, evidence: Mapping[str, str]) -> pd.DataFrame:
    """Rows of an earlier table whose evidence is the present one.

    Args:
        table: With columns ``experiment_id`` and ``evidence_id``.
        evidence: Experiment → its present evidence.
    """
    present = table["experiment_id"].map(evidence)
    return table[present.notna() & (present == table["evidence_id"])]
