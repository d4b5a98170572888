"""One figure of the whole portfolio, as a row of PortfolioSummary."""

from __future__ import annotations

from typing import Any, NamedTuple


class Figure(NamedTuple):
    """One figure.

    Attributes:
        grouping: tier, owner, population or domain; None for the whole.
        group: Value of the grouping.
        reason: Why it is undefined.
    """

    area: str
    figure: str
    unit: str
    value: float | None
    statement: str
    low: float | None = None
    high: float | None = None
    numerator: float | None = None
    denominator: float | None = None
    grouping: str | None = None
    group: str | None = None
    reason: str | None = None

    def as_row(self) -> dict[str, Any]:
        """The figure as a row."""
        return self._asdict()


def undefined(area: str, figure: str, unit: str, reason: str) -> Figure:
    """A figure that cannot be told, and why."""
    name = figure.replace("_", " ")
    return Figure(
        area, figure, unit, None, f"{name[:1].upper()}{name[1:]}: not known, because {reason}.", reason=reason
    )
