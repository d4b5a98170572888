"""Rows of a portfolio, made by hand from the contracts: each decision word once, and some experiments without value."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

from eaas_assets.contracts.decisions import (
    Approvals,
    DecisionCounterfactuals,
    Decisions,
    ExperimentPortfolio,
    LearningSummaries,
    PortfolioSummary,
)
from eaas_assets.contracts.tables import build
from eaas_assets.reporting.portfolio.tables import PortfolioReportTables
from eaas_assets_tests.reporting.experiment import world

AT = world.AT
WORDS = ("scale", "pivot", "retire", "continue", "pause", "start", "fix_design", "do_not_start")
PAGES = {"E001": "experiments/E001.html"}
CONTRACTS = {
    "portfolio": ExperimentPortfolio, "summary": PortfolioSummary, "learning": LearningSummaries,
    "decisions": Decisions, "counterfactuals": DecisionCounterfactuals, "approvals": Approvals,
}  # fmt: skip


def make_tables(**replaced: Any) -> PortfolioReportTables:
    """The portfolio; keyword arguments replace whole tables."""
    return replace(_made(), **replaced)


@cache
def _made() -> PortfolioReportTables:
    rows = {
        "portfolio": portfolio_rows(), "summary": summary_rows(), "learning": learning_rows(),
        "decisions": decision_rows(), "counterfactuals": counterfactual_rows(), "approvals": world.approval_rows(),
    }  # fmt: skip
    tables = {name: build(contract, rows[name]) for name, contract in CONTRACTS.items()}
    return PortfolioReportTables(
        **tables, as_of=AT, audit_head="42 9f8e7d6c", pages=PAGES, data_versions={"eaas_assets": "0.1.0"}
    )


def empty_tables() -> PortfolioReportTables:
    """A portfolio of nothing."""
    return PortfolioReportTables(**{name: build(contract, []) for name, contract in CONTRACTS.items()}, as_of=AT)


def name_of(place: int) -> str:
    return f"E{place:03d}"


def portfolio_rows() -> list[dict[str, Any]]:
    rows = [
        world.portfolio_row(
            experiment_id=name_of(place), title=f"Change {place}", decision=word, rank=place, domain="support",
            decision_state="pending_approval" if word == "pivot" else "made",
            expected_value_usd=50_000.0 - 9_000 * place,
            value_low_usd=20_000.0 - 9_000 * place, value_high_usd=90_000.0 - 9_000 * place,
            funded={"start": True, "fix_design": False}.get(word),
            funding_cost_usd=1200.0 if word in {"start", "fix_design"} else None,
            funding_reason={"start": "It fits the budget.", "fix_design": "Its design must be mended first."}.get(word),
        )
        for place, word in enumerate(WORDS, start=1)
    ]  # fmt: skip
    nothing = dict.fromkeys(("rank", "raw_effect", "raw_se", "shrunk_effect", "shrunk_low", "shrunk_high",
                             "expected_value_usd", "value_low_usd", "value_high_usd", "p_loss",
                             "risk_adjusted_value_usd", "roi", "roi_low", "roi_high"))  # fmt: skip
    refused = world.portfolio_row(experiment_id="E009", decision="pause", value_reason="no variance was given")
    unknown = world.portfolio_row(experiment_id="E010", decision=None, decision_state=None, cost_to_date_usd=None,
                                  value_reason="its document cannot be read")  # fmt: skip
    return [*rows, refused | nothing, unknown | nothing]


def decision_rows() -> list[dict[str, Any]]:
    rows = [
        world.decision_row(decision_id=f"{place:064d}", subject_id=name_of(place), title=f"Change {place}",
                           decision=word, state="pending_approval" if word == "pivot" else "made",
                           rationale=f"Rule {word} holds for {name_of(place)}.",
                           next_review_on=AT + timedelta(days=place - 2))
        for place, word in enumerate(WORDS, start=1)
    ]  # fmt: skip
    release = world.decision_row(decision_id="9" * 64, subject_kind="release", subject_id="orchestrator@v1.1",
                                 phase="release", decision="retire", state="made",
                                 rationale="v1.1 loses 2 of 10 scenarios.")  # fmt: skip
    return [*rows, release, world.earlier_row()]


def counterfactual_rows() -> list[dict[str, Any]]:
    return [row | {"decision_id": f"{2:064d}", "subject_id": name_of(2)} for row in world.counterfactual_rows()]


def summary_rows() -> list[dict[str, Any]]:
    def row(area: str, figure: str, unit: str, value: float | None, **more: Any) -> dict[str, Any]:
        return {"area": area, "figure": figure, "unit": unit, "value": value,
                "statement": f"Statement on {figure}."} | more  # fmt: skip

    owners = [row("concentration", "share_of_open_experiments", "share", share, numerator=share * 10, denominator=10,
                  grouping="owner", group=owner)
              for owner, share in (("ana", 0.5), ("ben", 0.3), ("eva", 0.2))]  # fmt: skip
    return [
        row("value", "expected_value", "usd", 120_000.0, low=-4_000.0, high=260_000.0, denominator=8,
            statement="The portfolio is worth USD 120,000 a year (95 % interval USD −4,000 to 260,000)."),
        row("value", "portfolio_roi", "ratio", None, reason="no cost is known"),
        row("cost", "cost_to_date", "usd", 37_800.0, numerator=9, denominator=10),
        row("risk", "experiments_blocked", "count", 1.0, numerator=1, denominator=10),
        row("velocity", "time_to_decision", "days", 21.0, low=10, high=40),
        row("velocity", "information", "nats", 3.21),
        row("error_budget", "expected_false_positives", "count", 0.4, numerator=0.4, denominator=3,
            statement="0.4 of 3 wins are expected to be none."),
        *owners,
        row("concentration", "herfindahl", "ratio", 0.38, grouping="owner"),
    ]  # fmt: skip


def learning_rows() -> list[dict[str, Any]]:
    base = {"type": "ab_test", "effect_class": "growth, proportion", "experiments": 6, "worked": 2, "harmed": 1,
            "no_effect": 1, "inconclusive": 1, "refused": 1, "segments_json": "{}",
            "prior_experiments": 5, "policy_hash": world.RULES}  # fmt: skip
    return [
        base | {"domain": "support", "success_rate": 0.35, "success_low": 0.1, "success_high": 0.66, "prior_mean": 0.02,
                "prior_sd": 0.05, "typical_effect": 0.031, "suggested_minimum_effect": 0.02, "predicted": 0.1,
                "realised": 0.03, "statement": "In support 2 of 6 experiments worked."},
        base | {"domain": "sales", "experiments": 1, "reason": "one experiment tells nothing",
                "statement": "In sales nothing was learned yet."},
    ]  # fmt: skip
