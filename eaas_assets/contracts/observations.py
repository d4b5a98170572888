"""How the observations of an experiment are declared: the part ``observations`` of its document."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from eaas_assets.contracts.documents import Document
from eaas_assets.contracts.identifiers import Identifier

Column = Annotated[str, Field(min_length=1, max_length=128)]


class Units(Document):
    """One row per unit of randomisation, or several rows per unit that repeat its variant.

    Attributes:
        file: CSV, Parquet, JSON or JSONL beside the experiment's document.
        unit: Column that names the unit.
        variant: Column that names the arm.
        time: Column with the time of the unit's first exposure; None if unknown, then nothing is told over time.
        measured: Column with the time at which the outcomes were measured; one before ``time`` forbids any effect.
        cluster: Column with the group that was randomised as a whole; None where units were.
        one_row_per_unit: Promise that no unit has two rows, for files of many million units: it is then checked on a
            sample of the units instead of all of them (see `uniqueness`). A file that breaks it is refused.
    """

    kind: Literal["units"]
    file: Column
    unit: Column
    variant: Column
    time: Column | None = None
    measured: Column | None = None
    cluster: Column | None = None
    one_row_per_unit: bool = False


class Panel(Document):
    """One row per unit and period (rollouts and before/after).

    Attributes:
        file: As of :class:`Units`.
        unit: Column that names the unit (a region, a team, a store).
        time: Column with the period: a day or a whole number.
        adoption: Column with the period from which the unit is treated; empty for never. Either this or
            ``intervention``.
        intervention: Period from which the treated units are, where it is one for all.
        treated: Units that are treated, with ``intervention``; None: all of them (before/after).
        variant: Column with the arm of the unit, where there are several treatments; empty for the control, whose
            units are never treated.
        season: Periods in a season (7 for days of a week).
        controls: Columns with series that the change cannot have touched (before/after).
        cluster: Column with the group of units whose errors are related.
    """

    kind: Literal["panel"]
    file: Column
    unit: Column | None = None
    time: Column
    adoption: Column | None = None
    intervention: Column | int | None = None
    treated: list[str] | None = None
    variant: Column | None = None
    season: int | None = Field(default=None, ge=2, le=366)
    controls: list[Column] = []
    cluster: Column | None = None

    @model_validator(mode="after")
    def _says_who_is_treated_when(self) -> Self:
        if (self.adoption is None) == (self.intervention is None):
            raise ValueError("either adoption or intervention")
        if self.treated is not None and self.intervention is None:
            raise ValueError("treated with intervention only")
        if self.treated is not None and self.variant is not None:
            raise ValueError("either treated or variant")
        if self.variant is not None and self.unit is None:
            raise ValueError("variant with unit only")
        return self


class Summary(Document):
    """Statistics per variant: columns ``variant``, ``metric``, ``n`` and ``mean`` or ``successes``.

    ``sd`` or ``variance`` where known: a mean without spread gets no interval. Optional columns: ``segment_<name>``.
    For ratios also ``mean_denominator``, ``variance_denominator`` and ``covariance``.
    """

    kind: Literal["summary"]
    file: Column


class Paired(Document):
    """One row per unit and variant, where every unit has met every variant (a replay of the same tasks).

    Attributes:
        file: As of :class:`Units`.
        unit: Column that names the unit (task, scenario).
        variant: Column that names the arm.
        cluster: Column with the family of the unit; None: units are independent.
    """

    kind: Literal["paired"]
    file: Column
    unit: Column
    variant: Column
    cluster: Column | None = None


class AgentRuns(Document):
    """The evaluated runs of two versions of one agent, paired by scenario; metrics are those of the scores.

    Metrics name columns of the scenario results: ``passed``, ``overall_score``, ``response_time_ms``, ``cost_usd``.
    The first variant's ``version`` is the baseline.
    """

    kind: Literal["agent_runs"]
    agent: Identifier


Observations = Annotated[Units | Panel | Summary | Paired | AgentRuns, Field(discriminator="kind")]
