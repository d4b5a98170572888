"""The rows of a table by the subject that they speak of, and a fingerprint of them: what a page is made from."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from eaas_assets.storage.files import digest


class RowsByKey:
    """A table taken apart by one of its columns; hashed as a whole, which is much faster than part by part."""

    def __init__(self, table: pd.DataFrame, key: str) -> None:
        """Take ``table`` apart by ``key``."""
        self._table = table
        self._places: Mapping[Any, Any] = table.groupby(key, sort=False).indices
        self._hashes = pd.util.hash_pandas_object(table, index=False).to_numpy()

    @property
    def keys(self) -> list[str]:
        """Every subject that the table speaks of, in order of their names."""
        return sorted(map(str, self._places))

    def rows(self, key: str) -> pd.DataFrame:
        """Its rows; none for a subject that the table does not speak of."""
        return self._table.iloc[self._places.get(key, [])].reset_index(drop=True)

    def fingerprint(self, key: str) -> str:
        """Hash of its rows in their order; the same in every process."""
        return digest(self._hashes[self._places[key]].tobytes()) if key in self._places else ""


@cache
def renderer() -> str:
    """Hash of the code and templates that make pages: another one makes every page anew."""
    folder = resources.files("eaas_assets.reporting")
    with resources.as_file(folder) as root:
        files = sorted(path for path in root.rglob("*") if path.suffix in {".py", ".jinja", ".css"})
        return digest(b"".join(digest(path.read_bytes()).encode() for path in files))


def known_pages(reports: pd.DataFrame, output: Path) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Experiment and hash of what its page was made from → rows of its pages; only of pages that are still there."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for values in reports.itertuples(index=False, name=None):
        row = dict(zip(reports.columns, values, strict=True))
        found.setdefault((str(row["experiment_id"]), str(row["inputs_digest"])), []).append(row)
    return {key: rows for key, rows in found.items() if all((output / row["path"]).exists() for row in rows)}
