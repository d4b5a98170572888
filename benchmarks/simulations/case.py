"""The shape of a case: one replay gives named answers, true where the promise was kept or the effect was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import numpy as np

Answers = Mapping[str, bool | None]
"""Name of what is counted → whether it was so; None where the estimator refused."""
Promise = Literal["covers", "errs", "finds"]


class Count(NamedTuple):
    """What is counted in the replays of a case.

    Attributes:
        promise: ``covers``: at least the rate; ``errs``: at most the rate; ``finds``: power, about the rate.
        rate: The promised rate; for power the planned one, nan where none was planned.
        others: What other tools get, where it is known.
    """

    promise: Promise
    rate: float
    others: str = ""


class Case(NamedTuple):
    """One situation.

    Attributes:
        area: Part of the table.
        name: What the situation is.
        counts: What is counted, by name.
        replay: Draws one experiment and answers.
        cost: How many times as long a replay takes as the usual one; there are so many times fewer of them.
    """

    area: str
    name: str
    counts: Mapping[str, Count]
    replay: Callable[[np.random.Generator], Answers]
    cost: float = 1.0


COVERS = Count("covers", 0.95)
ERRS = Count("errs", 0.05)
