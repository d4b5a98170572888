"""Rows of one experiment by arm and metric, as the tests ask for them."""

from __future__ import annotations

import json
from typing import Any

from eaas_assets.contracts.experiment import Experiment
from eaas_assets.contracts.experiments import CausalImpact, SegmentImpact
from eaas_assets.contracts.tables import build, contract_problems
from eaas_assets.experiments.impact import impact_rows
from eaas_assets.experiments.observations.access import Opened, PanelData
from eaas_assets_tests.experiments.observations_by_hand import (
    PairedByHand,
    SummaryByHand,
    UnitsByHand,
    opened_by_hand,
    policy_by_hand,
)

EVIDENCE = "0123456789abcdef"
Source = UnitsByHand | SummaryByHand | PairedByHand | PanelData | Opened | None
Row = dict[str, Any]


def both_tables(experiment: Experiment, source: Source) -> tuple[list[Row], list[Row]]:
    """Rows of both tables."""
    opened = source if isinstance(source, Opened) else opened_by_hand(source)
    return impact_rows(experiment, opened, policy_by_hand(), EVIDENCE)


def assert_contracts_hold(impact: list[Row], segments: list[Row]) -> None:
    """Every row has the columns of its table, and values that its contract allows."""
    for table, rows in ((CausalImpact, impact), (SegmentImpact, segments)):
        columns = set(build(table, []).columns)
        assert all(set(row) == columns for row in rows)
        assert contract_problems(table, build(table, rows)) == []


def asked(experiment: Experiment, source: Source) -> dict[tuple[str, str], Row]:
    """Rows of CausalImpact by arm and metric."""
    return {(row["arm"], row["metric"]): row for row in both_tables(experiment, source)[0]}


def primary(experiment: Experiment, source: Source) -> Row:
    """The row of the primary metric of the first treatment arm."""
    return asked(experiment, source)[experiment.treatments[0].name, experiment.primary.name]


def by_segment(experiment: Experiment, source: Source) -> dict[tuple[str, str], Row]:
    """Rows of SegmentImpact of the primary metric and the first arm, by dimension and value."""
    rows = both_tables(experiment, source)[1]
    arm, metric = experiment.treatments[0].name, experiment.primary.name
    return {(row["dimension"], row["value"]): row for row in rows if (row["arm"], row["metric"]) == (arm, metric)}


def diagnostics(row: Row) -> dict[str, Any]:
    """Named side results of a row."""
    found: dict[str, Any] = json.loads(row["diagnostics_json"])
    return found
