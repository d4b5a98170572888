"""How every table asset looks in the Dagster UI: group, kinds, owner, columns, row count, a first look at its rows."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import pandas as pd

from eaas_assets.contracts.tables import Table, build, contract_problems, table_name

OWNERS = ["team:evaluation"]
CODE_VERSION = "1"
CONTRACT_CHECK = "meets_contract"
PREVIEW_ROWS = 12
SHOWN_FAILURES = 20
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


def asset_options(contract: type[Table], group: str, kinds: frozenset[str] = frozenset()) -> dict[str, Any]:
    """As :func:`table_options`, with the table's contract as a blocking check: for an asset of one table."""
    return {**table_options(contract, group, kinds), "check_specs": contract_specs(contract)}


def contract_specs(*contracts: type[Table]) -> list[dg.AssetCheckSpec]:
    """The blocking check of each table that an asset makes: every row meets the pandera contract."""
    return [
        dg.AssetCheckSpec(
            CONTRACT_CHECK,
            asset=table_name(contract),
            blocking=True,
            description=f"Every row of `{table_name(contract)}` meets the pandera contract `{contract.__name__}`.",
        )
        for contract in contracts
    ]


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
    contract: type[Table], rows: Any, preview: list[str] | None = None, metadata: Mapping[str, Any] | None = None
) -> dg.MaterializeResult[pd.DataFrame]:
    """A table in the shape of its contract, checked, with its row count and a first look.

    Args:
        contract: What the table must look like; its name is the asset's.
        rows: A DataFrame or mappings.
        preview: Columns of the first look; all of them by default.
        metadata: What else a reader of this asset wants to see.
    """
    frame = build(contract, rows)
    return dg.MaterializeResult(
        asset_key=table_name(contract),
        value=frame,
        metadata={**table_metadata(frame, preview), **(metadata or {})},
        check_results=[contract_result(contract, frame)],
    )


def contract_result(contract: type[Table], table: pd.DataFrame) -> dg.AssetCheckResult:
    """Passed, or failed with the first failing rows as a table."""
    problems = contract_problems(contract, table)
    metadata: dict[str, Any] = {"rows": len(table), "failures": len(problems)}
    if problems:
        failures = pd.DataFrame([problem.as_row() for problem in problems])
        metadata["failing_rows"] = table_preview(failures, SHOWN_FAILURES)
    return dg.AssetCheckResult(
        passed=not problems, check_name=CONTRACT_CHECK, asset_key=table_name(contract), metadata=metadata
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
