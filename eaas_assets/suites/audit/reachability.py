"""Whether a rule of an ordered list can fire at all, by logic alone: no scenario is looked at.

Every field that the rules compare gets a few representative values, one for every way in which the comparisons can
tell values apart (between two thresholds, on a threshold, another text, missing). A search over their combinations
then looks for one in which the rule fires and none before it does. "Cannot fire" is therefore a proof for the declared
columns. Where the search would take too long, nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from eaas_assets.contracts.conditions import Condition, Facts
from eaas_assets.contracts.suite import Column, Suite

_OTHER_TEXT = "\x00 any other text"
_PATTERNS = {"contains_any", "matches"}
_LISTS = {"one_of", "not_one_of"}

When = Sequence[Condition]
Values = dict[str, list[Any]]


@dataclass
class Budget:
    """How many comparisons the searches of one audit may still make."""

    steps: int = 300_000


class _SearchTooLongError(Exception):
    """The budget is spent."""


def cannot_fire(
    whens: Sequence[When], suite: Suite, stand_ins: Facts, budget: Budget, fixed: Facts | None = None
) -> bool:
    """Whether it is proven that no facts make the last rule fire and none of the others.

    Args:
        whens: Conditions of the rules, in order; the last is the one in question.
        suite: Its declared columns limit what facts there can be.
        stand_ins: Facts that are never missing.
        budget: What the search may take; False when it is spent.
        fixed: Facts that are as they are; all others may be anything.
    """
    if budget.steps <= 0:
        return False
    values: Values = {}
    for name, conditions in _by_field(whens).items():
        if fixed is not None and name in fixed:
            values[name] = [fixed[name]]
        else:
            values[name] = _representatives(conditions, _declared(suite, name), name in stand_ins)
    try:
        return not _Search(whens, values, budget).succeeds()
    except _SearchTooLongError:
        return False


def _by_field(whens: Sequence[When]) -> dict[str, list[Condition]]:
    fields: dict[str, list[Condition]] = {}
    for when in reversed(whens):  # the fields of the rule in question come first: they cut the search short
        for condition in when:
            fields.setdefault(condition.field, []).append(condition)
    return fields


def _declared(suite: Suite, field: str) -> Column | None:
    for table in suite.context:
        if field.startswith(f"{table.table}."):
            return table.columns.get(field.removeprefix(f"{table.table}."))
    return None


def _representatives(conditions: list[Condition], column: Column | None, never_missing: bool) -> list[Any]:
    constants = [
        value
        for condition in conditions
        if condition.operator not in _PATTERNS
        for value in (condition.value if condition.operator in _LISTS else [condition.value])
        if value is not None
    ]
    texts = [value for value in constants if isinstance(value, str)]
    values: list[Any] = [None] if not never_missing else []
    kind = column.type if column is not None else None
    if kind in {None, "number", "integer"}:
        values += _cut_points([float(v) for v in constants if isinstance(v, int | float)], column)
    if kind in {None, "boolean"}:
        values += [True, False]
    if kind in {None, "string", "date"}:
        values += column.one_of if column is not None and column.one_of is not None else [*texts, _OTHER_TEXT]
    if kind in {None, "list"}:
        values += [[], *[value for value in constants if isinstance(value, list | dict)]]
    return list({(type(value).__name__, repr(value)): value for value in values}.values())


def _cut_points(thresholds: list[float], column: Column | None) -> list[float]:
    """Every threshold, a number between each two, and one beyond each end, within the declared bounds."""
    low = column.min if column is not None else None
    high = column.max if column is not None else None
    points = sorted({*thresholds, *(float(bound) for bound in (low, high) if bound is not None)}) or [0.0]
    between = [(left + right) / 2 for left, right in pairwise(points)]
    candidates = [points[0] - 1 - abs(points[0]), *points, *between, points[-1] + 1 + abs(points[-1])]
    return [x for x in candidates if (low is None or x >= low) and (high is None or x <= high)]


class _Search:
    """Depth-first over the fields, with the text patterns of free text as yes-or-no questions of their own."""

    def __init__(self, whens: Sequence[When], values: Values, budget: Budget) -> None:
        self._target = [_Literal(condition) for condition in whens[-1]]
        self._earlier = [[_Literal(condition) for condition in when] for when in whens[:-1]]
        self._variables: list[tuple[Any, list[Any]]] = list(values.items())
        atoms = dict.fromkeys(
            atom for literals in [self._target, *self._earlier] for literal in literals for atom in literal.atoms
        )
        self._variables += [(atom, [False, True]) for atom in atoms if _OTHER_TEXT in values[atom[0]]]
        self._budget = budget
        self._cost = 1 + sum(map(len, self._earlier))

    def succeeds(self) -> bool:
        return self._extend(0, {})

    def _extend(self, position: int, assigned: dict[Any, Any]) -> bool:
        self._budget.steps -= self._cost
        if self._budget.steps < 0:
            raise _SearchTooLongError
        if any(literal.truth(assigned) is False for literal in self._target):
            return False
        if any(all(literal.truth(assigned) is True for literal in rule) for rule in self._earlier):
            return False
        if position == len(self._variables):
            return True
        variable, values = self._variables[position]
        return any(self._extend(position + 1, {**assigned, variable: value}) for value in values)


class _Literal:
    """A condition under a partial assignment: True, False, or None while it is open."""

    def __init__(self, condition: Condition) -> None:
        self._condition = condition
        self.atoms: list[tuple[str, str, str]] = []
        if condition.operator in _PATTERNS:
            patterns = condition.value if condition.operator == "contains_any" else [condition.value]
            self.atoms = [(condition.field, condition.operator, " ".join(p.lower().split())) for p in patterns]

    def truth(self, assigned: Mapping[Any, Any]) -> bool | None:
        field = self._condition.field
        if field not in assigned:
            return None
        if self.atoms and assigned[field] == _OTHER_TEXT:
            answers = [assigned.get(atom) for atom in self.atoms]
            if any(answer is True for answer in answers):
                return True
            return None if any(answer is None for answer in answers) else False
        return self._condition.holds({field: assigned[field]})
