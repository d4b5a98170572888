"""Reads suites: every folder below `suites/`, every file that a suite declares. One bad file never stops the others."""

from __future__ import annotations

from pathlib import Path

from eaas_assets.contracts.identifiers import is_identifier
from eaas_assets.contracts.readings import FileReading, read_document
from eaas_assets.contracts.suite import Suite
from eaas_assets.errors import InputError, Problem, shown
from eaas_assets.storage.records import read_records
from eaas_assets.suites.catalogue import read_decision_rules, read_specialists
from eaas_assets.suites.context import Context, read_context
from eaas_assets.suites.scenario_rows import read_scenario_rows
from eaas_assets.suites.scenarios import Scenario, SuiteReading

FOLDER = "suites"
_SAFE_NAME = "letters, digits, '.', '-', '_', at most 64, starting with a letter or digit"


def read_suites(root: Path) -> list[SuiteReading]:
    """Every suite of a world, by name: also the ones with faults, so that the faults are told.

    Files beside the suites' folders and hidden folders are none of ours.

    Args:
        root: The data folder.

    Raises:
        InputError: There is no readable folder ``suites`` in it.
    """
    try:
        folders = sorted(path.name for path in (root / FOLDER).iterdir() if path.is_dir())
    except OSError as error:
        found = shown(error.strerror or str(error))
        raise InputError(Problem(FOLDER, "missing_folder", found, "a folder with one folder per suite")) from error
    return [read_suite(root, name) for name in folders if not name.startswith(".")]


def read_suite(root: Path, folder_name: str) -> SuiteReading:
    """One suite, as far as it can be read.

    Args:
        root: The data folder.
        folder_name: Name of its folder below ``suites``; also the suite's name.
    """
    if not is_identifier(folder_name):
        name = shown(folder_name)[1:-1]
        problem = Problem(f"{FOLDER}/{name}", "unsafe_name", shown(folder_name), _SAFE_NAME)
        return SuiteReading(name, files=[FileReading(f"{FOLDER}/{name}", "suite", None, [problem])])
    reading = SuiteReading(folder_name)
    folder = f"{FOLDER}/{folder_name}"
    try:
        suite = _read_declaration(root, folder, folder_name)
    except InputError as error:
        reading.files.append(FileReading(f"{folder}/suite.yaml", "suite", None, list(error.problems)))
        return reading
    reading.suite = suite
    reading.files.append(FileReading(f"{folder}/suite.yaml", "suite", 1))
    _read_catalogue(root, folder, suite, reading)
    context = read_context(root, folder, suite)
    reading.context = {name: list(table.rows.values()) for name, table in context.items()}
    reading.files.extend(table.reading for table in context.values())
    reading.scenarios, file = _read_scenarios(root, folder, suite, context)
    reading.files.append(file)
    return reading


def _read_declaration(root: Path, folder: str, folder_name: str) -> Suite:
    relative = f"{folder}/suite.yaml"
    suite, _ = read_document(Suite, root, relative)
    if suite.suite != folder_name:
        expected = f"{shown(folder_name)}, the name of its folder"
        raise InputError(Problem(relative, "name_mismatch", shown(suite.suite), expected, field="suite"))
    return suite


def _read_catalogue(root: Path, folder: str, suite: Suite, reading: SuiteReading) -> None:
    if suite.catalogue.specialists is not None:
        reading.specialists, file = read_specialists(root, f"{folder}/{suite.catalogue.specialists}")
        reading.files.append(file)
    if suite.catalogue.decision_rules is not None:
        reading.decision_rules, file = read_decision_rules(root, f"{folder}/{suite.catalogue.decision_rules}")
        reading.files.append(file)


def _read_scenarios(
    root: Path, folder: str, suite: Suite, context: dict[str, Context]
) -> tuple[list[Scenario], FileReading]:
    relative = f"{folder}/{suite.scenarios.file}"
    try:
        records = read_records(root, relative)
    except InputError as error:
        return [], FileReading(relative, "scenarios", None, list(error.problems))
    scenarios, faults = read_scenario_rows(records, suite, context)
    problems = sorted(records.problems + faults, key=lambda problem: problem.row or 0)
    if not scenarios:
        total = len(records.rows) + len(records.problems)
        found = f"0 usable scenarios of {total}" if total else "no scenarios"
        problems.append(Problem(relative, "no_usable_scenario", found, "at least one; the suite cannot be evaluated"))
    return scenarios, FileReading(relative, "scenarios", len(scenarios) or None, problems)
