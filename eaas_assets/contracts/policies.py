"""The documents in `policies/`: every weight, threshold and band by which results are scored and gated."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from eaas_assets.contracts.documents import Document
from eaas_assets.contracts.identifiers import Identifier
from eaas_assets.contracts.suite import FieldRule, Suite, check_weights
from eaas_assets.storage.files import canonical_json, digest

Share = Annotated[float, Field(ge=0, le=1, strict=False)]
Clock = Literal["simulated", "reported", "measured"]
Severity = Literal["error", "warn"]
GateReason = Literal["worse", "worse_segment", "points_rules", "lost_scenarios"]
DECISIVE = ("pass_rate", "average_score")
"""Besides ``<field>_accuracy``, the metrics that can decide a comparison: known of every scenario, within 0 and 1."""


class OverallWeights(Document):
    """Shares of the overall score; they sum to 1."""

    correctness: Share
    response_time: Share
    output_quality: Share

    @model_validator(mode="after")
    def _sum_to_one(self) -> Self:
        check_weights(self.model_dump())
        return self


class Band(Document):
    """Response times up to ``up_to`` times the target get ``score``."""

    up_to: float = Field(gt=0, strict=False)
    score: Share


class ResponseTimeRule(Document):
    """How a response time becomes a score.

    Attributes:
        target_s: The target T in seconds.
        bands: In rising order, as multiples of T.
        beyond: The score above the last band.
        slow_above: An evaluation slower than this multiple of T is reported as slow.
        clock: Which of an evaluation's times counts: the first that is known.
    """

    target_s: float = Field(gt=0, strict=False)
    bands: list[Band] = Field(min_length=1)
    beyond: Share
    slow_above: float = Field(gt=0, strict=False)
    clock: list[Clock] = Field(min_length=1)

    @model_validator(mode="after")
    def _bands_rise(self) -> Self:
        limits = [band.up_to for band in self.bands]
        if limits != sorted(set(limits)):
            raise ValueError("bands in rising order")
        return self


class OutputQualityRule(Document):
    """How an answer's calls become a quality score.

    Attributes:
        coverage: Share of: the called specialists among the expected ones, as sets.
        structure: Share of: the mean over calls of 1 (all ``required_fields`` present) or ``incomplete_step``.
    """

    coverage: Share
    structure: Share
    required_fields: list[str]
    incomplete_step: Share

    @model_validator(mode="after")
    def _sum_to_one(self) -> Self:
        check_weights({"coverage": self.coverage, "structure": self.structure})
        return self


class HealthBands(Document):
    """Average scores from which an agent is healthy or degraded; below both it is critical."""

    healthy: Share
    degraded: Share

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.degraded > self.healthy:
            raise ValueError("degraded at most as high as healthy")
        return self


class EvaluationPolicy(Document):
    """`policies/evaluation.yaml`: how executed evaluations become scores, and scores health states.

    Attributes:
        field_rules: Suite → field → rule: replaces what the suite declares, so that old runs can be scored anew
            under other comparisons or weights without touching the suite.
        rounding: Decimals to which each score is rounded, half to even, before it is used further.
    """

    policy: Literal["evaluation"]
    overall: OverallWeights
    pass_threshold: Share
    rounding: int = Field(ge=1, le=12)
    response_time: ResponseTimeRule
    output_quality: OutputQualityRule
    health: HealthBands
    field_rules: dict[Identifier, dict[Identifier, FieldRule]] = {}

    def rules_for(self, suite: Suite) -> dict[str, FieldRule]:
        """The comparison and weight of each expected field under this policy.

        Raises:
            ValueError: The policy names a field that the suite does not expect, or the weights no longer sum to 1.
        """
        declared = {
            field.field: FieldRule(
                compare=field.compare, weight=field.weight, tolerance=field.tolerance, threshold=field.threshold
            )
            for field in suite.expected
        }
        replaced = self.field_rules.get(suite.suite, {})
        if unknown := replaced.keys() - declared.keys():
            raise ValueError(f"fields that suite {suite.suite} expects, not {', '.join(sorted(unknown))}")
        rules = declared | replaced
        check_weights({name: rule.weight for name, rule in rules.items()})
        return rules

    def digest_for(self, suite: Suite) -> str:
        """Hash of everything that decides the scores of ``suite``: this policy and the suite's own rules."""
        rules = {name: rule.model_dump() for name, rule in self.rules_for(suite).items()}
        return digest(canonical_json({"policy": self.model_dump(exclude={"field_rules"}), "fields": rules}))


