"""Statistics per variant, as somebody else has worked them out: what they know is used, nothing is made up.

A mean without a spread has no variance here, and estimators refuse it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from eaas_assets.errors import InputError, Problem, shown
from eaas_assets.experiments.observations import columns as columns_of
from eaas_assets.experiments.observations import database as db
from eaas_assets.experiments.observations.access import Arms, Clusters, DayOfArms, DayOfCounts, FloatArray, Integrity
from eaas_assets.experiments.observations.sources import Source, reading
from eaas_assets.experiments.observations.sums import empty
from eaas_assets.stats.experiments.moments import ArmMoments, merge_all

if TYPE_CHECKING:
    import duckdb

    from eaas_assets.contracts.experiment import Experiment, Metric

NUMBERS = (
    "n", "mean", "successes", "sd", "variance", "mean_denominator", "variance_denominator", "covariance",
)  # fmt: skip
_ROUNDED, _ROUNDED_SQUARE = 0.01, 0.1
"""How far two statements of one share, and of one variance, may differ (the latter relatively): people round."""
MOST_UNITS = 1e15
"""More cannot be: doubles tell every whole number up to there."""


class SummaryRow(NamedTuple):
    """One row of the file: of which arm, metric and segment, and its numbers."""

    row: int
    arm: str
    metric: str
    segments: Mapping[str, str]
    numbers: Mapping[str, float | None]


class SummaryData:
    """Implements :class:`~eaas_assets.experiments.observations.access.RandomisedData` over statistics per arm."""

    granular = False

    def __init__(
        self, experiment: Experiment, rows: Sequence[tuple[SummaryRow, ArmMoments]], integrity: Integrity
    ) -> None:
        self.experiment, self.integrity = experiment, integrity
        self._arms = [variant.name for variant in experiment.variants]
        self._cells: dict[tuple[str, str], list[tuple[Mapping[str, str], ArmMoments]]] = {}
        for row, part in rows:
            self._cells.setdefault((row.metric, row.arm), []).append((row.segments, part))

    def counts(self) -> Mapping[str, int]:
        """Units by arm: of the metric that knows most of them."""
        wholes = [self.moments(metric) for metric in self.experiment.metrics]
        return {arm: max(arms[arm].n for arms in wholes) for arm in self._arms}

    def moments(self, metric: Metric) -> Arms:
        """Moments of a metric by arm: of its rows without segment, or of its segments together."""
        nothing = empty(_names(metric))
        return {arm: self._whole(metric.name, arm) or nothing for arm in self._arms}

    def moments_by_segment(self, metric: Metric, dimension: str) -> Mapping[str, Arms]:
        """The same by value of a segment; empty where the file does not have it."""
        nothing = empty(_names(metric))
        found: dict[str, dict[str, ArmMoments]] = {}
        for arm in self._arms:
            cells = [cell for cell in self._cells.get((metric.name, arm), []) if dimension in cell[0]]
            alone = [cell for cell in cells if len(cell[0]) == 1] or _first_pattern(cells)
            by_value: dict[str, list[ArmMoments]] = {}
            for segments, part in alone:
                by_value.setdefault(segments[dimension], []).append(part)
            for value, parts in by_value.items():
                found.setdefault(value, dict.fromkeys(self._arms, nothing))[arm] = merge_all(parts)
        return dict(sorted(found.items()))

    def moments_by_day(self, metric: Metric) -> Sequence[DayOfArms] | None:
        """None: summaries have no times."""
        return None

    def counts_by_day(self) -> Sequence[DayOfCounts] | None:
        """None: summaries have no times."""
        return None

    def values(self, metric: Metric, arm: str) -> FloatArray | None:
        """None: summaries have no single values."""
        return None

    def clusters(self, metric: Metric, arm: str) -> Clusters | None:
        """None: summaries have no clusters."""
        return None

    def _whole(self, metric: str, arm: str) -> ArmMoments | None:
        cells = self._cells.get((metric, arm), [])
        whole = [part for segments, part in cells if not segments] or [part for _, part in _first_pattern(cells)]
        return merge_all(whole) if whole else None


def read_summary(cursor: duckdb.DuckDBPyConnection, source: Source, experiment: Experiment) -> SummaryData:
    """Statistics per variant, metric and segment.

    Raises:
        InputError: A column is missing, a number is none or cannot be, or a metric is not the document's.
    """
    source = source.loaded(cursor, source.columns)
    with reading(source.file, source.kind):
        rows = _rows(cursor, source, experiment)
    declared = {metric.name: metric for metric in experiment.metrics}
    strange = [row for row in rows if row.metric not in declared]
    if strange:
        expected = f"one of {', '.join(sorted(declared))}"
        raise InputError(
            Problem(source.file, "unknown_metric", shown(row.metric), expected, row.row, "metric") for row in strange
        )
    arms = {variant.name for variant in experiment.variants}
    unknown = Counter(row.arm[:64] or "(none)" for row in rows if row.arm not in arms)
    known = [row for row in rows if row.arm in arms]
    parts = {row.row: _moments(declared[row.metric], row, source.file) for row in known}
    used, repeated, conflicting = _once_each(known)
    integrity = Integrity(
        rows=len(rows), duplicate_rows=repeated, conflicting_rows=conflicting, unknown_variants=dict(unknown)
    )
    data = SummaryData(experiment, [(row, parts[row.row]) for row in used], integrity)
    counts = data.counts()
    nulls: dict[str, dict[str, int]] = {}
    for metric in experiment.metrics:
        for arm, part in data.moments(metric).items():
            if part.n < counts[arm]:
                nulls.setdefault(metric.name, {})[arm] = counts[arm] - part.n
    data.integrity = replace(integrity, units=sum(counts.values()), null_values=nulls)
    return data


def _rows(cursor: duckdb.DuckDBPyConnection, source: Source, experiment: Experiment) -> list[SummaryRow]:
    cells = {
        "variant": columns_of.label(source, "variant", "observations.file"),
        "metric": columns_of.label(source, "metric", "observations.file", required=True),
    }
    source.column("n", "observations.file")
    numbers = [name for name in NUMBERS if name in source.columns]
    if not {"mean", "successes"} & set(numbers):
        source.column("mean", "observations.file")
    cells |= {name: columns_of.number(source, name, "observations.file") for name in numbers}
    segments = [name for name in experiment.segments if f"segment_{name}" in source.columns]
    cells |= {f"segment_{name}": columns_of.label(source, f"segment_{name}", "observations.file") for name in segments}
    columns_of.refuse_faults(cursor, source, list(cells.values()))
    wanted = ", ".join(cell.value for cell in cells.values())
    found = []
    for number, row in enumerate(db.rows(cursor, f"SELECT {wanted} FROM {source.relation}"), start=1):
        values: dict[str, Any] = dict(zip(cells, row, strict=True))
        stated = {name: values[f"segment_{name}"] for name in segments if values[f"segment_{name}"] is not None}
        read = {name: values[name] for name in numbers}
        found.append(SummaryRow(number, values["variant"] or "", values["metric"], stated, read))
    return found


def _once_each(rows: Sequence[SummaryRow]) -> tuple[list[SummaryRow], int, int]:
    """Rows of which each arm, metric and segment has one; how many repeated another; how many contradict another."""
    found: dict[tuple[Any, ...], list[SummaryRow]] = {}
    repeated = 0
    for row in rows:
        same = found.setdefault((row.arm, row.metric, tuple(sorted(row.segments.items()))), [])
        if any(other.numbers == row.numbers for other in same):
            repeated += 1
        else:
            same.append(row)
    alone = [same[0] for same in found.values() if len(same) == 1]
    return alone, repeated, sum(len(same) for same in found.values() if len(same) > 1)


def _first_pattern(cells: Sequence[tuple[Mapping[str, str], ArmMoments]]) -> list[tuple[Mapping[str, str], ArmMoments]]:
    """Cells that are cut by the same dimensions as the first: others would count units again."""
    return [cell for cell in cells if cell[0].keys() == cells[0][0].keys()]


def _names(metric: Metric) -> tuple[str, ...]:
    """A summary has no covariates."""
    if metric.kind == "ratio":
        return (f"{metric.name}.numerator", f"{metric.name}.denominator")
    return (metric.name,)


def _moments(metric: Metric, row: SummaryRow, file: str) -> ArmMoments:
    n = row.numbers.get("n")
    if n is None or not 0.0 <= n <= MOST_UNITS or n != math.floor(n):
        raise InputError(Problem(file, "not_a_count", shown(n), "a whole number of units", row.row, "n"))
    names = _names(metric)
    if n == 0:
        return empty(names)
    value = _value(metric, row, file, n)
    if metric.kind == "proportion":
        variance = _variance(row, file)
        if variance is None and n > 1:
            variance = value * (1.0 - value) * n / (n - 1.0)
        third = {(names[0],) * 3: value * (1.0 - value) * (1.0 - 2.0 * value)}
        return ArmMoments.from_aggregates(int(n), {names[0]: value}, {names[0]: variance}, third=third)
    means, variances = {names[0]: value}, {names[0]: _variance(row, file)}
    if metric.kind != "ratio":
        return ArmMoments.from_aggregates(int(n), means, variances)
    below = row.numbers.get("mean_denominator")
    means[names[1]] = math.nan if below is None else below
    variances[names[1]] = row.numbers.get("variance_denominator")
    together = row.numbers.get("covariance")
    return ArmMoments.from_aggregates(
        int(n), means, variances, {} if together is None else {(names[0], names[1]): together}
    )


def _value(metric: Metric, row: SummaryRow, file: str, n: float) -> float:
    successes, mean = row.numbers.get("successes"), row.numbers.get("mean")
    if successes is not None and not (0 <= successes <= n and successes == math.floor(successes)):
        raise InputError(Problem(file, "not_a_count", shown(successes), f"0 to {n:g} successes", row.row, "successes"))
    if successes is not None and mean is not None and not math.isclose(mean, successes / n, abs_tol=_ROUNDED):
        found, expected = f"mean {mean:g} and {successes:g} successes", f"successes / n = {successes / n:.4g}"
        raise InputError(Problem(file, "contradiction", found, expected, row.row, "mean"))
    value = mean if successes is None else successes / n
    if value is None or math.isinf(value):
        raise InputError(Problem(file, "missing_value", shown(value), "mean or successes", row.row, "mean"))
    if metric.kind == "proportion" and not 0.0 <= value <= 1.0:
        raise InputError(Problem(file, "not_a_proportion", shown(value), "0 to 1", row.row, "mean"))
    return float(value)


def _variance(row: SummaryRow, file: str) -> float | None:
    variance, sd = row.numbers.get("variance"), row.numbers.get("sd")
    for name, value in (("variance", variance), ("sd", sd)):
        if value is not None and (value < 0.0 or math.isinf(value)):
            raise InputError(Problem(file, "negative", shown(value), "0 or more", row.row, name))
    if variance is not None and sd is not None and not math.isclose(sd * sd, variance, rel_tol=_ROUNDED_SQUARE):
        found, expected = f"sd {sd:g} and variance {variance:g}", f"the square of sd, {sd * sd:.4g}"
        raise InputError(Problem(file, "contradiction", found, expected, row.row, "variance"))
    if variance is not None:
        return variance
    return None if sd is None else sd * sd
