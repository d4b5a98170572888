"""The tables ExperimentPortfolio and PortfolioSummary, out of the tables of experiments and decisions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any

import pandas as pd

from eaas_assets.contracts.portfolio_policy import PortfolioPolicy
from eaas_assets.decisions.portfolio.eligibility import NO_BUDGET, choose
from eaas_assets.decisions.portfolio.entries import Entry, read_entries
from eaas_assets.decisions.portfolio.error_budget import error_figures
from eaas_assets.decisions.portfolio.funding import Funding
from eaas_assets.decisions.portfolio.money_figures import funding_figures, money_figures
from eaas_assets.decisions.portfolio.ranking import ranks
from eaas_assets.decisions.portfolio.record import read_record
from eaas_assets.decisions.portfolio.risk import risk_figures
from eaas_assets.decisions.portfolio.statements import statement
from eaas_assets.decisions.portfolio.value import Spread
from eaas_assets.decisions.portfolio.valuing import Valued, value_entry
from eaas_assets.decisions.portfolio.velocity import velocity_figures

Row = dict[str, Any]


def portfolio_rows(
    registry: pd.DataFrame,
    impact: pd.DataFrame,
    monitoring: pd.DataFrame,
    decisions: pd.DataFrame,
    policy: PortfolioPolicy,
    as_of: date,
) -> tuple[list[Row], list[Row]]:
    """Rows of ExperimentPortfolio, the best first, and rows of PortfolioSummary.

    Args:
        registry: ExperimentRegistry. Experiments whose document cannot be read are counted and left out.
        impact: CausalImpact.
        monitoring: ExperimentMonitoring.
        decisions: Decisions, past ones included.
        policy: `policies/portfolio.yaml`.
        as_of: Moment, or day, until whose end decisions and realised value count.
    """
    now = as_of if isinstance(as_of, datetime) else datetime.combine(as_of, time.max, UTC)
    entries = read_entries(registry, impact, monitoring, decisions)
    record = read_record(entries, policy.priors)
    valued = [value_entry(entry, record, policy, now) for entry in entries]
    funding = choose(valued, policy)
    figures = [
        *money_figures(valued, len(registry) - len(entries), policy),
        *funding_figures(funding, policy),
        *risk_figures(entries, monitoring),
        *velocity_figures(entries, decisions, policy, now),
        *error_figures(entries, monitoring, record),
    ]
    return _experiment_rows(valued, funding, policy), [
        figure.as_row() | {"policy_hash": policy.digest} for figure in figures
    ]


def _experiment_rows(valued: Sequence[Valued], funding: Funding | None, policy: PortfolioPolicy) -> list[Row]:
    places = ranks({item.entry.experiment_id: item.adjusted for item in valued})
    ranked = sum(place is not None for place in places.values())
    rows = []
    for item in valued:
        place = places[item.entry.experiment_id]
        said = statement(item, place, ranked)
        rows.append({**_registered(item.entry), **_worth(item), **_funded(item.entry, funding), "rank": place,
                     "statement": said, "policy_hash": policy.digest})  # fmt: skip
    return sorted(rows, key=lambda row: (row["rank"] is None, row["rank"] or 0, row["experiment_id"]))


def _registered(entry: Entry) -> Row:
    decided = entry.decided
    return {
        "experiment_id": entry.experiment_id,
        "title": entry.title,
        "domain": entry.domain,
        "type": entry.type,
        "owner": entry.owner,
        "population": entry.population,
        "risk_tier": entry.risk_tier,
        "status": entry.status,
        "decision": decided.word if decided else None,
        "decision_state": decided.state if decided else None,
        "effect_class": entry.effect_class,
        "cost_to_date_usd": entry.cost_to_date,
        "evidence_id": entry.evidence_id,
    }


def _worth(item: Valued) -> Row:
    effect, shrunk, waiting = item.entry.effect, item.shrunk, item.waiting
    low, high = item.limits or (None, None)
    return {
        "raw_effect": effect.estimate if effect else None,
        "raw_se": effect.se if effect else None,
        "shrunk_effect": shrunk.estimate if shrunk else None,
        "shrunk_low": shrunk.low if shrunk else None,
        "shrunk_high": shrunk.high if shrunk else None,
        "expected_value_usd": item.expected,
        "value_low_usd": low,
        "value_high_usd": high,
        "p_loss": item.p_loss,
        "risk_adjusted_value_usd": item.adjusted,
        "realised_value_usd": _mean(item.realised),
        "roi": item.roi.value,
        "roi_low": item.roi.low,
        "roi_high": item.roi.high,
        "cost_of_continuing_usd": waiting.cost_usd if waiting else None,
        "value_of_waiting_usd": waiting.worth_usd if waiting else None,
        "funding_cost_usd": item.starting_usd,
        "value_reason": item.reason,
    }


def _mean(amount: Spread | None) -> float | None:
    return None if amount is None else amount.mean


def _funded(entry: Entry, funding: Funding | None) -> Row:
    if entry.status != "proposed":
        return {"funded": None, "funding_reason": None}
    if funding is None:
        return {"funded": None, "funding_reason": NO_BUDGET}
    return {
        "funded": entry.experiment_id in funding.funded,
        "funding_reason": funding.reasons[entry.experiment_id],
    }
