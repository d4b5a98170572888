"""From one experiment and its observations to its rows of CausalImpact and SegmentImpact.

Belongs here: the order of the steps, and the choice of the design. Whatever forbids an estimate is a row with a code
and a reason; nothing here raises for what the data hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from eaas_assets.contracts.experiment import Experiment, Metric
from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.errors import EstimateRefused
from eaas_assets.experiments.impact.answers import (
    Answer,
    Estimator,
    beyond_precision,
    refused_effect,
    told,
    without_result,
)
from eaas_assets.experiments.impact.corrections import corrected
from eaas_assets.experiments.impact.judging import judge
from eaas_assets.experiments.impact.obstacles import Obstacle, obstacle
from eaas_assets.experiments.impact.randomised import RandomisedEstimator, read_before_its_end
from eaas_assets.experiments.impact.rows import Row, impact_row, segment_row
from eaas_assets.experiments.impact.segments import segment_answers
from eaas_assets.experiments.observations.access import Opened
from eaas_assets.stats.experiments.results import Effect, Inference


def impact_rows(
    experiment: Experiment, opened: Opened, policy: ExperimentPolicy, evidence_id: str
) -> tuple[list[Row], list[Row]]:
    """Rows of CausalImpact (every treatment arm and metric) and of SegmentImpact (those, by declared segment).

    Args:
        experiment: The document.
        opened: Its observations.
        policy: Rules.
        evidence_id: Hash of the three.
    """
    # Values whose squares are beyond double precision have infinite moments, which estimators refuse.
    with np.errstate(over="ignore", invalid="ignore"):
        return _rows(experiment, opened, policy, evidence_id)


def refused_rows(
    experiment: Experiment, policy: ExperimentPolicy, evidence_id: str, code: str, reason: str
) -> list[Row]:
    """Rows of CausalImpact of an experiment whose observations could not be opened (``unreadable``).

    Args:
        experiment: The document.
        policy: Rules.
        evidence_id: Hash of the evidence.
        code: Stable kind.
        reason: One clause for people.
    """
    estimator = _Refusing(None, Opened("nothing"), experiment, policy, Obstacle(code, reason))
    answers = _labelled(_answers(experiment, estimator, policy), experiment, Opened("nothing"))
    return [impact_row(experiment, answer, judge(answer), policy, evidence_id) for answer in answers]


def _rows(
    experiment: Experiment, opened: Opened, policy: ExperimentPolicy, evidence_id: str
) -> tuple[list[Row], list[Row]]:
    estimator = _estimator(experiment, opened, policy)
    forbidden = obstacle(experiment, opened, policy)
    if estimator is None or forbidden is not None:
        forbidden = forbidden or Obstacle("no_observations", "there are no observations")
        estimator = _Refusing(estimator, opened, experiment, policy, forbidden)
    answers = _labelled(_answers(experiment, estimator, policy), experiment, opened)
    judgements = [judge(answer) for answer in answers]
    rows = [
        impact_row(experiment, answer, judgement, policy, evidence_id)
        for answer, judgement in zip(answers, judgements, strict=True)
    ]
    won = {
        (answer.arm, answer.metric.name): judgement.verdict == "improved"
        for answer, judgement in zip(answers, judgements, strict=True)
    }
    parts = segment_answers(answers, experiment.segments, estimator, policy.estimate.alpha)
    return rows, [
        segment_row(experiment, part, won[part.answer.arm, part.answer.metric.name], policy.digest, evidence_id)
        for part in parts
    ]


def _answers(experiment: Experiment, estimator: Estimator, policy: ExperimentPolicy) -> list[Answer]:
    """All arms and metrics, corrected, the primary metric first."""
    metrics = sorted(experiment.metrics, key=lambda metric: ("primary", "guardrail", "secondary").index(metric.role))
    arms = [variant.name for variant in experiment.treatments]
    level = policy.estimate.level
    answers = corrected([_asked(estimator, metric, arm, level) for metric in metrics for arm in arms])
    told_arms = [answer.arm for answer in answers if answer.metric.role == "primary" and answer.effect.answered]
    if isinstance(estimator, RandomisedEstimator) and len(told_arms) > 1:
        return _with_simultaneous(answers, estimator.simultaneous(experiment.primary, told_arms))
    return answers


def _labelled(answers: list[Answer], experiment: Experiment, opened: Opened) -> list[Answer]:
    """Answers whose refusals, too, say how the experiment is read: those of one that has not ended are no last word."""
    inference = _inference(experiment, opened)
    return [
        replace(answer, effect=replace(answer.effect, inference=inference))
        if answer.effect.inference == "fixed_horizon" and not answer.effect.answered
        else answer
        for answer in answers
    ]


def _inference(experiment: Experiment, opened: Opened) -> Inference:
    """How the experiment is read now."""
    if opened.panel is not None:
        from eaas_assets.experiments.impact.panel_looks import unfinished

        return "group_sequential" if unfinished(experiment, opened.panel) else "fixed_horizon"
    if not read_before_its_end(experiment, opened):
        return "fixed_horizon"
    return "group_sequential" if experiment.design in ("rollout", "before_after") else "anytime"


def _asked(estimator: Estimator, metric: Metric, arm: str, level: float) -> Answer:
    try:
        answer = estimator.answer(metric, arm)
        return replace(answer, effect=told(answer.effect))
    except EstimateRefused as error:
        return Answer(arm, metric, refused_effect(metric, error.code, error.reason, level), "none")
    except (OverflowError, ZeroDivisionError):
        return Answer(arm, metric, beyond_precision(metric, level), "none")


def _with_simultaneous(answers: list[Answer], together: Mapping[str, Effect]) -> list[Answer]:
    """Answers of the primary metric with the interval that holds for all arms together, as a diagnostic."""
    result = []
    for answer in answers:
        joint = together.get(answer.arm)
        if answer.metric.role == "primary" and joint is not None and joint.answered:
            limits = {"simultaneous_low": joint.low, "simultaneous_high": joint.high, "dunnett_p": joint.p_value}
            diagnostics = {**answer.effect.diagnostics, **limits}
            result.append(replace(answer, effect=replace(answer.effect, diagnostics=diagnostics)))
        else:
            result.append(answer)
    return result


def _estimator(experiment: Experiment, opened: Opened, policy: ExperimentPolicy) -> Estimator | None:
    if opened.randomised is not None:
        return RandomisedEstimator(experiment, opened, opened.randomised, policy)
    if opened.paired is not None:
        from eaas_assets.experiments.impact.pairing import PairedEstimator

        return PairedEstimator(experiment, opened, opened.paired, policy)
    if opened.panel is None:
        return None
    if experiment.design == "before_after":
        from eaas_assets.experiments.impact.before_after import BeforeAfterEstimator

        return BeforeAfterEstimator(experiment, opened.panel, policy)
    from eaas_assets.experiments.impact.rollout import RolloutEstimator

    return RolloutEstimator(experiment, opened.panel, policy)


class _Refusing:
    """Answers everything with one refusal, and keeps the number of units."""

    def __init__(
        self,
        inner: Estimator | None,
        opened: Opened,
        experiment: Experiment,
        policy: ExperimentPolicy,
        forbidden: Obstacle,
    ) -> None:
        self._inner, self._level, self._forbidden = inner, policy.estimate.level, forbidden
        self._counts = opened.randomised.counts() if opened.randomised is not None else {}
        self._control = experiment.control.name

    def answer(self, metric: Metric, arm: str) -> Answer:
        """The refusal."""
        sizes = (self._counts.get(arm, 0), self._counts.get(self._control, 0))
        code, reason = self._forbidden
        return Answer(arm, metric, refused_effect(metric, code, reason, self._level, sizes=sizes), "none")

    def by_segment(self, metric: Metric, arm: str, dimension: str) -> Mapping[str, Effect]:
        """The refusal, for every value that there is."""
        if self._inner is None:
            return {}
        found = self._inner.by_segment(metric, arm, dimension)
        return {value: without_result(effect, *self._forbidden) for value, effect in found.items()}
