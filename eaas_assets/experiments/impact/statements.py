"""One sentence per row: what came out, for whom, how sure, and what it means.

Belongs here: the sentences. Names of arms and metrics are identifiers; units and values of segments are foreign text
and are shortened to one line.
"""

from __future__ import annotations

import math

from eaas_assets.contracts.experiment import Metric
from eaas_assets.errors import shown
from eaas_assets.experiments.impact.answers import Answer
from eaas_assets.experiments.impact.judging import Judgement
from eaas_assets.experiments.impact.segments import SegmentAnswer
from eaas_assets.experiments.impact.wording import change, counted, interval, level, p_value, size
from eaas_assets.stats.experiments.results import Effect


def statement(answer: Answer, judgement: Judgement, control: str) -> str:
    """The sentence of one effect.

    Args:
        answer: Effect of an arm on a metric.
        judgement: What it means.
        control: Name of the control arm.
    """
    found = _compared(answer, control)
    if judgement.verdict == "refused":
        return f"{answer.metric.name}: no effect is told, because {_reason(answer.effect)}{found}{_look(answer)}."
    limits = interval(answer.metric, answer.effect.low, answer.effect.high, answer.effect.level)
    if answer.effect.inference == "anytime":
        limits += " valid at every look"
    if answer.effect.inference == "group_sequential":
        limits += " valid at all its looks"
    tail = "" if math.isnan(answer.decisive_p) else f", {p_value(answer.decisive_p)}"
    if not math.isnan(answer.p_adjusted):
        tail += " after correction"
    return (
        f"{answer.metric.name}: {found}, {change(answer.metric, answer.effect.estimate)} ({limits}{tail}): "
        f"{_meaning(answer, judgement)}{_reservation(answer, judgement)}{_look(answer)}."
    )


def segment_statement(part: SegmentAnswer, average_won: bool) -> str:
    """The sentence of one segment.

    Args:
        part: Effect in a segment.
        average_won: Whether the effect over all units is an improvement.
    """
    metric, effect = part.answer.metric, part.finding.effect
    where = f"{shown(part.dimension, 40)[1:-1]} = {shown(part.finding.name, 40)}"
    units = f"{effect.n_treatment:,} against {_units(part.answer, effect.n_control)}"
    if not effect.answered:
        return f"{metric.name}, {where}: no effect is told ({units}), because {_reason(effect)}."
    limits = interval(metric, effect.low, effect.high, effect.level)
    return f"{metric.name}, {where}: {change(metric, effect.estimate)} ({limits}, {units}): {_harm(part, average_won)}."


def _harm(part: SegmentAnswer, average_won: bool) -> str:
    if part.harmed is None:
        return "harm cannot be told"
    if not part.harmed:
        return "no harm is shown after correction for all segments"
    shown_p = f"{p_value(part.p_harm)} after correction for all segments"
    return f"harmed, although the average improved ({shown_p})" if average_won else f"harmed ({shown_p})"


def _reason(effect: Effect) -> str:
    return next((refused.reason for refused in effect.refusals if refused.scope == "effect"), "it is not known")


def _compared(answer: Answer, control: str) -> str:
    """Both arms' values with their denominators, or what of them is known."""
    effect, metric = answer.effect, answer.metric
    if answer.strength == "before_after" and effect.answered:
        return (
            f"{level(metric, effect.treatment)} over {counted(effect.n_treatment, 'period')} after the change against "
            f"{level(metric, effect.control)} forecast from {counted(effect.n_control, 'period')} before"
        )
    if answer.strength == "quasi_experiment" and effect.answered:
        return (
            f"{level(metric, effect.treatment)} in {counted(effect.n_treatment, 'treated unit')} against "
            f"{level(metric, effect.control)} expected without the change from "
            f"{counted(effect.n_control, 'untreated unit')}"
        )
    if effect.answered:
        return (
            f"{_arm(answer, effect.treatment, effect.n_treatment)} in {answer.arm} against "
            f"{_arm(answer, effect.control, effect.n_control)} in {control}"
        )
    if math.isnan(effect.treatment) or math.isnan(effect.control):
        return ""
    return (
        f" ({level(metric, effect.treatment)} in {answer.arm}, {_units(answer, effect.n_treatment)}; "
        f"{level(metric, effect.control)} in {control}, {_units(answer, effect.n_control)})"
    )


def _arm(answer: Answer, value: float, n: int) -> str:
    """A level with the counts it rests on: successes where they are exact."""
    shown_level = level(answer.metric, value)
    successes = value * n
    if answer.metric.kind == "proportion" and answer.effect.metric_kind == "proportion" and _whole(successes):
        return f"{shown_level} ({round(successes):,} of {n:,})"
    return f"{shown_level} ({_units(answer, n)})"


def _whole(value: float) -> bool:
    return abs(value - round(value)) < 1e-6 * max(1.0, value)


def _units(answer: Answer, n: int) -> str:
    if answer.strength == "paired":
        return counted(n, "pair")
    if answer.strength == "before_after":
        return counted(n, "period")
    return counted(n, "cluster" if "cluster" in answer.effect.method else "unit")


def _meaning(answer: Answer, judgement: Judgement) -> str:
    metric = answer.metric
    if judgement.verdict == "improved":
        return f"an improvement{_against_minimum(metric, judgement)}"
    if judgement.verdict == "harmed":
        return _harmed(metric, judgement)
    if judgement.verdict == "non_inferior":
        return _within_margin(metric, judgement)
    if judgement.verdict == "no_effect_shown":
        least = size(metric, metric.minimum_effect or math.nan)
        return f"no effect worth having, as the interval lies below the minimum of {least}"
    return judgement.why if judgement.why.startswith("inconclusive") else f"inconclusive, because {judgement.why}"


def _within_margin(metric: Metric, judgement: Judgement) -> str:
    if metric.margin is None:
        return "better, so that it holds any margin; none was registered"
    margin = f"the margin of {size(metric, metric.margin)}"
    if judgement.within_margin:
        return f"worse, but by less than {margin}"
    return f"better, so {margin} holds" if judgement.benefit.low > 0.0 else f"not worse by as much as {margin}"


def _look(answer: Answer) -> str:
    return f"; {answer.look}" if answer.look else ""


def _reservation(answer: Answer, judgement: Judgement) -> str:
    """What a design without randomisation takes for granted when it shows something."""
    if judgement.verdict == "inconclusive":
        return ""
    if answer.strength == "before_after":
        return "; a comparison of before and after is a hint and no proof"
    if answer.strength == "quasi_experiment":
        return "; units were not randomised: treated and untreated ones must otherwise have moved alike"
    return ""


def _harmed(metric: Metric, judgement: Judgement) -> str:
    if metric.role != "guardrail" or metric.margin is None:
        return "a change for the worse"
    beyond = "beyond" if judgement.beyond_margin else "that may go beyond"
    return f"a change for the worse {beyond} the margin of {size(metric, metric.margin)}"


def _against_minimum(metric: Metric, judgement: Judgement) -> str:
    if metric.minimum_effect is None or judgement.meets_minimum is None:
        return ""
    least = f"the minimum of {size(metric, metric.minimum_effect)}"
    if judgement.excludes_minimum:
        return f", but too small to be worth it: the whole interval is below {least}"
    return f" of at least {least}" if judgement.meets_minimum else f", but estimated below {least}"
