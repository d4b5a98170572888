"""Rows of a scenario file as scenarios: checked, joined with their facts, told apart by what the agent sees.

A row with a fault is left out and every fault of it is reported; the other rows go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from eaas_assets.contracts.identifiers import is_identifier
from eaas_assets.contracts.suite import RISKS, Suite
from eaas_assets.errors import Problem, shown
from eaas_assets.storage.files import canonical_json, digest
from eaas_assets.storage.records import Records, one_line
from eaas_assets.suites.cells import is_integer, join_key, missing, number_from_text
from eaas_assets.suites.context import Context
from eaas_assets.suites.expected_values import EXPECTED_KINDS, ExpectedKind
from eaas_assets.suites.scenarios import Scenario

MAX_MESSAGE_BYTES = 64 * 1024
_IDENTIFIER = "an id in quotes: letters, digits, '.', '-', '_'; starts with a letter or digit; at most 64"

Row = dict[str, Any]


class _Facts(NamedTuple):
    values: dict[str, Any]
    text: str


class _Expectation(NamedTuple):
    field: str
    column: str
    kind: ExpectedKind


def read_scenario_rows(
    records: Records, suite: Suite, context: dict[str, Context]
) -> tuple[list[Scenario], list[Problem]]:
    """The usable scenarios of a file, and everything that is wrong with the others.

    Args:
        records: What the scenario file holds.
        suite: The declaration.
        context: The suite's context tables. With a table of which nothing is usable, no scenario is.
    """
    problems = [*_missing_columns(records, suite, context), *_missing_tables(records.file, context)]
    if problems:
        return [], problems
    reader = _RowReader(records.file, suite, context)
    scenarios = [scenario for number, row in records.rows if (scenario := reader.read(number, row)) is not None]
    return scenarios, reader.problems


def _missing_columns(records: Records, suite: Suite, context: dict[str, Context]) -> Iterator[Problem]:
    """Declared columns that no record has: a typing mistake, told once and not once per row."""
    declared = suite.scenarios
    wanted = [declared.id, declared.message, declared.risk, declared.severity, *declared.inputs]
    wanted += [table.key for table in suite.context] + [field.column for field in suite.expected]
    wanted += [source for source in declared.segments.values() if _table_of(source, context) is None]
    for column in dict.fromkeys(name for name in wanted if name is not None):
        if records.rows and not any(column in row for _, row in records.rows):
            expected = "a column that the suite declares"
            yield Problem(records.file, "missing_column", "no such column", expected, field=one_line(column))
    for source in declared.segments.values():
        if (table := _table_of(source, context)) is None or not context[table].rows:
            continue
        column = source.removeprefix(f"{table}.")
        if not any(column in row for row in context[table].rows.values()):
            expected = f"a column of {context[table].reading.file}"
            yield Problem(records.file, "missing_column", "no such column", expected, field=one_line(source))


def _missing_tables(file: str, context: dict[str, Context]) -> Iterator[Problem]:
    for table, content in context.items():
        if not content.rows:
            expected = f"facts from {content.reading.file}"
            yield Problem(file, "context_unusable", "no usable row to join", expected, field=table)


def _table_of(source: str, context: dict[str, Context]) -> str | None:
    return next((table for table in context if source.startswith(f"{table}.")), None)


class _RowReader:
    """Reads one row after the other; knows which ids are taken and which facts were joined before."""

    def __init__(self, file: str, suite: Suite, context: dict[str, Context]) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._suite = suite
        self._declared = suite.scenarios
        self._is_text = file.endswith(".csv")
        self._expected = [_Expectation(f.field, f.column, EXPECTED_KINDS[f.compare]) for f in suite.expected]
        self._tables = [(table.table, table.key, context[table.table].rows) for table in suite.context]
        self._segments = [
            (name, source, _table_of(source, context)) for name, source in suite.scenarios.segments.items()
        ]
        self._taken: dict[str, int] = {}
        self._joined: dict[tuple[str | None, ...], _Facts] = {}

    def read(self, number: int, row: Row) -> Scenario | None:
        """The scenario of a row; None if the row has a fault."""
        before = len(self.problems)
        scenario_id = self._id(number, row)
        message = self._message(number, row)
        risk = self._risk(number, row)
        severity = self._severity(number, row)
        expected = self._expected_values(number, row)
        facts = self._facts(number, row)
        if facts is None or len(self.problems) > before:
            return None
        if inputs := self._declared.inputs:
            values = facts.values | {name: row.get(name) for name in inputs}
            facts = _Facts(values, canonical_json(values))
        # Exactly the canonical JSON of the three, with the part that many scenarios share made only once.
        seen = f'{{"context":{facts.text},"message":{canonical_json(message)},"scenario_id":"{scenario_id}"}}'
        return Scenario(
            self._suite.suite, scenario_id, number, message, risk, severity, self._segment_values(row, facts),
            facts.values, expected, digest(seen),
        )  # fmt: skip

    def _complain(self, row: int, field: str, code: str, found: str, expected: str) -> None:
        self.problems.append(Problem(self._file, code, found, expected, row=row, field=one_line(field)))

    def _id(self, number: int, row: Row) -> str:
        name = self._declared.id
        value = row.get(name)
        if not isinstance(value, str) or not is_identifier(value):
            code, found = ("missing_value", "nothing") if missing(value) else ("bad_id", shown(value))
            self._complain(number, name, code, found, _IDENTIFIER)
        elif (first := self._taken.setdefault(value, number)) != number:
            expected = f"each id once (row {first} has it, and that one is kept)"
            self._complain(number, name, "duplicate_id", f"{shown(value)} again", expected)
        return str(value)

    def _message(self, number: int, row: Row) -> str:
        name = self._declared.message
        if name is None:
            return ""
        value = row.get(name)
        if missing(value):
            self._complain(number, name, "missing_value", "nothing", "the message to the agent")
        elif not isinstance(value, str):
            self._complain(number, name, "bad_value", shown(value), "text")
        elif len(value) > MAX_MESSAGE_BYTES // 4 and (size := len(value.encode())) > MAX_MESSAGE_BYTES:
            self._complain(number, name, "too_long", f"{size:,} bytes", f"at most {MAX_MESSAGE_BYTES:,} bytes")
        return str(value)

    def _risk(self, number: int, row: Row) -> str | None:
        name = self._declared.risk
        value = None if name is None else row.get(name)
        if name is None or value is None:
            return None
        if not isinstance(value, str) or value not in RISKS:
            self._complain(number, name, "bad_value", shown(value), "one of: " + ", ".join(RISKS))
        return str(value)

    def _severity(self, number: int, row: Row) -> int | None:
        name = self._declared.severity
        value = None if name is None else row.get(name)
        if name is None or value is None:
            return None
        if self._is_text:
            value = number_from_text(value)
        if not is_integer(value) or value < 1:
            self._complain(number, name, "bad_value", shown(value), "an integer from 1 (the worst)")
            return None
        return int(value)

    def _expected_values(self, number: int, row: Row) -> dict[str, Any]:
        values = {}
        for field, column, kind in self._expected:
            value = row.get(column)
            if value is None:
                self._complain(number, column, "missing_value", "nothing", f"the expected {field}")
                continue
            if self._is_text:
                value = kind.from_text(value)
            if (wanted := kind.fault(value)) is not None:
                self._complain(number, column, "bad_expected_value", shown(value), wanted)
            values[field] = value
        return values

    def _facts(self, number: int, row: Row) -> _Facts | None:
        """The joined facts; None if a join dangles. A key that is null joins nothing: there is no such record."""
        keys: list[str | None] = []
        for table, column, rows in self._tables:
            value = row.get(column)
            key = join_key(value)
            if column not in row:
                self._complain(number, column, "missing_value", "nothing", f"a {column} of {table}, or null for none")
            elif key not in rows and value is not None:
                self._complain(number, column, "dangling_join", shown(value), f"a usable {column} of {table}")
            keys.append(key if key in rows else None)
        joined = tuple(keys)
        if (known := self._joined.get(joined)) is None:
            values = {
                f"{table}.{name}": fact
                for (table, _, rows), key in zip(self._tables, joined, strict=True)
                if key is not None
                for name, fact in rows[key].items()
            }
            known = self._joined[joined] = _Facts(values, canonical_json(values))
        return known

    def _segment_values(self, row: Row, facts: _Facts) -> dict[str, str | None]:
        return {
            name: _as_text(row.get(source) if table is None else facts.values.get(source))
            for name, source, table in self._segments
        }


def _as_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else canonical_json(value)
