"""Tables of experiments and decisions made by hand, one row at a time, from their contracts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from eaas_assets.contracts.decisions import Decisions
from eaas_assets.contracts.experiments import CausalImpact, ExperimentMonitoring, ExperimentRegistry, SegmentImpact
from eaas_assets.contracts.portfolio_policy import PortfolioPolicy
from eaas_assets.contracts.readings import read_document
from eaas_assets.contracts.tables import build
from eaas_assets.decisions.portfolio.entries import Entry, read_entries
from eaas_assets.decisions.portfolio.tables import portfolio_rows

DATA = Path(__file__).parents[3] / "data"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
Row = dict[str, Any]


@cache
def policy_by_hand() -> PortfolioPolicy:
    """The policy that is shipped."""
    return read_document(PortfolioPolicy, DATA, "policies/portfolio.yaml")[0]


def policy_with(**changes: Any) -> PortfolioPolicy:
    """The shipped policy with parts of its sections changed: ``funding={"budget_usd": 0}``."""
    document = policy_by_hand().model_dump()
    for section, values in changes.items():
        document[section] = document[section] | values
    return PortfolioPolicy.model_validate(document)


def registered(name: str = "E900", **changes: Any) -> Row:
    """A concluded A/B test of a proportion that should rise from 0.2: 10 USD a success, 100,000 units a year."""
    metric = {
        "name": "reply_rate",
        "role": "primary",
        "kind": changes.pop("kind", "proportion"),
        "direction": changes.get("direction", "increase"),
        "scale": changes.pop("scale", "absolute"),
        "expected": changes.pop("expected", {"value": 0.2}),
    }
    unit_cost = changes.pop("unit_cost", None)
    arms = [{"name": arm, "allocation": 0.5, "cost_per_unit_usd": unit_cost} for arm in ("control", "treatment")]
    blockers = changes.pop("blockers", [])
    row: Row = {
        "experiment_id": name,
        "usable": True,
        "title": f"Test {name}",
        "domain": "sales",
        "type": "ab_test",
        "design": "randomised",
        "status": "concluded",
        "hypothesis": "It helps",
        "hypothesis_type": "growth",
        "population": f"people of {name}",
        "owner": "growth_team",
        "decision_owner": "vp_sales",
        "risk_tier": "low",
        "primary_metric": "reply_rate",
        "direction": "increase",
        "variants_json": json.dumps(arms),
        "metrics_json": json.dumps([metric]),
        "segments_json": "[]",
        "conditions_json": json.dumps({"blockers": blockers}),
        "planned_start": FIRST_DAY,
        "planned_end": FIRST_DAY + timedelta(days=27),
        "planned_units": 2000,
        "observed_units": 2000,
        "cost_to_date_usd": 1000.0,
        "fixed_cost_usd": 0.0,
        "usd_per_unit": 10.0,
        "units_per_year": 100_000.0,
        "problems_json": "[]",
        "evidence_id": f"evidence of {name}",
        "policy_hash": "p",
    }
    return row | changes


def proposed(name: str = "P1", **changes: Any) -> Row:
    """A proposal that costs 1,000 USD to start and has neither data nor cost so far."""
    defaults: Row = {
        "status": "proposed",
        "fixed_cost_usd": 1000.0,
        "observed_units": None,
        "cost_to_date_usd": None,
    }
    return registered(name, **(defaults | changes))


def estimated(name: str = "E900", relative: float = 0.2, se: float = 0.05, **changes: Any) -> Row:
    """The primary metric of ``registered``: a relative effect against a control of 0.2, with normal intervals."""
    half = 1.959963984540054 * se
    control = changes.get("control_value", 0.2)
    sign = -1.0 if changes.get("direction") == "decrease" else 1.0
    estimate, spread = relative * control, half * abs(control)
    verdict = "improved" if sign * relative - half > 0 else "harmed" if sign * relative + half < 0 else "inconclusive"
    row: Row = {
        "experiment_id": name,
        "evidence_id": f"evidence of {name}",
        "arm": "treatment",
        "control": "control",
        "metric": "reply_rate",
        "role": "primary",
        "kind": "proportion",
        "direction": "increase",
        "strength": "randomised",
        "method": "by hand",
        "inference": "fixed_horizon",
        "n_treatment": 1000,
        "n_control": 1000,
        "control_value": control,
        "estimate": estimate,
        "se": se * abs(control),
        "low": estimate - spread,
        "high": estimate + spread,
        "level": 0.95,
        "p_value": 0.001 if verdict != "inconclusive" else 0.4,
        "relative": relative,
        "relative_low": relative - half,
        "relative_high": relative + half,
        "benefit": sign * estimate,
        "benefit_low": sign * estimate - spread,
        "benefit_high": sign * estimate + spread,
        "scale": "absolute",
        "verdict": verdict,
        "refusals_json": "{}",
        "assumptions_json": "[]",
        "diagnostics_json": "{}",
        "statement": "By hand.",
        "policy_hash": "p",
    }
    return row | changes


def refused(name: str = "E900", reason: str = "no spread was given", **changes: Any) -> Row:
    """A primary metric without an estimate."""
    nothing = dict.fromkeys(
        ("estimate", "se", "low", "high", "p_value", "relative", "relative_low", "relative_high", "benefit",
         "benefit_low", "benefit_high")
    )  # fmt: skip
    row = estimated(name, **changes) | nothing
    return row | {"verdict": "refused", "refusal_code": "no_variance", "refusal_reason": reason}


def guardrail(name: str = "E900", verdict: str = "harmed", **changes: Any) -> Row:
    """A guardrail of ``estimated``."""
    return estimated(name, -0.2, **changes) | {"metric": "complaint_rate", "role": "guardrail", "verdict": verdict}


def decided(name: str = "E900", word: str = "scale", **changes: Any) -> Row:
    """A current decision that needs nobody, made on 31 January."""
    phases = {"start": "proposal", "fix_design": "proposal", "do_not_start": "proposal", "continue": "running"}
    row: Row = {
        "decision_id": f"{word} {name}",
        "current": True,
        "subject_kind": "experiment",
        "subject_id": name,
        "title": f"Test {name}",
        "phase": phases.get(word, "concluded"),
        "decision": word,
        "effective_decision": word,
        "state": "made",
        "rule": "by_hand",
        "rule_position": 1,
        "rationale": "By hand.",
        "confidence": "high",
        "risk": "low",
        "strength": "randomised",
        "required_json": "{}",
        "missing_json": "{}",
        "facts_json": "{}",
        "missing_facts_json": "[]",
        "reversal_triggers_json": "[]",
        "next_review_on": NOW,
        "evidence_id": f"evidence of {name}",
        "data_versions_json": "{}",
        "policy_hash": "p",
        "approvals_policy_hash": "a",
        "decided_at": FIRST_DAY + timedelta(days=30),
        "audit_seq": 1,
    }
    return row | changes


def watched(name: str = "E900", **changes: Any) -> Row:
    """A last look at the sample ratio without an alarm."""
    row: Row = {
        "experiment_id": name,
        "evidence_id": f"evidence of {name}",
        "check": "sample_ratio",
        "look": 1,
        "latest": True,
        "units": 1000,
        "p_value": 0.5,
        "threshold": 0.001,
        "alarm": False,
        "statement": "By hand.",
        "policy_hash": "p",
    }
    return row | changes


def in_segment(name: str = "E900", value: str = "north", **changes: Any) -> Row:
    """A segment in which nothing is shown."""
    row: Row = {
        "experiment_id": name,
        "evidence_id": f"evidence of {name}",
        "arm": "treatment",
        "metric": "reply_rate",
        "role": "primary",
        "dimension": "region",
        "value": value,
        "shrunk": 0.01,
        "shrunk_low": -0.01,
        "shrunk_high": 0.03,
        "harmed": False,
        "statement": "By hand.",
        "policy_hash": "p",
    }
    return row | changes


class World(NamedTuple):
    """Tables."""

    registry: pd.DataFrame
    impact: pd.DataFrame
    segments: pd.DataFrame
    monitoring: pd.DataFrame
    decisions: pd.DataFrame

    def entries(self) -> list[Entry]:
        return read_entries(self.registry, self.impact, self.monitoring, self.decisions)

    def portfolio(self, policy: PortfolioPolicy | None = None) -> tuple[dict[str, Row], list[Row]]:
        """Rows of the portfolio by experiment, in order of the table, and of its summary."""
        rows, figures = portfolio_rows(
            self.registry, self.impact, self.monitoring, self.decisions, policy or policy_by_hand(), NOW
        )
        return {row["experiment_id"]: row for row in rows}, figures


def world(
    registry: Sequence[Row],
    impact: Sequence[Row] = (),
    decisions: Sequence[Row] = (),
    monitoring: Sequence[Row] = (),
    segments: Sequence[Row] = (),
) -> World:
    """Rows as tables."""
    return World(
        build(ExperimentRegistry, registry),
        build(CausalImpact, impact),
        build(SegmentImpact, segments),
        build(ExperimentMonitoring, monitoring),
        build(Decisions, decisions),
    )


def figure(figures: Sequence[Row], name: str, **keys: Any) -> Row:
    """The one row of a figure."""
    wanted = {"figure": name, **keys}
    found = [row for row in figures if all(row[key] == value for key, value in wanted.items())]
    assert len(found) == 1, f"{len(found)} rows of {wanted}"
    return found[0]
