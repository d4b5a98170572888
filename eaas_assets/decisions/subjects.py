"""What is decided on: experiments and agent versions with their facts, gathered from the evidence tables.

One pass over each table, however many subjects there are. Rules are asked elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import pandas as pd

from eaas_assets.contracts.decision_policy import Phase
from eaas_assets.decisions.counterfactuals.more_data import Settling, Supply
from eaas_assets.decisions.facts.experiment import experiment_facts, phase_of
from eaas_assets.decisions.facts.release import ReleaseRows, release_facts
from eaas_assets.decisions.facts.values import Row, Rows, get, items, known_only, records, rows_by
from eaas_assets.storage.files import canonical_json, digest

UNKNOWN_RISK = "high"
"""Tier of what has none: an experiment whose document cannot be read."""


class SubjectEvidence(NamedTuple):
    """One subject and all that its decision rests on.

    Attributes:
        kind: ``experiment`` or ``release``.
        subject_id: Experiment, or agent@version.
        facts: Known facts by name.
        evidence_id: Of the experiment, or the run of the release.
        identity: What makes evidence the same: of a release not the run but what was asked of what, so that a nightly
            run with the same outcome is no new evidence.
        owner: Who runs it.
        decision_owner: Who decides on it.
        risk: Tier.
        versions: Hashes of document, data and rules, by name.
        supply: How more data would come in.
    """

    kind: str
    subject_id: str
    title: str
    phase: Phase
    facts: Mapping[str, Any]
    evidence_id: str
    identity: str
    owner: str | None
    decision_owner: str | None
    risk: str
    versions: Mapping[str, str]
    supply: Supply


class ExperimentTables(NamedTuple):
    """The evidence tables of all experiments, by their names."""

    experiment_registry: pd.DataFrame
    design_validation: pd.DataFrame
    experiment_monitoring: pd.DataFrame
    causal_impact: pd.DataFrame
    segment_impact: pd.DataFrame
    metric_calibration: pd.DataFrame


ASKED: dict[str, tuple[str, ...]] = {
    "design_validation": ("outcome", "grade"),
    "experiment_monitoring": ("check", "latest", "alarm", "metric", "arm", "segment", "days_left"),
    "causal_impact": (
        "arm", "metric", "role", "kind", "unit", "direction", "strength", "treatment_value", "control_value", "se",
        "p_value", "p_adjusted", "relative", "benefit", "benefit_low", "benefit_high", "scale", "minimum_effect",
        "excludes_minimum", "verdict", "refusal_code", "net_value_usd", "net_value_low_usd", "p_loss",
    ),
    "segment_impact": ("arm", "role", "dimension", "value", "harmed"),
    "metric_calibration": ("metric", "passed"),
}  # fmt: skip
"""Columns that facts are made of; the others, among them long texts and series, are left where they are."""


class ReleaseTables(NamedTuple):
    """The tables of all agent versions, by their names."""

    agent_versions: pd.DataFrame
    evaluation_runs: pd.DataFrame
    evaluation_plan: pd.DataFrame
    evaluation_summary: pd.DataFrame
    baseline_comparison: pd.DataFrame
    segment_comparison: pd.DataFrame
    gate_calibration: pd.DataFrame
    trend_analysis: pd.DataFrame
    run_metrics: pd.DataFrame


def experiment_subjects(tables: ExperimentTables, as_of: date) -> list[SubjectEvidence]:
    """Every registered experiment, in the order of the registry.

    Args:
        tables: Evidence of all experiments.
        as_of: The day on which they are decided.
    """
    evidence = [
        rows_by(_asked(name, table), "experiment_id")
        for name, table in zip(ExperimentTables._fields[1:], tables[1:], strict=True)
    ]
    return [
        _experiment(row, [rows.get(str(row["experiment_id"]), []) for rows in evidence], as_of)
        for row in records(tables.experiment_registry)
    ]


def _asked(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """The columns that facts are made of; of monitoring only the last looks."""
    some = table[table["latest"].astype(bool)] if name == "experiment_monitoring" else table
    return some[["experiment_id", *ASKED[name]]]


def _experiment(row: Row, evidence: Sequence[Rows], as_of: date) -> SubjectEvidence:
    design, monitoring, impact, segments, calibration = evidence
    subject_id = str(row["experiment_id"])
    phase: Any = phase_of(row)
    return SubjectEvidence(
        kind="experiment",
        subject_id=subject_id,
        title=get(row, "title") or subject_id,
        phase=phase,
        facts=experiment_facts(row, design, monitoring, impact, segments, calibration, as_of),
        evidence_id=str(row["evidence_id"]),
        identity=str(row["evidence_id"]),
        owner=get(row, "owner"),
        decision_owner=get(row, "decision_owner"),
        risk=get(row, "risk_tier") or UNKNOWN_RISK,
        versions=known_only(
            {
                "document": get(row, "definition_digest"),
                "observations": get(row, "data_digest"),
                "experiments_policy": get(row, "policy_hash"),
            }
        ),
        supply=_supply(row, monitoring),
    )


def _supply(row: Row, monitoring: Rows) -> Supply:
    per_week = get(row, "cost_per_week_usd")
    return Supply(_units_per_day(row, monitoring), _usd_per_unit(row), None if per_week is None else per_week / 7)


def _units_per_day(row: Row, monitoring: Rows) -> float | None:
    """Units a day: as observed, else as monitoring expects the missing ones to come."""
    observed, first, last = (get(row, name) for name in ("observed_units", "observed_from", "observed_to"))
    if observed and isinstance(first, datetime) and isinstance(last, datetime):
        return float(observed) / ((last.date() - first.date()).days + 1)
    planned = get(row, "planned_units")
    for progress in monitoring:
        days = get(progress, "days_left") if progress["check"] == "progress" else None
        if days and planned and observed is not None and planned > observed:
            return float(planned - observed) / days
    return None


def _usd_per_unit(row: Row) -> float | None:
    """What a further unit costs on average over the arms; None where an arm's cost is not known."""
    arms = items(row, "variants_json")
    costs = [arm.get("cost_per_unit_usd") for arm in arms]
    if not arms or any(cost is None for cost in costs):
        return None
    return float(sum(arm["allocation"] * cost for arm, cost in zip(arms, costs, strict=True)))


