"""The rows of DesignValidation of one experiment."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from eaas_assets.contracts.experiment import Experiment
from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.experiments.design.assignment import assignment_findings
from eaas_assets.experiments.design.balance import balance_findings
from eaas_assets.experiments.design.calendar import calendar_findings
from eaas_assets.experiments.design.conditions import condition_findings
from eaas_assets.experiments.design.data import data_findings
from eaas_assets.experiments.design.finding import Finding, Subject
from eaas_assets.experiments.design.grade import grade
from eaas_assets.experiments.design.groups import group_findings
from eaas_assets.experiments.design.guardrails import guardrail_findings
from eaas_assets.experiments.design.learned import NOTHING_LEARNED, Learned
from eaas_assets.experiments.design.metrics import metric_findings
from eaas_assets.experiments.design.neighbours import neighbour_findings
from eaas_assets.experiments.design.sample import sample_findings
from eaas_assets.experiments.design.values import value_findings
from eaas_assets.experiments.observations.access import Opened

_AREAS = ("sample", "assignment", "metrics", "data")


def design_rows(
    experiment: Experiment,
    opened: Opened,
    policy: ExperimentPolicy,
    evidence_id: str,
    others: Sequence[Experiment],
    learned: Learned = NOTHING_LEARNED,
) -> list[dict[str, Any]]:
    """Every check of a design that applies to it, each row with the grade of the whole.

    Args:
        experiment: The document.
        opened: Its observations; a proposal without any is judged on its plan.
        policy: Rules.
        evidence_id: Of the rows.
        others: All experiments that are known; the experiment itself may be among them.
        learned: From experiments that have ended.
    """
    findings = design_findings(Subject(experiment, opened, policy), others, learned)
    graded = grade(findings)
    reasons = json.dumps(graded.reasons, ensure_ascii=False)
    return [
        {
            "experiment_id": experiment.experiment,
            "evidence_id": evidence_id,
            "area": finding.area,
            "check": finding.check,
            "outcome": finding.outcome,
            "statement": finding.statement,
            "evidence_json": _evidence(finding),
            "action": finding.action,
            "grade": graded.letter,
            "grade_reasons_json": reasons,
            "policy_hash": policy.digest,
        }
        for finding in findings
    ]


def design_findings(
    subject: Subject, others: Sequence[Experiment], learned: Learned = NOTHING_LEARNED
) -> list[Finding]:
    """The findings by area."""
    findings = [
        *sample_findings(subject, learned),
        *assignment_findings(subject),
        *balance_findings(subject),
        *group_findings(subject),
        *metric_findings(subject),
        *guardrail_findings(subject),
        *data_findings(subject),
        *value_findings(subject),
        *calendar_findings(subject),
        *condition_findings(subject),
        *neighbour_findings(subject, others),
    ]
    return sorted(findings, key=lambda finding: _AREAS.index(finding.area))


def told_by_neighbours(
    experiment: Experiment, policy: ExperimentPolicy, others: Sequence[Experiment]
) -> set[tuple[str, str, str]]:
    """Check, statement and evidence (as in the rows) of all that a design owes to other experiments, without its data.

    Args:
        experiment: The document.
        policy: Rules.
        others: All experiments that are known.
    """
    found = neighbour_findings(Subject(experiment, Opened("nothing"), policy), others)
    return {(finding.check, finding.statement, _evidence(finding)) for finding in found}


def _evidence(finding: Finding) -> str:
    return json.dumps(_finite(finding.evidence), ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    """The evidence as JSON can hold it: what is not a finite number is null."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value
