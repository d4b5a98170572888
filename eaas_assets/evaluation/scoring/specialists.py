"""Who was called and who should have been: the two sides of coverage and of each specialist's performance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from eaas_assets.contracts.suite import Suite
from eaas_assets.evaluation.scoring.alignment import Codes, positions


class Calls(NamedTuple):
    """Calls of specialists and expectations of them, by evaluation. Names are those of resolution paths.

    Attributes:
        names: Specialist of each code.
        evaluation: Shape (calls,): row of the evaluation that each call belongs to.
        specialist: Shape (calls,): code of who was called.
        row: Shape (calls,): row of `agent_calls`.
        called: Shape (evaluation–specialist pairs,): ``evaluation * len(names) + specialist``, each pair once, sorted.
        expected: The same for who should have been called.
    """

    names: list[str]
    evaluation: Codes
    specialist: Codes
    row: Codes
    called: Codes
    expected: Codes


def specialist_names(specialists: pd.DataFrame, suite: str) -> dict[str, str]:
    """Name of each specialist of a suite's catalogue, by its name and by its identifier.

    Args:
        specialists: Table `specialist_agents`.
        suite: The suite whose catalogue is meant.
    """
    own = specialists[specialists["suite"] == suite]
    names, ids = own["name"].tolist(), own["agent_id"].tolist()
    return dict(zip(ids, names, strict=True)) | {name: name for name in names}


def expected_specialists(expected_json: list[str], suite: Suite) -> list[list[str]]:
    """Who should be called in each scenario; nobody where the suite has no path or the scenario expects none."""
    field = suite.path_field
    if field is None:
        return [[] for _ in expected_json]
    paths = (json.loads(text).get(field.field) for text in expected_json)
    return [[item for item in path if isinstance(item, str)] if isinstance(path, list) else [] for path in paths]


def align_calls(
    evaluations: pd.DataFrame,
    calls: pd.DataFrame,
    scenario: Codes,
    expected: list[list[str]],
    names: Mapping[str, str],
) -> Calls:
    """Bring calls and expectations to the rows of ``evaluations``.

    Args:
        evaluations: A table with `run_id` and `evaluation_key`, unique together.
        calls: Table `agent_calls`; calls of other evaluations are left out.
        scenario: Shape (evaluations,): index into ``expected``.
        expected: Who should be called, by scenario; see :func:`expected_specialists`.
        names: Name of a specialist by whatever it may be called; see :func:`specialist_names`. An unknown one keeps
            the name by which it was called.
    """
    evaluation = positions(calls, evaluations, ["run_id", "evaluation_key"])
    row = np.flatnonzero(evaluation >= 0)
    evaluation = evaluation[row]
    code, said = pd.factorize(calls["agent_id"].iloc[row])
    called_names = [names.get(name, name) for name in said]
    wanted = [[names.get(name, name) for name in path] for path in expected]
    index: dict[str, int] = {}
    for name in (*names.values(), *called_names, *(name for path in wanted for name in path)):
        index.setdefault(name, len(index))
    specialist = np.array([index[name] for name in called_names], dtype=np.int64)[code]
    sets = [sorted({index[name] for name in path}) for path in wanted]
    sizes = np.array([len(path) for path in sets], dtype=np.int64)
    flat = np.array([item for path in sets for item in path], dtype=np.int64)
    per_row = sizes[scenario]
    rows = np.repeat(np.arange(len(scenario)), per_row)
    starts = np.cumsum(sizes) - sizes
    within = np.arange(len(rows)) - np.repeat(np.cumsum(per_row) - per_row, per_row)
    expected_pairs = rows * len(index) + flat[starts[scenario][rows] + within]
    called_pairs = np.sort(pd.unique(evaluation * len(index) + specialist))
    return Calls(list(index), evaluation, specialist, row, called_pairs, expected_pairs)
