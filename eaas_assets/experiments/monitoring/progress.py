"""How far the sample is, and how many days it still takes at the present rate."""

from __future__ import annotations

import math

import numpy as np

from eaas_assets.contracts.experiment import Experiment
from eaas_assets.experiments.impact.panel_looks import look_at, unfinished
from eaas_assets.experiments.monitoring.watch import Finding
from eaas_assets.experiments.observations.access import Opened, PanelData
from eaas_assets.experiments.wording import count, number, percent

_RECENT_DAYS = 7
_NOT_FOLLOWED = " Pairs carry no times: earlier looks, drift and novelty are not followed."


def progress(experiment: Experiment, opened: Opened) -> list[Finding]:
    """One finding for any experiment that has observations."""
    if opened.panel is not None:
        return [_of_panel(experiment, opened.panel)]
    if opened.observed_units is None or opened.kind not in ("randomised", "paired"):
        return []
    units = opened.observed_units
    rate, source = _rate(experiment, opened)
    planned = experiment.sample.planned if experiment.sample else None
    rest = _NOT_FOLLOWED if opened.kind == "paired" else ""
    if planned is None:
        statement = f"{count(units, 'unit')} observed; no sample is planned.{rest}"
        return [Finding("progress", statement, units, estimate=rate)]
    reached = f"{units:,} of {planned:,} planned units ({percent(units / planned)})"
    if units >= planned:
        statement, left = f"{reached}: the planned sample is reached.", 0
    elif not rate > 0.0:
        statement, left = f"{reached}; when the rest will have come is not known: {source}.", None
    else:
        left = math.ceil((planned - units) / rate)
        statement = f"{reached}; {count(left, 'day')} to go at {number(rate)} units a day ({source})."
    at = opened.observed_to
    return [Finding("progress", statement + rest, units, looked_at=at, estimate=rate, days_left=left)]


def _rate(experiment: Experiment, opened: Opened) -> tuple[float, str]:
    """Units a day of all arms, and where the number comes from: the last week, or the plan."""
    days = opened.randomised.counts_by_day() if opened.randomised is not None else None
    if days:
        span = min(_RECENT_DAYS, (days[-1].day - days[0].day).days + 1)
        recent = [day for day in days if (days[-1].day - day.day).days < span]
        return sum(sum(day.counts.values()) for day in recent) / span, f"the last {count(span, 'day')}"
    if experiment.sample is not None and experiment.sample.per_day:
        return experiment.sample.per_day, "as planned"
    return math.nan, "units have no times and no rate is planned"


def _of_panel(experiment: Experiment, panel: PanelData) -> Finding:
    """How long the change has been in effect, and when its effect is read."""
    units, periods = int(np.unique(panel.unit).size), int(np.unique(panel.time).size)
    look = look_at(panel)
    begun = "none of them treated yet" if look is None else f"{look.so_far:,} of them since the change"
    statement = f"{count(units, 'unit')} over {count(periods, 'period')}, {begun}"
    if unfinished(experiment, panel):
        read = "effects are read after 1, 2, 4, … treated periods" if look is None else f"effects are {look.told}"
        statement += f"; {read}. Between looks nothing is followed: harm, drift and novelty are not watched."
    else:
        statement += ". It has ended: its effects are read once."
    return Finding("progress", statement, units)
