"""How fast and at what price the organisation learns: decisions, time to decision, information gained.

Information is what an estimate takes away from the doubt of the policy's prior of true effects, in nats:
½ ln(1 + prior variance / standard error²). The prior is the same for all, so that an experiment cannot look
informative because its class is wild. An estimate that tells nothing new counts little, whatever it says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

import pandas as pd
from scipy.special import gammaincinv

from eaas_assets.contracts.portfolio_policy import PortfolioPolicy
from eaas_assets.decisions.portfolio.entries import Entry
from eaas_assets.decisions.portfolio.figures import Figure, undefined
from eaas_assets.wording import count, number

DAYS_PER_MONTH = 365.25 / 12
_FINAL = ("scale", "pivot", "retire")


def information(se: float, prior_sd: float) -> float:
    """Nats by which an estimate narrows the prior of a true effect.

    Args:
        se: Standard error of the estimate, positive.
        prior_sd: Standard deviation of the prior.

    Source: Lindley (1956), On a measure of the information provided by an experiment, for the normal distribution.
    """
    return 0.5 * math.log1p((prior_sd / se) ** 2)


def rate_interval(events: int, level: float) -> tuple[float, float]:
    """Exact interval of a Poisson mean (Garwood 1936)."""
    tail = (1.0 - level) / 2.0
    low = float(gammaincinv(events, tail)) if events else 0.0
    return low, float(gammaincinv(events + 1, 1.0 - tail))


def velocity_figures(
    entries: Sequence[Entry], decisions: pd.DataFrame, policy: PortfolioPolicy, now: datetime
) -> list[Figure]:
    """Decisions a month, time to decision, and information per week and per dollar.

    Args:
        entries: All experiments.
        decisions: Decisions.
        policy: Window and prior.
        now: Until when decisions count.
    """
    final = _first_final(decisions, now)
    prior_sd = policy.priors.effect_sd
    told = [(entry, information(entry.effect.se, prior_sd)) for entry in entries if entry.effect is not None]
    return [_per_month(final, policy, now), _time(entries, final), *_gained(told)]


def _first_final(decisions: pd.DataFrame, now: datetime) -> dict[str, datetime]:
    """Experiment → when it was first decided for good. An experiment that is decided anew counts once."""
    rows = decisions[
        (decisions["subject_kind"] == "experiment")
        & (decisions["phase"] == "concluded")
        & decisions["decision"].isin(_FINAL)
        & (decisions["decided_at"] <= now)
    ]
    return {str(name): at for name, at in rows.groupby("subject_id")["decided_at"].min().items()}


def _per_month(final: dict[str, datetime], policy: PortfolioPolicy, now: datetime) -> Figure:
    days = policy.velocity.window_days
    events = sum(at > now - timedelta(days=days) for at in final.values())
    months = days / DAYS_PER_MONTH
    low, high = (bound / months for bound in rate_interval(events, policy.priors.level))
    said = (
        f"{count(events, 'experiment')} decided for good in {days:,} days: {number(events / months)} a month "
        f"(95 % interval {number(low)} to {number(high)})."
    ).replace("95 %", f"{number(100 * policy.priors.level)} %")
    return Figure("velocity", "decisions_per_month", "count", events / months, said, low, high, events, months)


def _time(entries: Sequence[Entry], final: dict[str, datetime]) -> Figure:
    began = {entry.experiment_id: entry.observed_from or entry.planned_start for entry in entries}
    days = [
        (at - start).total_seconds() / 86_400
        for name, at in final.items()
        if (start := began.get(name)) is not None and at >= start
    ]
    if not days:
        return undefined("velocity", "time_to_decision", "days", "no decided experiment has a known first day")
    middle = median(days)
    said = (
        f"From first day to decision: {number(middle)} days in the middle of {count(len(days), 'decided experiment')} "
        f"({number(min(days))} to {number(max(days))})."
    )
    return Figure("velocity", "time_to_decision", "days", middle, said, denominator=len(days))


def _gained(told: list[tuple[Entry, float]]) -> list[Figure]:
    if not told:
        reason = "no experiment has an estimate"
        names = ("information", "information_per_week", "information_per_1000_usd")
        return [undefined("velocity", name, "nats", reason) for name in names]
    total = math.fsum(nats for _, nats in told)
    said = f"{count(len(told), 'estimate')} brought {number(total)} nats, {number(total / len(told), 2)} each."
    timed = [(nats, weeks) for entry, nats in told if (weeks := _weeks(entry)) is not None]
    priced = [(nats, entry.cost_to_date / 1000) for entry, nats in told if entry.cost_to_date]
    return [
        Figure("velocity", "information", "nats", total, said, None, None, total, len(told)),
        _ratio("information_per_week", "experiment-week", timed, "no estimate comes with a duration"),
        _ratio("information_per_1000_usd", "1,000 USD", priced, "no estimate comes with a cost"),
    ]


def _ratio(figure: str, noun: str, pairs: list[tuple[float, float]], reason: str) -> Figure:
    below = math.fsum(amount for _, amount in pairs)
    if not below > 0.0:
        return undefined("velocity", figure, "nats", reason)
    above = math.fsum(nats for nats, _ in pairs)
    said = (
        f"{number(above / below, 2)} nats per {noun}: {number(above)} nats over {number(below)} of them, "
        f"from {count(len(pairs), 'estimate')}."
    )
    return Figure("velocity", figure, "nats", above / below, said, None, None, above, below)


def _weeks(entry: Entry) -> float | None:
    if entry.observed_from is not None and entry.observed_to is not None:
        return max(1.0, (entry.observed_to - entry.observed_from).total_seconds() / 86_400) / 7.0
    return entry.planned_weeks
