"""Facts of one experiment: what rules may ask about it, from the rows of its evidence tables.

Belongs here: how the rows of several tables become one set of facts. Which arm is decided on and what its effect is
stands in `effect`, whether its numbers can be trusted in `integrity`.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from eaas_assets.decisions.facts.effect import arm_facts, decided_arm, primary_facts, value_facts
from eaas_assets.decisions.facts.integrity import integrity_facts
from eaas_assets.decisions.facts.values import Row, Rows, counted, get, known_only, parsed, ratio

PHASES = {"proposed": "proposal", "running": "running", "concluded": "concluded", "archived": "concluded"}
STRENGTHS = {
    "randomised": "randomised",
    "paired": "paired",
    "rollout": "quasi_experiment",
    "before_after": "before_after",
}


def phase_of(registry_row: Row) -> str:
    """The phase of an experiment; one whose document cannot be read counts as a proposal: nothing of it is known."""
    return PHASES.get(get(registry_row, "status"), "proposal")


def experiment_facts(
    registry_row: Row,
    design: Rows,
    monitoring: Rows,
    impact: Rows,
    segments: Rows,
    calibration: Rows,
    as_of: date,
) -> dict[str, Any]:
    """Every fact that is known of one experiment, by name.

    Args:
        registry_row: Its row of `experiment_registry`.
        design: Its rows of `design_validation`.
        monitoring: Its rows of `experiment_monitoring`.
        impact: Its rows of `causal_impact`.
        segments: Its rows of `segment_impact`.
        calibration: Its rows of `metric_calibration`.
        as_of: The day on which it is decided.

    Returns:
        Plain JSON values. What is not known is left out.
    """
    primary_rows = [row for row in impact if row["role"] == "primary"]
    primary = decided_arm(primary_rows)
    strength = _strength(registry_row, primary)
    latest = [row for row in monitoring if get(row, "latest")]
    running = phase_of(registry_row) == "running"
    return known_only(
        {
            **_subject(registry_row),
            **_design(design),
            "design.strength": strength,
            **_sample(registry_row, as_of),
            **integrity_facts(get(registry_row, "primary_metric"), strength, latest, primary_rows, calibration),
            **primary_facts(primary),
            **arm_facts(registry_row, primary, impact, segments, latest, running),
            **value_facts(registry_row, primary),
            "cost.to_date_usd": get(registry_row, "cost_to_date_usd"),
            "claim.annual_value_usd": get(registry_row, "claimed_annual_value_usd"),
        }
    )


def _subject(row: Row) -> dict[str, Any]:
    conditions = parsed(row, "conditions_json")
    blockers = conditions.get("blockers") if isinstance(conditions, dict) else None
    return {
        "subject.kind": "experiment",
        "subject.phase": phase_of(row),
        "subject.type": get(row, "type"),
        "subject.domain": get(row, "domain"),
        "subject.risk_tier": get(row, "risk_tier"),
        "subject.blockers": len(blockers) if isinstance(blockers, list) else None,
        "subject.usable": get(row, "usable"),
    }


def _design(rows: Rows) -> dict[str, Any]:
    if not rows:
        return {}
    return {
        "design.grade": get(rows[0], "grade"),
        "design.errors": counted(rows, "outcome", "error"),
        "design.warnings": counted(rows, "outcome", "warning"),
    }


def _strength(row: Row, primary: Row | None) -> str | None:
    """As it was estimated; where nothing was, as it is designed."""
    if primary is not None and get(primary, "benefit_low") is not None:
        return str(primary["strength"])
    return STRENGTHS.get(get(row, "design"))


def _sample(row: Row, as_of: date) -> dict[str, Any]:
    end = get(row, "planned_end")
    observed = get(row, "observed_units")
    last_day = end.date() if isinstance(end, datetime) else end
    return {
        "sample.observed": observed,
        "sample.fraction": ratio(observed, get(row, "planned_units")),
        "sample.past_end": None if last_day is None else as_of > last_day,
    }
