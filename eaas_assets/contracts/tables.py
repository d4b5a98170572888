"""What all table contracts share: strict columns, exact types, one way to check and to make an empty table.

A contract is a pandera model. Its field descriptions are the public documentation of the table: the Dagster UI and
docs/tables.md show them. Free-form values are JSON text (columns that end in ``_json``); whatever is compared or
counted is a real column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from eaas_assets.errors import Problem, StorageError, shown

Integer = pd.Int64Dtype
Boolean = pd.BooleanDtype
Timestamp = pd.DatetimeTZDtype


def column(description: str, **checks: Any) -> Any:
    """A column that is never null."""
    return pa.Field(description=description, **checks)


def optional(description: str, **checks: Any) -> Any:
    """A column in which null means: not known, not applicable or undefined."""
    return pa.Field(description=description, nullable=True, **checks)


def instant(description: str, nullable: bool = False) -> Any:
    """A column of UTC timestamps, to the microsecond."""
    return pa.Field(description=description, nullable=nullable, dtype_kwargs={"unit": "us", "tz": "UTC"})


class Table(pa.DataFrameModel):
    """Base of every table contract: no unknown columns, no missing ones, values coerced to the declared types."""

    class Config:
        """Settings of pandera."""

        strict = True
        coerce = True


def table_name(contract: type[Table]) -> str:
    """Name of the table of a contract: ``RunMetrics`` → ``run_metrics``."""
    return "".join("_" + char.lower() if char.isupper() else char for char in contract.__name__).lstrip("_")


def build(contract: type[Table], rows: Iterable[Mapping[str, Any]] | pd.DataFrame) -> pd.DataFrame:
    """Rows as a table of the contract's shape: declared columns in declared order, with the declared types.

    Values are not checked here: each table is checked once, where it is stored (see :func:`contract_problems`).

    Raises:
        StorageError: A column cannot have its type, which is a bug in the stage that made the rows.
    """
    types = column_types(contract)
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows), columns=list(types))
    frame = frame.reindex(columns=list(types))
    try:
        return frame.astype(types)
    except (TypeError, ValueError) as error:
        raise StorageError(f"{contract.__name__}: {error}") from error


@cache
def column_types(contract: type[Table]) -> dict[str, Any]:
    """The pandas type of each column."""
    return {name: column.dtype.type for name, column in contract.to_schema().columns.items()}


def contract_problems(contract: type[Table], frame: pd.DataFrame) -> list[Problem]:
    """What in a table breaks its contract, one problem per value; empty for a good one."""
    if _keeps(contract, frame):
        return []
    try:
        contract.validate(frame, lazy=True)
    except SchemaErrors as error:
        return _failure_cases(error, contract.__name__)
    return []


def _keeps(contract: type[Table], frame: pd.DataFrame) -> bool:
    """Whether a table plainly keeps its contract; False also where only pandera can tell.

    The same questions in the same words as pandera asks, without what it does to answer for each value: half a
    millisecond for every column of every table of every run.
    """
    schema = contract.to_schema()
    if list(frame.columns) != list(schema.columns) or schema.checks or schema.unique or schema.index is not None:
        return False
    return all(_keeps_column(column, frame[name]) for name, column in schema.columns.items())


def _keeps_column(column: Any, values: pd.Series) -> bool:
    if values.dtype != column.dtype.type or column.parsers:
        return False
    if (column.unique and not values.is_unique) or (not column.nullable and values.isna().any()):
        return False
    return all(bool(check(values).check_passed) for check in column.checks)


def _failure_cases(error: SchemaErrors, table: str) -> list[Problem]:
    problems = []
    for case in error.failure_cases.to_dict("records"):
        index = case.get("index")
        row = int(index) + 1 if isinstance(index, int) else None
        field = None if case.get("column") is None else str(case["column"])
        problems.append(Problem(table, "contract", shown(case.get("failure_case")), str(case["check"]), row, field))
    return problems
