"""From what the statistics return to one answer per arm and metric, whichever design gave it.

Belongs here: the shape, and how effects of panels and refusals come into it. What an answer means for the metric is in
`judging`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from eaas_assets.contracts.experiment import Metric
from eaas_assets.stats.experiments.results import Effect, Refusal, RefusalCode, Relative, refused

if TYPE_CHECKING:
    from eaas_assets.stats.panels.effect import PanelEffect

Strength = Literal["randomised", "paired", "quasi_experiment", "before_after", "none"]
Pictures = Mapping[str, Mapping[str, list[Any]]]
MAX_POINTS = 200
"""Most points of a series that is kept for a picture."""
_LARGEST = 1e100

_CURVES: Mapping[str, tuple[str, ...]] = {
    "event_study": ("event", "event_estimate", "event_low", "event_high", "band_low", "band_high"),
    "group_time": ("gt_cohort", "gt_time", "gt_estimate", "gt_se"),
    "synthetic_control": ("time", "treated", "synthetic", "gap"),
    "donors": ("donor", "weight"),
    "difference_in_differences": ("time", "treated", "control", "counterfactual"),
    "cells": ("time", "treated", "control"),
    "forecast": ("time", "observed", "counterfactual", "low", "high"),
}
"""Pictures in the paths of a panel effect: which series belong on one sheet."""
_PERIODS = frozenset({"time", "gt_cohort", "gt_time"})


@dataclass(frozen=True, slots=True)
class Answer:
    """The effect on one metric of one arm.

    Attributes:
        arm: Treatment arm.
        metric: Metric.
        effect: Effect, or its refusal.
        strength: Strength of the design.
        doubt: Why no verdict may rest on the interval, although there is one; empty otherwise.
        p_adjusted: P-value after correction; nan without.
        pictures: Picture → series.
        look: Which part of an unfinished experiment the answer uses, in words; empty where it uses all.
    """

    arm: str
    metric: Metric
    effect: Effect
    strength: Strength
    doubt: str = ""
    p_adjusted: float = math.nan
    pictures: Pictures | None = None
    look: str = ""

    @property
    def decisive_p(self) -> float:
        """The p-value that the verdict rests on."""
        return self.effect.p_value if math.isnan(self.p_adjusted) else self.p_adjusted


class Estimator(Protocol):
    """One design over one experiment's observations."""

    def answer(self, metric: Metric, arm: str) -> Answer:
        """Effect of an arm on a metric."""
        ...

    def by_segment(self, metric: Metric, arm: str, dimension: str) -> Mapping[str, Effect]:
        """The same by value of a declared segment."""
        ...


def refusal(code: str, reason: str, scope: Literal["effect", "relative"] = "effect") -> Refusal:
    """A refusal; codes of panels and of this stage stand beside those of the estimators."""
    return Refusal(cast("RefusalCode", code), reason, scope)


def refused_effect(
    metric: Metric, code: str, reason: str, level: float, *, method: str = "none", sizes: tuple[int, int] = (0, 0)
) -> Effect:
    """An effect of which nothing is told but the number of units."""
    return refused(metric.kind, method, (refusal(code, reason),), sizes=sizes, level=level)


def from_panel(found: PanelEffect, metric: Metric, sizes: tuple[int, int]) -> Effect:
    """A panel's effect. Its control value is the counterfactual; degrees of freedom are undefined (nan).

    Args:
        found: What the estimator returned.
        metric: Metric.
        sizes: Treated and untreated units.
    """
    diagnostics = dict(found.diagnostics)
    no_relative = str(diagnostics.pop("relative_reason", ""))
    no_interval = str(diagnostics.pop("interval_reason", ""))
    refusals = []
    if math.isnan(found.ci.low):
        refusals.append(refusal("no_interval", no_interval or "the errors of this estimate cannot be told"))
    if no_relative:
        code = "no_interval" if math.isnan(found.ci.low) else "baseline_near_zero"
        refusals.append(refusal(code, no_relative, "relative"))
    relative = Relative(math.nan if no_relative else found.relative, *found.relative_ci, "of the counterfactual")
    return Effect(
        metric_kind=metric.kind,
        method=found.method,
        n_treatment=sizes[0],
        n_control=sizes[1],
        treatment=found.counterfactual + found.estimate,
        control=found.counterfactual,
        estimate=found.estimate,
        se=found.se,
        low=found.ci.low,
        high=found.ci.high,
        p_value=found.p,
        df=math.nan,
        level=found.confidence,
        relative=relative,
        assumptions=found.assumptions,
        diagnostics=diagnostics,
        refusals=tuple(refusals),
    )


def pictures(found: PanelEffect, first: int, time_is_day: bool) -> Pictures:
    """Series for pictures, thinned to :data:`MAX_POINTS` points, days as text.

    Args:
        found: What the estimator returned.
        first: First treated period of all, to be marked.
        time_is_day: Whether periods are days since 1970-01-01.
    """
    sheets: dict[str, Mapping[str, list[Any]]] = {}
    for name, series in _CURVES.items():
        if all(key in found.paths for key in series) and not (name == "cells" and sheets):
            sheets[name] = {key: _thinned(found.paths[key], time_is_day and key in _PERIODS) for key in series}
    return {**sheets, "intervention": {"time": [_period(first, time_is_day)]}}


def beyond_precision(metric: Metric, level: float) -> Effect:
    """The refusal of values whose squares double precision cannot hold."""
    reason = "values are too large or too near zero for double precision"
    return refused_effect(metric, "not_finite", reason, level)


def told(effect: Effect) -> Effect:
    """The effect, or its refusal where its values are beyond what double precision can square."""
    largest = max(abs(effect.low), abs(effect.high), effect.se if math.isfinite(effect.se) else 0.0)
    if not effect.answered or largest < _LARGEST:
        return effect
    return without_result(effect, "not_finite", "values are so large that their spread is not finite")


def without_result(effect: Effect, code: str, reason: str) -> Effect:
    """A refusal in the place of an effect; only its units are kept."""
    bare = refused(
        effect.metric_kind,
        "none",
        (refusal(code, reason),),
        sizes=(effect.n_treatment, effect.n_control),
        level=effect.level,
    )
    return replace(bare, inference=effect.inference)


def _thinned(values: NDArray[np.generic], as_day: bool) -> list[Any]:
    count = values.shape[0]
    chosen = values
    if count > MAX_POINTS:
        chosen = values[np.unique(np.linspace(0, count - 1, MAX_POINTS).round().astype(np.int64))]
    plain = chosen.tolist()
    if as_day:
        return [_period(value, as_day) for value in plain]
    return [None if isinstance(value, float) and not math.isfinite(value) else value for value in plain]


def _period(value: int, as_day: bool) -> int | str:
    return (date(1970, 1, 1) + timedelta(days=int(value))).isoformat() if as_day else int(value)