def release_subjects(tables: ReleaseTables) -> list[SubjectEvidence]:
    """Every agent version that has a full run of its own, in the order of the catalogue, by its latest such run."""
    runs = _latest_full_runs(tables.evaluation_runs)
    by_run = {name: rows_by(getattr(tables, name), "run_id") for name in ReleaseTables._fields[2:]}
    subjects = []
    for version in records(tables.agent_versions):
        run_id = runs.get(str(version["partition_key"]))
        if run_id is not None and run_id in by_run["evaluation_summary"]:
            subjects.append(_release(version, run_id, {name: rows.get(run_id, []) for name, rows in by_run.items()}))
    return subjects


def _latest_full_runs(runs: pd.DataFrame) -> dict[str, str]:
    own = runs[(runs["source"] == "executed") & (runs["scope"] == "full")]
    latest: dict[str, tuple[Any, str]] = {}
    for row in records(own):
        key, place = f"{row['agent']}@{row['version']}", (row["run_timestamp"], str(row["run_id"]))
        latest[key] = max(latest.get(key, place), place)
    return {key: run_id for key, (_, run_id) in latest.items()}


def _release(version: Row, run_id: str, rows: Mapping[str, Rows]) -> SubjectEvidence:
    plan, summary, baseline = (_first(rows[name]) for name in ReleaseTables._fields[2:5])
    facts = release_facts(ReleaseRows(plan, summary, baseline, *(rows[name] for name in ReleaseTables._fields[5:])))
    digests = {name: get(plan or {}, f"{name}_digest") for name in ("agent", "suite", "plan")}
    policies = {
        "evaluation_policy": get(summary or {}, "policy_hash"),
        "release_policy": get(baseline or {}, "policy_hash"),
    }
    return SubjectEvidence(
        kind="release",
        subject_id=str(version["partition_key"]),
        title=f"{version['agent']} {version['version']}",
        phase="release",
        facts=facts,
        evidence_id=run_id,
        identity=digest(canonical_json(digests)),
        owner=get(version, "owner") or None,
        decision_owner=None,
        risk=str(facts["subject.risk_tier"]),
        versions=known_only({**digests, **policies}),
        supply=Supply(settling=_settling(baseline)),
    )


def _first(rows: Rows) -> Row | None:
    return rows[0] if rows else None


def _settling(baseline: Row | None) -> Settling | None:
    scenarios = None if baseline is None else get(baseline, "settle_scenarios")
    if baseline is None or scenarios is None:
        return None
    usd, seconds = get(baseline, "settle_scenarios_cost_usd"), get(baseline, "settle_scenarios_seconds")
    return Settling(str(baseline["settle_claim"]), int(scenarios), usd, seconds)
