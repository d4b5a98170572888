"""Other experiments that may disturb this one, or that have asked the same before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from eaas_assets.contracts.experiment import Experiment
from eaas_assets.experiments.design.finding import Finding, Subject
from eaas_assets.experiments.design.metrics import stems
from eaas_assets.experiments.wording import count, joined, percent

_LISTED = 20
"""Most neighbours in the evidence."""
_TOLD = 5
"""Most neighbours in the statement."""
_ALIVE = ("proposed", "running", "concluded")


def neighbour_findings(subject: Subject, others: Sequence[Experiment]) -> Iterator[Finding]:
    """Findings about overlaps and repetitions among ``others``; the experiment itself is left out."""
    rest = [other for other in others if other.experiment != subject.experiment.experiment]
    yield _overlaps(subject.experiment, rest)
    yield _repeats(subject, rest)


def _overlaps(experiment: Experiment, others: Sequence[Experiment]) -> Finding:
    same = [other for other in others if other.population == experiment.population and other.status in _ALIVE]
    overlapping = [other.experiment for other in same if _overlap(experiment, other) is True]
    unknown = [other.experiment for other in same if _overlap(experiment, other) is None]
    evidence = {
        "population": experiment.population,
        "overlapping": overlapping[:_LISTED],
        "times_unknown": unknown[:_LISTED],
    }
    if overlapping:
        statement = (
            f"{count(len(overlapping), 'other experiment')} on {experiment.population} at the same time: "
            f"{joined(overlapping, _TOLD)}."
        )
        action = "Keep their units apart, or check that the assignments are independent of each other."
        return Finding("data", "overlapping_experiments", "warning", statement, evidence, action)
    if unknown:
        named = f"{joined(unknown, _TOLD)} on {experiment.population}"
        statement = f"Whether {named} overlap is not known, for want of dates."
        return Finding("data", "overlapping_experiments", "not_known", statement, evidence)
    statement = f"No other experiment on {experiment.population} overlaps in time."
    return Finding("data", "overlapping_experiments", "passed", statement, evidence)


def _overlap(one: Experiment, other: Experiment) -> bool | None:
    if one.status == other.status == "running":
        return True
    spans = (_span(one), _span(other))
    if spans[0] is None or spans[1] is None:
        return None
    return spans[0][0] <= spans[1][1] and spans[1][0] <= spans[0][1]


def _span(experiment: Experiment) -> tuple[date, date] | None:
    """Planned days; one that runs without an end goes on."""
    if experiment.planned_start is None:
        return None
    if experiment.planned_end is None:
        return (experiment.planned_start, date.max) if experiment.status == "running" else None
    return experiment.planned_start, experiment.planned_end


def _repeats(subject: Subject, others: Sequence[Experiment]) -> Finding:
    words, limit = stems(subject.experiment.hypothesis), subject.policy.design.similar_hypotheses
    shares = ((other.experiment, _common_words(words, stems(other.hypothesis))) for other in others)
    similar = [(name, share) for name, share in shares if share >= limit]
    evidence = {
        "similar": [{"experiment": name, "common_words": share} for name, share in similar[:_LISTED]],
        "limit": limit,
    }
    if not similar:
        return Finding("data", "duplicate_hypotheses", "passed", "No other experiment has this hypothesis.", evidence)
    told = [f"{name} ({percent(share)} of the words)" for name, share in similar[:_TOLD]]
    told += [name for name, _ in similar[_TOLD:]]
    statement = f"Its hypothesis is also that of {joined(told, _TOLD)}."
    action = "Read what came out there before it is asked again; together they are one question asked twice."
    return Finding("data", "duplicate_hypotheses", "warning", statement, evidence, action)


def _common_words(one: frozenset[str], other: frozenset[str]) -> float:
    """Share of the words of both that are common to them (Jaccard); 0 without words."""
    common = len(one & other)
    return common / (len(one) + len(other) - common) if common else 0.0
