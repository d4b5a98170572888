"""One row per unit of randomisation: from a file's rows to a table that estimators can ask, and what was wrong.

A small file becomes a table in memory. A large Parquet file stays where it is, and each question is one scan of the
columns it needs; only if some unit has several rows does it have to be sorted out in memory (and on disk).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eaas_assets.experiments.observations import columns as columns_of
from eaas_assets.experiments.observations import database as db
from eaas_assets.experiments.observations.layout import columns_used, lay_out
from eaas_assets.experiments.observations.rows_in_memory import InMemory
from eaas_assets.experiments.observations.rows_on_disk import OnDisk
from eaas_assets.experiments.observations.sources import Source, reading
from eaas_assets.experiments.observations.uniqueness import one_row_per_unit, ticked_off

if TYPE_CHECKING:
    import duckdb

    from eaas_assets.contracts.experiment import Experiment
    from eaas_assets.contracts.observations import Units
    from eaas_assets.experiments.observations.layout import Layout
    from eaas_assets.experiments.observations.preparation import PreparedUnits

LARGE = 500_000
"""Parquet files with more rows than this are not copied into memory."""


def prepare_units(
    cursor: duckdb.DuckDBPyConnection, source: Source, experiment: Experiment, units: Units
) -> PreparedUnits:
    """Check the columns, sort out the rows and take the first aggregates.

    Raises:
        InputError: A column is missing or holds what it must not, or the promise of one row per unit is broken.
    """
    large = source.kind == "parquet" and (source.rows or 0) > LARGE
    if source.kind != "parquet":
        own = [name for name in (units.unit, units.variant, units.time, units.measured, units.cluster) if name]
        source = source.loaded(cursor, [*own, *columns_used(experiment)])
    with reading(source.file, source.kind):
        layout = lay_out(source, experiment, units)
        if large and _one_row_each(cursor, source, layout, units.one_row_per_unit):
            cursor.execute(f"CREATE OR REPLACE TEMP VIEW units AS {layout.select(source, careful=False)}")
            return OnDisk(cursor, source, experiment, layout).prepared()
        cursor.execute(
            f"CREATE OR REPLACE TEMP TABLE clean AS {layout.select(source, careful=True, checked=not large)}"
        )
        return InMemory(cursor, source, experiment, layout).prepared(units.one_row_per_unit, checked=large)


def _one_row_each(cursor: duckdb.DuckDBPyConnection, source: Source, layout: Layout, promised: bool) -> bool:
    """Check the columns of a large file, and whether every unit has one row."""
    unit = layout.cells["unit"]
    missing = f"{unit.raw} IS NULL" + (f" OR {unit.raw} = ''" if source.columns[unit.column][1] == "VARCHAR" else "")
    if db.row(cursor, f"SELECT count(*) FROM {source.relation} WHERE {missing}")[0]:
        columns_of.refuse_faults(cursor, source, [unit])
    columns_of.refuse_faults(cursor, source, [cell for alias, cell in layout.cells.items() if alias != "unit"])
    ticked = not promised and ticked_off(cursor, source, unit)
    return ticked or one_row_per_unit(cursor, source, unit, promised)
