"""Tables in and out for Dagster: snapshots as one file, run tables as one file per run (see storage/tables.py).

A Dagster run works on one evaluation run. Its identifier is a tag of the Dagster run, so that assets of one Dagster
run read each other's rows also while another one works on the same agent version.
"""

import dagster as dg
import pandas as pd
from pydantic import PrivateAttr

from eaas_assets.contracts.identifiers import VersionKey
from eaas_assets.errors import StorageError
from eaas_assets.storage.locations import Locations
from eaas_assets.storage.tables import TableStore

RUN_ID_TAG = "eaas/run_id"


def tag_evaluation_run(instance: dg.DagsterInstance, dagster_run_id: str, run_id: str) -> None:
    """Note which evaluation run a Dagster run works on."""
    instance.add_run_tags(dagster_run_id, {RUN_ID_TAG: run_id})


def evaluation_run_of(instance: dg.DagsterInstance, dagster_run_id: str, tables: TableStore, partition: str) -> str:
    """The evaluation run that a Dagster run works on: the tagged one, or the version's latest sealed run.

    Raises:
        StorageError: The version was never evaluated.
    """
    run = instance.get_run_by_id(dagster_run_id)
    if run is not None and RUN_ID_TAG in run.tags:
        return run.tags[RUN_ID_TAG]
    sealed = tables.run_ids("executed_evaluations", partition)
    if not sealed:
        raise StorageError(f"{partition} has no evaluation run yet; materialize evaluation_plan and what follows it")
    if run is not None:
        tag_evaluation_run(instance, dagster_run_id, sealed[-1])
    return sealed[-1]


class ParquetTables(dg.ConfigurableIOManager):
    """Stores every table as Parquet that anything can read; nothing is pickled."""

    data_dir: str
    output_dir: str
    _run_ids: dict[tuple[str, str], str] = PrivateAttr(default_factory=dict)

    def _run_id(self, instance: dg.DagsterInstance, dagster_run_id: str, partition: str) -> str:
        """As :func:`evaluation_run_of`, asked once per Dagster run."""
        key = dagster_run_id, partition
        if key not in self._run_ids:
            self._run_ids[key] = evaluation_run_of(instance, dagster_run_id, self._tables, partition)
        return self._run_ids[key]

    @property
    def _tables(self) -> TableStore:
        return TableStore(Locations.at(self.data_dir, self.output_dir).tables)

    def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame) -> None:
        """Write a table: whole for a snapshot, one file per run for a run table."""
        table = context.asset_key.to_user_string()
        if not context.has_asset_partitions:
            path = self._tables.snapshot_path(table)
            self._tables.write(path, obj)
            context.add_output_metadata({"path": dg.MetadataValue.path(path)})
            return
        partition = str(VersionKey.parse(context.asset_partition_key))
        run_id = self._run_id(context.step_context.instance, context.run_id, partition)
        paths = []
        for key, rows in _by_run(obj, partition, run_id).items():
            path = self._tables.run_path(table, *key)
            self._tables.write(path, rows)
            paths.append(path)
        context.add_output_metadata({"path": dg.MetadataValue.path(paths[-1])})

    def load_input(self, context: dg.InputContext) -> pd.DataFrame:
        """Read a table: of this Dagster run's evaluation run where it is a run table.

        Raises:
            StorageError: The table was not made yet.
        """
        table = context.asset_key.to_user_string()
        if not context.has_asset_partitions:
            return self._tables.read(self._tables.snapshot_path(table))
        partition = str(VersionKey.parse(context.asset_partition_key))
        run_id = self._run_id(context.instance, context.step_context.run_id, partition)
        return self._tables.read_run(table, partition, run_id)


_FileKey = tuple[str, str, str | None]


def _by_run(frame: pd.DataFrame, partition: str, run_id: str) -> dict[_FileKey, pd.DataFrame]:
    """Rows by the file they belong to: version, run and, where scores depend on one, policy."""
    hashed = "policy_hash" in frame.columns
    if frame.empty:
        return {(partition, run_id, None): frame}
    versions = (
        (frame["agent"] + "@" + frame["version"])
        if {"agent", "version"} <= set(frame.columns)
        else pd.Series(partition, index=frame.index)
    )
    policies = frame["policy_hash"].astype(object).where(frame["policy_hash"].notna(), None) if hashed else None
    files: dict[_FileKey, pd.DataFrame] = {}
    for (version, run), rows in frame.groupby([versions, frame["run_id"]], sort=True):
        policy = policies.loc[rows.index[0]] if policies is not None else None
        files[str(version), str(run), policy] = rows.reset_index(drop=True)
    return files
