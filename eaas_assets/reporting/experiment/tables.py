"""What an experiment's page is made from: finished rows of one experiment. All but the registry may be empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from eaas_assets.reporting import text
from eaas_assets.reporting.records import first


@dataclass(frozen=True)
class ExperimentReportTables:
    """The rows of one experiment, as their contracts describe them.

    Attributes:
        registry: ``experiment_registry``, one row.
        design: ``design_validation``.
        monitoring: ``experiment_monitoring``, all looks.
        impact: ``causal_impact``.
        segments: ``segment_impact``.
        calibration: ``metric_calibration``.
        decisions: ``decisions``: every decision on it, the past ones too.
        counterfactuals: ``decision_counterfactuals`` of the current decision.
        approvals: ``approvals`` of its decisions, also the refused ones.
        portfolio: Its row of ``experiment_portfolio``, if it has one.
        audit_head: Number and hash of the audit log's last entry; empty without a log.
        data_versions: What the page rests on besides, by name.
    """

    registry: pd.DataFrame
    design: pd.DataFrame
    monitoring: pd.DataFrame
    impact: pd.DataFrame
    segments: pd.DataFrame
    calibration: pd.DataFrame
    decisions: pd.DataFrame
    counterfactuals: pd.DataFrame
    approvals: pd.DataFrame
    portfolio: pd.DataFrame
    audit_head: str = ""
    data_versions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.registry) != 1:
            raise ValueError(f"registry has {len(self.registry)} rows, must have 1: one experiment")

    @cached_property
    def row(self) -> Any:
        """The registry's row."""
        return first(self.registry)

    @cached_property
    def decision(self) -> Any | None:
        """The current decision; None where nothing was decided."""
        return first(self.decisions[self.decisions["current"].astype(bool)].tail(1))

    @cached_property
    def primary(self) -> Any | None:
        """The first effect on the primary metric; None where there is none."""
        return first(self.impact[self.impact["role"] == "primary"])

    @cached_property
    def standing(self) -> Any | None:
        """Its row in the portfolio."""
        return first(self.portfolio)

    @cached_property
    def units(self) -> dict[str, tuple[str, Any]]:
        """Metric → its kind and unit, where an effect tells them."""
        columns = (self.impact[name].tolist() for name in ("metric", "kind", "unit"))
        return {metric: (kind, unit) for metric, kind, unit in zip(*columns, strict=True)}

    @property
    def title(self) -> str:
        """What the experiment is called: its id, and its title where it has one."""
        name = text.inline(self.row.experiment_id, 64)
        return f"{name}: {text.inline(self.row.title, 160)}" if text.known(self.row.title) else name
