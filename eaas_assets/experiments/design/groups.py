"""Rollouts need units to compare with and periods from before; replays need pairs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eaas_assets.errors import shown
from eaas_assets.experiments.design.finding import Finding, Outcome, Subject
from eaas_assets.experiments.observations.access import PanelData
from eaas_assets.experiments.wording import count, joined, percent

FEW_UNITS = 10
"""Units of a panel below which its errors come from ranks among few placebos."""
PERIODS_BEFORE = {"rollout": 4, "before_after": 30}
"""Fewest periods before the change: a rollout shows with them that trends were parallel, a series without comparison is
forecast from them."""
LEFT_OUT = 0.05
"""Share of units seen under one arm only up to which a paired comparison stands for all of them."""


def group_findings(subject: Subject) -> Iterator[Finding]:
    """Findings about panels and pairs."""
    panel = subject.opened.panel
    if panel is not None and panel.unit.size:
        yield from _panel(subject, panel)
    elif panel is not None and panel.integrity.units_in_two_arms:  # nothing is left of them
        yield _dates(panel)
    if subject.opened.paired is not None:
        yield _pairs(subject)


def _panel(subject: Subject, panel: PanelData) -> Iterator[Finding]:
    units, first = np.unique(panel.unit, return_index=True)
    adoption = panel.adoption[first]
    last, start = int(panel.time.max()), int(panel.time.min())
    treated = adoption <= last
    yield _comparison(subject, panel, int(units.size), int(np.count_nonzero(treated)))
    yield _dates(panel)
    if treated.any():
        yield _before(subject, int(adoption[treated].min()) - start)
    yield _complete(panel, int(units.size))


def _comparison(subject: Subject, panel: PanelData, units: int, treated: int) -> Finding:
    never = units - treated
    evidence = {"units": units, "ever_treated": treated, "never_treated": never, "controls": panel.controls.shape[1]}
    said = f"{count(units, 'unit')}, of which {treated:,} treated at some time and {never:,} never"
    if subject.experiment.design == "before_after":
        action = "Keep some units as they are, or roll out in steps; add series that the change cannot have touched."
        statement = f"{said}: what would have happened without the change is forecast, not observed."
        return Finding("assignment", "comparison_units", "warning", statement, evidence, action)
    if treated == 0:
        action = "Declare from when the treated units are treated."
        return Finding(
            "assignment", "comparison_units", "error", f"{said}: there is no effect to tell.", evidence, action, True
        )
    if never == 0:
        action = "Keep some units untreated to the end: once all are treated, nothing shows what would have been."
        return Finding("assignment", "comparison_units", "warning", f"{said}.", evidence, action)
    if units < FEW_UNITS:
        action = "Add units; with so few the error is found among few placebos and small effects cannot be shown."
        return Finding("assignment", "comparison_units", "warning", f"{said}: few to compare.", evidence, action)
    return Finding("assignment", "comparison_units", "passed", f"{said}.", evidence)


def _dates(panel: PanelData) -> Finding:
    """Units whose rows disagree on the date from which they are treated are as bad as units in two arms."""
    torn = panel.integrity.units_in_two_arms
    seen = panel.integrity.units + torn
    examples = [shown(name, 40) for name in panel.integrity.units_in_two_arms_examples]
    evidence = {"units": torn, "of": seen, "examples": examples}
    if torn == 0:
        statement = f"Every unit of {seen:,} has one date of treatment, or none."
        return Finding("assignment", "adoption_dates", "passed", statement, evidence)
    statement = (
        f"{count(torn, 'unit')} of {seen:,} ({percent(torn / seen)}) {'has' if torn == 1 else 'have'} several dates of "
        f"treatment, such as {joined(examples, 3)}; none of them is used."
    )
    action = "Give every unit one date; a unit whose treatment ends or starts again cannot be compared."
    return Finding("assignment", "adoption_dates", "error", statement, evidence, action)


def _before(subject: Subject, periods: int) -> Finding:
    needed = PERIODS_BEFORE.get(subject.experiment.design, 1)
    evidence = {"periods_before": periods, "needed": needed}
    statement = f"{count(max(periods, 0), 'period')} lie before the first treatment; {needed} are needed."
    if periods >= needed:
        return Finding("sample", "periods_before", "passed", statement, evidence)
    outcome: Outcome = "error" if periods < 1 else "warning"
    action = "Add earlier periods: without them nobody can see whether the units moved alike before."
    return Finding("sample", "periods_before", outcome, statement, evidence, action, forbids=periods < 1)


def _complete(panel: PanelData, units: int) -> Finding:
    cells = units * int(np.unique(panel.time).size)
    missing = cells - int(panel.unit.size)
    evidence = {"cells": cells, "missing": missing}
    if missing <= 0:
        statement = f"All {cells:,} cells of units and periods are there."
        return Finding("data", "panel_cells", "passed", statement, evidence)
    statement = f"{missing:,} of {cells:,} cells of units and periods ({percent(missing / cells)}) are missing."
    action = "Find the missing periods; units that stop reporting when they are treated bias the estimate."
    return Finding("data", "panel_cells", "warning", statement, evidence, action)


def _pairs(subject: Subject) -> Finding:
    source = subject.opened.paired
    primary = subject.experiment.primary
    kept, left_out = 0, 0
    for arm in subject.experiment.treatments:
        pairs = source.pairs(primary, arm.name) if source is not None else None
        if pairs is not None and (kept == 0 or len(pairs.units) < kept):
            kept, left_out = len(pairs.units), len(pairs.left_out)
    evidence = {"pairs": kept, "left_out": left_out}
    if kept == 0:
        statement = f"No unit has {primary.name} under both arms."
        action = "Run both arms on the same units."
        return Finding("assignment", "pairs", "error", statement, evidence, action, forbids=True)
    share = left_out / (kept + left_out)
    statement = f"{count(kept, 'unit')} met both arms, {left_out:,} ({percent(share)}) only one and are left out."
    if share <= LEFT_OUT:
        return Finding("assignment", "pairs", "passed", statement, evidence)
    action = "Find out why units are missing under one arm: those that failed to run are no random choice."
    return Finding("assignment", "pairs", "warning", statement, evidence, action)
