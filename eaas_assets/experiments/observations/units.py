"""One row per unit of randomisation: from a file's rows to a table that estimators can ask, and what was wrong.

A small file becomes a table in memory. A large Parquet file stays where it is, and each question is one scan of the
columns it needs; only if some unit has several rows does it have to be sorted out in memory (and on disk).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING

from eaas_assets.experiments.observations import columns as columns_of
from eaas_assets.experiments.observations import database as db
from eaas_assets.experiments.observations.access import Integrity
from eaas_assets.experiments.observations.moments import Aggregator, Columns, Group, Keys, moment_names
from eaas_assets.experiments.observations.sources import Source, reading
from eaas_assets.experiments.observations.uniqueness import one_row_per_unit, refuse_broken_promise, ticked_off

if TYPE_CHECKING:
    import duckdb

    from eaas_assets.contracts.experiment import Experiment, Metric
    from eaas_assets.contracts.observations import Units
    from eaas_assets.experiments.observations.columns import Cell

LARGE = 500_000
"""Parquet files with more rows than this are not copied into memory."""
EXAMPLES = 5
FAULTY = "faulty"
_EQUAL = 1e-9
MISSING_DAYS = 60


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


@dataclass
class _Plan:
    """Which cells become which columns of the table."""

    cells: dict[str, Cell] = field(default_factory=dict)
    metrics: dict[str, Columns] = field(default_factory=dict)

    def select(self, source: Source, careful: bool, checked: bool = False) -> str:
        """The table's rows as SQL.

        Args:
            source: Where the rows are.
            careful: Whether values may be missing, nan or infinite.
            checked: Whether a column says for each row if something in it cannot be used.
        """
        mates = {alias: columns.aliases for columns in self.metrics.values() for alias in columns.aliases}
        parts = []
        for alias, cell in self.cells.items():
            value = cell.value if careful or cell.plain is None else cell.plain
            if careful and len(mates.get(alias, ())) > 1:
                known = " AND ".join(f"({self.cells[mate].value}) IS NOT NULL" for mate in mates[alias])
                value = f"CASE WHEN {known} THEN {value} END"
            parts.append(f"{value} AS {alias}")
        if checked:
            faults = [cell.fault for cell in self.cells.values() if cell.fault is not None]
            parts.append(f"({' OR '.join(faults)}) AS {FAULTY}")
        return f"SELECT {', '.join(parts)} FROM {source.relation}"

    @property
    def has_time(self) -> bool:
        return "entered" in self.cells


def metric_cells(source: Source, metric: Metric, index: int) -> dict[str, Cell]:
    """Alias → cell of each column of a metric."""
    place = f"metrics.{index}"
    wanted = [(metric.source, "numerator" if metric.kind == "ratio" else "column")]
    if metric.denominator is not None:
        wanted.append((metric.denominator, "denominator"))
    if metric.covariate is not None:
        wanted.append((metric.covariate, "covariate"))
    cells = {}
    for position, (column, role) in enumerate(wanted):
        checked = columns_of.proportion if metric.kind == "proportion" and position == 0 else columns_of.number
        cells[f"m{index}_{position}"] = checked(source, column, f"{place}.{role}")
    return cells


def columns_used(experiment: Experiment) -> list[str]:
    """Names of all columns that the document asks for, apart from the time of outcomes."""
    metrics = chain.from_iterable(
        (metric.source, metric.denominator, metric.covariate) for metric in experiment.metrics
    )
    return [name for name in (*metrics, *experiment.segments) if name is not None]


def prepare_units(
    cursor: duckdb.DuckDBPyConnection, source: Source, experiment: Experiment, units: Units
) -> PreparedUnits:
    """Check the columns, sort out the rows and take the first aggregates.

    Raises:
        InputError: A column is missing or holds what it must not, or the promise of one row per unit is broken.
    """
    large = source.kind == "parquet" and (source.rows or 0) > LARGE
    if source.kind != "parquet":
        own = [name for name in (units.unit, units.variant, units.time, units.measured, units.cluster) if name]
        source = source.loaded(cursor, [*own, *columns_used(experiment)])
    with reading(source.file, source.kind):
        plan = _plan(source, experiment, units)
        if large and _one_row_each(cursor, source, plan, units.one_row_per_unit):
            cursor.execute(f"CREATE OR REPLACE TEMP VIEW units AS {plan.select(source, careful=False)}")
            return _Large(cursor, source, experiment, plan).prepared()
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE clean AS {plan.select(source, careful=True, checked=not large)}")
        return _Small(cursor, source, experiment, plan).prepared(units.one_row_per_unit, checked=large)


def _one_row_each(cursor: duckdb.DuckDBPyConnection, source: Source, plan: _Plan, promised: bool) -> bool:
    """Check the columns of a large file, and whether every unit has one row."""
    unit = plan.cells["unit"]
    missing = f"{unit.raw} IS NULL" + (f" OR {unit.raw} = ''" if source.columns[unit.column][1] == "VARCHAR" else "")
    if db.row(cursor, f"SELECT count(*) FROM {source.relation} WHERE {missing}")[0]:
        columns_of.refuse_faults(cursor, source, [unit])
    columns_of.refuse_faults(cursor, source, [cell for alias, cell in plan.cells.items() if alias != "unit"])
    ticked = not promised and ticked_off(cursor, source, unit)
    return ticked or one_row_per_unit(cursor, source, unit, promised)


def _plan(source: Source, experiment: Experiment, units: Units) -> _Plan:
    place = "observations"
    plan = _Plan()
    plan.cells["unit"] = columns_of.label(source, units.unit, f"{place}.unit", required=True)
    plan.cells["arm"] = columns_of.label(source, units.variant, f"{place}.variant")
    if units.time is not None:
        plan.cells["entered"] = columns_of.moment(source, units.time, f"{place}.time")
    if units.measured is not None:
        plan.cells["measured"] = columns_of.moment(source, units.measured, f"{place}.measured")
    if units.cluster is not None:
        plan.cells["cluster"] = columns_of.label(source, units.cluster, f"{place}.cluster", required=True)
    for index, segment in enumerate(experiment.segments):
        plan.cells[f"s{index}"] = columns_of.label(source, segment, f"segments.{index}")
    for index, metric in enumerate(experiment.metrics):
        cells = metric_cells(source, metric, index)
        plan.cells |= cells
        plan.metrics[metric.name] = Columns(moment_names(metric), tuple(cells))
    return plan


class _Preparation:
    """What small and large files share."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, source: Source, experiment: Experiment, plan: _Plan) -> None:
        self.cursor, self.source, self.experiment, self.plan = cursor, source, experiment, plan
        self.arms = [variant.name for variant in experiment.variants]
        self.known = f"coalesce(arm IN ({', '.join(db.text(arm) for arm in self.arms)}), false)"

    def window(self) -> tuple[str, str]:
        """SQL of rows before the planned start and after the planned end."""
        start, end = self.experiment.planned_start, self.experiment.planned_end
        early = late = "false"
        if self.plan.has_time and start is not None:
            early = f"coalesce(entered < TIMESTAMP '{start.isoformat()}', false)"
        if self.plan.has_time and end is not None:
            late = f"coalesce(entered >= TIMESTAMP '{(end + timedelta(days=1)).isoformat()}', false)"
        return early, late

    def mixed_zones(self) -> bool:
        zones = [cell.zone for cell in self.plan.cells.values() if cell.zone is not None]
        if not zones:
            return False
        wanted = ", ".join(f"count(*) FILTER (WHERE {zone}), count(*) FILTER (WHERE NOT {zone})" for zone in zones)
        counts = db.row(self.cursor, f"SELECT {wanted} FROM {self.source.relation}")
        return sum(counts[::2]) > 0 and sum(counts[1::2]) > 0

    def infinities(self) -> list[str]:
        """SQL of how many units have an infinite value, metric by metric."""
        return [
            _counted(" OR ".join(f"coalesce(isinf({alias}), false)" for alias in columns.aliases))
            for columns in self.plan.metrics.values()
        ]

    def infinite(self, table: str) -> dict[str, int]:
        """Metric → units with an infinite value."""
        counts = db.row(self.cursor, f"SELECT {', '.join(self.infinities())} FROM {table}")
        return {metric: int(count) for metric, count in zip(self.plan.metrics, counts, strict=True) if count}

    def times(self, table: str) -> tuple[tuple[datetime | None, datetime | None], tuple[str, ...], bool]:
        """First and last time, days without a row between them, and whether an outcome came before its exposure."""
        if not self.plan.has_time:
            return (None, None), (), False
        early = "count(*) FILTER (WHERE measured < entered)" if "measured" in self.plan.cells else "0"
        first, last, before = db.row(self.cursor, f"SELECT min(entered), max(entered), {early} FROM {table}")
        if first is None:
            return (None, None), (), bool(before)
        seen = {found[0] for found in db.rows(self.cursor, f"SELECT DISTINCT CAST(entered AS DATE) FROM {table}")}
        days = (first.date() + timedelta(days=index) for index in range((last - first).days + 2))
        missing = [day.isoformat() for day in days if day < last.date() and day not in seen]
        observed = (first.replace(tzinfo=UTC), last.replace(tzinfo=UTC))
        return observed, tuple(missing[:MISSING_DAYS]), bool(before)

    def finish(
        self, table: str, aggregator: Aggregator, found: dict[str, Group], integrity: Integrity
    ) -> PreparedUnits:
        """Put what is known together."""
        totals = {arm: found[arm] for arm in self.arms if arm in found}
        observed, missing, before = self.times(table)
        nulls = {
            metric: {arm: group.rows - group.moments[metric].n for arm, group in totals.items()}
            for metric in self.plan.metrics
        }
        constant = [
            metric
            for metric in self.plan.metrics
            if totals and all(_constant(group, metric) for group in totals.values())
        ]
        whole = replace(
            integrity,
            units=sum(group.rows for group in totals.values()),
            missing_days=missing,
            null_values={metric: by_arm for metric, by_arm in nulls.items() if any(by_arm.values())},
            constant_metrics=tuple(constant),
            mixed_time_zones=self.mixed_zones(),
            measured_before_treatment=before or integrity.rows_before_start == integrity.rows > 0,
        )
        refused = frozenset(integrity.infinite_values)
        return PreparedUnits(self.cursor, self.source, table, whole, aggregator, totals, refused, observed)


