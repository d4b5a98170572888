"""The columns that a suite declares for a context table, as a pandera contract, and its failures as problems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from eaas_assets.contracts.suite import Column, ContextTable
from eaas_assets.errors import Problem, shown
from eaas_assets.storage.records import Records, one_line
from eaas_assets.suites.cells import HAS_TYPE

_NOT_NULL = "a value (the column is not nullable)"


class _Opaque:
    """A list or record in a frame: pandera needs hashable failure cases."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def contract_problems(records: Records, table: ContextTable) -> list[Problem]:
    """Every way in which the records break the declared columns, all at once.

    A declared column that no record has is one problem of the file, unless it may be null.
    """
    if not records.rows:
        return []
    problems, columns = [], {}
    for name, column in {table.key: Column(type="string", nullable=True), **table.columns}.items():
        if any(name in row for _, row in records.rows):
            columns[name] = column
        elif not column.nullable or name == table.key:
            expected = f"the column that the suite declares for {table.table}"
            problems.append(Problem(records.file, "missing_column", "no such column", expected, field=one_line(name)))
    declared = {name: column for name, column in columns.items() if name in table.columns}
    frame = pd.DataFrame(
        {name: pd.Series([_hashable(row.get(name)) for _, row in records.rows], dtype=object) for name in declared}
    )
    frame.index = pd.Index([number for number, _ in records.rows])
    return problems + _failures(frame, columns_schema(declared), records.file)


def columns_schema(columns: dict[str, Column]) -> pa.DataFrameSchema:
    """Declared columns as a contract over object columns: values as they are, nothing converted."""
    return pa.DataFrameSchema(
        {name: pa.Column(None, _checks(column), nullable=column.nullable) for name, column in columns.items()}
    )


def _checks(column: Column) -> list[pa.Check]:
    has_type, type_name = HAS_TYPE[column.type]
    checks = [_check(has_type, type_name)]
    if column.one_of is not None:
        allowed = frozenset(column.one_of)
        listed = ", ".join(column.one_of)
        if column.type == "list":
            checks.append(_check(lambda v: not has_type(v) or _all_among(v, allowed), f"items of: {listed}"))
        else:
            checks.append(_check(lambda v: not has_type(v) or v in allowed, f"one of: {listed}"))
    if (low := column.min) is not None:
        checks.append(_check(lambda v: not has_type(v) or v >= low, f"at least {low!r}"))
    if (high := column.max) is not None:
        checks.append(_check(lambda v: not has_type(v) or v <= high, f"at most {high!r}"))
    return checks


def _all_among(items: list[Any], allowed: frozenset[str]) -> bool:
    return all(isinstance(item, str) and item in allowed for item in items)


def _check(test: Callable[[Any], bool], expected: str) -> pa.Check:
    def passes(values: pd.Series) -> pd.Series:
        return pd.Series([test(_plain(value)) for value in values], index=values.index, dtype=bool)

    return pa.Check(passes, error=shown(expected, 200)[1:-1])


def _failures(frame: pd.DataFrame, schema: pa.DataFrameSchema, file: str) -> list[Problem]:
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        return [
            Problem(
                file,
                "null_value" if check == "not_nullable" else "bad_value",
                "nothing" if check == "not_nullable" else shown(_plain(case)),
                _NOT_NULL if check == "not_nullable" else check,
                row=int(row),
                field=one_line(name),
            )
            for check, case, row, name in zip(
                cases["check"], cases["failure_case"], cases["index"], cases["column"], strict=True
            )
        ]
    return []


def _hashable(value: Any) -> Any:
    return _Opaque(value) if isinstance(value, list | dict) else value


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, _Opaque) else value
