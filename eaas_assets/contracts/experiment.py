"""The document `experiments/<id>/experiment.yaml`: one controlled change, registered before it starts.

What the observations look like is declared in ``observations``; how results are judged stands in `policies/`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from eaas_assets.contracts.documents import Document
from eaas_assets.contracts.identifiers import Identifier
from eaas_assets.contracts.observations import Column, Observations
from eaas_assets.errors import shown
from eaas_assets.storage.files import canonical_json, digest

ExperimentType = Literal["ab_test", "phased_rollout", "model_swap", "workflow_change", "agent_behavior_change"]
Status = Literal["proposed", "running", "concluded", "archived"]
RiskTier = Literal["low", "medium", "high"]
Role = Literal["primary", "secondary", "guardrail"]
Kind = Literal["proportion", "mean", "ratio", "quantile"]
Direction = Literal["increase", "decrease"]
Design = Literal["randomised", "paired", "rollout", "before_after"]

SMALLEST, LARGEST = 1e-30, 1e30
"""Sizes of numbers that may stand in a document: their squares and ratios can be held."""


def of_usual_size(value: float) -> float:
    """The number, unless it is too large or too near zero to be meant."""
    if value != 0.0 and not SMALLEST <= abs(value) <= LARGEST:
        raise ValueError(f"0, or a number of a size from {SMALLEST:g} to {LARGEST:g}")
    return value


_Size = AfterValidator(of_usual_size)
Number = Annotated[float, Field(strict=False, allow_inf_nan=False), _Size]
Positive = Annotated[float, Field(gt=0, strict=False, allow_inf_nan=False), _Size]
NotNegative = Annotated[float, Field(ge=0, strict=False, allow_inf_nan=False), _Size]


def iso_day(value: object) -> object:
    """ISO text as a day; YAML hands days over as text."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError("a day such as 2024-10-01") from None
    return value


Day = Annotated[date, BeforeValidator(iso_day)]


def _each_once(expected: str, names: Sequence[str]) -> None:
    """Every name once.

    Raises:
        ValueError: One stands twice.
    """
    twice = next((name for name, times in Counter(names).items() if times > 1), None)
    if twice is not None:
        raise ValueError(f"{expected}, not {shown(twice, 64)} twice")


class Variant(Document):
    """One arm. The first variant of an experiment is its control.

    Attributes:
        allocation: Planned share of the units; all shares sum to 1.
        cost_per_unit_usd: What one observed unit of this arm costs.
        version: What is deployed in this arm (a model, an agent version), where that is what differs.
    """

    name: Identifier
    allocation: float = Field(gt=0, lt=1, strict=False)
    cost_per_unit_usd: NotNegative | None = None
    version: str | None = None


class Expectation(Document):
    """What is known of a metric before the experiment, for its power calculation.

    Attributes:
        value: The control's expected value.
        sd: Standard deviation per unit (for a ratio: of its linearised form); not needed for a proportion.
        variance_left: Share of the variance that adjustment by the covariate leaves.
    """

    value: Number
    sd: Positive | None = None
    variance_left: float = Field(default=1.0, gt=0, le=1, strict=False)


class Metric(Document):
    """One metric.

    Attributes:
        column: Its column in the observations (0/1 for a proportion); None: as the metric is called.
        numerator: Column above the line of a ratio.
        denominator: Column below it.
        quantile: Which quantile, of 0 to 1.
        covariate: Column with the same quantity from before the treatment, for adjustment (CUPED).
        minimum_effect: Smallest effect worth having, in the metric's unit, or as a share of the control's value.
        margin: Largest harm that a guardrail tolerates, on the same scale.
        scale: Of ``minimum_effect`` and ``margin``.
        expected: For planning.
    """

    name: Identifier
    role: Role
    kind: Kind
    direction: Direction
    unit: str = ""
    column: Column | None = None
    numerator: Column | None = None
    denominator: Column | None = None
    quantile: float | None = Field(default=None, gt=0, lt=1, strict=False)
    covariate: Column | None = None
    minimum_effect: Positive | None = None
    margin: Positive | None = None
    scale: Literal["absolute", "relative"] = "absolute"
    expected: Expectation | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if (self.kind == "ratio") != (self.numerator is not None and self.denominator is not None):
            raise ValueError("numerator and denominator with kind ratio, and only there")
        if (self.kind == "quantile") != (self.quantile is not None):
            raise ValueError("quantile with kind quantile, and only there")
        if self.kind == "ratio" and self.column is not None:
            raise ValueError("numerator and denominator instead of column with kind ratio")
        if self.covariate is not None and self.kind == "quantile":
            raise ValueError("no covariate with kind quantile")
        return self

    @property
    def source(self) -> str:
        """Column of the observations (of the numerator for a ratio)."""
        return self.numerator or self.column or self.name

    @property
    def higher_is_better(self) -> bool:
        """Whether the metric should rise."""
        return self.direction == "increase"


