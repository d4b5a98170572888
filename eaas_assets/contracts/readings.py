"""What came of reading one user file: shared by every reader, shown in ``validation_results``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel

from eaas_assets.contracts.documents import validate_document
from eaas_assets.errors import InputError, Problem
from eaas_assets.storage.yaml_documents import read_yaml

FileKind = Literal["suite", "scenarios", "context", "catalogue", "agent", "policy", "history", "experiment"]
DocumentT = TypeVar("DocumentT", bound=BaseModel)


@dataclass
class FileReading:
    """One file that was looked at.

    Attributes:
        file: Path below the data folder.
        rows_read: Records taken over; None for a file that could not be used at all.
        problems: What was wrong, in file order.
    """

    file: str
    kind: FileKind
    rows_read: int | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def outcome(self) -> Literal["ok", "partly", "failed"]:
        """ok: all taken over; partly: some rows were left out; failed: nothing is usable."""
        if self.rows_read is None:
            return "failed"
        return "partly" if self.problems else "ok"


def read_document(model: type[DocumentT], root: Path, relative: str) -> tuple[DocumentT, str]:
    """A YAML document as ``model``, with the hash of its bytes.

    Raises:
        InputError: It cannot be read or breaks the model.
    """
    document = read_yaml(root, relative)
    return validate_document(model, document), document.digest


def read_document_noted(
    model: type[DocumentT], root: Path, relative: str, kind: FileKind
) -> tuple[DocumentT | None, FileReading]:
    """As :func:`read_document`, with the fault noted instead of raised."""
    try:
        document, _ = read_document(model, root, relative)
    except InputError as error:
        return None, FileReading(relative, kind, None, list(error.problems))
    return document, FileReading(relative, kind, 1)
