"""What the portfolio's page is made from: finished rows of all experiments and decisions. Any table may be empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import pandas as pd


@dataclass(frozen=True)
class PortfolioReportTables:
    """The rows, as their contracts describe them.

    Attributes:
        portfolio: ``experiment_portfolio``, a row of each experiment.
        summary: ``portfolio_summary``.
        learning: ``learning_summaries``.
        decisions: ``decisions`` on experiments and releases; the current ones count.
        counterfactuals: ``decision_counterfactuals`` of the current decisions.
        approvals: ``approvals``, also the refused ones.
        as_of: The moment of the page.
        pages: Experiment → its own page, relative to this one.
        audit_head: Number and hash of the audit log's last entry; empty without a log.
        data_versions: What the page rests on besides, by name.
    """

    portfolio: pd.DataFrame
    summary: pd.DataFrame
    learning: pd.DataFrame
    decisions: pd.DataFrame
    counterfactuals: pd.DataFrame
    approvals: pd.DataFrame
    as_of: datetime
    pages: Mapping[str, str] = field(default_factory=dict)
    audit_head: str = ""
    data_versions: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def ranked(self) -> pd.DataFrame:
        """The experiments with a rank, the best first."""
        return self.portfolio[self.portfolio["rank"].notna()].sort_values("rank", kind="stable")

    @cached_property
    def unranked(self) -> pd.DataFrame:
        """The experiments without one."""
        return self.portfolio[self.portfolio["rank"].isna()]

    @cached_property
    def by_rank(self) -> pd.DataFrame:
        """All experiments: those with a rank first."""
        return pd.concat([self.ranked, self.unranked])

    @cached_property
    def current(self) -> pd.DataFrame:
        """The current decision on each subject."""
        return self.decisions[self.decisions["current"].astype(bool)]

    @cached_property
    def pending(self) -> pd.DataFrame:
        """Current decisions that wait for approval, the most money first."""
        rows = self.current[self.current["state"] == "pending_approval"]
        return rows.sort_values("at_stake_usd", ascending=False, na_position="last", kind="stable")

    @cached_property
    def releases(self) -> pd.DataFrame:
        """Current decisions on releases."""
        return self.current[self.current["subject_kind"] == "release"]

    @cached_property
    def reasons(self) -> dict[str, str]:
        """Experiment → why it was decided as it was."""
        rows = self.current[self.current["subject_kind"] == "experiment"]
        return dict(zip(rows["subject_id"].tolist(), rows["rationale"].tolist(), strict=True))