def _constant(group: Group, metric: str) -> bool:
    part = group.moments[metric]
    return part.n > 0 and (part.n == 1 or part.variance_of(None) == 0.0)


class _Large(_Preparation):
    """A Parquet file that stays on disk, one row per unit."""

    def prepared(self) -> PreparedUnits:
        early, late = self.window()
        inside = f"NOT ({early} OR {late})"
        infinite: dict[str, int] = {}
        table = "units" if inside == "NOT (false OR false)" else f"(SELECT * FROM units WHERE {inside})"
        aggregator = Aggregator(self.cursor, table, self.plan.metrics, self._third())
        groups = self._plainly(aggregator)
        if groups is None:
            self.cursor.execute(f"CREATE OR REPLACE TEMP VIEW units AS {self.plan.select(self.source, careful=True)}")
            infinite = self.infinite(table)
            self._mask_infinite(infinite)
            groups = aggregator.groups(["arm"])
        found = {str(key): group for (key,), group in groups.items()}
        outside = (0, 0)
        if table != "units":
            outside = db.row(self.cursor, f"SELECT {_counted(early)}, {_counted(late)} FROM units")
        integrity = Integrity(
            rows=int(self.source.rows or 0),
            unknown_variants={_told(key): group.rows for (key,), group in groups.items() if key not in self.arms},
            rows_before_start=int(outside[0]),
            rows_after_end=int(outside[1]),
            infinite_values=infinite,
        )
        return self.finish(table, aggregator, found, integrity)

    def _plainly(self, aggregator: Aggregator) -> dict[Keys, Group] | None:
        """Moments by arm if every value is finite, every metric complete, and no arm's name has spaces around it."""
        try:
            groups = aggregator.groups(["arm"])
        except (ArithmeticError, db.OutOfRange):
            return None
        strange = {str(key) for (key,) in groups if key is not None and key not in self.arms}
        return None if any(name.strip() in self.arms for name in strange) else groups

    def _third(self) -> bool:
        """Whether skewness can matter: between arms of equal size it cancels, however large they are."""
        shares = [variant.allocation for variant in self.experiment.variants]
        return max(shares) - min(shares) > _EQUAL

    def _mask_infinite(self, infinite: dict[str, int]) -> None:
        masked = ", ".join(
            f"CASE WHEN {' AND '.join(f'isfinite({mate})' for mate in aliases)} THEN {alias} END AS {alias}"
            for aliases in (self.plan.metrics[metric].aliases for metric in infinite)
            for alias in aliases
        )
        if masked:
            careful = self.plan.select(self.source, careful=True)
            query = f"SELECT * REPLACE ({masked}) FROM ({careful})"
            self.cursor.execute(f"CREATE OR REPLACE TEMP VIEW units AS {query}")


