"""The verdict on two versions that answered the same scenarios: better, worse, not worse, or inconclusive.

Belongs here: the decision rule, as a pure function of results and a declared rule. Reading results is the matter of
``outcomes``, what would settle an inconclusive comparison that of ``settlement``, and what turns the gate red that of
``gate``.

Two questions have two methods. "Did it change?" is asked of the exact McNemar test where every scenario has one trial
and stands alone, and else of a t test of the scenarios' mean differences with a cluster-robust error. "Is it worse by
less than the margin?" is asked of a score interval, which stays honest where hardly anything changed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from eaas_assets.contracts.policies import ComparisonRule
from eaas_assets.stats.intervals import Interval
from eaas_assets.stats.multiplicity import holm
from eaas_assets.stats.paired import mcnemar_exact, paired_difference

Word = Literal["better", "worse", "not_worse", "inconclusive"]
Method = Literal["mcnemar", "t", "score", "none"]


@dataclass(frozen=True)
class PairedOutcomes:
    """Results of two versions on the scenarios that both ran. Place i of every array is one scenario.

    Attributes:
        before: Metric → mean result of the earlier version over each scenario's trials; nan where unknown. Metrics that
            decide lie within [0, 1].
        after: The same of the later version.
        before_trials: Trials of the earlier version.
        after_trials: Trials of the later one.
        families: Family of each scenario; None where each stands alone.
        segments: Segment → its value for each scenario, None where unknown.
        suspected: The segment whose values are the families although nobody declared it; None where there is none.
    """

    before: Mapping[str, NDArray[np.float64]]
    after: Mapping[str, NDArray[np.float64]]
    before_trials: NDArray[np.int64]
    after_trials: NDArray[np.int64]
    families: NDArray[Any] | None = None
    segments: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)
    suspected: str | None = None

    @classmethod
    def from_counts(
        cls,
        before_passed: ArrayLike,
        before_trials: ArrayLike,
        after_passed: ArrayLike,
        after_trials: ArrayLike,
        families: ArrayLike | None = None,
        segments: Mapping[str, ArrayLike] | None = None,
    ) -> PairedOutcomes:
        """Outcomes of the one metric ``pass_rate``, from passed trials and trials of each scenario."""
        tried, again = (np.asarray(trials, dtype=np.int64) for trials in (before_trials, after_trials))
        return cls(
            {"pass_rate": np.asarray(before_passed, dtype=np.float64) / tried},
            {"pass_rate": np.asarray(after_passed, dtype=np.float64) / again},
            tried,
            again,
            None if families is None else np.asarray(families),
            {name: np.asarray(values, dtype=object) for name, values in (segments or {}).items()},
        )

    @property
    def single(self) -> bool:
        """Whether each scenario was tried once by each version."""
        return bool((self.before_trials == 1).all() and (self.after_trials == 1).all())


class Finding(NamedTuple):
    """One metric, over all scenarios of which both versions have it.

    Attributes:
        metric: Which.
        n: Scenarios.
        n_clusters: Independent groups of them: families, or the scenarios themselves.
        before: Mean over scenarios, earlier version.
        after: Later version.
        difference: after - before; nan without scenarios.
        interval: Its score interval; nan with fewer than 2 clusters.
        p_value: Two-sided test of "no difference"; nan with fewer than 2 clusters.
        p_adjusted: Corrected over the metrics of the rule.
        method: Of the test.
    """

    metric: str
    n: int
    n_clusters: int
    before: float
    after: float
    difference: float
    interval: Interval
    p_value: float
    p_adjusted: float
    method: Method


class SegmentFinding(NamedTuple):
    """The first metric of the rule within one value of one segment.

    Attributes:
        p_value: Two-sided; nan for a segment below the rule's minimum and where no error can be estimated.
        p_adjusted: Corrected over all segments that were tested.
        harmed: Significantly worse.
        fell: Fell by more than the worst-segment margin.
    """

    segment: str
    value: str
    n: int
    before: float
    after: float
    difference: float
    p_value: float
    p_adjusted: float
    harmed: bool
    fell: bool

    def __str__(self) -> str:
        return f"{self.segment} = {self.value}"


class Verdict(NamedTuple):
    """What the paired results say of the later version.

    Attributes:
        word: ``better`` and ``worse`` where the corrected test rejects "no difference"; ``not_worse`` where the
            intervals of all metrics clear the margin; ``inconclusive`` otherwise, and where a segment forbids the
            other two.
        findings: One for each metric of the rule.
        segments: Every value of every segment that the rule looks at.
        guards: The segments that forbid ``better`` and ``not_worse``.
    """

    word: Word
    findings: tuple[Finding, ...]
    segments: tuple[SegmentFinding, ...]
    guards: tuple[SegmentFinding, ...]

    @property
    def primary(self) -> Finding:
        """The first metric of the rule."""
        return self.findings[0]


def judge(outcomes: PairedOutcomes, rule: ComparisonRule) -> Verdict:
    """The verdict of the rule on paired outcomes. Deterministic, and free of the order of the scenarios.

    Args:
        outcomes: Results of both versions; a metric of the rule that they do not have is unknown, so nothing can be
            concluded.
        rule: What was declared beforehand.
    """
    found = [_finding(outcomes, metric, rule) for metric in rule.metrics]
    adjusted = holm([one.p_value for one in found])
    findings = tuple(one._replace(p_adjusted=float(p)) for one, p in zip(found, adjusted, strict=True))
    segments = _segment_findings(outcomes, rule)
    guards = tuple(segment for segment in segments if segment.harmed or segment.fell)
    return Verdict(_word(findings, guards, rule), findings, segments, guards)


def _word(findings: tuple[Finding, ...], guards: tuple[SegmentFinding, ...], rule: ComparisonRule) -> Word:
    changed = [one.p_adjusted <= rule.alpha for one in findings]
    if any(change and one.difference < 0 for one, change in zip(findings, changed, strict=True)):
        return "worse"
    if guards:
        return "inconclusive"
    if not all(change or one.interval.low > -rule.margin for one, change in zip(findings, changed, strict=True)):
        return "inconclusive"  # an unknown interval clears nothing
    return "better" if any(changed) else "not_worse"


def _finding(outcomes: PairedOutcomes, metric: str, rule: ComparisonRule) -> Finding:
    before, after, known = metric_values(outcomes, metric)
    families = None if outcomes.families is None else outcomes.families[known]
    bounded = paired_difference(after - before, families, rule.level, limit=1.0)
    p_value, method = change_test(before, after, outcomes.single, families, rule.level)
    means = [float(values.mean()) if values.size else math.nan for values in (before, after)]
    return Finding(
        metric,
        bounded.n,
        bounded.n_clusters,
        means[0],
        means[1],
        bounded.estimate,
        bounded.interval,
        p_value,
        math.nan,
        method,
    )


def metric_values(
    outcomes: PairedOutcomes, metric: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Values of the scenarios of which both versions know the metric, and which scenarios these are."""
    if metric not in outcomes.before or metric not in outcomes.after:
        return np.empty(0), np.empty(0), np.zeros(outcomes.before_trials.size, dtype=bool)
    before, after = outcomes.before[metric], outcomes.after[metric]
    known = ~(np.isnan(before) | np.isnan(after))
    return before[known], after[known], known


