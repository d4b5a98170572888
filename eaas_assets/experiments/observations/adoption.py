"""Who of a panel is treated from when, and with what.

Belongs here: the declared dates and arms in the data's terms. Reading the rows is in `panels`.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eaas_assets.errors import InputError, Problem, shown
from eaas_assets.experiments.observations.access import IntArray

if TYPE_CHECKING:
    from eaas_assets.contracts.observations import Panel

EPOCH = date(1970, 1, 1)


def first_treated(
    file: str, panel: Panel, found: dict[str, Any], unit: NDArray[np.str_], period: IntArray, is_day: bool
) -> IntArray:
    """First treated period of each row's unit; one after the last period for never.

    Raises:
        InputError: The intervention is no period of the data, or a treated unit is not in them.
    """
    never = int(period.max()) + 1 if period.size else 1
    if panel.intervention is None:
        stated = found["adoption"]
        values = np.where(np.ma.getmaskarray(stated), never, np.ma.getdata(stated))
        return np.minimum(values.astype(np.int64), never)
    start = _intervention(file, panel.intervention, is_day)
    if panel.treated is None:
        return np.full(unit.size, min(start, never), dtype=np.int64)
    known = set(unit.tolist())
    strange = [name for name in panel.treated if name not in known]
    if strange:
        raise InputError(
            Problem(file, "unknown_unit", shown(name), "a unit of the data", field="observations.treated")
            for name in strange
        )
    return np.where(np.isin(unit, panel.treated), min(start, never), never).astype(np.int64)


def of_treatments(
    file: str, panel: Panel, control: str, rows: tuple[NDArray[np.str_], NDArray[np.str_], IntArray, IntArray]
) -> IntArray:
    """First treated periods of units by arm: those of the control have none, and a file that states one is refused."""
    unit, arm, adoption, period = rows
    never = int(period.max()) + 1 if period.size else 1
    of_control = arm == control
    if panel.intervention is not None:
        return np.where(of_control, never, adoption).astype(np.int64)
    treated = np.unique(unit[of_control & (adoption < never)])
    if treated.size:
        raise InputError(
            Problem(
                file, "control_is_treated", shown(name), "no adoption of a unit of the control", field=panel.adoption
            )
            for name in treated[:5].tolist()
        )
    return adoption


def dates_anybody(panel: Panel, found: dict[str, Any]) -> bool:
    """Whether some unit of the data has a date from which it is treated, whatever that date."""
    if panel.intervention is not None:
        return bool(found["unit"].size)
    return bool((~np.ma.getmaskarray(found["adoption"])).any())


def _intervention(file: str, stated: str | int, is_day: bool) -> int:
    """The period of the intervention in the data's terms."""
    try:
        if is_day:
            return (date.fromisoformat(str(stated)) - EPOCH).days
        return int(stated)
    except ValueError:
        expected = "a day such as 2024-10-01" if is_day else "a whole number"
        problem = Problem(file, "not_a_period", shown(stated), expected, field="observations.intervention")
        raise InputError(problem) from None
