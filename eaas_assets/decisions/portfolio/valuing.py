"""One experiment with everything that its place in the portfolio rests on: effect, value, risk, return, waiting.

Belongs here: which of the modules beside it apply to which experiment, and why there is no value where there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from eaas_assets.contracts.portfolio_policy import PortfolioPolicy
from eaas_assets.decisions.portfolio.entries import Entry
from eaas_assets.decisions.portfolio.proposals import Prospect, prospect, starting_cost
from eaas_assets.decisions.portfolio.ranking import risk_adjusted
from eaas_assets.decisions.portfolio.record import Record
from eaas_assets.decisions.portfolio.roi import Roi, accrued, roi
from eaas_assets.decisions.portfolio.shrinkage import ShrunkEffect
from eaas_assets.decisions.portfolio.value import Money, Spread, money_of, yearly_value
from eaas_assets.decisions.portfolio.waiting import Waiting, one_more_week
from eaas_assets.wording import joined


@dataclass(frozen=True, slots=True)
class Valued:
    """One experiment and what it is worth.

    Attributes:
        shrunk: Its relative benefit after shrinkage.
        net: Yearly net value at the shrunk effect; None for a proposal.
        raw_value: Yearly net value at the raw effect, for comparison.
        prospect: What a proposal is expected to bring.
        adjusted: Value less the charge for risk: what ranks.
        reason: Why there is no value; None where there is one.
        realised: What a scaled change brought since.
        waiting: One more week of a running experiment.
        why_not_waiting: Why nothing is told about waiting.
        starting_usd: What starting a proposal costs.
    """

    entry: Entry
    shrunk: ShrunkEffect | None
    net: Spread | None
    raw_value: float | None
    prospect: Prospect | None
    adjusted: float | None
    reason: str | None
    roi: Roi
    realised: Spread | None
    waiting: Waiting | None
    why_not_waiting: str | None
    starting_usd: float | None

    @property
    def expected(self) -> float | None:
        """Expected yearly net value, of a proposal after its own cost."""
        if self.prospect is not None:
            return self.prospect.expected_usd
        return None if self.net is None else self.net.mean

    @property
    def limits(self) -> tuple[float, float] | None:
        """Interval of the value; of a proposal: what it costs if it fails, and brings if it works."""
        if self.prospect is not None:
            return -self.prospect.cost_usd, self.prospect.gain_usd - self.prospect.cost_usd
        return None if self.net is None else (self.net.low, self.net.high)

    @property
    def p_loss(self) -> float | None:
        """Probability of a loss."""
        if self.prospect is not None:
            return self.prospect.p_loss
        return None if self.net is None else self.net.below(0.0)


def value_entry(entry: Entry, record: Record, policy: PortfolioPolicy, now: datetime) -> Valued:
    """Everything about one experiment.

    Args:
        entry: The experiment.
        record: What was learned from all of them.
        policy: Risk, horizon and priors.
        now: Until when realised value counts.
    """
    if entry.status == "proposed":
        return _proposal(entry, record, policy)
    shrunk = record.shrinkage.effects.get(entry.experiment_id)
    money, reason = _money(entry, shrunk)
    if shrunk is None or money is None or entry.effect is None or entry.finding is None:
        nothing = roi(None, entry.cost_to_date, entry.rollout_usd, reason or "")
        waits = reason if entry.status == "running" else None
        return Valued(entry, shrunk, None, None, None, None, reason, nothing, None, None, waits, None)
    net = yearly_value(money, shrunk.estimate, shrunk.low, shrunk.high, policy.priors.level)
    risk = policy.risk
    doubt = risk.doubts[entry.finding.strength] + (risk.fading if entry.finding.fades else 0.0)
    waiting = _waiting(entry, net, money, policy)
    return Valued(
        entry=entry,
        shrunk=shrunk,
        net=net,
        raw_value=money.net(entry.effect.estimate),
        prospect=None,
        adjusted=risk_adjusted(net, risk.charges[entry.risk_tier], risk.worst_share, min(1.0, doubt)),
        reason=None,
        roi=roi(net, entry.cost_to_date, entry.rollout_usd),
        realised=accrued(net, entry.decided.at, now) if entry.scaled and entry.decided else None,
        waiting=None if isinstance(waiting, str) else waiting,
        why_not_waiting=waiting if isinstance(waiting, str) else None,
        starting_usd=None,
    )


def _proposal(entry: Entry, record: Record, policy: PortfolioPolicy) -> Valued:
    found = prospect(entry, record, policy)
    reason = found if isinstance(found, str) else None
    known = None if isinstance(found, str) else found
    nothing = Roi(None, None, None, "it has not started, so nothing can have come back")
    adjusted = None if known is None else known.adjusted_usd
    return Valued(
        entry, None, None, None, known, adjusted, reason, nothing, None, None, None, starting_cost(entry)
    )  # fmt: skip


def _money(entry: Entry, shrunk: ShrunkEffect | None) -> tuple[Money | None, str | None]:
    """What a relative benefit is worth, or why that cannot be told."""
    finding = entry.finding
    if finding is None:
        return None, "nothing has been analysed yet"
    if finding.verdict == "refused":
        return None, finding.refusal or "the effect was refused"
    if finding.harmed_guardrails:
        return None, f"harm to {joined(finding.harmed_guardrails)} is shown, and what that costs is not declared"
    if shrunk is None:
        return None, "there is no relative effect, so it cannot be shrunk with its class"
    if entry.usd_per_unit is None or entry.units_per_year is None:
        return None, "no money per unit of the primary metric is declared"
    if finding.kind == "quantile":
        return None, "a change of a quantile does not tell the change of the total"
    if finding.control_size is None:
        return None, "the control's value is not known"
    return money_of(
        entry.usd_per_unit, entry.units_per_year, finding.control_size, entry.sign, entry.rollout_usd
    ), None  # fmt: skip


def _waiting(entry: Entry, net: Spread, money: Money, policy: PortfolioPolicy) -> Waiting | str | None:
    """One more week of a running experiment; a reason where it cannot be told; None for one that does not run."""
    if entry.status != "running" or entry.effect is None:
        return None
    running, weekly = entry.running_cost_per_week, entry.weekly_units
    if weekly is None or not entry.observed_units:
        return "the units of a week are not known"
    if running is None:
        return "no running cost is declared"
    belief = net.sd / abs(money.usd_per_benefit) if money.usd_per_benefit else 0.0
    share = weekly / entry.observed_units * min(1.0, (belief / entry.effect.se) ** 2)
    return one_more_week(net.mean, net.sd, share, running, policy.horizon.factor)