def change_test(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    single: bool,
    families: NDArray[Any] | None,
    level: float,
) -> tuple[float, Method]:
    """Two-sided p-value of "no difference" between paired values, and the test that it is from.

    Args:
        before: Shape (n,), mean result of each scenario.
        after: Likewise.
        single: Whether each result is of one trial.
        families: Shape (n,); None: each scenario stands alone.
        level: Of intervals; it decides the error where no scenario differs from another.
    """
    change = after - before
    alone = families is None or len(np.unique(families)) == len(families)
    if single and alone and change.size and bool(np.isin(change, (-1.0, 0.0, 1.0)).all()):
        exact = mcnemar_exact(int((change < 0).sum()), int((change > 0).sum()))
        return exact.p_value, "mcnemar"
    robust = paired_difference(change, families, level)
    if not math.isnan(robust.p_value):
        return robust.p_value, "t"
    # All clusters changed by the same amount: no t test, but if they are many, hardly chance.
    limit = max(1.0, float(np.abs(change).max(initial=0.0)))  # times and costs: at most as far as they went
    bounded = paired_difference(change, families, level, limit=limit)
    return bounded.p_value, "none" if math.isnan(bounded.p_value) else "score"


def _segment_findings(outcomes: PairedOutcomes, rule: ComparisonRule) -> tuple[SegmentFinding, ...]:
    """Of every value of the segments, except the one that names families: these are the unit of chance themselves."""
    wanted = list(outcomes.segments) if rule.segments == "all" else rule.segments
    names = [name for name in wanted if name in outcomes.segments and name != rule.cluster_by]
    before, after, known = metric_values(outcomes, rule.metrics[0])
    families = None if outcomes.families is None else outcomes.families[known]
    found = []
    for name in sorted(names):
        values = _by_value(outcomes.segments[name][known])
        alone = families is None or name == outcomes.suspected
        own = [None if alone else families[places] for _, places in values]  # type: ignore[index]
        segment = [
            _segment(name, value, before[places], after[places], outcomes.single, groups, rule)
            for (value, places), groups in zip(values, own, strict=True)
        ]
        found += _within_scatter(segment) if name == outcomes.suspected else segment
    adjusted = holm([one.p_value for one in found])
    return tuple(
        one._replace(p_adjusted=float(p), harmed=bool(p <= rule.alpha and one.difference < 0))
        for one, p in zip(found, adjusted, strict=True)
    )


