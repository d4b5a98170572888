"""The shape of one finding about a design.

Missing information is ``not_known`` and never passed. ``forbids`` marks an error after which nothing may be decided;
``essential`` marks checks without whose answer a design cannot be called sound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from eaas_assets.contracts.experiment import Experiment
from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.experiments.impact.obstacles import integrity_of
from eaas_assets.experiments.observations.access import Integrity, Opened

Outcome = Literal["passed", "warning", "error", "not_known"]
Area = Literal["sample", "assignment", "metrics", "data"]


@dataclass(frozen=True)
class Finding:
    """One check of a design.

    Attributes:
        area: Where it belongs.
        check: Stable name of the check.
        outcome: What came out.
        statement: In one sentence, with numbers.
        evidence: The numbers.
        action: What to do; None where nothing is.
        forbids: Whether this error forbids deciding anything on the experiment.
        essential: Whether a design is not sound while this is not known.
    """

    area: Area
    check: str
    outcome: Outcome
    statement: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    action: str | None = None
    forbids: bool = False
    essential: bool = False


class Subject(NamedTuple):
    """What is judged.

    Attributes:
        experiment: Its document.
        opened: Its observations.
        policy: Rules.
    """

    experiment: Experiment
    opened: Opened
    policy: ExperimentPolicy

    @property
    def observed(self) -> bool:
        """Whether there is any observation."""
        return self.opened.kind != "nothing" and bool(self.opened.observed_units)

    @property
    def rows(self) -> Integrity | None:
        """What was found wrong with single rows; None where there are no single rows to find anything in."""
        data = self.opened.randomised
        if data is not None and not data.granular:
            return None
        return integrity_of(self.opened)

    @property
    def proposed(self) -> bool:
        """Whether it has not begun, so that its plan can still be mended."""
        return self.experiment.status == "proposed"
