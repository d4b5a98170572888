"""Units of a large Parquet file that stays on disk, one row per unit: every question is one scan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eaas_assets.experiments.observations import database as db
from eaas_assets.experiments.observations.access import Integrity
from eaas_assets.experiments.observations.layout import ARM
from eaas_assets.experiments.observations.moments import Aggregator
from eaas_assets.experiments.observations.preparation import Preparation, PreparedUnits, counted, told

if TYPE_CHECKING:
    from eaas_assets.experiments.observations.sums import Group, Keys

_EQUAL = 1e-9


class OnDisk(Preparation):
    """A Parquet file that stays on disk, one row per unit."""

    def prepared(self) -> PreparedUnits:
        """Take the first moments, with every value as it stands if that is possible."""
        early, late = self.window()
        inside = f"NOT ({early} OR {late})"
        infinite: dict[str, int] = {}
        table = "units" if inside == "NOT (false OR false)" else f"(SELECT * FROM units WHERE {inside})"
        aggregator = Aggregator(self.cursor, table, self.layout.metrics, self._third())
        groups = self._plainly(aggregator)
        if groups is None:
            self.cursor.execute(f"CREATE OR REPLACE TEMP VIEW units AS {self.layout.select(self.source, careful=True)}")
            infinite = self.infinite(table)
            self._mask_infinite(infinite)
            groups = aggregator.groups([ARM])
        found = {str(key): group for (key,), group in groups.items()}
        outside = (0, 0)
        if table != "units":
            outside = db.row(self.cursor, f"SELECT {counted(early)}, {counted(late)} FROM units")
        integrity = Integrity(
            rows=int(self.source.rows or 0),
            unknown_variants={told(key): group.rows for (key,), group in groups.items() if key not in self.arms},
            rows_before_start=int(outside[0]),
            rows_after_end=int(outside[1]),
            infinite_values=infinite,
        )
        return self.finish(aggregator, found, integrity, self.limits(table))

    def _plainly(self, aggregator: Aggregator) -> dict[Keys, Group] | None:
        """Moments by arm if every value is finite, every metric complete, and no arm's name has spaces around it."""
        try:
            groups = aggregator.groups([ARM])
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
            for aliases in (self.layout.metrics[metric].aliases for metric in infinite)
            for alias in aliases
        )
        if masked:
            careful = self.layout.select(self.source, careful=True)
            query = f"SELECT * REPLACE ({masked}) FROM ({careful})"
            self.cursor.execute(f"CREATE OR REPLACE TEMP VIEW units AS {query}")
