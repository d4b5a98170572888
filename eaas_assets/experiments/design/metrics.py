"""Does what is measured fit what is believed, and is it there to be measured?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from eaas_assets.experiments.design.finding import Finding, Subject
from eaas_assets.experiments.wording import change, joined

_ODD = {"growth": "decrease", "risk_reduction": "increase"}
"""Directions of the primary metric that rarely go with a type of hypothesis."""
_FILLING = frozenset(
    {
        *(
            "a",
            "an",
            "and",
            "are",
            "as",
            "at",
            "be",
            "by",
            "for",
            "from",
            "has",
            "have",
            "in",
            "into",
            "is",
            "it",
            "its",
        ),
        *("less", "more", "of", "on", "or", "per", "rate", "score", "share", "than", "that", "the", "their", "they"),
        *("to", "value", "we", "will", "with", "without"),
    }
)
_ENDINGS = ("ations", "ation", "ings", "ing", "ies", "ed", "es", "s", "y", "e")
_STEM = 4


def metric_findings(subject: Subject) -> Iterator[Finding]:
    """Findings about the primary metric and its company."""
    yield from _observed(subject)
    yield _registered(subject)
    yield _hypothesis(subject)
    yield _direction(subject)
    yield _minimum(subject)
    yield _units(subject)


def _observed(subject: Subject) -> Iterator[Finding]:
    """Whether every metric has values, the primary in every arm."""
    if not subject.observed:
        if not subject.proposed:
            statement = f"It is {subject.experiment.status}, but nothing is observed."
            action = "Bring the observations, or say that it has not begun."
            yield Finding("metrics", "metrics_observed", "error", statement, action=action, forbids=True)
        return
    missing = list(_without_values(subject))
    evidence = {"without_values": missing, "metrics": [metric.name for metric in subject.experiment.metrics]}
    if not missing:
        statement = "Every metric has values in every arm."
        yield Finding("metrics", "metrics_observed", "passed", statement, evidence)
        return
    primary = any(name == subject.experiment.primary.name for name, _ in missing)
    places = joined([f"{name} in {arm}" for name, arm in missing], 4)
    yield Finding(
        "metrics",
        "metrics_observed",
        "error" if primary else "warning",
        f"There are no values of {places}.",
        evidence,
        "Mend the column's name or bring its values; a metric without values decides nothing.",
        forbids=primary,
    )


def _without_values(subject: Subject) -> Iterator[tuple[str, str]]:
    experiment, opened = subject.experiment, subject.opened
    for metric in experiment.metrics:
        if opened.panel is not None:
            if metric.name not in opened.panel.outcome or not opened.panel.outcome[metric.name].size:
                yield metric.name, "every unit"
        elif opened.paired is not None:
            yield from (
                (metric.name, arm.name)
                for arm in experiment.treatments
                if not opened.paired.pairs(metric, arm.name).units
            )
        elif opened.randomised is not None and metric.kind != "quantile":
            moments = opened.randomised.moments(metric)
            yield from ((metric.name, arm.name) for arm in experiment.variants if not moments[arm.name].n)


def _registered(subject: Subject) -> Finding:
    kpi, primary = subject.experiment.registered_kpi, subject.experiment.primary.name
    evidence = {"registered_kpi": kpi, "primary_metric": primary}
    if kpi is None:
        statement = f"No registered figure is declared that {primary} could be compared with."
        return Finding("metrics", "registered_kpi", "not_known", statement, evidence)
    if kpi == primary:
        statement = f"The primary metric is the registered figure, {kpi}."
        return Finding("metrics", "registered_kpi", "passed", statement, evidence)
    statement = f"The business registered {kpi}, the experiment decides on {primary}."
    action = f"Show that {primary} stands for {kpi}, or measure {kpi}."
    return Finding("metrics", "registered_kpi", "warning", statement, evidence, action)


def _hypothesis(subject: Subject) -> Finding:
    """Whether the hypothesis speaks of the primary metric; common words are a hint, their absence proves nothing."""
    metric = subject.experiment.primary
    name = stems(f"{metric.name.replace('_', ' ')} {metric.unit}")
    common = sorted({word for word in _words(subject.experiment.hypothesis) if stems(word) & name})
    evidence = {"common_words": common}
    if common:
        statement = f"The hypothesis and {metric.name} have words in common: {joined(common, 5)}."
        return Finding("metrics", "metric_fits_hypothesis", "passed", statement, evidence)
    statement = f"Whether {metric.name} measures what the hypothesis says is not known: they have no word in common."
    action = "Let a person read both, or name the metric in the hypothesis."
    return Finding("metrics", "metric_fits_hypothesis", "not_known", statement, evidence, action)


def _direction(subject: Subject) -> Finding:
    experiment, primary = subject.experiment, subject.experiment.primary
    expected = experiment.claim.expected_effect
    evidence = {
        "direction": primary.direction,
        "hypothesis_type": experiment.hypothesis_type,
        "expected_effect": expected,
    }
    if expected is not None and expected != 0.0 and (expected > 0.0) != primary.higher_is_better:
        statement = f"Its owners expect {change(primary, expected)}, but {primary.name} should {primary.direction}."
        action = "Mend the direction of the metric or the sign of the expectation."
        return Finding("metrics", "direction", "error", statement, evidence, action)
    said = (
        f"{primary.name} should {primary.direction}, for a hypothesis of {experiment.hypothesis_type.replace('_', ' ')}"
    )
    if _ODD.get(experiment.hypothesis_type) == primary.direction:
        action = "Check the direction: if it is wrong, every verdict is upside down."
        return Finding("metrics", "direction", "warning", f"{said}: an unusual pair.", evidence, action)
    return Finding("metrics", "direction", "passed", f"{said}.", evidence)


def _minimum(subject: Subject) -> Finding:
    primary = subject.experiment.primary
    if primary.minimum_effect is not None:
        scale = "of the control's value" if primary.scale == "relative" else "in the metric's unit"
        statement = f"The smallest effect of {primary.name} worth having is {primary.minimum_effect:g} {scale}."
        evidence = {"minimum_effect": primary.minimum_effect, "scale": primary.scale}
        return Finding("metrics", "minimum_effect", "passed", statement, evidence)
    statement = f"No effect of {primary.name} is declared as the smallest one worth having."
    action = "Declare metrics.minimum_effect; without it any effect that can be shown counts as one."
    return Finding("metrics", "minimum_effect", "not_known", statement, action=action)


def _units(subject: Subject) -> Finding:
    """Units of measurement; a proportion needs none."""
    metrics = [metric for metric in subject.experiment.metrics if metric.kind != "proportion"]
    without = [metric.name for metric in metrics if not metric.unit]
    if not without:
        return Finding("metrics", "metric_units", "passed", "Every metric that needs a unit has one.")
    statement = f"In what unit {joined(without, 5)} is measured is not known."
    action = "Declare metrics.unit, so that a change of 3 can be read."
    return Finding("metrics", "metric_units", "not_known", statement, {"without_unit": without}, action)


@lru_cache(maxsize=4096)
def stems(text: str) -> frozenset[str]:
    """The words of a text without endings and filling words, in lower case."""
    return frozenset(_stem(word) for word in _words(text))


def _words(text: str) -> list[str]:
    found = re.findall(r"[^\W\d_]+", text.lower())
    return [word for word in found if word not in _FILLING and len(word) > 2]


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _STEM:
            return word.removesuffix(ending)
    return word
