"""Effects that may be looked at before the end: confidence sequences tuned to the planned sample.

The asymptotic confidence sequence of Waudby-Smith et al. bounds the error over all looks up to the end of time, most
of which an experiment never uses: in fifty looks up to the plan it errs in one or two of a hundred experiments where
five are allowed. Here the same boundary is calibrated to what is used. Nine tenths of the error are spent up to the
planned sample, under continuous looking; a tenth is kept for looks after it. The intervals are 9 to 12 % shorter than
the original's at every look up to the plan and a fifth longer after it, and the error over all looks, for ever, is
still at most 1 − level.

Source: Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2021), Time-uniform central limit theory and asymptotic
confidence sequences (arXiv 2103.06476), for the boundary; the calibration to a horizon is ours.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from eaas_assets.stats.experiments.contrast import check_level
from eaas_assets.stats.experiments.distributions import normal_quantile, normal_sf, t_quantile, t_sf
from eaas_assets.stats.experiments.relative import fieller
from eaas_assets.stats.experiments.results import Effect, Refusal, refused
from eaas_assets.stats.experiments.skewness import remove_skewness, restore_skewness

MIN_UNITS = 50
"""Fewest units per arm for an asymptotic look."""
RESERVE = 0.1
"""Share of the error kept for looks after the planned sample."""
TUNING = 8.0
"""Mixture precision at the planned sample: the width there is near its minimum for errors from 1 to 10 %."""

# Probability that a Brownian motion on (0, 1] crosses the mixture boundary of a given nominal level, under
# continuous looking: from 200 looks spaced evenly in log time and the continuity correction of Siegmund (1985,
# Sequential Analysis, ch. X). A test recomputes it.
_SPENT_BY_PLAN = (
    (1e-12, 8.6214e-15),
    (1e-10, 1.6416e-12),
    (1e-8, 3.1626e-10),
    (1e-7, 4.4212e-9),
    (1e-6, 6.2204e-8),
    (1e-5, 8.8255e-7),
    (1e-4, 1.2666e-5),
    (3e-4, 4.5398e-5),
    (1e-3, 1.8492e-4),
    (3e-3, 6.7049e-4),
    (0.01, 2.7784e-3),
    (0.02, 6.3403e-3),
    (0.03, 1.0305e-2),
    (0.05, 1.9080e-2),
    (0.07, 2.8720e-2),
    (0.1, 4.4466e-2),
    (0.14, 6.7453e-2),
    (0.2, 0.10558),
    (0.28, 0.16245),
    (0.4, 0.25990),
    (0.55, 0.40250),
    (0.7, 0.57039),
    (0.8, 0.69825),
    (0.9, 0.84071),
    (1.0, 1.0),
)
_LOG_NOMINAL = [math.log(nominal) for nominal, _ in _SPENT_BY_PLAN]
_LOG_SPENT = [math.log(spent) for _, spent in _SPENT_BY_PLAN]
_ALL_RESERVE = next(math.log(nominal) for nominal, spent in _SPENT_BY_PLAN if nominal - spent >= RESERVE)
"""The lowest tabulated level whose looks after the plan cost all of the error kept for them."""


def mixture_critical(fraction: float, nominal: float) -> float:
    """Critical value of the uncalibrated confidence sequence at a fraction of the planned sample."""
    scaled = fraction * TUNING
    return math.sqrt(2.0 * (scaled + 1.0) / scaled * (0.5 * math.log1p(scaled) - math.log(nominal)))


def critical_value(fraction: float, alpha: float = 0.05) -> float:
    """Two-sided critical value of the z statistic at a look.

    Args:
        fraction: Units so far over planned units; may exceed 1.
        alpha: Error over all looks together.

    Raises:
        ValueError: If ``fraction`` or ``alpha`` is out of range.
    """
    check_level(alpha)
    if not fraction > 0.0:
        raise ValueError(f"fraction == {fraction}, must be positive")
    return mixture_critical(fraction, _nominal_for(fraction > 1.0, alpha))


def anytime_p(z: float, fraction: float) -> float:
    """Two-sided p-value of a z statistic at a look: the smallest error at which it is beyond the critical value."""
    scaled = fraction * TUNING
    log_nominal = 0.5 * math.log1p(scaled) - 0.5 * z * z * scaled / (scaled + 1.0)
    return 1.0 if log_nominal >= 0.0 else min(1.0, _cost(log_nominal, fraction > 1.0))


def anytime_effect(effect: Effect, planned_n: int) -> Effect:
    """The same estimate with an interval that holds at every look.

    Args:
        effect: A fixed-horizon effect of any estimator, computed from all units so far. Its level is kept, now over
            all looks.
        planned_n: Planned units of both arms together.

    Returns:
        The effect, refused with ``too_early`` below ``MIN_UNITS`` units in an arm.

    Raises:
        ValueError: If ``planned_n`` is not positive.
    """
    if planned_n < 1:
        raise ValueError(f"planned_n == {planned_n}, must be positive")
    method = effect.method + ", asymptotic confidence sequence"
    if not effect.answered or effect.arms is None:
        return replace(effect, method=method, inference="anytime")
    sizes = (effect.n_treatment, effect.n_control)
    estimate, variance = effect.arms.contrast()
    if min(sizes) < MIN_UNITS or not variance > 0.0:
        problem = (
            Refusal("too_early", f"an arm has {min(sizes)} units, a look needs {MIN_UNITS}")
            if min(sizes) < MIN_UNITS
            else Refusal("no_variance", "the metric does not vary yet")
        )
        values = (effect.treatment, effect.control)
        early = refused(effect.metric_kind, method, (problem,), sizes=sizes, level=effect.level, values=values)
        return replace(early, inference="anytime")
    fraction = sum(sizes) / planned_n
    look = _at_critical(effect, critical_value(fraction, 1.0 - effect.level))
    return replace(
        look,
        method=method,
        p_value=anytime_p(_z(estimate, variance, effect), fraction),
        inference="anytime",
        assumptions=(*effect.assumptions, "units enter once, in random order, with their outcome complete"),
        diagnostics={**effect.diagnostics, "planned_fraction": fraction},
    )


def group_sequential_effect(effect: Effect, critical: float) -> Effect:
    """The same estimate with the repeated confidence interval of a group-sequential look.

    Args:
        effect: A fixed-horizon effect of any estimator, computed from all units so far.
        critical: The look's critical value, from ``boundaries`` at two-sided error 1 − level.

    Returns:
        The effect. Its p-value is nan: whether the interval excludes zero is the test.

    Source: Jennison & Turnbull (1989), Interim analyses: the repeated confidence interval approach, JRSS B 51.
    """
    method = effect.method + ", repeated confidence interval"
    if not effect.answered or effect.arms is None or not effect.arms.contrast()[1] > 0.0:
        return replace(effect, method=method, inference="group_sequential", p_value=math.nan)
    return replace(_at_critical(effect, critical), method=method, inference="group_sequential", p_value=math.nan)


def confidence_sequence(effects: Sequence[Effect], planned_n: int) -> tuple[Effect, ...]:
    """Effects at successive looks, each valid at its look; the p-value of a look is the smallest so far.

    Args:
        effects: Fixed-horizon effects on growing data, in order.
        planned_n: Planned units of both arms together.
    """
    sequence = []
    smallest = 1.0
    for effect in effects:
        look = anytime_effect(effect, planned_n)
        if look.answered:
            smallest = min(smallest, look.p_value)
            look = replace(look, p_value=smallest)
        sequence.append(look)
    return tuple(sequence)


def anytime_harm_p(effect: Effect, planned_n: int, higher_is_better: bool, margin: float = 0.0) -> float:
    """P-value of harm beyond a margin that may be read at every look; nan where no look is possible.

    One side of a boundary has half its two-sided error, so harm is found earlier than by the two-sided sequence.

    Args:
        effect: A fixed-horizon effect.
        planned_n: Planned units of both arms together.
        higher_is_better: Whether the metric should rise.
        margin: Tolerated change to the worse, absolute, not negative.
    """
    look = anytime_effect(effect, planned_n)
    if not look.answered or look.arms is None:
        return math.nan
    estimate, variance = look.arms.contrast()
    worse = (-estimate if higher_is_better else estimate) - margin
    if worse <= 0.0:
        return 1.0
    fraction = (look.n_treatment + look.n_control) / planned_n
    return anytime_p(_z(math.copysign(worse, estimate), variance, look), fraction) / 2.0


@lru_cache(maxsize=4096)
def _nominal_for(beyond_plan: bool, alpha: float) -> float:
    """Nominal level of the mixture boundary that costs, up to the plan or after it, the error allowed there."""
    low, high = _LOG_NOMINAL[0], 0.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        if _cost(middle, beyond_plan) > alpha:
            high = middle
        else:
            low = middle
    return math.exp(low)


def _cost(log_nominal: float, beyond_plan: bool) -> float:
    """Error over all looks of a mixture boundary that is used up to the plan, or from there on; grows with its level.

    What a boundary of level one has left after the plan is nothing, as it was crossed before. So the cost after the
    plan would fall again for high levels, and a statistic near zero would have a tiny p-value: the lowest level that
    costs everything ends the scale.
    """
    if not beyond_plan:
        return _spent_by_plan(log_nominal) / (1.0 - RESERVE)
    if log_nominal >= _ALL_RESERVE:
        return math.inf
    return (math.exp(log_nominal) - _spent_by_plan(log_nominal)) / RESERVE


def _spent_by_plan(log_nominal: float) -> float:
    """Error that a mixture boundary spends up to the plan; log-linear between the tabulated levels."""
    if log_nominal <= _LOG_NOMINAL[0]:
        return math.exp(log_nominal - _LOG_NOMINAL[0] + _LOG_SPENT[0])
    right = min(bisect.bisect_right(_LOG_NOMINAL, log_nominal), len(_LOG_NOMINAL) - 1)
    left = right - 1
    share = (log_nominal - _LOG_NOMINAL[left]) / (_LOG_NOMINAL[right] - _LOG_NOMINAL[left])
    return math.exp(_LOG_SPENT[left] + share * (_LOG_SPENT[right] - _LOG_SPENT[left]))


def _at_critical(effect: Effect, critical: float) -> Effect:
    """The effect with intervals at a critical value of the normal distribution. Its arms must vary."""
    if effect.arms is None:
        return effect
    estimate, variance = effect.arms.contrast()
    se = math.sqrt(variance)
    # The t value with the same tail, then the skewed statistic that corresponds to it.
    wide = -t_quantile(normal_sf(critical), effect.df)
    lower, upper = (restore_skewness(value, _skewness(effect)) for value in (-wide, wide))
    relative, refusal = fieller(effect.arms, lower, upper)
    if math.isnan(effect.relative.estimate):  # of arms whose limits lie around other values than their own
        relative, refusals = effect.relative, effect.refusals
    else:
        relative = relative._replace(estimate=effect.relative.estimate)
        refusals = () if refusal is None else (refusal,)
    return replace(
        effect, se=se, low=estimate - upper * se, high=estimate - lower * se, relative=relative, refusals=refusals
    )


def _z(estimate: float, variance: float, effect: Effect) -> float:
    """The normal deviate with the same tail as the t statistic, its skewness removed."""
    t = remove_skewness(estimate / math.sqrt(variance), _skewness(effect))
    return math.copysign(-normal_quantile(t_sf(abs(t), effect.df)), t)


def _skewness(effect: Effect) -> float:
    return effect.arms.skewness if effect.arms is not None and math.isfinite(effect.arms.skewness) else 0.0