class MetricRule(Document):
    """When a change of one run metric counts.

    Attributes:
        better: Which way is better.
        by: The smallest change that counts, in the metric's own unit (rates in points of 0 to 1, times in ms).
    """

    better: Literal["higher", "lower"]
    by: float = Field(gt=0, strict=False)


class BaselineRule(Document):
    """A pass rate that falls by more than ``regression_points`` (0 to 1) below the baseline is a regression."""

    regression_points: Share


class TrendRule(Document):
    """When a series of runs has a direction.

    Attributes:
        minimum_runs: With fewer runs there is no direction to tell.
        level: Confidence level of the slope's interval; a direction is stated where it excludes 0.
    """

    minimum_runs: int = Field(ge=3, le=1000)
    level: float = Field(gt=0.5, lt=1)


class ComparisonRule(Document):
    """How the verdict on a version is reached; declared before anyone looks at results.

    Attributes:
        metrics: Metrics that decide, each a mean of shares of 0 to 1 where more is better. Correction runs over them.
        margin: The loss below which a version counts as not worse, in points of 0 to 1.
        level: Confidence level of the intervals; 1 - level is the two-sided error rate of better and worse.
        power: Probability with which the effects and sizes that are quoted would show.
        cluster_by: Segment that names the family of a scenario: scenarios of a family fail together. A suite without
            this segment, or null: each scenario stands alone.
        segments: Segments that the worst-segment guard looks at; never the one of ``cluster_by``.
        segment_minimum: Scenarios from which on a segment is judged; smaller ones are only shown.
        worst_segment_margin: A segment that fell by more than this forbids better and not_worse.
        correction: Correction over the metrics, and over the segments.
    """

    metrics: list[Identifier] = Field(min_length=1)
    margin: float = Field(gt=0, lt=1, strict=False)
    level: float = Field(gt=0.5, lt=1, strict=False)
    power: float = Field(gt=0.5, lt=1, strict=False)
    cluster_by: Identifier | None
    segments: Literal["all"] | list[Identifier]
    segment_minimum: int = Field(ge=2, le=1000)
    worst_segment_margin: float = Field(gt=0, le=1, strict=False)
    correction: Literal["holm"]

    @model_validator(mode="after")
    def _metrics_are_shares(self) -> Self:
        wrong = [name for name in self.metrics if not (name in DECISIVE or name.endswith("_accuracy"))]
        if wrong or len(set(self.metrics)) < len(self.metrics):
            raise ValueError(f"different metrics out of {', '.join(DECISIVE)} and <field>_accuracy")
        return self

    @property
    def alpha(self) -> float:
        """Two-sided error rate; round: 1 - 0.95 is not 0.05 in binary."""
        return round(1 - self.level, 12)


class RegressionGate(Document):
    """What turns the gate `no_regression` red.

    Attributes:
        fail_on: ``worse``: the verdict is worse. ``worse_segment``: a segment is significantly worse. ``points_rules``:
            a change that counts by `baseline` or `metrics`. ``lost_scenarios``: scenarios that passed and now fail.
        chance: ``excluded``: the last two count only where chance does not explain them. ``ignored``: as they stand.
    """

    fail_on: list[GateReason] = Field(min_length=1)
    chance: Literal["excluded", "ignored"]


class Gates(Document):
    """How loud each gate is in the Dagster UI when it is red."""

    regression: Severity
    high_risk_failures: Severity
    suite_audit: Severity
    inputs_valid: Severity
    gate_calibration: Severity = "warn"


class ReleasePolicy(Document):
    """`policies/release.yaml`: how a version is compared with its baseline, its last run and its past."""

    policy: Literal["release"]
    comparison: ComparisonRule
    regression_gate: RegressionGate
    baseline: BaselineRule
    metrics: dict[Identifier, MetricRule] = Field(min_length=1)
    trend: TrendRule
    gates: Gates

    @property
    def digest(self) -> str:
        """Hash of the policy's content."""
        return digest(canonical_json(self.model_dump()))