def _within_scatter(values: list[SegmentFinding]) -> list[SegmentFinding]:
    """Values of a segment that is the unit of chance itself: each must have changed further than the others scatter.

    A t test of one value's change against the standard deviation of the other values' changes; p is doubled, because
    the same scatter is asked about the whole as well, and the two together are to keep the promise of the gate.
    """
    changes = np.array([one.difference for one in values])
    found = []
    for place, one in enumerate(values):
        others = np.delete(changes, place)
        scatter = float(others.std(ddof=1)) if others.size > 1 else math.nan
        tail = float(special.stdtr(others.size - 1, -abs(one.difference) / scatter)) if scatter > 0 else 0.0
        found.append(one._replace(p_value=max(one.p_value, min(1.0, 4 * tail))))
    return found


def _by_value(labels: NDArray[np.object_]) -> list[tuple[str, NDArray[np.intp]]]:
    """Each value of a segment with the places of its scenarios, in the order of the values; None is no value."""
    places = np.flatnonzero([label is not None for label in labels.tolist()])
    if not places.size:
        return []
    values, index, sizes = np.unique(labels[places].astype(str), return_inverse=True, return_counts=True)
    groups = np.split(places[np.argsort(index, kind="stable")], np.cumsum(sizes)[:-1])
    return list(zip(values.tolist(), groups, strict=True))


def _segment(
    name: str,
    value: str,
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    single: bool,
    families: NDArray[Any] | None,
    rule: ComparisonRule,
) -> SegmentFinding:
    n, difference = before.size, float((after - before).mean())
    p_value, fell = math.nan, False
    if n >= rule.segment_minimum:
        p_value, _ = change_test(before, after, single, families, rule.level)
        fell = difference < -rule.worst_segment_margin - 1e-12  # rounding must not turn the margin itself into more
    return SegmentFinding(
        name, value, n, float(before.mean()), float(after.mean()), difference, p_value, math.nan, False, fell
    )
