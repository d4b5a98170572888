"""What is wrong with the observations as a whole; missing values are in ``values``, days and weeks in ``calendar``."""

from __future__ import annotations

from collections.abc import Iterator

from eaas_assets.errors import shown
from eaas_assets.experiments.design.finding import Finding, Outcome, Subject
from eaas_assets.experiments.impact.obstacles import integrity_of
from eaas_assets.experiments.observations.access import Integrity
from eaas_assets.experiments.wording import count, joined

TOLERATED_SHARE = 0.01
"""Share of contradicting rows up to which they are a blemish."""


def data_findings(subject: Subject) -> Iterator[Finding]:
    """Findings about rows, flags and times."""
    yield _flags(subject)
    rows = subject.rows
    if not subject.observed:
        if rows is not None and rows.rows:  # none of them is used: what is wrong with them is all there is to tell
            yield from (finding for finding in (_duplicates(rows), _outside(rows)) if finding.outcome != "passed")
        return
    if rows is None:
        stated = integrity_of(subject.opened)
        if stated is not None and (stated.duplicate_rows or stated.conflicting_rows):
            yield _duplicates(stated, "arm and metric")
            return
        statement = (
            "Whether rows are repeated or contradict each other is not known: there are only statistics of the arms."
        )
        yield Finding("data", "duplicates", "not_known", statement)
        return
    yield _duplicates(rows)
    yield _outside(rows)
    yield _infinite(subject, rows)
    yield from _times(rows)
    if rows.constant_metrics:
        yield _constant(subject, rows)


def _flags(subject: Subject) -> Finding:
    declared = subject.experiment.conditions
    flags = [shown(flag, 60) for flag in declared.data_quality]
    if flags:
        statement = f"Whoever collected the data flags {joined(flags, 5)}."
        action = "Clear up each flag before anything is decided on these data."
        return Finding("data", "quality_flags", "warning", statement, {"flags": flags}, action)
    if "data_quality" in declared.model_fields_set:
        return Finding("data", "quality_flags", "passed", "Whoever collected the data flags nothing.")
    return Finding("data", "quality_flags", "not_known", "Nothing is declared about the quality of the data.")


def _duplicates(rows: Integrity, whose: str = "unit") -> Finding:
    repeated, conflicting = rows.duplicate_rows, rows.conflicting_rows
    evidence = {"rows": rows.rows, "duplicate_rows": repeated, "conflicting_rows": conflicting}
    if not repeated and not conflicting:
        return Finding("data", "duplicates", "passed", f"No row of {rows.rows:,} is repeated.", evidence)
    statement = (
        f"{count(repeated, 'row')} of {rows.rows:,} repeat another one and count once; {conflicting:,} contradict an "
        f"earlier one of their {whose}."
    )
    share = conflicting / rows.rows if rows.rows else 0.0
    outcome: Outcome = "error" if share > TOLERATED_SHARE else "warning"
    action = f"Write every {whose} once; where rows contradict, find out which one is true."
    return Finding("data", "duplicates", outcome, statement, evidence, action)


def _outside(rows: Integrity) -> Finding:
    evidence = {"rows_after_end": rows.rows_after_end, "rows_before_start": rows.rows_before_start}
    if not rows.rows_after_end and not rows.rows_before_start:
        return Finding("data", "rows_outside_plan", "passed", "No row lies outside the planned days.", evidence)
    statement = (
        f"{count(rows.rows_before_start, 'row')} lie before the planned start and {rows.rows_after_end:,} after the "
        "planned end; they are not used."
    )
    action = "Mend the planned dates, or stop collecting at the planned end: who chooses the end chooses the result."
    return Finding("data", "rows_outside_plan", "warning", statement, evidence, action)


def _infinite(subject: Subject, rows: Integrity) -> Finding:
    found = {name: n for name, n in rows.infinite_values.items() if n}
    if not found:
        return Finding("data", "infinite_values", "passed", "No value is infinite.")
    primary = subject.experiment.primary.name in found
    listed = joined([f"{name} of {count(n, 'unit')}" for name, n in found.items()], 4)
    statement = f"Infinite values: {listed}; these metrics are refused."
    action = "Find out where the infinite values come from; a division by zero is no measurement."
    return Finding("data", "infinite_values", "error", statement, {"units": found}, action, forbids=primary)


def _times(rows: Integrity) -> Iterator[Finding]:
    if rows.mixed_time_zones:
        statement = "Some times carry a zone and others do not, so their order is not known."
        action = "Write all times with their zone."
        yield Finding("data", "time_zones", "error", statement, action=action)
    if rows.measured_before_treatment:
        statement = "Outcomes are dated before their units met an arm: they cannot be its effect."
        action = "Use outcomes from after the exposure; keep the earlier ones as covariates."
        yield Finding("data", "measured_after_treatment", "error", statement, action=action, forbids=True)


def _constant(subject: Subject, rows: Integrity) -> Finding:
    primary = subject.experiment.primary.name in rows.constant_metrics
    statement = (
        f"{joined(rows.constant_metrics, 5)} {'has' if len(rows.constant_metrics) == 1 else 'have'} one value only."
    )
    action = "Check whether the metric is recorded at all."
    evidence = {"metrics": list(rows.constant_metrics)}
    return Finding("data", "constant_metrics", "error" if primary else "warning", statement, evidence, action)
