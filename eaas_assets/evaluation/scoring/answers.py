"""What agents wrote, read back from the tables, for whole columns at once. It is stored but it is still hostile."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eaas_assets.evaluation.scoring.alignment import Codes
from eaas_assets.storage.files import canonical_json

CHUNK = 100_000
"""Texts that are Python objects at a time; a million different answers would otherwise be a gigabyte."""


class FieldTexts:
    """One field of many answers: its different values as JSON text, and which each answer has.

    Attributes:
        texts: The different values.
        code: Shape (answers,): index into ``texts``; -1 where there is no answer or it has no such field.
    """

    def __init__(self, values: pd.Series) -> None:
        code, texts = pd.factorize(values)
        self.code: Codes = code
        self.texts: pd.Index = texts

    def of(self, answers: Codes) -> list[str | None]:
        """The texts of some answers; None where there is none."""
        code = self.code[answers]
        known = iter(self.texts.take(code[code >= 0]).tolist())
        return [next(known) if present else None for present in (code >= 0).tolist()]


def field_texts(answers: pd.Series, fields: Sequence[str]) -> list[FieldTexts]:
    """Split answers into fields.

    Args:
        answers: JSON text of each answer; null for none.
        fields: Names of the fields.
    """
    code, different = pd.factorize(answers)
    columns: list[list[pd.Series]] = [[pd.Series([], dtype="str")] for _ in fields]
    for start in range(0, len(different), CHUNK):
        rows = [_split(text, fields) for text in different[start : start + CHUNK].tolist()]
        for index, column in enumerate(columns):
            column.append(pd.Series([row[index] for row in rows], dtype="str"))
    results = []
    for column in columns:
        texts = FieldTexts(pd.concat(column, ignore_index=True))
        texts.code = np.where(code >= 0, texts.code[code], -1) if len(texts.code) else np.full(len(code), -1)
        results.append(texts)
    return results


def _split(text: str, fields: Sequence[str]) -> list[str | None]:
    """JSON text of each field; None for a missing one, and for all of an answer nested too deeply to be followed."""
    try:
        answer = json.loads(text)
        return [canonical_json(answer[field]) if field in answer else None for field in fields]
    except RecursionError:
        return [None] * len(fields)


def have_fields(outputs: pd.Series, required: Sequence[str]) -> NDArray[np.bool_]:
    """Whether each output, as JSON text, is a record with all required fields."""
    code, texts = pd.factorize(outputs)
    wanted = set(required)
    return np.array([wanted <= _keys(text) for text in texts], dtype=np.bool_)[code]


def _keys(text: str) -> set[str]:
    try:
        value: Any = json.loads(text)
    except RecursionError:
        return set()
    return set(value) if isinstance(value, dict) else set()
