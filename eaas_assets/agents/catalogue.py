"""Reads every agent version below `agents/`: one file, one version; a bad file never hides the others.

What a version means to its adapter is decided in `opening`; whether its suite exists is decided by whoever runs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from eaas_assets.agents.opening import read_settings
from eaas_assets.contracts.agent import AgentVersion
from eaas_assets.contracts.documents import validate_document
from eaas_assets.contracts.identifiers import VersionKey, is_identifier
from eaas_assets.contracts.readings import FileReading
from eaas_assets.errors import InputError, Problem, shown
from eaas_assets.storage.files import canonical_json, digest
from eaas_assets.storage.yaml_documents import YamlDocument, read_yaml

FOLDER = "agents"
ENDINGS = {".yaml", ".yml"}
SAFE_NAME = "letters, digits, '.', '-', '_', at most 64, starting with a letter or digit"


@dataclass(frozen=True)
class AgentVersionFile:
    """One readable agent version.

    Attributes:
        file: Path below the data folder.
        digest: Hash of what the document says; comments, layout and the order of its fields do not change it.
    """

    version: AgentVersion
    file: str
    digest: str


class AgentCatalogue(NamedTuple):
    """All agent versions.

    Attributes:
        versions: The usable ones, sorted by agent and then as `sort_versions` does.
        files: What came of every file that was looked at.
    """

    versions: dict[VersionKey, AgentVersionFile]
    files: list[FileReading]


def version_order(version: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key in natural order: v0.9 < v1.0 < v1.10. Digits count as numbers, everything else as text."""
    parts = re.findall(r"\d+|\D+", version)
    # The text itself comes last, so that v1 and v01 have an order too.
    return (*((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts), (-1, 0, version))


def sort_versions(keys: Iterable[VersionKey]) -> list[VersionKey]:
    """Keys by agent, and within an agent in natural order of the version."""
    return sorted(keys, key=lambda key: (key.agent, version_order(key.version)))


def read_agent_versions(root: Path) -> AgentCatalogue:
    """Read `agents/<agent>/<version>.yaml` below the data folder ``root``.

    A file with faults is reported and left out. A version whose declared baseline is not among the readable ones is
    reported too, but stays usable: it can be evaluated, there is only nothing to compare it with.
    """
    found: dict[VersionKey, AgentVersionFile] = {}
    files: list[FileReading] = []
    listing = _Listing(root)
    for relative in listing.files:
        try:
            version = _read_version(root, relative)
        except InputError as error:
            files.append(FileReading(relative, "agent", None, list(error.problems)))
            continue
        found[version.version.key] = version
        files.append(FileReading(relative, "agent", 1, []))
    versions = {key: found[key] for key in sort_versions(found)}
    by_file = {reading.file: reading for reading in files}
    for entry in versions.values():
        by_file[entry.file].problems.extend(_baseline_problems(entry, versions))
    return AgentCatalogue(versions, files + listing.complaints)


def _baseline_problems(entry: AgentVersionFile, versions: dict[VersionKey, AgentVersionFile]) -> list[Problem]:
    baseline = entry.version.baseline
    if baseline is None or VersionKey(entry.version.agent, baseline) in versions:
        return []
    known = ", ".join(key.version for key in versions if key.agent == entry.version.agent and key != entry.version.key)
    expected = f"a readable version of {entry.version.agent}" + (f": {known}" if known else "")
    return [Problem(entry.file, "unknown_baseline", shown(baseline), expected, field="baseline")]


class _Listing:
    """What lies below the agents folder: files that should be versions, and complaints about those that cannot be."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: list[str] = []
        self.complaints: list[FileReading] = []
        for path in self._entries(FOLDER):
            self._look_at_agent(path)

    def _look_at_agent(self, path: Path) -> None:
        relative = f"{FOLDER}/{path.name}"
        if not path.is_dir():
            if path.suffix in ENDINGS:
                self._complain(relative, "misplaced_file", "a file", "a folder with the agent's name around it")
        elif not is_identifier(path.name):
            self._complain(relative, "unsafe_id", shown(path.name), SAFE_NAME)
        else:
            for file in self._entries(relative):
                if file.suffix in ENDINGS:
                    self._look_at_version(f"{relative}/{file.name}", file)

    def _look_at_version(self, relative: str, path: Path) -> None:
        if path.suffix != ".yaml":
            self._complain(relative, "unknown_format", shown(path.name), "a name that ends in .yaml")
        elif not is_identifier(path.stem):
            self._complain(relative, "unsafe_id", shown(path.stem), SAFE_NAME)
        else:
            self.files.append(relative)

    def _entries(self, relative: str) -> list[Path]:
        try:
            return sorted(path for path in (self.root / relative).iterdir() if not path.name.startswith("."))
        except OSError as error:
            self._complain(relative, "unreadable_folder", shown(error.strerror or str(error)), "a readable folder")
            return []

    def _complain(self, relative: str, code: str, found: str, expected: str) -> None:
        file = shown(relative, 200)[1:-1]  # the name itself may be what is wrong
        self.complaints.append(FileReading(file, "agent", None, [Problem(file, code, found, expected)]))


def _read_version(root: Path, relative: str) -> AgentVersionFile:
    document = read_yaml(root, relative)
    version = validate_document(AgentVersion, document)
    problems = _name_problems(version, document)
    if problems:
        raise InputError(problems)
    read_settings(version, document)  # its faults have lines only here
    return AgentVersionFile(version, relative, digest(canonical_json(version.model_dump(mode="json"))))


def _name_problems(version: AgentVersion, document: YamlDocument) -> list[Problem]:
    """The document must say what its place says, or two files could claim to be one version."""
    path = Path(document.file)
    return [
        Problem(document.file, "name_mismatch", shown(said), shown(place), document.line_of((field,)), field)
        for field, said, place in (
            ("agent", version.agent, path.parent.name),
            ("version", version.version, path.stem),
        )
        if said != place
    ]
