"""What the checks of one experiment share: its plan, its looks and the shape of a row.

Belongs here: everything that two checks need. No check is decided here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from eaas_assets.contracts.experiment import Experiment, Metric
from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.experiments.impact.obstacles import obstacle
from eaas_assets.experiments.impact.randomised import UNPLANNED_UNITS
from eaas_assets.experiments.observations.access import Opened, RandomisedData


@dataclass(frozen=True)
class Watch:
    """One randomised experiment under watch.

    Attributes:
        experiment: Its document.
        data: Its observations.
        policy: Thresholds.
        clustered: Whether groups of units were randomised as wholes.
        untold: Why no effect of this experiment is told; empty where nothing forbids it.
    """

    experiment: Experiment
    data: RandomisedData
    policy: ExperimentPolicy
    clustered: bool
    untold: str

    @property
    def planned(self) -> int:
        """Planned units of all arms, or the number that stands in for a plan."""
        return self.experiment.sample.planned if self.experiment.sample else UNPLANNED_UNITS

    def planned_pair(self, arm: str) -> float:
        """Planned units of an arm and the control together."""
        share = {variant.name: variant.allocation for variant in self.experiment.variants}
        return self.planned * (share[arm] + self.experiment.control.allocation)

    @property
    def arms(self) -> list[str]:
        """The treatment arms."""
        return [variant.name for variant in self.experiment.treatments]

    @property
    def guardrail_threshold(self) -> float:
        """Harm's error rate, shared by all guardrails and arms."""
        return harm_threshold(self.experiment, self.policy)


def harm_threshold(experiment: Experiment, policy: ExperimentPolicy) -> float:
    """Harm's error rate, shared by all guardrails and arms of an experiment of any design."""
    return policy.monitoring.harm_alpha / max(1, len(experiment.guardrails) * len(experiment.treatments))


def watch(experiment: Experiment, opened: Opened, data: RandomisedData, policy: ExperimentPolicy) -> Watch:
    """An experiment's watch."""
    in_the_way = obstacle(experiment, opened, policy)
    clustered = getattr(experiment.observations, "cluster", None) is not None
    return Watch(experiment, data, policy, clustered, "" if in_the_way is None else in_the_way.reason)


def unanswerable(metric: Metric, watched: Watch) -> str:
    """Why a metric of this experiment cannot be followed over time; empty where it can."""
    if metric.name in watched.data.integrity.infinite_values:
        return "it has infinite values"
    if watched.clustered:
        return "groups of units were randomised as wholes, their effect is told at the end only"
    if metric.kind == "quantile":
        return "a quantile is told at the end only"
    return ""


@dataclass(frozen=True)
class Finding:
    """One row, before the experiment's own columns are added; nan becomes null.

    Attributes: as the columns of ``ExperimentMonitoring``.
    """

    check: str
    statement: str
    units: int
    look: int = 1
    looked_at: datetime | None = None
    latest: bool = True
    metric: str | None = None
    arm: str | None = None
    segment: str | None = None
    estimate: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p_value: float = math.nan
    threshold: float = math.nan
    alarm: bool | None = None
    days_left: int | None = None

    def row(self, **common: Any) -> dict[str, Any]:
        """The row with the columns that all rows of the experiment share."""
        values = {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in vars(self).items()
        }
        return {**common, **values}
