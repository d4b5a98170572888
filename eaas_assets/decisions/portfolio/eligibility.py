"""Which proposals may be funded at all, before money is looked at; and the choice among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from eaas_assets.contracts.portfolio_policy import PortfolioPolicy
from eaas_assets.decisions.portfolio.entries import Entry
from eaas_assets.decisions.portfolio.funding import Candidate, Funding, Limits, fund
from eaas_assets.decisions.portfolio.valuing import Valued

NO_BUDGET = "No budget is declared in policies/portfolio.yaml."


def choose(valued: Sequence[Valued], policy: PortfolioPolicy) -> Funding | None:
    """The proposals to fund, with a reason for every one; None where no budget is declared.

    Args:
        valued: All experiments; those that run count against the limits.
        policy: Budget and limits.
    """
    rule = policy.funding
    if rule.budget_usd is None:
        return None
    proposals = [item for item in valued if item.entry.status == "proposed"]
    running = [item.entry for item in valued if item.entry.status == "running"]
    reasons = {item.entry.experiment_id: why for item in proposals if (why := _barred(item)) is not None}
    candidates = [
        Candidate(
            item.entry.experiment_id,
            item.prospect.adjusted_horizon_usd,
            item.prospect.cost_usd,
            item.entry.risk_tier == "high",
            item.entry.population,
        )
        for item in proposals
        if item.entry.experiment_id not in reasons and item.prospect is not None
    ]
    limits = Limits(
        budget_usd=rule.budget_usd,
        most_high_risk=rule.most_high_risk,
        most_per_population=rule.most_per_population,
        high_risk_running=sum(entry.risk_tier == "high" for entry in running),
        running=Counter(entry.population for entry in running),
    )
    found = fund(candidates, limits)
    return found._replace(reasons={**reasons, **found.reasons})


def _barred(item: Valued) -> str | None:
    """Why a proposal may not be funded whatever it is worth; None where it may."""
    entry = item.entry
    if entry.blockers:
        return f"It is blocked: {_settled(entry.blockers)} first."
    if (why := _decided_against(entry)) is not None:
        return why
    return None if item.prospect is not None else f"Its value cannot be told: {item.reason}."


def _decided_against(entry: Entry) -> str | None:
    decided = entry.decided
    if decided is None:
        return None
    if decided.state == "rejected":
        return "Its start was rejected."
    word = decided.effective or decided.word
    return {
        "start": None,
        "fix_design": "Its design has to be mended first (decision: fix design).",
        "do_not_start": "It must not start (decision: do not start).",
    }.get(word)


def _settled(blockers: int) -> str:
    return (
        f"{blockers:,} declared blockers have to be settled" if blockers > 1 else "a declared blocker must be settled"
    )
