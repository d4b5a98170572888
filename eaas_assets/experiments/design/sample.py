"""Enough units to show the effect that is worth having, in a sensible time?

Before the start the plan is judged and an insufficient one is an error: it costs nothing to mend. Afterwards it is a
warning, as the interval of the effect says the same more exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from eaas_assets.experiments.design.finding import Finding, Outcome, Subject
from eaas_assets.experiments.design.learned import Learned, typical_effect
from eaas_assets.experiments.design.power import power_findings
from eaas_assets.experiments.wording import count, number, percent
from eaas_assets.stats.experiments.planning import duration_days, false_positive_risk

RISKY_SHARE = 0.25
"""Share of lucky wins among significant ones above which a win should be repeated."""


def sample_findings(subject: Subject, learned: Learned) -> Iterator[Finding]:
    """Findings about size and duration."""
    if subject.experiment.design in ("randomised", "paired"):
        yield _planned(subject)
    if subject.experiment.design == "randomised":
        power = list(power_findings(subject))
        yield from power
        yield from typical_effect(subject, power, learned)
        yield from _smallest_arm(subject)
    if subject.experiment.design != "paired":  # a replay of the same tasks takes no time of the world
        yield _duration(subject)
    if subject.experiment.domain in learned.win_shares:
        yield _luck(subject, learned.win_shares[subject.experiment.domain])


def _planned(subject: Subject) -> Finding:
    sample, observed = subject.experiment.sample, subject.opened.observed_units
    if sample is None:
        return Finding(
            "sample",
            "planned_sample",
            "not_known",
            "No sample is planned, so nobody can tell when the experiment is over.",
            action="Declare sample.planned, the units of all arms together.",
            essential=True,
        )
    evidence = {"planned": sample.planned, "observed": observed}
    if not subject.observed or observed is None:
        return Finding("sample", "planned_sample", "passed", f"{count(sample.planned, 'unit')} are planned.", evidence)
    share = f"{observed:,} of {sample.planned:,} planned units ({percent(observed / sample.planned)}) are observed"
    if subject.experiment.status == "running" or observed >= sample.planned:
        return Finding("sample", "planned_sample", "passed", f"{share}.", evidence)
    return Finding(
        "sample",
        "planned_sample",
        "warning",
        f"It ended short of its plan: {share}.",
        evidence,
        "Say why it ended early; read it only by intervals that hold at every look.",
    )


def _smallest_arm(subject: Subject) -> Iterator[Finding]:
    """Fewest units in an arm: as planned before the start, as observed once it is over."""
    experiment, minimum = subject.experiment, subject.policy.design.minimum_units
    data = subject.opened.randomised
    if experiment.status in ("concluded", "archived") and data is not None:
        units = {arm: float(n) for arm, n in data.counts().items()}
        what = "has"
    elif experiment.sample is not None:
        units = {variant.name: experiment.sample.planned * variant.allocation for variant in experiment.variants}
        what = "is planned with"
    else:
        return
    arm = min(units, key=lambda name: units[name])
    evidence = {"units": units, "minimum": minimum}
    statement = f"The smallest arm, {arm}, {what} {count(math.floor(units[arm]), 'unit')}; {minimum:,} are required."
    enough = units[arm] >= minimum
    action = None if enough else f"Bring every arm to at least {minimum:,} units; below, intervals are not reliable."
    yield Finding("sample", "smallest_arm", "passed" if enough else "error", statement, evidence, action)


def _duration(subject: Subject) -> Finding:
    """Days that it is planned to take, or must take at the planned rate."""
    experiment, rule = subject.experiment, subject.policy.design
    days, source = _days(subject)
    rate = experiment.sample.per_day if experiment.sample is not None else None
    needed = None
    if experiment.sample is not None and rate is not None:
        needed = duration_days(experiment.sample.planned, rate, rule.whole_weeks)
    evidence = {"days": days, "days_needed": needed, "maximum_days": rule.maximum_days}
    if days is None:
        return Finding(
            "sample",
            "duration",
            "not_known",
            "How long it takes is not known: there are neither planned days nor a rate of units a day.",
            evidence,
            "Declare planned_start and planned_end, and sample.per_day.",
            essential=True,
        )
    outcome: Outcome = "passed"
    says, action = "", None
    # The days of a panel hold its history, which costs nothing.
    if days > rule.maximum_days and experiment.design == "randomised":
        outcome = "error" if subject.proposed else "warning"
        says = f", longer than the {rule.maximum_days} days that are allowed: the world changes meanwhile"
        action = "Take more units a day, or ask for a larger effect."
    elif rate is not None and needed is not None and needed > days and experiment.status in ("proposed", "running"):
        outcome = "error" if subject.proposed else "warning"
        says = f", but the planned units need {needed} days at {number(rate)} a day"
        action = f"Plan {needed} days, or take more units a day."
    return Finding("sample", "duration", outcome, f"It takes {count(days, 'day')} {source}{says}.", evidence, action)


def _days(subject: Subject) -> tuple[int | None, str]:
    experiment = subject.experiment
    if experiment.planned_start is not None and experiment.planned_end is not None:
        return (experiment.planned_end - experiment.planned_start).days + 1, "by its planned dates"
    if experiment.sample is not None and experiment.sample.per_day is not None:
        whole_weeks = subject.policy.design.whole_weeks
        days = duration_days(experiment.sample.planned, experiment.sample.per_day, whole_weeks)
        return days, "at the planned rate"
    return None, ""


def _luck(subject: Subject, success_rate: float) -> Finding:
    """How often a significant win of such an experiment is luck."""
    estimate = subject.policy.estimate
    evidence = {"success_rate": success_rate, "alpha": estimate.alpha, "power": estimate.power}
    if not 0.0 < success_rate < 1.0:
        statement = f"How often a win is luck is not known: {percent(success_rate)} of earlier experiments won."
        return Finding("sample", "false_positive_risk", "not_known", statement, evidence)
    risk = false_positive_risk(success_rate, estimate.alpha, estimate.power)
    statement = (
        f"Of significant wins in {subject.experiment.domain}, {percent(risk)} are luck, as {percent(success_rate)} of "
        "earlier experiments there truly won."
    )
    outcome: Outcome = "warning" if risk > RISKY_SHARE else "passed"
    action = "Repeat a win before it is scaled." if risk > RISKY_SHARE else None
    return Finding("sample", "false_positive_risk", outcome, statement, {**evidence, "risk": risk}, action)
