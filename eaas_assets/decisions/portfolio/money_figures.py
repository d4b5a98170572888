"""Money of the whole portfolio: what all of it cost, what holds, what is still open, and what the budget buys.

A sum of values counts changes whose decision to scale holds, and nothing else. What awaits approval and what was
retired are told beside it, never in it. Every experiment's cost counts, whatever became of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from eaas_assets.contracts.portfolio_policy import PortfolioPolicy
from eaas_assets.decisions.portfolio.figures import Figure, undefined
from eaas_assets.decisions.portfolio.funding import Funding
from eaas_assets.decisions.portfolio.roi import roi, total
from eaas_assets.decisions.portfolio.value import Spread
from eaas_assets.decisions.portfolio.valuing import Valued
from eaas_assets.decisions.portfolio.wording import chance, percent_range, usd_range
from eaas_assets.decisions.wording import usd
from eaas_assets.wording import count, percent


def money_figures(valued: Sequence[Valued], unreadable: int, policy: PortfolioPolicy) -> list[Figure]:
    """Cost, value and return.

    Args:
        valued: All experiments.
        unreadable: Experiments whose document cannot be read; nothing of them counts.
        policy: Confidence level of sums.
    """
    level = policy.priors.level
    scaled = [item for item in valued if item.entry.scaled]
    return [
        _cost(valued),
        _per_week(valued),
        _unreadable(unreadable, len(valued)),
        _sum("scaled_value", "whose scaling is in force", scaled, level),
        _sum("pending_value", "whose scaling awaits approval", [item for item in valued if _pending(item)], level),
        *_returns(valued, scaled, level),
        _realised(scaled, level),
        _luck(scaled),
        _claimed(scaled),
        _avoided(valued),
        _largest(valued),
    ]


def funding_figures(funding: Funding | None, policy: PortfolioPolicy) -> list[Figure]:
    """What the budget should buy.

    Args:
        funding: The choice; None where no budget is declared.
        policy: The budget.
    """
    budget = policy.funding.budget_usd
    if funding is None or budget is None:
        return [
            undefined("funding", name, "usd", "no budget is declared")
            for name in ("budget_spent", "value_of_funded_proposals")
        ]
    chosen, asked = len(funding.funded), len(funding.reasons)
    said = f"{chosen:,} of {count(asked, 'proposal')} should be funded, for {usd(funding.spent_usd)} of {usd(budget)}."
    worth = (
        f"The funded proposals are expected to bring {usd(funding.value_usd)} over the horizon, after their cost and "
        f"the charge for risk{_gap(funding)}."
    )
    return [
        Figure("funding", "budget_spent", "usd", funding.spent_usd, said, None, None, funding.spent_usd, budget),
        Figure("funding", "proposals_funded", "count", chosen, said, None, None, chosen, asked),
        Figure("funding", "value_of_funded_proposals", "usd", funding.value_usd, worth, None, None, None, chosen),
    ]


def _gap(funding: Funding) -> str:
    return f"; no other set is worth more than {percent(funding.gap)} more" if funding.gap else ""


def _cost(valued: Sequence[Valued]) -> Figure:
    known = [item.entry.cost_to_date for item in valued if item.entry.cost_to_date is not None]
    if not known:
        return undefined("cost", "cost_to_date", "usd", "no experiment's cost is known")
    spent = math.fsum(known)
    said = (
        f"{usd(spent)} spent so far on {len(known):,} of {count(len(valued), 'experiment')}{_unstarted(valued)}"
        f"{_rest(valued, known)}."
    )
    return Figure("cost", "cost_to_date", "usd", spent, said, None, None, len(known), len(valued))


def _rest(valued: Sequence[Valued], known: Sequence[float]) -> str:
    missing = len(valued) - len(known)
    return f"; the cost of {missing:,} is not known and is not counted as 0" if missing else ""


def _unstarted(valued: Sequence[Valued]) -> str:
    declared = math.fsum(item.entry.cost_to_date or 0.0 for item in valued if item.entry.status == "proposed")
    return f", {usd(declared)} of it declared for proposals that have not started" if declared else ""


def _per_week(valued: Sequence[Valued]) -> Figure:
    running = [item.entry for item in valued if item.entry.status == "running"]
    known = [cost for entry in running if (cost := entry.running_cost_per_week) is not None]
    if not known:
        reason = "no running experiment declares what it costs" if running else "no experiment is running"
        return undefined("cost", "cost_of_one_more_week", "usd", reason)
    weekly = math.fsum(known)
    said = f"Another week of {len(known):,} of {count(len(running), 'running experiment')} costs {usd(weekly)}."
    return Figure("cost", "cost_of_one_more_week", "usd", weekly, said, None, None, len(known), len(running))


def _unreadable(unreadable: int, readable: int) -> Figure:
    total_count = unreadable + readable
    said = f"{unreadable:,} of {count(total_count, 'experiment')} cannot be read and count nowhere."
    return Figure("cost", "experiments_unreadable", "count", unreadable, said, None, None, unreadable, total_count)


def _sum(figure: str, which: str, items: Sequence[Valued], level: float) -> Figure:
    known = [item.net for item in items if item.net is not None]
    if not known:
        reason = "none of them has a value" if items else "there are none yet"
        name = f"yearly net value of experiments {which}"
        return Figure("value", figure, "usd", None, f"{name.capitalize()}: not known, because {reason}.", reason=reason)
    sum_ = total(known, level)
    said = (
        f"{count(len(items), 'experiment')} {which}, {len(known):,} with a value: {usd(sum_.mean)} a year expected "
        f"({percent(level)} interval {usd_range(sum_.low, sum_.high)}, probability of a loss "
        f"{chance(sum_.below(0.0))})."
    )
    return Figure("value", figure, "usd", sum_.mean, said, sum_.low, sum_.high, len(known), len(items))


def _luck(scaled: Sequence[Valued]) -> Figure:
    pairs = [
        (item.raw_value, item.net.mean) for item in scaled if item.raw_value is not None and item.net is not None
    ]  # fmt: skip
    if not pairs:
        return undefined("value", "luck_taken_off", "usd", "no scaled experiment has a value")
    raw = math.fsum(value for value, _ in pairs)
    luck = raw - math.fsum(value for _, value in pairs)
    drawn = f"{usd(luck)} of it counts as luck" if luck >= 0 else f"their classes let expect {usd(-luck)} more"
    said = f"At their raw effects the scaled experiments would be worth {usd(raw)}; {drawn}."
    return Figure("value", "luck_taken_off", "usd", luck, said, None, None, round(luck, 2), round(raw, 2))


def _largest(valued: Sequence[Valued]) -> Figure:
    """How much of the gain that is decided or awaits approval hangs on one experiment."""
    gains = [
        (item.net.mean, item.entry.experiment_id)
        for item in valued
        if item.net is not None and item.net.mean > 0.0 and (item.entry.scaled or _pending(item))
    ]
    if not gains:
        return undefined("concentration", "largest_share_of_value", "share", "no scaled or pending change has a gain")
    all_, (most, name) = math.fsum(gain for gain, _ in gains), max(gains)
    said = f"{name} is {percent(most / all_)} of the yearly gain of {count(len(gains), 'scaled or pending change')}."
    return Figure(
        "concentration", "largest_share_of_value", "share", most / all_, said, None, None, round(most), round(all_)
    )


def _pending(item: Valued) -> bool:
    decided = item.entry.decided
    return decided is not None and decided.word == "scale" and decided.state == "pending_approval"


def _avoided(valued: Sequence[Valued]) -> Figure:
    retired = [
        item for item in valued if item.entry.decided is not None and item.entry.decided.effective == "retire"
    ]  # fmt: skip
    losses = [-item.net.mean for item in retired if item.net is not None and item.net.mean < 0.0]
    if not losses:
        return undefined("value", "loss_avoided", "usd", "no retired experiment would have lost money")
    avoided = math.fsum(losses)
    said = (
        f"{len(losses):,} of {count(len(retired), 'retired experiment')} would have lost {usd(avoided)} a year; this "
        "is no income and counts in no return."
    )
    return Figure("value", "loss_avoided", "usd", avoided, said, None, None, len(losses), len(retired))


def _realised(scaled: Sequence[Valued], level: float) -> Figure:
    known = [item.realised for item in scaled if item.realised is not None]
    if not known:
        return undefined("value", "realised_value", "usd", "no scaled experiment has a value")
    gained = total(known, level)
    said = (
        f"Since they were scaled, {count(len(known), 'change')} brought {usd(gained.mean)} "
        f"({usd_range(gained.low, gained.high)}), if they went live when decided and their effects lasted."
    )
    return Figure(
        "value", "realised_value", "usd", gained.mean, said, gained.low, gained.high, len(known), len(scaled)
    )  # fmt: skip


def _returns(valued: Sequence[Valued], scaled: Sequence[Valued], level: float) -> list[Figure]:
    spent = [item.entry.cost_to_date for item in valued if item.entry.cost_to_date is not None]
    cost = math.fsum(spent) if spent else None
    approved = [*scaled, *(item for item in valued if _pending(item))]
    realised = [item.realised for item in scaled if item.realised is not None]
    upkeep, further = _upkeep(scaled), _upkeep(approved)
    told = "If what awaits approval is approved, a year of it and of the scaled changes"
    return [
        _return("projected_return", "A year of the scaled changes", _nets(scaled), cost, upkeep, level),
        _return("return_if_approved", told, _nets(approved), cost, further, level),
        _return("realised_return", "So far, the scaled changes", realised, cost, 0.0, level),
    ]


def _nets(items: Sequence[Valued]) -> list[Spread]:
    return [item.net for item in items if item.net is not None]


def _upkeep(items: Sequence[Valued]) -> float:
    return math.fsum(item.entry.rollout_usd or 0.0 for item in items if item.net is not None)


def _return(figure: str, what: str, nets: Sequence[Spread], cost: float | None, rollout: float, level: float) -> Figure:
    net = total(nets, level) if nets else None
    found = roi(net, cost, rollout, "none of these changes has a value")
    if net is None or found.value is None or found.low is None or found.high is None:
        return undefined("value", figure, "ratio", found.reason or "there is no cost")
    spent = cost or 0.0
    said = (
        f"{what}: a return of {percent(found.value)} on everything that was spent, also on what failed "
        f"({percent_range(found.low, found.high)}; probability of a loss {chance(net.below(spent))})."
    )
    return Figure(
        "value", figure, "ratio", found.value, said, found.low, found.high, net.mean - spent, spent + rollout
    )  # fmt: skip


def _claimed(scaled: Sequence[Valued]) -> Figure:
    pairs = [
        (item.entry.claimed_value, item.net.mean)
        for item in scaled
        if item.entry.claimed_value is not None and item.net is not None
    ]
    if not pairs:
        return undefined("value", "claimed_value", "usd", "no scaled experiment has both a claim and a value")
    claimed = math.fsum(claim for claim, _ in pairs)
    found = math.fsum(value for _, value in pairs)
    said = (
        f"Owners of {count(len(pairs), 'scaled experiment')} declared {usd(claimed)} a year; measured are {usd(found)}."
    )
    return Figure("value", "claimed_value", "usd", claimed, said, None, None, round(found, 2), round(claimed, 2))
