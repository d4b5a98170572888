"""The document `suites/<suite>/suite.yaml`: where scenarios are, how context joins, what is expected and compared."""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from eaas_assets.contracts.conditions import exact
from eaas_assets.contracts.documents import Document
from eaas_assets.contracts.identifiers import Identifier

ColumnName = Annotated[str, Field(min_length=1, max_length=128)]
RelativeFile = Annotated[str, Field(pattern=re.compile(r"\A(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}\Z"))]
Comparison = Literal["exact", "sequence", "set", "subset", "number", "regex", "json_schema", "similarity"]
ColumnType = Literal["string", "number", "integer", "boolean", "list", "date"]
RISKS = ("low", "medium", "high")
Risk = Literal["low", "medium", "high"]


class Column(Document):
    """What one column of a context table must hold.

    Attributes:
        one_of: The values that are allowed: of a string, or of every item of a list.
        references: A context table whose key every value must be one of.
    """

    type: ColumnType
    nullable: bool = False
    one_of: list[str] | None = None
    min: int | float | None = None
    max: int | float | None = None
    references: Identifier | None = None

    @model_validator(mode="after")
    def _bounds_fit_type(self) -> Self:
        if self.type not in {"number", "integer"} and (self.min is not None or self.max is not None):
            raise ValueError(f"min and max only with number or integer, not with {self.type}")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min at most as large as max")
        if self.type not in {"string", "list"} and self.one_of is not None:
            raise ValueError(f"one_of only with string, or list for its items; not with {self.type}")
        return self


class ContextTable(Document):
    """A table of facts that is joined to every scenario by one key.

    Attributes:
        table: Name; its facts reach the agent as ``<table>.<column>``.
        file: Path below the suite's folder.
        key: Key column; the scenario's column of the same name joins it.
        nested_by: For a nested JSON object: the field that each level's keys stand for.
        columns: Typed contract; columns that are not named here are passed on unchecked.
    """

    table: Identifier
    file: RelativeFile
    key: ColumnName
    nested_by: list[ColumnName] = []
    columns: dict[ColumnName, Column] = {}


class ScenarioFile(Document):
    """Where the scenarios are and which of their columns mean what.

    Attributes:
        inputs: Columns that the agent may see besides the message; all others stay hidden from it.
        risk: Column of low | medium | high.
        severity: Column of integers, 1 the worst.
        segments: Segment name: a column of the scenario file, or ``<table>.<column>`` of its context.
    """

    file: RelativeFile
    id: ColumnName = "scenario_id"
    message: ColumnName | None = None
    inputs: list[ColumnName] = []
    risk: ColumnName | None = None
    severity: ColumnName | None = None
    segments: dict[Identifier, ColumnName] = {}


class FieldRule(Document):
    """How one field of an answer is compared with what was expected, and how much it counts.

    Attributes:
        weight: Share of the correctness score, 0 to 1; the weights of a suite sum to 1.
        tolerance: For ``number``: the largest absolute difference that still matches.
        threshold: For ``similarity``: the smallest ratio (0 to 1) that still matches.
    """

    compare: Comparison
    weight: float = Field(ge=0, le=1)
    tolerance: float = Field(default=0.0, ge=0)
    threshold: float = Field(default=1.0, ge=0, le=1)


class ExpectedField(FieldRule):
    """A field that the suite expects of every answer.

    Attributes:
        field: Name of the field in the answer.
        column: Column of the scenario file that holds the expected value.
        role: ``path`` marks the list of specialists that should be called; at most one field has it.
    """

    field: Identifier
    column: ColumnName
    role: Literal["path"] | None = None

    @model_validator(mode="after")
    def _path_is_a_list(self) -> Self:
        if self.role == "path" and self.compare not in {"sequence", "set", "subset"}:
            raise ValueError(f"sequence, set or subset with the role 'path', not {self.compare}")
        return self


class Catalogue(Document):
    """Files about the orchestrator's world that are not joined: its specialists and its business rules."""

    specialists: RelativeFile | None = None
    decision_rules: RelativeFile | None = None


class Suite(Document):
    """One test suite."""

    suite: Identifier
    title: str
    description: str = ""
    owner: str = ""
    scenarios: ScenarioFile
    context: list[ContextTable] = Field(default=[], max_length=100)
    catalogue: Catalogue = Catalogue()
    expected: list[ExpectedField] = Field(min_length=1, max_length=100)

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        check_weights({field.field: field.weight for field in self.expected})
        for what, names in {
            "context tables": [table.table for table in self.context],
            "expected fields": [field.field for field in self.expected],
        }.items():
            if repeated := sorted(name for name, times in Counter(names).items() if times > 1):
                raise ValueError(f"different names for {what}; twice: {', '.join(repeated)}")
        if sum(field.role == "path" for field in self.expected) > 1:
            raise ValueError("at most one expected field with the role 'path'")
        tables = {table.table for table in self.context}
        for table in self.context:
            for name, column in table.columns.items():
                if column.references and column.references not in tables:
                    raise ValueError(f"{table.table}.{name} to refer to a context table, not '{column.references}'")
        hidden = {field.column for field in self.expected}
        shown = {
            self.scenarios.id,
            self.scenarios.message,
            *self.scenarios.inputs,
            *(t.key for t in self.context),
        }
        if leaked := hidden & shown:
            raise ValueError(f"expected columns to be hidden from the agent; shown: {', '.join(sorted(leaked))}")
        return self

    @property
    def path_field(self) -> ExpectedField | None:
        """The expected field that lists the specialists to be called, if the suite has one."""
        return next((field for field in self.expected if field.role == "path"), None)

    def context_table(self, name: str) -> ContextTable | None:
        """The context table of that name, if the suite has one."""
        return next((table for table in self.context if table.table == name), None)


def check_weights(weights: dict[str, float]) -> None:
    """Weights sum to exactly 1 as they are written.

    Raises:
        ValueError: They do not.
    """
    total = sum((exact(weight) for weight in weights.values()), start=exact(0))
    if total != 1:
        listed = " + ".join(f"{weight:g}" for weight in weights.values())
        raise ValueError(f"weights that sum to 1, not {listed} = {total.normalize():f}")
