"""`policies/portfolio.yaml`: how experiments are valued against each other, what risk costs, and what may be spent."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from eaas_assets.contracts.decision_policy import Strength
from eaas_assets.contracts.documents import Document
from eaas_assets.contracts.experiment import NotNegative, Number, RiskTier
from eaas_assets.storage.files import canonical_json, digest

Share = Annotated[float, Field(ge=0, le=1, strict=False)]
Inside = Annotated[float, Field(gt=0, lt=1, strict=False)]
TIERS: tuple[RiskTier, ...] = ("low", "medium", "high")
STRENGTHS: tuple[Strength, ...] = ("randomised", "paired", "quasi_experiment", "before_after", "none")


class FundingRule(Document):
    """What may be spent on proposals, and how many of a kind may run at once.

    Attributes:
        budget_usd: Money for starting proposals; None: no budget is declared, and nothing is funded or refused.
        most_high_risk: Most high-risk experiments at once, running ones included; None: no limit.
        most_per_population: Most experiments at once on one population, running ones included; None: no limit.
    """

    budget_usd: NotNegative | None
    most_high_risk: int | None = Field(default=None, ge=0)
    most_per_population: int | None = Field(default=None, ge=1)


class HorizonRule(Document):
    """For how long a change is counted, and what later money is worth today.

    Attributes:
        years: Years of benefit that speak for starting or continuing an experiment.
        discount_rate: Yearly rate by which later years are discounted.
    """

    years: int = Field(ge=1, le=30)
    discount_rate: Share

    @property
    def factor(self) -> float:
        """What one dollar a year over the horizon, paid at the end of each year, is worth today."""
        return sum((1.0 + self.discount_rate) ** -year for year in range(1, self.years + 1))


class RiskRule(Document):
    """What risk and doubt cost.

    The risk-adjusted value is (1 − c) × expected value + c × mean of the worst outcomes − d × expected gain, with c the
    charge of the tier and d the doubt of the design. A charge weighs what the interval holds; a doubt what it cannot
    hold: that something else made the difference.

    Attributes:
        worst_share: Share of outcomes that count as the worst.
        charges: Charge c by risk tier.
        doubts: Share d of a gain that is not believed, by strength of the design.
        fading: Further share that is not believed of an effect that was seen to fade.
    """

    worst_share: float = Field(gt=0, le=0.5, strict=False)
    charges: dict[RiskTier, Share]
    doubts: dict[Strength, Share]
    fading: Share

    @model_validator(mode="after")
    def _charges_are_whole_and_rise(self) -> Self:
        if set(self.charges) != set(TIERS):
            raise ValueError(f"a charge for each of {', '.join(TIERS)}")
        if set(self.doubts) != set(STRENGTHS):
            raise ValueError(f"a doubt for each of {', '.join(STRENGTHS)}")
        charges = [self.charges[tier] for tier in TIERS]
        if charges != sorted(charges):
            raise ValueError("charges that do not fall from low to high risk")
        return self


class PriorRule(Document):
    """What is believed of a kind of change before there is a record of it.

    Attributes:
        success_rate: Share of experiments that show an improvement.
        success_weight: How many experiments this belief weighs as much as.
        effect_mean: Mean of true relative benefits.
        effect_sd: Their standard deviation; also the yardstick of information gained.
        fewest_experiments: From so many estimates on a class of effects speaks for itself, and is shrunk.
        power: Power that false-positive risks are quoted at.
        level: Confidence level of rates and sums.
    """

    success_rate: Inside
    success_weight: float = Field(gt=0, strict=False)
    effect_mean: Number
    effect_sd: float = Field(gt=0, strict=False)
    fewest_experiments: int = Field(ge=2)
    power: float = Field(gt=0.5, lt=1, strict=False)
    level: float = Field(gt=0.5, lt=1, strict=False)

    @property
    def alpha(self) -> float:
        """Two-sided error rate."""
        return round(1 - self.level, 12)


class VelocityRule(Document):
    """Over how many days up to now decisions are counted."""

    window_days: int = Field(ge=7, le=3650)


class PortfolioPolicy(Document):
    """`policies/portfolio.yaml`."""

    policy: Literal["portfolio"]
    funding: FundingRule
    horizon: HorizonRule
    risk: RiskRule
    priors: PriorRule
    velocity: VelocityRule

    @property
    def digest(self) -> str:
        """Hash of the policy's content."""
        return digest(canonical_json(self.model_dump(mode="json")))
