"""The rows of a panel that one question is about: those of an arm and its control, those up to a period.

Belongs here: leaving rows out. What is estimated from the rest is in `rollout` and `before_after`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from eaas_assets.contracts.experiment import Experiment
from eaas_assets.errors import EstimateRefused
from eaas_assets.experiments.impact.panel_looks import PanelLook, look_at
from eaas_assets.experiments.observations.access import PanelData


def rows_to_read(
    experiment: Experiment, panel: PanelData, arm: str, unfinished: bool
) -> tuple[PanelData, PanelLook | None]:
    """Rows of an arm and its control; of an unfinished panel up to its latest look, with that look.

    Raises:
        EstimateRefused: As of ``rows_of_arm``.
    """
    chosen = rows_of_arm(experiment, panel, arm)
    look = look_at(chosen) if unfinished else None
    return (chosen if look is None else rows_until(chosen, look.last)), look


def rows_of_arm(experiment: Experiment, panel: PanelData, arm: str) -> PanelData:
    """Units of an arm and of the control; those of other arms, also not yet treated ones, are left out.

    Raises:
        EstimateRefused: ``arm_not_in_panel`` where the panel does not tell arms and this is not the only one;
            ``empty_arm`` where no unit is of this arm.
    """
    if panel.arm is None:
        if arm == experiment.treatments[0].name:
            return panel
        reason = f"a panel without observations.variant does not tell which units were treated with {arm}"
        raise EstimateRefused("arm_not_in_panel", reason)
    own = panel.arm == arm
    if not own.any():
        raise EstimateRefused("empty_arm", f"no unit of the panel is of {arm}")
    return rows_where(panel, own | (panel.arm == experiment.control.name))


def rows_until(panel: PanelData, last: int) -> PanelData:
    """Rows up to a period; units that adopt later are not treated in them."""
    return rows_where(panel, panel.time <= last)


def rows_where(panel: PanelData, rows: NDArray[np.bool_]) -> PanelData:
    """The chosen rows of a panel."""
    if rows.all():
        return panel
    return replace(
        panel,
        unit=panel.unit[rows],
        time=panel.time[rows],
        adoption=panel.adoption[rows],
        outcome={name: values[rows] for name, values in panel.outcome.items()},
        controls=panel.controls[rows],
        cluster=None if panel.cluster is None else panel.cluster[rows],
        segments={name: labels[rows] for name, labels in panel.segments.items()},
        arm=None if panel.arm is None else panel.arm[rows],
    )
