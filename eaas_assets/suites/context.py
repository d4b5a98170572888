"""Context tables: the facts that are joined to scenarios, checked against the columns that the suite declares.

A row that breaks the contract is left out, because facts that are wrong are worse than facts that are missing; the
scenarios that join it then dangle and are reported too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from eaas_assets.contracts.readings import FileReading
from eaas_assets.contracts.suite import ContextTable, Suite
from eaas_assets.errors import InputError, Problem, shown
from eaas_assets.storage.records import Records, read_records
from eaas_assets.suites.cells import FROM_TEXT, HAS_TYPE, join_key
from eaas_assets.suites.columns_contract import contract_problems

Row = dict[str, Any]


class Context(NamedTuple):
    """One context table.

    Attributes:
        rows: Usable rows by their key.
        reading: What came of its file; failed if there is no usable row.
    """

    rows: dict[str, Row]
    reading: FileReading


class _Table(NamedTuple):
    declared: ContextTable
    file: str
    rows: dict[str, Row]
    numbers: dict[str, int]
    problems: list[Problem]


def read_context(root: Path, folder: str, suite: Suite) -> dict[str, Context]:
    """Every context table of a suite, in its order.

    Args:
        root: The data folder.
        folder: The suite's folder below it.
        suite: The declaration.
    """
    tables = {table.table: _read_table(root, f"{folder}/{table.file}", table) for table in suite.context}
    _drop_dangling(tables)
    return {name: _finished(table) for name, table in tables.items()}


def _finished(table: _Table) -> Context:
    reading = FileReading(table.file, "context", len(table.rows) or None, table.problems)
    if not table.rows:
        found, expected = "no usable row", "at least one row that meets the declared columns"
        reading.problems.append(Problem(table.file, "no_usable_row", found, expected))
    return Context(table.rows, reading)


def _read_table(root: Path, file: str, declared: ContextTable) -> _Table:
    try:
        records = read_records(root, file, tuple(declared.nested_by))
    except InputError as error:
        return _Table(declared, file, {}, {}, list(error.problems))
    _convert(records, declared)
    problems = contract_problems(records, declared)
    bad = {problem.row for problem in problems}
    if None in bad:  # a whole column is missing
        return _Table(declared, file, {}, {}, records.problems + problems)
    rows: dict[str, Row] = {}
    numbers: dict[str, int] = {}
    for number, row in records.rows:
        if number in bad:
            continue
        key = join_key(row.get(declared.key))
        if key is None:
            found, expected = shown(row.get(declared.key)), "a key (text or an integer)"
            problems.append(Problem(file, "missing_key", found, expected, row=number, field=declared.key))
        elif key in rows:
            found, expected = f"{shown(key)} again", f"each key once (row {numbers[key]} has it, and that one is kept)"
            problems.append(Problem(file, "duplicate_key", found, expected, row=number, field=declared.key))
        else:
            rows[key], numbers[key] = row, number
    return _Table(declared, file, rows, numbers, _in_file_order(records.problems + problems))


def _convert(records: Records, declared: ContextTable) -> None:
    """Turn text cells of a CSV file into the declared types, and whole floats of any file into declared integers."""
    is_text = records.file.endswith(".csv")
    for name, column in declared.columns.items():
        from_text = FROM_TEXT[column.type]
        is_integer = HAS_TYPE["integer"][0] if column.type == "integer" else None
        for _, row in records.rows:
            value = row.get(name)
            if is_text and isinstance(value, str):
                row[name] = value = from_text(value)
            if is_integer is not None and isinstance(value, float) and is_integer(value):
                row[name] = int(value)


def _drop_dangling(tables: dict[str, _Table]) -> None:
    """Leave out rows that refer to rows that are not there, again and again, until every reference holds.

    A table of which nothing is usable is not held against those that refer to it: that is said once, at its own file.
    """
    references = [
        (table, name, tables[column.references])
        for table in tables.values()
        for name, column in table.declared.columns.items()
        if column.references is not None and tables[column.references].rows
    ]
    changed = True
    while changed:
        changed = False
        for table, name, target in references:
            for key, row in list(table.rows.items()):
                value = row.get(name)
                if value is None or join_key(value) in target.rows:
                    continue
                expected = f"a usable {target.declared.key} of {target.declared.table}"
                problem = Problem(
                    table.file, "dangling_reference", shown(value), expected, row=table.numbers[key], field=name
                )
                table.problems.append(problem)
                del table.rows[key]
                changed = True


def _in_file_order(problems: list[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: problem.row or 0)
