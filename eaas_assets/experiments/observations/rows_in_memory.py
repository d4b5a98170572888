"""Units whose rows are in memory: which rows count, and what is wrong with the others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from eaas_assets.experiments.observations import columns as columns_of
from eaas_assets.experiments.observations import database as db
from eaas_assets.experiments.observations.access import Integrity
from eaas_assets.experiments.observations.layout import ARM, FAULTY
from eaas_assets.experiments.observations.moments import Aggregator
from eaas_assets.experiments.observations.preparation import Preparation, PreparedUnits, counted, told
from eaas_assets.experiments.observations.uniqueness import refuse_broken_promise

if TYPE_CHECKING:
    from eaas_assets.experiments.observations.sums import Columns

EXAMPLES = 5
FEW_ROWS = 100_000
"""Up to so many rows, asking once for all groupings is cheaper than asking for each."""


class InMemory(Preparation):
    """A table ``clean`` of all rows in memory."""

    def prepared(self, promised: bool, checked: bool) -> PreparedUnits:
        """Sort the rows out.

        Args:
            promised: Whether the document promises one row per unit.
            checked: Whether the columns have been checked already.
        """
        early, late = self.window()
        wanted = ["count(*)", "count(DISTINCT unit)", *map(counted, (early, late, f"NOT {self.known}"))]
        wanted += [counted("false" if checked else FAULTY), *self.infinities()]
        rows, different, before, after, strange, faulty, *unbounded = db.row(
            self.cursor, f"SELECT {', '.join(wanted)} FROM clean"
        )
        if faulty:
            columns_of.refuse_faults(self.cursor, self.source, list(self.layout.cells.values()))
        refuse_broken_promise(self.source, self.layout.cells["unit"], promised, different == rows)
        integrity = Integrity(rows=int(rows), rows_before_start=int(before), rows_after_end=int(after))
        if strange:
            query = f"SELECT arm, count(*) FROM clean WHERE NOT {self.known} GROUP BY arm ORDER BY count(*) DESC, arm"
            listed = db.rows(self.cursor, f"{query} LIMIT 20")
            integrity = replace(integrity, unknown_variants={told(arm): int(n) for arm, n in listed})
        usable = f"{self.known} AND NOT {early} AND NOT {late}"
        table = "units"
        if different < rows:
            integrity = self._one_row_each(usable, integrity)
        elif before or after or strange:
            self.cursor.execute(f"CREATE OR REPLACE TEMP TABLE units AS SELECT * FROM clean WHERE {usable}")
        else:
            table = "clean"
        if any(unbounded):
            integrity = replace(integrity, infinite_values=self._without_infinities(table))
        limits = self.limits(table)
        aggregator = Aggregator(self.cursor, table, self.layout.metrics)
        if rows <= FEW_ROWS:
            aggregator.hold(self.layout.keys)
        groups = {str(key): group for (key,), group in aggregator.groups([ARM]).items()}
        return self.finish(aggregator, groups, integrity, limits)

    def _without_infinities(self, table: str) -> dict[str, int]:
        infinite = self.infinite(table)
        for metric in infinite:
            for alias in self.layout.metrics[metric].aliases:
                self.cursor.execute(f"UPDATE {table} SET {alias} = NULL WHERE isinf({alias})")
            self._mask(table, self.layout.metrics[metric])
        return infinite

    def _mask(self, table: str, columns: Columns) -> None:
        """A row has all columns of a metric or none."""
        nothing = ", ".join(f"{alias} = NULL" for alias in columns.aliases)
        missing = " OR ".join(f"{alias} IS NULL" for alias in columns.aliases)
        self.cursor.execute(f"UPDATE {table} SET {nothing} WHERE {missing}")

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
        first = f" QUALIFY entered IS NOT DISTINCT FROM min(entered) {each}" if self.layout.has_time else ""
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
