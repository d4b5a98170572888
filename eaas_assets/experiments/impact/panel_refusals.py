"""What every estimator of a panel needs: finite values, and a row of each unit in each period.

Belongs here: refusals that name units and days as people know them. What a method needs beyond is refused by it.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from eaas_assets.contracts.experiment import Metric
from eaas_assets.errors import EstimateRefused, shown
from eaas_assets.experiments.impact.wording import counted
from eaas_assets.experiments.observations.access import PanelData


def require_finite(panel: PanelData, metric: Metric) -> None:
    """Refuse a metric of which a row is infinite.

    Raises:
        EstimateRefused: ``not_finite``.
    """
    infinite = panel.integrity.infinite_values.get(metric.name, 0)
    if infinite:
        verb = "is" if infinite == 1 else "are"
        raise EstimateRefused("not_finite", f"{counted(infinite, 'row')} of {panel.integrity.rows:,} {verb} infinite")


def require_complete(panel: PanelData, inside: NDArray[np.bool_]) -> None:
    """Refuse gaps among the chosen rows; readers leave no row twice.

    Raises:
        EstimateRefused: ``missing_cells``, with the first gap.
    """
    units, row = np.unique(panel.unit[inside], return_inverse=True)
    times, column = np.unique(panel.time[inside], return_inverse=True)
    seen = np.zeros((units.size, times.size), dtype=np.bool_)
    seen[row, column] = True
    gaps = np.argwhere(~seen)
    if gaps.size:
        unit, period = units[gaps[0, 0]], in_words(panel, int(times[gaps[0, 1]]))
        raise EstimateRefused(
            "missing_cells",
            f"{gaps.shape[0]:,} of {seen.size:,} rows of a unit and period are missing, the first of "
            f"{shown(str(unit), 40)} in {period}",
        )


def in_words(panel: PanelData, period: int) -> str:
    """A period as it stands in the data: a day, or a number."""
    return (date(1970, 1, 1) + timedelta(days=period)).isoformat() if panel.time_is_day else str(period)
