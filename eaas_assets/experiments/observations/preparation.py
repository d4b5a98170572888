"""What preparing a table of units has in common, whether its rows are in memory or on disk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from eaas_assets.errors import InputError, Problem
from eaas_assets.experiments.observations import database as db
from eaas_assets.experiments.observations.columns import out_of_range
from eaas_assets.experiments.observations.days import days_between
from eaas_assets.experiments.observations.layout import DAY

if TYPE_CHECKING:
    import duckdb

    from eaas_assets.contracts.experiment import Experiment
    from eaas_assets.experiments.observations.access import Integrity
    from eaas_assets.experiments.observations.layout import Layout
    from eaas_assets.experiments.observations.moments import Aggregator
    from eaas_assets.experiments.observations.sources import Source
    from eaas_assets.experiments.observations.sums import Group


@dataclass
class PreparedUnits:
    """A table ``units`` with one row per unit.

    Attributes:
        cursor: Where it is.
        source: The file, which a large one is read from again and again.
        table: Its name; columns unit, arm, entered, cluster, s0, s1, … for the declared segments, and the metrics'.
        integrity: What was wrong with the rows.
        aggregator: Asks it for moments.
        totals: Arm → its rows and moments.
        refused: Metrics with infinite values.
        observed: First and last time (UTC).
    """

    cursor: duckdb.DuckDBPyConnection
    source: Source
    table: str
    integrity: Integrity
    aggregator: Aggregator
    totals: dict[str, Group]
    refused: frozenset[str]
    observed: tuple[datetime | None, datetime | None]


class Limits(NamedTuple):
    """First and last time (UTC), and whether an outcome is dated before its unit's exposure."""

    first: datetime | None
    last: datetime | None
    measured_early: bool


class Preparation:
    """Asks a table of units about times, days and infinite values, and puts the answers together."""

    def __init__(
        self, cursor: duckdb.DuckDBPyConnection, source: Source, experiment: Experiment, layout: Layout
    ) -> None:
        self.cursor, self.source, self.experiment, self.layout = cursor, source, experiment, layout
        self.arms = [variant.name for variant in experiment.variants]
        self.known = f"coalesce(arm IN ({', '.join(db.text(arm) for arm in self.arms)}), false)"

    def window(self) -> tuple[str, str]:
        """SQL of rows before the planned start and after the planned end."""
        start, end = self.experiment.planned_start, self.experiment.planned_end
        early = late = "false"
        if self.layout.has_time and start is not None:
            early = f"coalesce(entered < TIMESTAMP '{start.isoformat()}', false)"
        if self.layout.has_time and end is not None and end < date.max:
            late = f"coalesce(entered >= TIMESTAMP '{(end + timedelta(days=1)).isoformat()}', false)"
        return early, late

    def mixed_zones(self) -> bool:
        """Whether some times carry a zone and others do not."""
        zones = [cell.zone for cell in self.layout.cells.values() if cell.zone is not None]
        if not zones:
            return False
        wanted = ", ".join(f"count(*) FILTER (WHERE {zone}), count(*) FILTER (WHERE NOT {zone})" for zone in zones)
        counts = db.row(self.cursor, f"SELECT {wanted} FROM {self.source.relation}")
        return sum(counts[::2]) > 0 and sum(counts[1::2]) > 0

    def infinities(self) -> list[str]:
        """SQL of how many units have an infinite value, metric by metric."""
        return [
            counted(" OR ".join(f"coalesce(isinf({alias}), false)" for alias in columns.aliases))
            for columns in self.layout.metrics.values()
        ]

    def infinite(self, table: str) -> dict[str, int]:
        """Metric → units with an infinite value."""
        counts = db.row(self.cursor, f"SELECT {', '.join(self.infinities())} FROM {table}")
        return {metric: int(count) for metric, count in zip(self.layout.metrics, counts, strict=True) if count}

    def limits(self, table: str) -> Limits:
        """First and last time, and whether an outcome came before its exposure.

        Raises:
            InputError: A time lies in a year that calendars do not have.
        """
        if not self.layout.has_time:
            return Limits(None, None, False)
        early = "count(*) FILTER (WHERE measured < entered)" if "measured" in self.layout.cells else "0"
        ends = f"SELECT min(entered) AS low, max(entered) AS high, {early} AS early FROM {table}"
        odd = f"SELECT *, {out_of_range('low')} OR {out_of_range('high')} AS odd FROM ({ends})"
        query = f"SELECT CASE WHEN NOT odd THEN low END, CASE WHEN NOT odd THEN high END, early, odd FROM ({odd})"
        first, last, before, odd_years = db.row(self.cursor, query)
        if odd_years:
            found, expected = f"a year before {MINYEAR} or after {MAXYEAR}", "times of our calendar"
            raise InputError(Problem(self.source.file, "not_a_time", found, expected, field="observations.time"))
        if first is None:
            return Limits(None, None, bool(before))
        return Limits(first.replace(tzinfo=UTC), last.replace(tzinfo=UTC), bool(before))

    def finish(
        self, aggregator: Aggregator, found: dict[str, Group], integrity: Integrity, limits: Limits
    ) -> PreparedUnits:
        """Put what is known together."""
        totals = {arm: found[arm] for arm in self.arms if arm in found}
        days = [] if limits.first is None else aggregator.values(DAY)
        missing = days_between(day.toordinal() for day in days if day is not None)
        nulls = {
            metric: {arm: group.rows - group.moments[metric].n for arm, group in totals.items()}
            for metric in self.layout.metrics
        }
        constant = [
            metric
            for metric in self.layout.metrics
            if totals and all(_constant(group, metric) for group in totals.values())
        ]
        whole = replace(
            integrity,
            units=sum(group.rows for group in totals.values()),
            missing_days=tuple(date.fromordinal(day).isoformat() for day in missing),
            null_values={metric: by_arm for metric, by_arm in nulls.items() if any(by_arm.values())},
            constant_metrics=tuple(constant),
            mixed_time_zones=self.mixed_zones(),
            measured_before_treatment=limits.measured_early or integrity.rows_before_start == integrity.rows > 0,
        )
        refused = frozenset(integrity.infinite_values)
        return PreparedUnits(
            self.cursor, self.source, aggregator.table, whole, aggregator, totals, refused, (limits.first, limits.last)
        )


def _constant(group: Group, metric: str) -> bool:
    part = group.moments[metric]
    return part.n > 0 and (part.n == 1 or part.variance_of(None) == 0.0)


def counted(condition: str) -> str:
    """SQL of how many rows meet a condition."""
    return f"count(*) FILTER (WHERE {condition})"


def told(arm: object) -> str:
    """An arm's name as it can be shown."""
    return "(none)" if arm is None else str(arm)[:64]
