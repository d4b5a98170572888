"""Reads every experiment below `experiments/`: one folder, one experiment; a bad one never hides the others.

What its observations say is decided in `observations`; whether it is sound, in `design`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from eaas_assets.contracts.documents import validate_document
from eaas_assets.contracts.experiment import Experiment
from eaas_assets.contracts.identifiers import is_identifier
from eaas_assets.contracts.readings import FileReading
from eaas_assets.errors import InputError, Problem, shown
from eaas_assets.experiments.folders import FOLDER, document_of, folder_of
from eaas_assets.storage.yaml_documents import read_yaml

SAFE_NAME = "letters, digits, '.', '-', '_', at most 64, starting with a letter or digit"


@dataclass(frozen=True)
class RegisteredExperiment:
    """One readable experiment.

    Attributes:
        document: What it says.
        file: Path of the document below the data folder.
        digest: Hash of what it says; comments, layout and the order of its fields do not change it.
    """

    document: Experiment
    file: str
    digest: str


class ExperimentCatalogue(NamedTuple):
    """All experiments.

    Attributes:
        experiments: The readable ones by id, sorted.
        files: What came of every file that was looked at.
        broken: Id of an experiment whose document cannot be used → why.
    """

    experiments: dict[str, RegisteredExperiment]
    files: list[FileReading]
    broken: dict[str, list[Problem]]


def read_experiments(root: Path) -> ExperimentCatalogue:
    """Read `experiments/<id>/experiment.yaml` below the data folder ``root``.

    A world without the folder has no experiments. Other files beside the folders, such as a script that makes
    observations, are nobody's business here.
    """
    found: dict[str, RegisteredExperiment] = {}
    files: list[FileReading] = []
    broken: dict[str, list[Problem]] = {}
    if not (root / FOLDER).exists():
        return ExperimentCatalogue(found, files, broken)
    try:
        folders = sorted(path for path in (root / FOLDER).iterdir() if not path.name.startswith((".", "_")))
    except OSError as error:
        files.append(_failed(FOLDER, "unreadable_folder", shown(error.strerror or str(error)), "a readable folder"))
        return ExperimentCatalogue(found, files, broken)
    for path in folders:
        _look_at(root, path, found, files, broken)
    return ExperimentCatalogue(found, files, broken)


def _look_at(
    root: Path,
    path: Path,
    found: dict[str, RegisteredExperiment],
    files: list[FileReading],
    broken: dict[str, list[Problem]],
) -> None:
    if not path.is_dir():
        if path.suffix in {".yaml", ".yml"}:
            expected = "a folder with the experiment's id around it"
            files.append(_failed(folder_of(path.name), "misplaced_file", "a file", expected))
        return
    if not is_identifier(path.name):
        files.append(_failed(folder_of(path.name), "unsafe_id", shown(path.name), SAFE_NAME))
        return
    relative = document_of(path.name)
    try:
        found[path.name] = _read(root, relative, path.name)
    except InputError as error:
        broken[path.name] = list(error.problems)
        files.append(FileReading(relative, "experiment", None, list(error.problems)))
    else:
        files.append(FileReading(relative, "experiment", 1))


def _read(root: Path, relative: str, folder: str) -> RegisteredExperiment:
    document = read_yaml(root, relative)
    experiment = validate_document(Experiment, document)
    if experiment.experiment != folder:
        line = document.line_of(("experiment",))
        found, expected = shown(experiment.experiment), shown(folder)
        raise InputError(Problem(relative, "name_mismatch", found, expected, line, "experiment"))
    return RegisteredExperiment(experiment, relative, experiment.digest)


def _failed(relative: str, code: str, found: str, expected: str) -> FileReading:
    file = shown(relative, 200)[1:-1]  # the name itself may be what is wrong
    return FileReading(file, "experiment", None, [Problem(file, code, found, expected)])
