"""Panels that are read before their end: at which of their treated periods, and at what level.

The errors of two nights of a panel depend on each other in no known way: serial correlation, placebos that are the same
units each night, weights that are chosen anew. So no boundary of a random walk fits, and only a union bound holds. An
unfinished panel is therefore read when 1, 2, 4, … 128 of its treated periods are complete, and in between it says what
it said then; each of these looks has an eighth of the error (Bonferroni), so that all of them together err as rarely as
one reading at the end. Methods that rank a few placebos cannot reach such a level: they tell an estimate without an
interval until the end.

Belongs here: looks. The estimators are in `rollout` and `before_after`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from eaas_assets.contracts.experiment import Experiment
from eaas_assets.experiments.impact.wording import counted
from eaas_assets.experiments.observations.access import PanelData
from eaas_assets.stats.experiments.results import Effect

if TYPE_CHECKING:
    from eaas_assets.stats.panels.effect import PanelEffect

MOST_LOOKS = 8
"""Looks at a panel before its end; the last is after 128 treated periods."""
_EPOCH = date(1970, 1, 1)
_GATES = {
    "pretrend_p": "treated and control units moved apart before the change",
    "placebo_in_time_p": "the same analysis finds an effect before the change",
}


class PanelLook(NamedTuple):
    """One look at an unfinished panel.

    Attributes:
        used: Treated periods that it uses.
        so_far: Treated periods in the data.
        last: The last period that it uses.
    """

    used: int
    so_far: int
    last: int

    @property
    def told(self) -> str:
        """For people: which periods are used, and when the next look is."""
        following = 2 * self.used
        then = f"the next look is at {following}" if following < 2**MOST_LOOKS else "the next look is at the end"
        return f"read after {counted(self.used, 'treated period')} of {self.so_far:,} so far, {then}"


def unfinished(experiment: Experiment, panel: PanelData) -> bool:
    """Whether a panel is read before its end: it is still running, or its data end a whole period before the plan."""
    if experiment.status not in ("concluded", "archived"):
        return True
    if experiment.planned_end is None or not panel.time_is_day or not panel.time.size:
        return False
    times = np.unique(panel.time)
    period = int(np.diff(times).min()) if times.size > 1 else 1
    return (experiment.planned_end - _EPOCH).days - int(times[-1]) > period


def look_at(panel: PanelData) -> PanelLook | None:
    """The latest look at which an unfinished panel may be read; None before its first treated period."""
    if not panel.time.size:
        return None
    times = np.unique(panel.time)
    treated = times[times >= int(panel.adoption.min())]
    if not treated.size:
        return None
    used = 2 ** min(MOST_LOOKS - 1, int(math.log2(treated.size)))
    return PanelLook(used, int(treated.size), int(treated[used - 1]))


def level_of_a_look(level: float) -> float:
    """Level of each look whose likes hold together at ``level``."""
    return 1.0 - (1.0 - level) / MOST_LOOKS


def over_all_looks(effect: Effect, look: PanelLook | None, level: float) -> Effect:
    """The effect of one look, with a p-value and a label that speak of all looks together.

    Args:
        effect: Found at ``level_of_a_look``; its limits stay.
        look: Which look it is.
        level: Over all looks.
    """
    periods = {} if look is None else {"treated_periods_used": float(look.used), "treated_periods": float(look.so_far)}
    return replace(
        effect,
        method=effect.method if effect.method == "none" else f"{effect.method}, looks at 1, 2, 4, … treated periods",
        level=level,
        p_value=min(1.0, MOST_LOOKS * effect.p_value) if not math.isnan(effect.p_value) else math.nan,
        inference="group_sequential",
        diagnostics={**effect.diagnostics, **periods},
    )


def doubt_at_look(found: PanelEffect, level: float) -> str:
    """Why no verdict may rest on a look; empty otherwise.

    What speaks against the design is not made harder to find by the stricter level of a look.

    Args:
        found: What the estimator returned at ``level_of_a_look``.
        level: Over all looks.
    """
    if found.status == "inconclusive":
        return found.reason
    for name, reason in _GATES.items():
        p_value = found.diagnostics.get(name, math.nan)
        if isinstance(p_value, int | float) and p_value <= 1.0 - level:
            return reason
    return ""
