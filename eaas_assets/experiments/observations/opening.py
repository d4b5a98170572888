"""Opens the observations that an experiment's document names; what reads other kinds than its own is not imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eaas_assets.contracts.observations import AgentRuns, Paired, Panel, Summary
from eaas_assets.experiments.folders import document_of, folder_of
from eaas_assets.experiments.observations.access import Opened
from eaas_assets.experiments.observations.database import open_cursor
from eaas_assets.experiments.observations.files import find_file
from eaas_assets.experiments.observations.randomised import UnitData
from eaas_assets.experiments.observations.sources import open_source
from eaas_assets.experiments.observations.units import prepare_units

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from eaas_assets.contracts.experiment import Experiment
    from eaas_assets.contracts.observations import Units
    from eaas_assets.experiments.observations.agent_runs import AgentRunTables
    from eaas_assets.experiments.observations.sources import Source


def open_observations(root: Path, experiment: Experiment, runs: AgentRunTables | None = None) -> Opened:
    """The experiment's observations, checked and ready to be asked.

    Args:
        root: The data folder.
        experiment: The document, which lies in `experiments/<id>/` with its file beside it.
        runs: Evaluated runs, for experiments on them; without them, such an experiment has nothing yet.

    Raises:
        InputError: The file cannot be read, or a column is missing or holds what it must not.
    """
    declared = experiment.observations
    if declared is None:
        return Opened("nothing")
    if isinstance(declared, AgentRuns):
        from eaas_assets.experiments.observations.agent_runs import read_agent_runs

        read = None if runs is None else read_agent_runs(runs, experiment, declared, document_of(experiment.experiment))
        if read is None:
            return Opened("nothing")
        units = read.paired.integrity.units
        return Opened("paired", read.data_digest, units, *read.times, paired=read.paired)
    file = find_file(root, folder_of(experiment.experiment), declared.file)
    cursor = open_cursor(root, file.size)
    source = open_source(cursor, file)
    if isinstance(declared, Panel):
        from eaas_assets.experiments.observations.panels import panel_times, read_panel

        panel = read_panel(cursor, source, experiment, declared)
        return Opened("panel", file.digest, panel.integrity.units, *panel_times(panel), panel=panel)
    if isinstance(declared, Paired):
        from eaas_assets.experiments.observations.paired import read_paired

        paired = read_paired(cursor, source, experiment, declared)
        return Opened("paired", file.digest, paired.integrity.units, paired=paired)
    if isinstance(declared, Summary):
        from eaas_assets.experiments.observations.summary import read_summary

        summary = read_summary(cursor, source, experiment)
        return Opened("randomised", file.digest, summary.integrity.units, randomised=summary)
    return _units(cursor, source, experiment, declared, file.digest)


def _units(
    cursor: duckdb.DuckDBPyConnection, source: Source, experiment: Experiment, units: Units, data_digest: str
) -> Opened:
    prepared = prepare_units(cursor, source, experiment, units)
    data = UnitData(experiment, prepared, units.time is not None, units.cluster is not None)
    return Opened("randomised", data_digest, prepared.integrity.units, *prepared.observed, randomised=data)
