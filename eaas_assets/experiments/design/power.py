"""Which effect the planned units show, and how many units the smallest effect worth having needs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from eaas_assets.contracts.experiment import Metric, Variant
from eaas_assets.experiments.design.finding import Finding, Subject
from eaas_assets.experiments.wording import change, count, number, percent
from eaas_assets.stats.experiments.planning import (
    MetricPlan,
    detectable_effect,
    duration_days,
    proportion_plan,
    ratio_unit_variance,
    required_units,
)

_STEPS = 60
_FEWEST = 8.0
"""Units of both arms below which no test is planned."""


class _Basis(NamedTuple):
    plan: MetricPlan
    source: str


def power_findings(subject: Subject) -> Iterator[Finding]:
    """Units needed for the minimum effect, and the effect that the planned units show."""
    experiment, primary = subject.experiment, subject.experiment.primary
    units = experiment.sample.planned if experiment.sample else subject.opened.observed_units
    basis = _basis(subject, primary)
    missing = [
        what
        for what, known in (
            ("a planned sample", units),
            ("a minimum effect", primary.minimum_effect),
            ("the value and spread of the primary metric", basis),
        )
        if not known
    ]
    if basis is None or not units:
        yield Finding(
            "sample",
            "detectable_effect",
            "not_known",
            f"Which effect can be shown is not known, for want of {' and '.join(missing)}.",
            {"missing": missing},
            "Declare metrics.expected (value and sd) and sample.planned, then the power is known before the start.",
            essential=True,
        )
        return
    arm = min(experiment.treatments, key=lambda variant: variant.allocation)
    share = arm.allocation / (arm.allocation + experiment.control.allocation)
    pair = units * (arm.allocation + experiment.control.allocation)
    # With several arms each comparison may have to hold at the strictest level of Holm's procedure.
    alpha = subject.policy.estimate.alpha / len(experiment.treatments)
    power = subject.policy.estimate.power
    plan = basis.plan
    if plan.proportion and not primary.higher_is_better:
        plan = proportion_plan(1.0 - plan.baseline, plan.variance_left)  # a fall of successes is a rise of failures
    detectable = detectable_effect(plan, pair, power, alpha, share)
    evidence = {
        "units": units,
        "units_of_the_pair": pair,
        "baseline": basis.plan.baseline,
        "unit_variance": basis.plan.unit_variance,
        "variance_left": basis.plan.variance_left,
        "source": basis.source,
        "power": power,
        "alpha": alpha,
        "detectable_effect": _known(detectable),
    }
    shows = (
        f"{count(units, 'unit')} show a change of {_size_of(primary, detectable)} in {primary.name} with "
        f"{percent(power)} power (baseline {basis.source})"
    )
    if primary.minimum_effect is None:
        yield Finding(
            "sample",
            "detectable_effect",
            "not_known",
            f"{shows}; whether that is enough is not known, as no minimum effect is declared.",
            evidence,
            "Declare metrics.minimum_effect, the smallest effect worth having.",
            essential=True,
        )
        return
    yield _enough(subject, basis, (arm, share, alpha), (shows, evidence))


def _enough(
    subject: Subject, basis: _Basis, arm: tuple[Variant, float, float], said: tuple[str, dict[str, object]]
) -> Finding:
    experiment, primary = subject.experiment, subject.experiment.primary
    variant, share, alpha = arm
    shows, evidence = said
    minimum = _absolute(primary, primary.minimum_effect or 0.0, basis.plan.baseline)
    effect = minimum if primary.higher_is_better else -minimum
    if minimum == 0.0 or (basis.plan.proportion and not 0.0 <= basis.plan.baseline + effect <= 1.0):
        return Finding(
            "sample",
            "detectable_effect",
            "error",
            f"A minimum effect of {change(primary, effect)} from {number(basis.plan.baseline)} is not possible.",
            evidence,
            "Mend metrics.minimum_effect, its scale or metrics.expected.value.",
        )
    pair = _needed(basis.plan, effect, (subject.policy.estimate.power, alpha, share))
    total = math.ceil(pair / (variant.allocation + experiment.control.allocation))
    evidence = {**evidence, "minimum_effect": effect, "units_needed": total}
    units = experiment.sample.planned if experiment.sample else subject.opened.observed_units or 0
    if units >= total:
        statement = f"{shows}; the minimum effect of {change(primary, effect)} needs {total:,}: enough."
        return Finding("sample", "detectable_effect", "passed", statement, evidence)
    return Finding(
        "sample",
        "detectable_effect",
        "error" if subject.proposed else "warning",
        f"{shows}; the minimum effect of {change(primary, effect)} needs {total:,} units: too few.",
        evidence,
        _more_units(subject, total),
    )


def _needed(plan: MetricPlan, effect: float, rules: tuple[float, float, float]) -> float:
    """Units of both arms that detect an effect: those whose detectable effect it is.

    Rules are power, two-sided error and share of the treatment arm. The detectable effect falls with the root of the
    units, so a few steps do, and no root finder has to be imported.
    """
    if plan.proportion:
        return required_units(plan, effect, *rules).total
    units = 1000.0
    for _ in range(_STEPS):
        detectable = detectable_effect(plan, units, *rules)
        if math.isnan(detectable):
            return units
        step = max(units * (detectable / effect) ** 2, _FEWEST)
        if abs(step - units) <= 1e-9 * units:
            break
        units = step
    return units


def _more_units(subject: Subject, total: int) -> str:
    text = f"Plan {total:,} units, or ask for a larger effect, or adjust by a covariate from before the treatment"
    sample = subject.experiment.sample
    if sample is None or sample.per_day is None:
        return f"{text}."
    days = duration_days(total, sample.per_day, subject.policy.design.whole_weeks)
    return f"{text}; at {number(sample.per_day)} units a day that takes {days} days."


def _basis(subject: Subject, metric: Metric) -> _Basis | None:
    """Value and spread of a metric: as declared beforehand, else as observed in the control arm."""
    expected = metric.expected
    if expected is not None:
        if metric.kind == "proportion":
            if 0.0 < expected.value < 1.0:
                return _Basis(proportion_plan(expected.value, expected.variance_left), "as expected")
            return None
        if expected.sd is not None:
            return _Basis(MetricPlan(expected.value, expected.sd**2, expected.variance_left), "as expected")
    return _observed_basis(subject, metric)


def _observed_basis(subject: Subject, metric: Metric) -> _Basis | None:
    data = subject.opened.randomised
    if data is None or metric.kind == "quantile":
        return None
    control = data.moments(metric)[subject.experiment.control.name]
    if control.n < 2:
        return None
    left = 1.0
    if metric.kind == "ratio":
        a, b = (control.column(f"{metric.name}.{part}") for part in ("numerator", "denominator"))
        mean, cov = control.mean, control.covariance
        if not mean[b]:
            return None
        variance = ratio_unit_variance(mean[a], mean[b], cov[a, a], cov[b, b], cov[a, b])
        value = float(mean[a] / mean[b])
    else:
        column = control.column(metric.name)
        value, variance = float(control.mean[column]), control.variance_of(metric.name)
        if metric.covariate is not None:
            x = control.column(f"{metric.name}.covariate")
            spread = control.covariance[x, x] * variance
            left = max(1e-6, 1.0 - float(control.covariance[column, x]) ** 2 / spread) if spread > 0.0 else 1.0
    if not (math.isfinite(value) and math.isfinite(variance) and variance > 0.0 and math.isfinite(left)):
        return None
    if metric.kind == "proportion":
        return _Basis(proportion_plan(value, left), "as observed") if 0.0 < value < 1.0 else None
    return _Basis(MetricPlan(value, float(variance), left), "as observed")


def _absolute(metric: Metric, value: float, baseline: float) -> float:
    return value * abs(baseline) if metric.scale == "relative" else value


def _size_of(metric: Metric, value: float) -> str:
    """A change without its sign."""
    return change(metric, value).lstrip("+")


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
