"""Experiments as rows of `experiment_registry`, also those that cannot be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np

from eaas_assets.contracts.experiment import Experiment
from eaas_assets.errors import Problem
from eaas_assets.experiments.observations.access import Opened, PanelData
from eaas_assets.experiments.observations.paired import PairedRows
from eaas_assets.experiments.registry import RegisteredExperiment
from eaas_assets.storage.files import canonical_json, digest


def registry_row(
    registered: RegisteredExperiment,
    opened: Opened | None,
    evidence_id: str,
    policy_hash: str,
    problems: Sequence[Problem] = (),
) -> dict[str, Any]:
    """The row of a readable document.

    Args:
        registered: The experiment.
        opened: Its observations; None if they could not be opened.
        evidence_id: Of the row.
        policy_hash: Policy `experiments`.
        problems: Why they could not be opened.
    """
    document = registered.document
    sample, money, primary = document.sample, document.value, document.primary
    return {
        "experiment_id": document.experiment,
        "usable": opened is not None,
        **{name: getattr(document, name) for name in _SAME},
        "primary_metric": primary.name,
        "direction": primary.direction,
        "minimum_effect": primary.minimum_effect,
        "variants_json": _json(document.variants),
        "metrics_json": _json(document.metrics),
        "segments_json": canonical_json(document.segments),
        "conditions_json": canonical_json(document.conditions.model_dump(mode="json")),
        "planned_start": _instant(document.planned_start),
        "planned_end": _instant(document.planned_end),
        "planned_units": None if sample is None else sample.planned,
        "observed_units": None if opened is None else opened.observed_units,
        "observed_from": None if opened is None else opened.observed_from,
        "observed_to": None if opened is None else opened.observed_to,
        "cost_to_date_usd": cost_to_date(document, opened),
        "fixed_cost_usd": document.cost.fixed_usd,
        "cost_per_week_usd": document.cost.per_week_usd,
        "rollout_cost_per_year_usd": document.cost.rollout_per_year_usd,
        "usd_per_unit": None if money is None else money.usd_per_unit,
        "units_per_year": None if money is None else money.units_per_year,
        "claimed_effect": document.claim.expected_effect,
        "claimed_annual_value_usd": document.claim.annual_value_usd,
        "problems_json": _problems(problems),
        "definition_digest": registered.digest,
        "data_digest": None if opened is None else opened.data_digest,
        "evidence_id": evidence_id,
        "policy_hash": policy_hash,
    }


_SAME = (
    "title", "domain", "type", "design", "status", "hypothesis", "hypothesis_type", "population", "owner",
    "decision_owner", "risk_tier", "risk_notes", "registered_kpi",
)  # fmt: skip


def broken_row(experiment_id: str, problems: Sequence[Problem], policy_hash: str) -> dict[str, Any]:
    """The row of an experiment whose document cannot be used; its evidence is what is wrong with it."""
    told = _problems(problems)
    return {
        "experiment_id": experiment_id,
        "usable": False,
        "variants_json": "[]",
        "metrics_json": "[]",
        "segments_json": "[]",
        "conditions_json": "{}",
        "problems_json": told,
        "evidence_id": digest(canonical_json([experiment_id, told, policy_hash]))[:16],
        "policy_hash": policy_hash,
    }


def cost_to_date(experiment: Experiment, opened: Opened | None) -> float | None:
    """Fixed cost and the cost of every observed unit; None where units were observed whose cost is not known."""
    total = Decimal(repr(experiment.cost.fixed_usd))
    if opened is None:
        return None
    counts = units_by_arm(experiment, opened)
    for variant in experiment.variants:
        count = counts.get(variant.name, 0)
        if count and variant.cost_per_unit_usd is None:
            return None
        if count:
            total += count * Decimal(repr(variant.cost_per_unit_usd))
    return float(total)


def units_by_arm(experiment: Experiment, opened: Opened) -> Mapping[str, int]:
    """Observed units of each arm; of a panel that tells no arms, treated units belong to the first treatment."""
    if opened.randomised is not None:
        return opened.randomised.counts()
    if isinstance(opened.paired, PairedRows):
        return opened.paired.counts()
    if opened.panel is not None:
        return _panel_units(experiment, opened.panel)
    return {}


def _panel_units(experiment: Experiment, panel: PanelData) -> dict[str, int]:
    if panel.arm is not None:
        return {one.name: int(np.unique(panel.unit[panel.arm == one.name]).size) for one in experiment.variants}
    treated = np.unique(panel.unit[panel.time >= panel.adoption]).size
    units = np.unique(panel.unit).size
    return {experiment.control.name: units - treated, experiment.treatments[0].name: treated}


def _instant(day: date | None) -> datetime | None:
    return None if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC)


def _json(documents: Sequence[Any]) -> str:
    return canonical_json([document.model_dump(mode="json", exclude_none=True) for document in documents])


def _problems(problems: Sequence[Problem]) -> str:
    return canonical_json([problem.as_row() for problem in problems])
