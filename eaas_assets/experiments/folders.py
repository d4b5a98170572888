"""Where an experiment lies in the data folder."""

from __future__ import annotations

FOLDER = "experiments"
DOCUMENT = "experiment.yaml"


def folder_of(experiment: str) -> str:
    """An experiment's folder below the data folder: its document is there, and its observations beside it."""
    return f"{FOLDER}/{experiment}"


def document_of(experiment: str) -> str:
    """Its document below the data folder."""
    return f"{folder_of(experiment)}/{DOCUMENT}"
