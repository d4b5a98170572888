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
from eaas_assets.experiments.calibration import calibration_rows
from eaas_assets.experiments.evidence import data_digest, evidence_id, still_good
from eaas_assets.experiments.observations.access import Opened
from eaas_assets.experiments.observations.agent_runs import AgentRunTables
from eaas_assets.experiments.opening_ahead import opened_ahead
from eaas_assets.experiments.registry import ExperimentCatalogue


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
    renewed: dict[str, str] = {}
    for name, registered in catalogue.experiments.items():
        try:
            evidence = evidence_id(registered.document, data_digest(root, registered.document, runs), policy.digest)
        except InputError:
            continue  # told by the registry
        (kept if known.get(name) == evidence else renewed)[name] = evidence
    rows: list[dict[str, Any]] = []
    for registered, opened in opened_ahead(root, [catalogue.experiments[name] for name in renewed], runs):
        name = registered.document.experiment
        if isinstance(opened, Opened):
            rows += calibration_rows(registered.document, opened, policy, renewed[name], seed=int(renewed[name], 16))
        if progress is not None:
            progress(name)
    parts = [build(MetricCalibration, rows)] + ([still_good(earlier, kept)] if earlier is not None else [])
    filled = [part for part in parts if len(part)] or parts[:1]
    return pd.concat(filled, ignore_index=True).sort_values("experiment_id", kind="stable", ignore_index=True)
