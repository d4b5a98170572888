"""Answers as rows of the tables CausalImpact and SegmentImpact.

Belongs here: which value stands in which column. Undefined values become null; their reason stands in its own column.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from eaas_assets.contracts.experiment import Experiment
from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.experiments.impact.answers import Answer
from eaas_assets.experiments.impact.judging import Judgement, in_good_direction
from eaas_assets.experiments.impact.segments import SegmentAnswer
from eaas_assets.experiments.impact.sizes import sizes
from eaas_assets.experiments.impact.statements import segment_statement, statement
from eaas_assets.experiments.impact.worth import worth
from eaas_assets.stats.experiments.results import Effect
from eaas_assets.storage.files import canonical_json

Row = dict[str, Any]


def impact_row(
    experiment: Experiment, answer: Answer, judgement: Judgement, policy: ExperimentPolicy, evidence_id: str
) -> Row:
    """One row of CausalImpact."""
    metric = answer.metric
    return {
        "experiment_id": experiment.experiment,
        "evidence_id": evidence_id,
        "arm": answer.arm,
        "control": experiment.control.name,
        "metric": metric.name,
        "role": metric.role,
        "kind": metric.kind,
        "direction": metric.direction,
        "unit": metric.unit or None,
        "strength": answer.strength,
        **_effect_columns(answer, policy.estimate.level),
        "benefit": known(judgement.benefit.estimate),
        "benefit_low": known(judgement.benefit.low),
        "benefit_high": known(judgement.benefit.high),
        "scale": metric.scale,
        "minimum_effect": metric.minimum_effect,
        "meets_minimum": judgement.meets_minimum,
        "excludes_minimum": judgement.excludes_minimum,
        "margin": metric.margin,
        **_sizes_columns(answer, policy),
        "verdict": judgement.verdict,
        **_refusal_columns(answer.effect),
        "refusals_json": canonical_json({refused.code: refused.reason for refused in answer.effect.refusals}),
        "assumptions_json": canonical_json(list(answer.effect.assumptions)),
        "diagnostics_json": canonical_json(_plain(answer.effect.diagnostics)),
        "paths_json": None if answer.pictures is None else canonical_json(answer.pictures),
        **_worth_columns(experiment, answer),
        "statement": statement(answer, judgement, experiment.control.name),
        "policy_hash": policy.digest,
    }


def segment_row(
    experiment: Experiment, part: SegmentAnswer, average_won: bool, policy_hash: str, evidence_id: str
) -> Row:
    """One row of SegmentImpact."""
    metric, finding, effect = part.answer.metric, part.finding, part.finding.effect
    return {
        "experiment_id": experiment.experiment,
        "evidence_id": evidence_id,
        "arm": part.answer.arm,
        "metric": metric.name,
        "role": metric.role,
        "dimension": part.dimension,
        "value": finding.name,
        "n_treatment": effect.n_treatment,
        "n_control": effect.n_control,
        "estimate": known(effect.estimate),
        "low": known(effect.low),
        "high": known(effect.high),
        "benefit": known(in_good_direction(metric, effect.estimate, effect.low, effect.high).estimate),
        "shrunk": known(finding.shrunk),
        "shrunk_low": known(finding.shrunk_low),
        "shrunk_high": known(finding.shrunk_high),
        "p_harm": known(finding.p_harm),
        "p_harm_adjusted": known(part.p_harm),
        "harmed": part.harmed,
        "harmed_although_average_won": None if part.harmed is None else part.harmed and average_won,
        "heterogeneity_p": None if part.spread is None else known(part.spread.p_value),
        "tau2": None if part.spread is None else known(part.spread.tau2),
        **_refusal_columns(effect),
        "statement": segment_statement(part, average_won),
        "policy_hash": policy_hash,
    }


def known(value: float) -> float | None:
    """A number, or None where it is nan or infinite."""
    return float(value) if math.isfinite(value) else None


def _effect_columns(answer: Answer, level: float) -> Row:
    effect = answer.effect
    return {
        "method": effect.method,
        "inference": effect.inference,
        "n_treatment": effect.n_treatment,
        "n_control": effect.n_control,
        "treatment_value": known(effect.treatment),
        "control_value": known(effect.control),
        "estimate": known(effect.estimate),
        "se": known(effect.se),
        "df": known(effect.df),
        "low": known(effect.low),
        "high": known(effect.high),
        "level": level,
        "p_value": known(effect.p_value),
        "p_adjusted": known(answer.p_adjusted),
        "relative": known(effect.relative.estimate),
        "relative_low": known(effect.relative.low),
        "relative_high": known(effect.relative.high),
    }


def _sizes_columns(answer: Answer, policy: ExperimentPolicy) -> Row:
    found = sizes(answer, policy)
    return {"detectable_effect": known(found.detectable), "units_needed": known(found.needed)}


def _refusal_columns(effect: Effect) -> Row:
    first = next((refused for refused in effect.refusals if refused.scope == "effect"), None)
    return {
        "refusal_code": None if first is None else first.code,
        "refusal_reason": None if first is None else first.reason,
    }


def _worth_columns(experiment: Experiment, answer: Answer) -> Row:
    money = worth(experiment, answer)
    return {
        "net_value_usd": known(money.value),
        "net_value_low_usd": known(money.low),
        "net_value_high_usd": known(money.high),
        "p_loss": known(money.p_loss),
        "break_even": known(money.break_even),
        "value_reason": money.reason or None,
    }


def _plain(diagnostics: Mapping[str, float | str]) -> dict[str, float | str | None]:
    return {key: value if isinstance(value, str) else known(value) for key, value in diagnostics.items()}