class Sample(Document):
    """How many units are planned, all arms together, and how many come in a day."""

    planned: int = Field(ge=1)
    per_day: Positive | None = None


class Money(Document):
    """What one unit of the primary metric is worth.

    Attributes:
        usd_per_unit: Money per one unit of the primary metric and unit of the population (for a proportion: per
            success); negative for what costs, such as minutes of handling.
        units_per_year: Units per year to which the change would be applied.
    """

    usd_per_unit: Number
    units_per_year: NotNegative


class Cost(Document):
    """What the experiment costs, apart from its units; and what the change would cost each year if kept."""

    fixed_usd: NotNegative = 0.0
    per_week_usd: NotNegative | None = None
    rollout_per_year_usd: NotNegative | None = None


class Claim(Document):
    """What its owners predicted or declared about the effect and its value; shown beside what came out."""

    expected_effect: Number | None = None
    annual_value_usd: Number | None = None


class Conditions(Document):
    """Circumstances that forbid or qualify an estimate.

    Attributes:
        interference: Whether units can influence each other.
        changed_mid_test: What was changed while it ran (a model, a prompt), in words; None for nothing.
        blockers: What must be settled before it may start, such as an open bias audit.
        data_quality: Flags of whoever collected the data.
    """

    interference: bool = False
    changed_mid_test: str | None = None
    blockers: list[str] = []
    data_quality: list[str] = []


class Experiment(Document):
    """One experiment.

    Attributes:
        population: Who can be in it; two running experiments on one population may disturb each other.
        registered_kpi: The figure that the business registered; a primary metric of another name is a finding.
        metrics: Exactly one is primary.
        segments: Columns of the observations by which effects are shown; declared before anyone looks.
        observations: Where its data are; None while there are none.
    """

    experiment: Identifier
    title: str = Field(min_length=1, max_length=200)
    domain: Identifier
    type: ExperimentType
    design: Design
    status: Status
    hypothesis: str = Field(min_length=1, max_length=2000)
    hypothesis_type: Literal["growth", "efficiency", "quality", "risk_reduction"]
    population: Identifier
    owner: Identifier
    decision_owner: Identifier
    risk_tier: RiskTier
    risk_notes: str = Field(default="", max_length=2000)
    registered_kpi: Identifier | None = None
    success_criteria: str = Field(default="", max_length=2000)
    planned_start: Day | None = None
    planned_end: Day | None = None
    sample: Sample | None = None
    variants: list[Variant] = Field(min_length=2, max_length=12)
    metrics: list[Metric] = Field(min_length=1, max_length=50)
    segments: list[Column] = Field(default=[], max_length=20)
    observations: Observations | None = None
    value: Money | None = None
    cost: Cost = Cost()
    claim: Claim = Claim()
    conditions: Conditions = Conditions()

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        _each_once("variants with different names", [variant.name for variant in self.variants])
        allocated = sum(variant.allocation for variant in self.variants)
        if abs(allocated - 1.0) > 1e-9:
            raise ValueError(f"allocations that sum to 1, not to {allocated:g}")
        _each_once("metrics with different names", [metric.name for metric in self.metrics])
        _each_once("segments named once", self.segments)
        primaries = [metric.role for metric in self.metrics].count("primary")
        if primaries != 1:
            raise ValueError(f"exactly one primary metric, not {primaries}")
        if self.planned_start and self.planned_end and self.planned_end < self.planned_start:
            raise ValueError(f"planned_end not before planned_start, {self.planned_start}, as {self.planned_end} is")
        if self.observations is not None:
            self._observations_fit_design(self.observations.kind)
        adjusted = [metric.name for metric in self.metrics if metric.covariate is not None]
        if adjusted and self.design != "randomised":
            raise ValueError(f"no covariate with design {self.design}, which adjusts nothing, as {adjusted[0]} has")
        return self

    def _observations_fit_design(self, kind: str) -> None:
        fitting = {
            "randomised": {"units", "summary"},
            "paired": {"paired", "agent_runs"},
            "rollout": {"panel"},
            "before_after": {"panel"},
        }[self.design]
        if kind not in fitting:
            raise ValueError(f"observations of kind {' or '.join(sorted(fitting))} with design {self.design}")

    @property
    def control(self) -> Variant:
        """The arm that the others are compared with."""
        return self.variants[0]

    @property
    def treatments(self) -> list[Variant]:
        """The other arms."""
        return self.variants[1:]

    @property
    def primary(self) -> Metric:
        """The metric that decides."""
        return next(metric for metric in self.metrics if metric.role == "primary")

    @property
    def guardrails(self) -> list[Metric]:
        """Metrics that must not get worse by more than their margin."""
        return [metric for metric in self.metrics if metric.role == "guardrail"]

    @property
    def digest(self) -> str:
        """Hash of what the document says."""
        return digest(canonical_json(self.model_dump(mode="json")))
