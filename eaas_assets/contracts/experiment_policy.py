"""`policies/experiments.yaml`: how experiments are checked, watched and estimated; declared before anyone looks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from eaas_assets.contracts.documents import Document
from eaas_assets.contracts.experiment import RiskTier
from eaas_assets.storage.files import canonical_json, digest


class EstimateRule(Document):
    """How effects are told.

    Attributes:
        level: Confidence level of intervals.
        power: Power that plans and detectable effects are quoted at.
        correction: Over the arms of the primary metric, and over segments.
        secondary_correction: Over the secondary metrics, which are screened and not decided on.
    """

    level: float = Field(gt=0.5, lt=1, strict=False)
    power: float = Field(gt=0.5, lt=1, strict=False)
    correction: Literal["holm"]
    secondary_correction: Literal["benjamini_hochberg"]

    @property
    def alpha(self) -> float:
        """Two-sided error rate."""
        return round(1 - self.level, 12)


class SampleRatioRule(Document):
    """P-values below it are a mismatch of the sample ratio."""

    threshold: float = Field(gt=0, lt=0.5, strict=False)


class MonitoringRule(Document):
    """When monitoring speaks up.

    Attributes:
        harm_alpha: Probability of ever calling an unharmed guardrail harmed, over all looks.
        drift_alpha: The same for a control arm whose metric moves over time.
        novelty_alpha: The same for an effect that fades; novelty is told from the first half against the second.
        maximum_looks: Looks that are kept for pictures; further ones are thinned, never the last.
    """

    harm_alpha: float = Field(gt=0, lt=0.5, strict=False)
    drift_alpha: float = Field(gt=0, lt=0.5, strict=False)
    novelty_alpha: float = Field(gt=0, lt=0.5, strict=False)
    maximum_looks: int = Field(ge=5, le=1000)


class DesignRule(Document):
    """What a sound design needs.

    Attributes:
        minimum_units: Fewest units per arm.
        maximum_days: Longest planned duration.
        whole_weeks: Whether a duration must be whole weeks.
        balance_alpha: Balance of covariates is rejected below it, after correction.
        required_guardrails: Fewest guardrails by risk tier.
        similar_hypotheses: Share of common words from which two hypotheses count as the same.
        novelty_days: Running time below which a lasting effect cannot be told from novelty.
    """

    minimum_units: int = Field(ge=2)
    maximum_days: int = Field(ge=1)
    whole_weeks: bool
    balance_alpha: float = Field(gt=0, lt=0.5, strict=False)
    required_guardrails: dict[RiskTier, int]
    similar_hypotheses: float = Field(gt=0, le=1, strict=False)
    novelty_days: int = Field(ge=0)


class CalibrationRule(Document):
    """How the nightly self-test of metrics is made.

    Attributes:
        replays: Random splits of the control arm per metric.
        largest_units: Units per metric that are drawn from; more are sampled.
    """

    replays: int = Field(ge=20, le=10_000)
    largest_units: int = Field(ge=100)


class ExperimentPolicy(Document):
    """`policies/experiments.yaml`."""

    policy: Literal["experiments"]
    estimate: EstimateRule
    sample_ratio: SampleRatioRule
    monitoring: MonitoringRule
    design: DesignRule
    calibration: CalibrationRule

    @property
    def digest(self) -> str:
        """Hash of the policy's content."""
        return digest(canonical_json(self.model_dump()))
