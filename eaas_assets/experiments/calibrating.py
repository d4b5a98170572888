"""The self-test of every experiment's metrics, made anew only where the evidence is new."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.contracts.experiments import MetricCalibration
from eaas_assets.contracts.tables import build
from eaas_assets.errors import InputError
from eaas_assets.experiments.analysis import Surroundings
from eaas_assets.experiments.calibration import calibration_rows
from eaas_assets.experiments.evidence import data_digest, evidence_id, still_good
from eaas_assets.experiments.observations.agent_runs import AgentRunTables
from eaas_assets.experiments.observations.opening import open_observations
from eaas_assets.experiments.registry import ExperimentCatalogue, RegisteredExperiment
from eaas_assets.processes import spread


def calibrate_all(
    root: Path,
    catalogue: ExperimentCatalogue,
    policy: ExperimentPolicy,
    runs: AgentRunTables | None = None,
    earlier: pd.DataFrame | None = None,
    progress: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Table MetricCalibration, in order of experiments. Experiments whose observations cannot be read have no rows.

    Args:
        root: The data folder.
        catalogue: What is registered there.
        policy: Replays and promises.
        runs: Evaluated runs, for experiments on them.
        earlier: The table of the last time; None: everything is new.
        progress: Told each experiment that has been tried.
    """
    known = {} if earlier is None else dict(zip(earlier["experiment_id"], earlier["evidence_id"], strict=True))
    kept: dict[str, str] = {}
    asked: list[tuple[RegisteredExperiment, str]] = []
    for name, registered in catalogue.experiments.items():
        try:
            evidence = evidence_id(registered.document, data_digest(root, registered.document, runs), policy.digest)
        except InputError:
            continue  # told by the registry
        if known.get(name) == evidence:
            kept[name] = evidence
        else:
            asked.append((registered, evidence))
    rows: list[dict[str, Any]] = []
    for (registered, _), found in spread(_tried, Surroundings(root, policy, runs=runs), asked):
        rows += found
        if progress is not None:
            progress(registered.document.experiment)
    parts = [build(MetricCalibration, rows)] + ([still_good(earlier, kept)] if earlier is not None else [])
    filled = [part for part in parts if len(part)] or parts[:1]
    return pd.concat(filled, ignore_index=True).sort_values("experiment_id", kind="stable", ignore_index=True)


def _tried(surroundings: Surroundings, asked: tuple[RegisteredExperiment, str]) -> list[dict[str, Any]]:
    """Rows of one experiment; none if its observations cannot be read, which the registry tells."""
    registered, evidence = asked
    try:
        opened = open_observations(surroundings.root, registered.document, surroundings.runs)
        return calibration_rows(registered.document, opened, surroundings.policy, evidence, seed=int(evidence, 16))
    except InputError:
        return []
