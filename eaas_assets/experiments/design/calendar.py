"""Whole weeks, days without data, and whether it runs long enough to outlast curiosity."""

from __future__ import annotations

from collections.abc import Iterator

from eaas_assets.experiments.design.finding import Finding, Subject
from eaas_assets.experiments.wording import count, joined

_WEEK = 7


def calendar_findings(subject: Subject) -> Iterator[Finding]:
    """Findings about time. Replays of the same units have no calendar, and the periods of a panel are its own."""
    if subject.experiment.design != "randomised":
        if subject.opened.panel is not None:
            yield from _gaps(subject)
        return
    days, source = _days(subject)
    if days is None:
        statement = "Which days it covers is not known: neither dates nor times of units are given."
        action = "Declare planned_start and planned_end."
        yield Finding("data", "calendar", "not_known", statement, action=action, essential=True)
        return
    if subject.policy.design.whole_weeks:
        yield _weeks(days, source)
    yield _novelty(subject, days, source)
    yield from _gaps(subject)


def _days(subject: Subject) -> tuple[int | None, str]:
    """Days from first to last: observed once it is over, planned otherwise."""
    experiment, opened = subject.experiment, subject.opened
    if experiment.status in ("concluded", "archived") and opened.observed_from and opened.observed_to:
        return (opened.observed_to.date() - opened.observed_from.date()).days + 1, "observed"
    if experiment.planned_start is not None and experiment.planned_end is not None:
        return (experiment.planned_end - experiment.planned_start).days + 1, "planned"
    return None, ""


def _weeks(days: int, source: str) -> Finding:
    odd = days % _WEEK
    evidence = {"days": days, "days_beyond_whole_weeks": odd}
    if odd == 0:
        statement = f"The {days} {source} days are {count(days // _WEEK, 'whole week')}."
        return Finding("data", "whole_weeks", "passed", statement, evidence)
    statement = f"The {days} {source} days are no whole weeks, so some days of the week count more than others."
    action = f"End after {days - odd + _WEEK} days."
    return Finding("data", "whole_weeks", "warning", statement, evidence, action)


def _novelty(subject: Subject, days: int, source: str) -> Finding:
    needed = subject.policy.design.novelty_days
    evidence = {"days": days, "novelty_days": needed}
    if days >= needed:
        statement = (
            f"The {days} {source} days are enough to tell a lasting effect from curiosity ({needed} are needed)."
        )
        return Finding("data", "novelty_risk", "passed", statement, evidence)
    statement = f"In {days} {source} days a lasting effect cannot be told from curiosity ({needed} are needed)."
    action = f"Run it for {needed} days, or keep a small control arm after the decision."
    return Finding("data", "novelty_risk", "warning", statement, evidence, action)


def _gaps(subject: Subject) -> Iterator[Finding]:
    if not subject.observed:
        return
    rows = subject.rows
    if rows is None or subject.opened.observed_from is None:
        yield Finding(
            "data", "missing_days", "not_known", "Whether days are missing is not known: units have no times."
        )
        return
    missing = rows.missing_days
    if not missing:
        yield Finding("data", "missing_days", "passed", "No day between the first and the last is without data.")
        return
    statement = f"{count(len(missing), 'day')} without any row: {joined(missing, 5)}."
    action = "Find out whether nobody came or nothing was recorded."
    yield Finding("data", "missing_days", "warning", statement, {"days": list(missing)[:50]}, action)