class _Small(_Preparation):
    """A table ``clean`` of all rows in memory."""

    def prepared(self, promised: bool, checked: bool) -> PreparedUnits:
        """Sort the rows out.

        Args:
            promised: Whether the document promises one row per unit.
            checked: Whether the columns have been checked already.
        """
        early, late = self.window()
        wanted = ["count(*)", "count(DISTINCT unit)", *map(_counted, (early, late, f"NOT {self.known}"))]
        wanted += [_counted("false" if checked else FAULTY), *self.infinities()]
        rows, different, before, after, strange, faulty, *unbounded = db.row(
            self.cursor, f"SELECT {', '.join(wanted)} FROM clean"
        )
        if faulty:
            columns_of.refuse_faults(self.cursor, self.source, list(self.plan.cells.values()))
        refuse_broken_promise(self.source, self.plan.cells["unit"], promised, different == rows)
        integrity = Integrity(rows=int(rows), rows_before_start=int(before), rows_after_end=int(after))
        if strange:
            query = f"SELECT arm, count(*) FROM clean WHERE NOT {self.known} GROUP BY arm ORDER BY count(*) DESC, arm"
            counted = db.rows(self.cursor, f"{query} LIMIT 20")
            integrity = replace(integrity, unknown_variants={_told(arm): int(n) for arm, n in counted})
        usable = f"{self.known} AND NOT {early} AND NOT {late}"
        if different < rows:
            integrity = self._one_row_each(usable, integrity)
        elif before or after or strange:
            self.cursor.execute(f"CREATE OR REPLACE TEMP TABLE units AS SELECT * FROM clean WHERE {usable}")
        else:
            self.cursor.execute("DROP TABLE IF EXISTS units; ALTER TABLE clean RENAME TO units")
        if any(unbounded):
            integrity = replace(integrity, infinite_values=self._without_infinities())
        aggregator = Aggregator(self.cursor, "units", self.plan.metrics)
        groups = {str(key): group for (key,), group in aggregator.groups(["arm"]).items()}
        return self.finish("units", aggregator, groups, integrity)

    def _without_infinities(self) -> dict[str, int]:
        infinite = self.infinite("units")
        for metric in infinite:
            for alias in self.plan.metrics[metric].aliases:
                self.cursor.execute(f"UPDATE units SET {alias} = NULL WHERE isinf({alias})")
            self._mask(self.plan.metrics[metric])
        return infinite

    def _mask(self, columns: Columns) -> None:
        """A row has all columns of a metric or none."""
        nothing = ", ".join(f"{alias} = NULL" for alias in columns.aliases)
        missing = " OR ".join(f"{alias} IS NULL" for alias in columns.aliases)
        self.cursor.execute(f"UPDATE units SET {nothing} WHERE {missing}")

    def _one_row_each(self, usable: str, integrity: Integrity) -> Integrity:
        """Rows that repeat another count once, units in two arms not at all, and of several rows the first in time."""
        cursor = self.cursor
        cursor.execute("CREATE OR REPLACE TEMP TABLE different AS SELECT DISTINCT * FROM clean")
        (different,) = db.row(cursor, "SELECT count(*) FROM different")
        twice = "SELECT unit FROM different GROUP BY unit HAVING count(DISTINCT arm) > 1"
        (torn,) = db.row(cursor, f"SELECT count(*) FROM ({twice})")
        examples = db.rows(cursor, f"{twice} ORDER BY unit LIMIT {EXAMPLES}") if torn else []
        valid = f"SELECT * FROM different WHERE {usable} AND unit NOT IN ({twice})"
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE valid AS {valid}")
        each = "OVER (PARTITION BY unit)"
        first = f" QUALIFY entered IS NOT DISTINCT FROM min(entered) {each}" if self.plan.has_time else ""
        alone = f"SELECT * FROM (SELECT * FROM valid{first}) QUALIFY count(*) {each} = 1"
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE units AS {alone}")
        further = db.row(cursor, "SELECT count(*) - count(DISTINCT unit) FROM valid")[0]
        cursor.execute("DROP TABLE different; DROP TABLE valid; DROP TABLE clean")
        return replace(
            integrity,
            duplicate_rows=integrity.rows - int(different),
            conflicting_rows=int(further),
            units_in_two_arms=int(torn),
            units_in_two_arms_examples=tuple(str(example[0])[:64] for example in examples),
        )


def _counted(condition: str) -> str:
    return f"count(*) FILTER (WHERE {condition})"


def _told(arm: object) -> str:
    return "(none)" if arm is None else str(arm)[:64]
