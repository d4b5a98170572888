"""What a proposal is expected to bring: how often its kind works, what that brings, and what it costs to find out.

A proposal that does not work is not kept: it costs its experiment and no more. What its owners claim plays no part.
"""

from __future__ import annotations

from typing import NamedTuple

from eaas_assets.contracts.portfolio_policy import PortfolioPolicy
from eaas_assets.decisions.portfolio.entries import Entry
from eaas_assets.decisions.portfolio.priors import EffectPrior
from eaas_assets.decisions.portfolio.rates import Rate
from eaas_assets.decisions.portfolio.record import Record
from eaas_assets.decisions.portfolio.value import money_of
from eaas_assets.decisions.wording import usd
from eaas_assets.wording import count, percent


class Prospect(NamedTuple):
    """A proposal with its expected value.

    Attributes:
        chance: How often its kind works.
        prior: What effects of its class are like.
        gain_usd: Yearly net value if it works; 0 where even then it is not worth keeping.
        cost_usd: What the experiment costs.
        expected_usd: Expected value of a year: chance × gain − cost.
        horizon_usd: The same over the policy's horizon, later years discounted.
        adjusted_usd: Of ``expected_usd``, less the charge for risk.
        adjusted_horizon_usd: Of ``horizon_usd``, less the charge for risk: what is compared under the budget.
    """

    chance: Rate
    prior: EffectPrior
    gain_usd: float
    cost_usd: float
    expected_usd: float
    horizon_usd: float
    adjusted_usd: float
    adjusted_horizon_usd: float

    @property
    def p_loss(self) -> float:
        """Probability that a year does not bring its cost back."""
        return 1.0 - self.chance.estimate if self.gain_usd >= self.cost_usd else float(self.cost_usd > 0.0)

    @property
    def basis(self) -> str:
        """What the expectation rests on, in words."""
        record = (
            f"{self.chance.worked:,} of {count(self.chance.answered, 'experiment')} of its domain and type worked"
            if self.chance.answered
            else "nothing of its domain and type has ended yet, so the rate of all experiments stands in"
        )
        effects = (
            f"an effect typical of {count(self.prior.experiments, 'estimate')} of its class"
            if self.prior.experiments
            else "the policy's effect, for want of estimates of its class"
        )
        return f"{record} (taken as {percent(self.chance.estimate)}), with {effects}"


def starting_cost(entry: Entry) -> float | None:
    """What a proposal costs from start to planned end; None where nothing of it is declared.

    A fixed cost of 0 alone declares nothing.
    """
    weekly = _product(entry.cost_per_week, entry.planned_weeks)
    units = _product(entry.unit_cost, entry.planned_units)
    known = [cost for cost in (weekly, units) if cost is not None]
    if not entry.fixed_cost and not known:
        return None
    return (entry.fixed_cost or 0.0) + sum(known)


def prospect(entry: Entry, record: Record, policy: PortfolioPolicy) -> Prospect | str:
    """What a proposal is expected to bring, or why it cannot be told.

    Args:
        entry: The proposal.
        record: What was learned so far.
        policy: Horizon and risk.
    """
    cost = starting_cost(entry)
    if entry.usd_per_unit is None or entry.units_per_year is None:
        return "no money per unit of the primary metric is declared"
    if entry.baseline is None:
        return "no expected value of the primary metric is declared"
    if cost is None:
        return "no cost is declared"
    chance = record.rate_of((entry.domain, entry.type))
    prior = record.prior_of(entry.effect_class)
    money = money_of(entry.usd_per_unit, entry.units_per_year, abs(entry.baseline), entry.sign, entry.rollout_usd)
    gain = max(0.0, money.net(prior.typical_gain))
    charge = policy.risk.charges[entry.risk_tier]
    worst = policy.risk.worst_share

    def over(factor: float) -> tuple[float, float]:
        expected = chance.estimate * gain * factor - cost
        return expected, expected - charge * (expected - _worst_mean(chance.estimate, gain * factor, cost, worst))

    expected, adjusted = over(1.0)
    horizon, adjusted_horizon = over(policy.horizon.factor)
    return Prospect(chance, prior, gain, cost, expected, horizon, adjusted, adjusted_horizon)


def _worst_mean(chance: float, gain: float, cost: float, worst_share: float) -> float:
    """Mean of the worst outcomes of a bet that brings ``gain`` with ``chance`` and costs ``cost`` in any case."""
    lucky = max(0.0, worst_share - (1.0 - chance)) / worst_share
    return gain * lucky - cost


def _product(price: float | None, quantity: float | None) -> float | None:
    return None if price is None or quantity is None else price * quantity


def in_words(found: Prospect) -> str:
    """The expectation in one clause."""
    return f"expected to bring {usd(found.expected_usd)} in a year for {usd(found.cost_usd)}: {found.basis}"
