"""What an evaluation report is made from: the finished tables of one run, and the policies that they name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from eaas_assets.contracts.policies import EvaluationPolicy, ReleasePolicy
from eaas_assets.reporting import text
from eaas_assets.reporting.records import records


@dataclass(frozen=True)
class EvaluationReportTables:
    """The tables of one run, as their contracts describe them.

    Each table holds this run's rows only, under one policy where it has a policy hash; the exceptions are named.

    Attributes:
        plan: ``evaluation_plan``, one row.
        executed: ``executed_evaluations``.
        calls: ``agent_calls``.
        scores: ``evaluation_scores``.
        field_scores: ``evaluation_field_scores``.
        performance: ``agent_performance_summary``.
        summary: ``evaluation_summary``, one row.
        validation: ``validation_results``.
        workflow_health: ``workflow_health``, in order of the work.
        baseline: ``baseline_comparison``, one row.
        regression: ``regression_analysis``.
        trend: ``trend_analysis``.
        audit: ``suite_audit``: the rows of the run's suite and those of ``history``.
        run_metrics: ``run_metrics`` of the agent's whole history, this run included.
        scenarios: ``journey_scenarios`` of the run's suite: the messages and risks that failures are shown with.
        specialists: ``specialist_agents`` of the run's suite: what each of them does.
        evaluation_policy: The policy of the scores.
        release_policy: The policy of the comparisons and gates.
        data_versions: What the run rests on by name, e.g. a file or code location with its version or hash.
    """

    plan: pd.DataFrame
    executed: pd.DataFrame
    calls: pd.DataFrame
    scores: pd.DataFrame
    field_scores: pd.DataFrame
    performance: pd.DataFrame
    summary: pd.DataFrame
    validation: pd.DataFrame
    workflow_health: pd.DataFrame
    baseline: pd.DataFrame
    regression: pd.DataFrame
    trend: pd.DataFrame
    audit: pd.DataFrame
    run_metrics: pd.DataFrame
    scenarios: pd.DataFrame
    specialists: pd.DataFrame
    evaluation_policy: EvaluationPolicy
    release_policy: ReleasePolicy
    data_versions: Mapping[str, str]

    def __post_init__(self) -> None:
        for name in ("plan", "summary", "baseline"):
            if len(getattr(self, name)) != 1:
                raise ValueError(f"{name} has {len(getattr(self, name))} rows, must have 1: one run, one policy")

    @cached_property
    def the_plan(self) -> Any:
        """The plan's row, by column name."""
        return next(records(self.plan))

    @cached_property
    def the_summary(self) -> Any:
        """The summary's row, by column name."""
        return next(records(self.summary))

    @cached_property
    def the_comparison(self) -> Any:
        """The baseline comparison's row, by column name."""
        return next(records(self.baseline))

    @property
    def baseline_name(self) -> str:
        """The declared baseline version, or words for it where none is declared."""
        version = self.the_comparison.baseline_version
        return text.inline(version) if text.known(version) else "the baseline"

    def metric(self, name: str) -> Any | None:
        """This run's row of one run metric; None where it has none."""
        return self.metric_of(self.the_plan.run_id, name)

    def metric_of(self, run_id: Any, name: str) -> Any | None:
        """One run's row of one metric; None where it has none, or where ``run_id`` is null.

        Of a run that was scored anew: the row under this report's policy, else the last.
        """
        metrics = self.run_metrics
        if not text.known(run_id):
            return None
        found = metrics[(metrics["run_id"] == run_id) & (metrics["metric"] == name)]
        own = found[found["policy_hash"] == self.the_summary.policy_hash]
        return next(records((found if own.empty else own).tail(1)), None)
