"""Stage *decisions*, its last step: what all experiments together are worth, what to fund, and what was learned."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pandas as pd

from eaas_assets.contracts.decisions import ExperimentPortfolio, LearningSummaries, PortfolioSummary
from eaas_assets.contracts.tables import build
from eaas_assets.decisions.learning.tables import learning_rows
from eaas_assets.decisions.portfolio.tables import portfolio_rows
from eaas_assets.defs.pictures import picture
from eaas_assets.defs.tables import asset_options, contract_specs, table_options, table_result
from eaas_assets.defs.world import World
from eaas_assets.reporting.portfolio.ranking import value_chart

GROUP = "decisions"


@dg.multi_asset(
    name="rank_portfolio",
    outs={
        "experiment_portfolio": dg.AssetOut(
            description=ExperimentPortfolio.__doc__, **table_options(ExperimentPortfolio, GROUP)
        ),
        "portfolio_summary": dg.AssetOut(
            description=PortfolioSummary.__doc__, **table_options(PortfolioSummary, GROUP)
        ),
    },
    check_specs=contract_specs(ExperimentPortfolio, PortfolioSummary),
)
def rank_portfolio(
    world: World,
    experiment_registry: pd.DataFrame,
    causal_impact: pd.DataFrame,
    experiment_monitoring: pd.DataFrame,
    decisions: pd.DataFrame,
) -> Iterator[dg.MaterializeResult[Any]]:
    """Rank every experiment by its risk-adjusted value after shrinkage, and choose the proposals to fund.

    Effects are shrunk within their class first, because the best-looking result is usually lucky.
    """
    experiments = decisions[decisions["subject_kind"] == "experiment"]
    rows, figures = portfolio_rows(
        experiment_registry,
        causal_impact,
        experiment_monitoring,
        experiments,
        world.files.portfolio_policy,
        datetime.now(UTC),
    )
    ranked = build(ExperimentPortfolio, rows)
    funded = ranked.loc[ranked["funded"].fillna(False), "experiment_id"]
    yield table_result(
        ExperimentPortfolio,
        ranked,
        preview=["rank", "experiment_id", "title", "decision", "expected_value_usd", "p_loss", "roi", "statement"],
        metadata={
            "funded proposals": ", ".join(funded) or "none",
            **picture(value_chart(ranked), "Expected net value of each experiment"),
        },
    )
    yield table_result(
        PortfolioSummary, figures, preview=["area", "figure", "group", "value", "low", "high", "unit", "statement"]
    )


@dg.asset(**asset_options(LearningSummaries, GROUP))
def learning_summaries(
    world: World,
    experiment_registry: pd.DataFrame,
    causal_impact: pd.DataFrame,
    segment_impact: pd.DataFrame,
    experiment_monitoring: pd.DataFrame,
    decisions: pd.DataFrame,
) -> Iterator[dg.MaterializeResult[Any]]:
    """What was tried by domain and type of change, what worked, for whom, and what the next design should expect."""
    rows = learning_rows(
        experiment_registry,
        causal_impact,
        segment_impact,
        experiment_monitoring,
        decisions[decisions["subject_kind"] == "experiment"],
        world.files.portfolio_policy,
    )
    yield table_result(
        LearningSummaries,
        rows,
        preview=["domain", "type", "experiments", "worked", "harmed", "inconclusive", "success_rate", "statement"],
    )
