"""For whom changes of a kind worked, and whom they harmed: segments of the primary metric, by name.

A segment was harmed where that is shown after correction over all segments. It gained where its effect after shrinkage
has an interval above zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from eaas_assets.decisions.portfolio.entries import Entry
from eaas_assets.history.finding import records


class SegmentOutcomes(NamedTuple):
    """Segments (``dimension = value``) that gained and that were harmed in one experiment."""

    gained: tuple[str, ...]
    harmed: tuple[str, ...]


def segment_outcomes(entries: Iterable[Entry], segments: pd.DataFrame) -> dict[str, SegmentOutcomes]:
    """What segments of the primary metric show, by experiment, in the arm that speaks for it.

    Args:
        entries: The experiments.
        segments: SegmentImpact.
    """
    arms = {entry.experiment_id: (entry.finding.arm, entry.sign) for entry in entries if entry.finding is not None}
    gained: dict[str, list[str]] = {}
    harmed: dict[str, list[str]] = {}
    for row in records(segments[segments["role"] == "primary"]):
        arm, sign = arms.get(row["experiment_id"], (None, 1))
        if row["arm"] != arm:
            continue
        name = f"{row['dimension']} = {row['value']}"
        worst = row["shrunk_low"] if sign > 0 else row["shrunk_high"]
        if row["harmed"]:
            harmed.setdefault(row["experiment_id"], []).append(name)
        elif worst is not None and sign * worst > 0.0:
            gained.setdefault(row["experiment_id"], []).append(name)
    return {
        name: SegmentOutcomes(tuple(sorted(gained.get(name, []))), tuple(sorted(harmed.get(name, []))))
        for name in sorted({*gained, *harmed})
    }
