"""One experiment as the portfolio sees it: what is registered, what was found, what was decided. Read from the tables.

Belongs here: which row of the evidence speaks for an experiment, and on which scale. With several treatment arms the
one whose interval has the best lower end does: it is the one that would be kept. Nothing is valued here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import pandas as pd

from eaas_assets.contracts.decision_policy import Strength
from eaas_assets.contracts.experiment import RiskTier
from eaas_assets.decisions.portfolio.shrinkage import RawEffect
from eaas_assets.history.finding import records
from eaas_assets.stats.experiments.distributions import normal_quantile


class Seen(NamedTuple):
    """Arms and metrics of one experiment: guardrails that are harmed, and effects that fade."""

    harmed: set[tuple[str, str]]
    fading: set[tuple[str, str]]


NOTHING_SEEN = Seen(set(), set())
ENDED = ("concluded", "archived")
BEFORE_AFTER = ", before/after"
"""How the class of an effect ends that was only compared with its own past."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What the primary metric of an experiment showed.

    Attributes:
        strength: Strength of the design.
        verdict: As in CausalImpact.
        refusal: Why there is no estimate.
        control_size: Size of the control's value.
        level: Confidence level.
        p_value: Two-sided p-value, corrected over arms; None without.
        fixed_horizon: Whether its interval is valid once, at the planned end.
        effect: Relative benefit; None where there is none.
        harmed_guardrails: Guardrails of the arm that are harmed at the end, or alarmed while it runs.
        fades: Whether its effect was seen to fade.
    """

    metric: str
    kind: str
    arm: str
    strength: Strength
    verdict: str
    refusal: str | None
    control_size: float | None
    level: float
    p_value: float | None
    fixed_horizon: bool
    effect: RawEffect | None
    harmed_guardrails: tuple[str, ...]
    fades: bool


@dataclass(frozen=True, slots=True)
class Decided:
    """The current decision."""

    word: str
    effective: str | None
    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """One experiment.

    Attributes:
        effect_class: Experiments whose effects are shrunk together.
        sign: 1 where the primary metric should rise, −1 where it should fall.
        baseline: Control's value that was expected before the experiment.
        unit_cost: Mean cost of one unit over the arms; None where an arm's is not declared.
        blockers: Declared things that must be settled before a start.
        finding: None where nothing was analysed.
        decided: None where nothing was decided.
    """

    experiment_id: str
    title: str
    domain: str
    type: str
    owner: str
    population: str
    risk_tier: RiskTier
    status: str
    effect_class: str
    sign: int
    baseline: float | None
    usd_per_unit: float | None
    units_per_year: float | None
    rollout_usd: float | None
    fixed_cost: float | None
    cost_per_week: float | None
    unit_cost: float | None
    cost_to_date: float | None
    claimed_effect: float | None
    claimed_value: float | None
    observed_units: int | None
    planned_units: int | None
    observed_from: datetime | None
    observed_to: datetime | None
    planned_start: datetime | None
    planned_end: datetime | None
    blockers: int
    evidence_id: str
    finding: Finding | None
    decided: Decided | None

    @property
    def effect(self) -> RawEffect | None:
        """Its relative benefit; None where there is none."""
        return self.finding.effect if self.finding else None

    @property
    def ended(self) -> bool:
        """Whether no more data come."""
        return self.status in ENDED

    @property
    def scaled(self) -> bool:
        """Whether a decision to scale it holds, made or approved."""
        return self.decided is not None and self.decided.effective == "scale"

    @property
    def predicted_benefit(self) -> float | None:
        """Relative benefit that its owners predicted; they predict it in the unit of the primary metric."""
        if self.claimed_effect is None:
            return None
        size = self.finding.control_size if self.finding and self.finding.control_size else abs(self.baseline or 0.0)
        return self.sign * self.claimed_effect / size if size else None

    @property
    def weekly_units(self) -> float | None:
        """Units of a week, as observed, or else as planned; None where neither has a duration."""
        spans = (
            (self.observed_units, self.observed_from, self.observed_to),
            (self.planned_units, self.planned_start, self.planned_end),
        )
        for units, start, end in spans:
            if units and start and end and end > start:
                return 7.0 * units / max(1.0, (end - start).total_seconds() / 86_400)
        return None

    @property
    def planned_weeks(self) -> float | None:
        """Weeks that it is planned to take, both days included."""
        if self.planned_start is None or self.planned_end is None:
            return None
        return ((self.planned_end - self.planned_start).total_seconds() / 86_400 + 1.0) / 7.0

    @property
    def running_cost_per_week(self) -> float | None:
        """Cost of one more week: the running cost and that of its units; None where neither is declared."""
        units = self.weekly_units
        per_units = self.unit_cost * units if self.unit_cost is not None and units is not None else None
        known = [cost for cost in (self.cost_per_week, per_units) if cost is not None]
        return sum(known) if known else None


def read_entries(
    registry: pd.DataFrame, impact: pd.DataFrame, monitoring: pd.DataFrame, decisions: pd.DataFrame
) -> list[Entry]:
    """Every experiment whose document can be read, in order of its identifier.

    Args:
        registry: ExperimentRegistry.
        impact: CausalImpact.
        monitoring: ExperimentMonitoring.
        decisions: Decisions.
    """
    findings = _rows_by_experiment(impact[impact["role"] == "primary"])
    seen = _seen(impact, monitoring)
    decided = _current_decisions(decisions)
    readable = registry[registry["title"].notna() & registry["type"].notna()].sort_values("experiment_id")
    return [
        _entry(row, findings.get(name, []), seen.get(name, NOTHING_SEEN), decided.get(name))
        for row in records(readable)
        for name in (row["experiment_id"],)
    ]


def _entry(row: Mapping[str, Any], rows: list[dict[str, Any]], seen: Seen, decision: Mapping[str, Any] | None) -> Entry:
    primary: dict[str, Any] = next(
        (metric for metric in json.loads(row["metrics_json"]) if metric.get("role") == "primary"), {}
    )
    kind = str(primary.get("kind", "unknown"))
    strongest = max((found["strength"] for found in rows), key=_STRENGTHS.index, default="none")
    effect_class = _class_of(str(row["hypothesis_type"]), kind, strongest)
    named = {name: row[name] for name in _TAKEN}
    return Entry(
        **named,
        effect_class=effect_class,
        sign=-1 if row["direction"] == "decrease" else 1,
        baseline=(primary.get("expected") or {}).get("value"),
        rollout_usd=row["rollout_cost_per_year_usd"],
        fixed_cost=row["fixed_cost_usd"],
        cost_per_week=row["cost_per_week_usd"],
        unit_cost=_unit_cost(json.loads(row["variants_json"])),
        cost_to_date=row["cost_to_date_usd"],
        claimed_value=row["claimed_annual_value_usd"],
        blockers=len(set(json.loads(row["conditions_json"]).get("blockers") or [])),
        finding=_finding(rows, seen, effect_class),
        decided=None
        if decision is None
        else Decided(decision["decision"], decision["effective_decision"], decision["state"], decision["decided_at"]),
    )


_TAKEN = (
    "experiment_id", "title", "domain", "type", "owner", "population", "risk_tier", "status", "usd_per_unit",
    "units_per_year", "claimed_effect", "observed_units", "planned_units", "observed_from", "observed_to",
    "planned_start", "planned_end", "evidence_id",
)  # fmt: skip
_STRENGTHS = ("none", "before_after", "quasi_experiment", "paired", "randomised")


def _class_of(hypothesis_type: str, kind: str, strength: str) -> str:
    """Hypothesis type and scale. What was only compared with its own past teaches nothing about real comparisons."""
    own = BEFORE_AFTER if strength == "before_after" else ""
    return f"{hypothesis_type}, {kind}{own}"


def _unit_cost(variants: Iterable[Mapping[str, Any]]) -> float | None:
    arms = list(variants)
    if not arms or any(arm.get("allocation") is None or arm.get("cost_per_unit_usd") is None for arm in arms):
        return None
    return math.fsum(arm["allocation"] * arm["cost_per_unit_usd"] for arm in arms)


def _finding(rows: list[dict[str, Any]], seen: Seen, effect_class: str) -> Finding | None:
    if not rows:
        return None
    best = min(rows, key=lambda row: (row["benefit_low"] is None, -(row["benefit_low"] or 0.0), row["arm"]))
    corrected = best["p_adjusted"] if best["p_adjusted"] is not None else best["p_value"]
    control = best["control_value"]
    return Finding(
        metric=best["metric"],
        kind=best["kind"],
        arm=best["arm"],
        strength=best["strength"],
        verdict=best["verdict"],
        refusal=best["refusal_reason"],
        control_size=None if control is None else abs(control),
        level=best["level"],
        p_value=corrected,
        fixed_horizon=best["inference"] == "fixed_horizon",
        effect=_relative_effect(best, effect_class),
        harmed_guardrails=tuple(sorted({metric for arm, metric in seen.harmed if arm == best["arm"]})),
        fades=(best["arm"], best["metric"]) in seen.fading,
    )


def _relative_effect(row: Mapping[str, Any], effect_class: str) -> RawEffect | None:
    """The relative benefit with a standard error that fits its interval and its test."""
    estimate, low, high = row["relative"], row["relative_low"], row["relative_high"]
    if row["verdict"] == "refused" or estimate is None or low is None or high is None or not high > low:
        return None
    se = _error(row, high - low)
    wider = _wider_by_its_test(row, estimate, se)
    low, high, se = estimate - wider * (estimate - low), estimate + wider * (high - estimate), wider * se
    if not (math.isfinite(estimate) and math.isfinite(se)):
        return None
    if row["direction"] == "decrease":
        estimate, low, high = -estimate, -high, -low
    return RawEffect(row["experiment_id"], effect_class, estimate, se, low, high)


def _error(row: Mapping[str, Any], width: float) -> float:
    """Standard error of the relative effect, whose interval is ``width`` wide.

    At a fixed horizon it is half the interval by the normal quantile, which counts few degrees of freedom in. An
    interval that holds at every look is wider than its error; there the relative error stands to the absolute one as
    their intervals do, since both invert one test.
    """
    se = width / (2.0 * normal_quantile((1.0 + row["level"]) / 2.0))
    absolute = None if row["low"] is None or row["high"] is None else row["high"] - row["low"]
    if row["inference"] != "fixed_horizon" and absolute and row["se"]:
        return float(min(se, row["se"] * width / absolute))
    return float(se)


def _wider_by_its_test(row: Mapping[str, Any], estimate: float, se: float) -> float:
    """By how much an interval is widened so that no value is surer than the test of the effect; 1 where it agrees.

    Where units were not randomised, the test may be one among placebos that knows nothing of the interval: with 26 of
    them no p-value is below 1 / 27, however narrow the interval is. The less sure of the two counts.
    """
    p_value = row["p_value"]
    if row["strength"] not in {"quasi_experiment", "before_after"} or p_value is None or not 0.0 < p_value < 0.5:
        return 1.0
    return float(max(1.0, abs(estimate) / (se * normal_quantile(1.0 - p_value / 2.0))))


def _rows_by_experiment(rows: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in records(rows):
        grouped.setdefault(row["experiment_id"], []).append(row)
    return grouped


def _seen(impact: pd.DataFrame, monitoring: pd.DataFrame) -> dict[str, Seen]:
    """Harm that is shown or alarmed, and effects that fade, by experiment."""
    harmed = impact[(impact["role"] == "guardrail") & (impact["verdict"] == "harmed")]
    alarmed = monitoring[monitoring["latest"].astype(bool) & monitoring["alarm"].astype("boolean").fillna(False)]
    early = alarmed[alarmed["check"] == "guardrail_harm"]
    fading = alarmed[alarmed["check"] == "novelty"]
    seen: dict[str, Seen] = {}
    for rows, field in ((harmed, "harmed"), (early, "harmed"), (fading, "fading")):
        for name, arm, metric in zip(rows["experiment_id"], rows["arm"], rows["metric"], strict=True):
            getattr(seen.setdefault(name, Seen(set(), set())), field).add((arm, metric))
    return seen


def _current_decisions(decisions: pd.DataFrame) -> dict[str, dict[str, Any]]:
    current = decisions[decisions["current"].astype(bool) & (decisions["subject_kind"] == "experiment")]
    return {row["subject_id"]: row for row in records(current)}
