"""The catalogue of a suite: its specialists and its business rules. Files of their own; scenarios do not need them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from eaas_assets.contracts.documents import Document, validate_value
from eaas_assets.contracts.identifiers import Identifier
from eaas_assets.contracts.readings import FileReading, read_document_noted
from eaas_assets.errors import InputError, Problem, shown
from eaas_assets.storage.records import read_records
from eaas_assets.suites.decision_rules import DecisionRulesDocument


@dataclass(frozen=True, slots=True)
class Specialist:
    """One specialist that an orchestrator may call.

    Attributes:
        name: Its name in resolution paths.
        agent_id: Its identifier; it may differ from the name.
        actions: Action → its description, with the template of its response.
        settings: Whatever else its record says.
    """

    name: str
    agent_id: str
    description: str
    actions: dict[str, Any]
    settings: dict[str, Any]


class _SpecialistRecord(Document):
    model_config = ConfigDict(extra="allow")

    name: Identifier
    agent_id: Identifier
    description: str = ""
    actions: dict[str, dict[str, Any]] = {}


def read_specialists(root: Path, relative: str) -> tuple[dict[str, Specialist], FileReading]:
    """The specialists of a catalogue file: an object by name, or a list of records with names.

    A record with faults is left out, and so is one whose name or identifier another specialist already has.
    """
    try:
        records = read_records(root, relative, nested_by=("name",))
    except InputError as error:
        return {}, FileReading(relative, "catalogue", None, list(error.problems))
    reading = FileReading(relative, "catalogue", None, records.problems)
    specialists: dict[str, Specialist] = {}
    taken: dict[str, int] = {}
    for row, item in records.rows:
        try:
            record = validate_value(_SpecialistRecord, item, relative, row)
        except InputError as error:
            reading.problems.extend(error.problems)
            continue
        clash = next((name for name in (record.name, record.agent_id) if name in taken), None)
        if clash is not None:
            found, expected = f"{shown(clash)} again", f"a name of its own (row {taken[clash]} has this one)"
            reading.problems.append(Problem(relative, "duplicate_id", found, expected, row=row))
            continue
        taken[record.name] = taken[record.agent_id] = row
        specialists[record.name] = Specialist(
            record.name, record.agent_id, record.description, record.actions, dict(record.model_extra or {})
        )
    if specialists:
        reading.rows_read = len(specialists)
    elif not reading.problems:
        reading.problems.append(Problem(relative, "empty_file", "no specialists", "at least one"))
    return specialists, reading


def read_decision_rules(root: Path, relative: str) -> tuple[DecisionRulesDocument | None, FileReading]:
    """The rules of a catalogue file; None with the faults noted if they are not usable."""
    return read_document_noted(DecisionRulesDocument, root, relative, "catalogue")
