"""Who came into which arm: counts against the plan, units in two arms, an allocation that was changed on the way."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from eaas_assets.errors import shown
from eaas_assets.experiments.design.finding import Finding, Outcome, Subject
from eaas_assets.experiments.impact.obstacles import integrity_of, sample_ratio
from eaas_assets.experiments.observations.access import DayOfCounts, Integrity, RandomisedData
from eaas_assets.experiments.wording import count, joined, number, p_text, percent, shares
from eaas_assets.stats.experiments.distributions import chi2_sf

TOLERATED_SHARE = 0.001
"""Share of odd rows or units up to which they are a blemish and no fault."""
FORBIDDING_SHARE = 0.01
"""Share of units in two arms from which the assignment cannot be trusted."""
INEFFICIENT = 2.0
"""How many times as many units an uneven split may cost."""
_SMALLEST_CELL = 5.0


def assignment_findings(subject: Subject) -> Iterator[Finding]:
    """Findings about the assignment of randomised experiments."""
    if subject.experiment.design != "randomised":
        return
    yield _allocation(subject)
    data = subject.opened.randomised
    if data is None:
        return
    if not any(data.counts().values()):
        strays = _strays(subject.rows, integrity_of(subject.opened))
        yield from (finding for finding in strays if finding.outcome not in ("passed", "not_known"))
        return
    yield _ratio(subject, data)
    yield _changed(subject, data)
    yield from _strays(subject.rows, integrity_of(subject.opened))


def _allocation(subject: Subject) -> Finding:
    """What an uneven split costs in units."""
    control = subject.experiment.control.allocation
    smallest = min(subject.experiment.treatments, key=lambda variant: variant.allocation)
    share = smallest.allocation / (smallest.allocation + control)
    factor = 0.25 / (share * (1.0 - share))
    evidence = {"allocation": {v.name: v.allocation for v in subject.experiment.variants}, "cost_factor": factor}
    price = "an even split" if factor <= 1.0 else f"that needs {number(factor)} times the units of an even split"
    statement = (
        f"{smallest.name} gets {percent(share)} of the units that it shares with {subject.experiment.control.name}: "
        f"{price}."
    )
    if factor <= INEFFICIENT:
        return Finding("assignment", "allocation", "passed", statement, evidence)
    action = "Give the smaller arm a larger share once it has proved harmless."
    return Finding("assignment", "allocation", "warning", statement, evidence, action)


def _ratio(subject: Subject, data: RandomisedData) -> Finding:
    planned = {variant.name: variant.allocation for variant in subject.experiment.variants}
    found = sample_ratio(subject.experiment, data, subject.policy)
    counts = dict(zip(planned, found.counts, strict=True))
    evidence = {
        "counts": counts,
        "planned_shares": planned,
        "expected": dict(zip(planned, found.expected, strict=True)),
        "p_value": found.p_value if math.isfinite(found.p_value) else None,
        "statistic": found.statistic if math.isfinite(found.statistic) else None,
        "threshold": found.threshold,
        "method": found.method,
    }
    statement = f"Observed: {shares(counts, planned)}; {p_text(found.p_value)}, a mismatch below {found.threshold:g}."
    if math.isnan(found.p_value):
        return Finding("assignment", "sample_ratio", "not_known", statement, evidence)
    if not found.mismatch:
        return Finding("assignment", "sample_ratio", "passed", statement, evidence)
    action = "Find where units were lost or assigned wrongly, mend it and start again; no effect can be trusted."
    return Finding("assignment", "sample_ratio", "error", statement, evidence, action, forbids=True)


def _changed(subject: Subject, data: RandomisedData) -> Finding:
    """Whether the split between arms is the same on all days; a ramp-up mixes times with arms."""
    days = data.counts_by_day()
    if not days or len(days) < 2 or getattr(subject.experiment.observations, "cluster", None) is not None:
        statement = "Whether the allocation was the same on all days is not known, as units have no times."
        if days:
            statement = "Whether the allocation was the same on all days cannot be told from so few days or groups."
        return Finding("assignment", "allocation_over_time", "not_known", statement)
    names = [variant.name for variant in subject.experiment.variants]
    p_value, blocks = _homogeneity(days, names)
    # While it runs the check is repeated every day: the thresholds of all days sum to that of the policy.
    looks = len(days) * (len(days) + 1) if subject.experiment.status == "running" else 1
    threshold = subject.policy.sample_ratio.threshold / looks
    evidence = {"p_value": p_value if math.isfinite(p_value) else None, "threshold": threshold, "blocks": blocks}
    if math.isnan(p_value):
        statement = "Whether the allocation was the same on all days cannot be told from so few units."
        return Finding("assignment", "allocation_over_time", "not_known", statement, evidence)
    if p_value >= threshold:
        statement = f"The split between the arms is the same over {count(len(days), 'day')} ({p_text(p_value)})."
        return Finding("assignment", "allocation_over_time", "passed", statement, evidence)
    return Finding(
        "assignment",
        "allocation_over_time",
        "error",
        f"The split between the arms changed over the {count(len(days), 'day')} ({p_text(p_value)}, below "
        f"{threshold:.2g}): times and arms are mixed.",
        evidence,
        "Analyse each period of constant allocation by itself, or start again with a fixed one.",
        forbids=True,
    )


def _homogeneity(days: Sequence[DayOfCounts], names: Sequence[str]) -> tuple[float, int]:
    """P-value of one split for all days (Pearson's chi-squared), and how many blocks of days it rests on.

    Neighbouring days are joined until every expected count is large enough for the approximation.
    """
    table = [[day.counts.get(name, 0) for name in names] for day in days]
    totals = [sum(column) for column in zip(*table, strict=True)]
    n = sum(totals)
    if n == 0 or min(totals) == 0:
        return math.nan, 0
    needed = _SMALLEST_CELL * n / min(totals)
    blocks: list[list[int]] = []
    current = [0] * len(names)
    for row in table:
        current = [a + b for a, b in zip(current, row, strict=True)]
        if sum(current) >= needed:
            blocks.append(current)
            current = [0] * len(names)
    if len(blocks) < 2:
        return math.nan, len(blocks)
    blocks[-1] = [a + b for a, b in zip(blocks[-1], current, strict=True)]
    statistic = sum(
        (cell - sum(block) * total / n) ** 2 / (sum(block) * total / n)
        for block in blocks
        for cell, total in zip(block, totals, strict=True)
    )
    return chi2_sf(statistic, (len(blocks) - 1) * (len(names) - 1)), len(blocks)


def _strays(integrity: Integrity | None, stated: Integrity | None) -> Iterator[Finding]:
    """Rows in odd arms; ``stated`` also where there are only statistics of the arms."""
    if integrity is None:
        statement = "Whether units sit in two arms is not known: there are only statistics of the arms."
        yield Finding("assignment", "units_in_two_arms", "not_known", statement)
        if stated is not None and stated.unknown_variants:
            yield _unknown_variants(stated.unknown_variants, stated.rows)
        return
    yield _two_arms(integrity)
    yield _unknown_variants(integrity.unknown_variants, integrity.rows)


def _two_arms(integrity: Integrity) -> Finding:
    units, seen = integrity.units_in_two_arms, integrity.units + integrity.units_in_two_arms
    share = units / seen if seen else 0.0
    examples = [shown(name, 40) for name in integrity.units_in_two_arms_examples]
    evidence = {"units": units, "of": seen, "share": share, "examples": examples}
    if units == 0:
        statement = f"No unit of {seen:,} sits in two arms."
        return Finding("assignment", "units_in_two_arms", "passed", statement, evidence)
    outcome: Outcome = "warning" if share <= TOLERATED_SHARE else "error"
    such = f", such as {joined(examples, 3)}" if examples else ""
    return Finding(
        "assignment",
        "units_in_two_arms",
        outcome,
        f"{count(units, 'unit')} of {seen:,} ({percent(share)}) sit in two arms{such}; none of them is used.",
        evidence,
        "Assign by a stable key of the unit and find out who was assigned twice.",
        forbids=share > FORBIDDING_SHARE,
    )


def _unknown_variants(unknown: Mapping[str, int], rows: int) -> Finding:
    odd = sum(unknown.values())
    names = [shown(name, 40) for name in unknown]
    evidence = {"rows": odd, "of": rows, "variants": {shown(name, 40): n for name, n in list(unknown.items())[:20]}}
    if not odd:
        return Finding("assignment", "unknown_variants", "passed", "Every row is of a declared arm.", evidence)
    share = odd / rows if rows else 1.0
    return Finding(
        "assignment",
        "unknown_variants",
        "warning" if share <= TOLERATED_SHARE else "error",
        f"{count(odd, 'row')} of {rows:,} ({percent(share)}) are of arms that are not declared: {joined(names, 3)}; "
        "they are not used.",
        evidence,
        "Declare the arm or find out where these rows come from.",
    )
