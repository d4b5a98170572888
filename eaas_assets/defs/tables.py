"""How every table asset looks in the Dagster UI: group, kinds, owner, columns, row count, a first look at its rows."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import pandas as pd

from eaas_assets.contracts.tables import Table, build

OWNERS = ["team:evaluation"]
CODE_VERSION = "1"
PREVIEW_ROWS = 12
PREVIEW_CHARACTERS = 120


def table_options(contract: type[Table] | None, group: str, kinds: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Keyword arguments that table assets of a stage share.

    Args:
        contract: The table's contract; None for tables whose columns the user's suite declares.
        group: Asset group, which is the name of the stage.
        kinds: Further kinds than pandas and parquet.
    """
    metadata = {} if contract is None else {"dagster/column_schema": column_schema(contract)}
    return {
        "group_name": group,
        "kinds": {"pandas", "parquet", *kinds},
        "owners": OWNERS,
        "code_version": CODE_VERSION,
        "metadata": metadata,
    }


def column_schema(contract: type[Table]) -> dg.TableSchema:
    """The contract as Dagster's Columns tab shows it."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name,
                str(column.dtype),
                column.description,
                constraints=dg.TableColumnConstraints(nullable=column.nullable, unique=column.unique),
            )
            for name, column in contract.to_schema().columns.items()
        ]
    )


def table_result(
    contract: type[Table],
    rows: Any,
    asset_key: str | None = None,
    preview: list[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> dg.MaterializeResult[pd.DataFrame]:
    """A table in the shape of its contract, with its row count and a first look.

    Args:
        contract: What the table must look like.
        rows: A DataFrame or mappings.
        asset_key: Needed where one computation yields several tables.
        preview: Columns of the first look; all of them by default.
        metadata: What else a reader of this asset wants to see.
    """
    frame = build(contract, rows)
    return dg.MaterializeResult(
        asset_key=asset_key, value=frame, metadata={**table_metadata(frame, preview), **(metadata or {})}
    )


def table_metadata(frame: pd.DataFrame, preview: list[str] | None = None) -> dict[str, Any]:
    """Row count and the first rows."""
    return {"dagster/row_count": len(frame), "preview": table_preview(frame[preview] if preview else frame)}


def table_preview(frame: pd.DataFrame, rows: int = PREVIEW_ROWS) -> dg.TableMetadataValue:
    """The first rows as a table of short texts; the event log is no place for more."""
    records = [
        dg.TableRecord({str(name): _cell(value) for name, value in row.items()})
        for row in frame.head(rows).to_dict("records")
    ]
    columns = [dg.TableColumn(str(name), "string") for name in frame.columns]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns=columns))


def _cell(value: Any) -> str | int | float | bool:
    if value is None or value is pd.NA or value != value:
        return "–"
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return round(value, 4)
    text = str(value)
    return text if len(text) <= PREVIEW_CHARACTERS else text[: PREVIEW_CHARACTERS - 1] + "…"
