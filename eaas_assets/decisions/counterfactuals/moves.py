"""Moves of linked numbers that could flip a decision: where a fact that follows reaches the bound of a condition.

Every condition has one bound, so a move has finitely many places at which anything can change. Each is tried itself and
on both sides, at the nearest number that still makes a difference.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from eaas_assets.contracts.conditions import Condition
from eaas_assets.decisions.counterfactuals.effect import (
    EFFECT,
    MINIMUM,
    NORMAL,
    PRECISION,
    exact,
    slope_of_z,
    with_benefit,
    with_minimum,
    with_precision,
    z_of_loss,
    z_of_p,
)
from eaas_assets.decisions.counterfactuals.trial import Case, Flip

Facts = dict[str, Any]
ORDER = {"at_least", "above", "at_most", "below"}
STRONG = {"randomised", "paired"}
"""Designs whose standard error shrinks with the square root of their units."""
PROBABLE = 1e-9
"""Relative step beside a place that was found by way of a probability."""
SHARPEST = 1e-3
"""Smallest factor of the standard error that is tried: a million times the units are no plan."""


class _Place(NamedTuple):
    value: float
    bound: float
    step: float


def effect_flips(case: Case) -> list[Flip]:
    """The smallest moves of the effect, one for each other decision that it can lead to."""
    benefit = case.facts.get("primary.benefit")
    if not isinstance(benefit, float | int):
        return []
    places = [
        place for condition in case.conditions(EFFECT) for place in _benefits(case.facts, condition, float(benefit))
    ]
    return _nearest(
        case, "primary.benefit", float(benefit), places, EFFECT, lambda value: with_benefit(case.facts, value)
    )


def minimum_flips(case: Case) -> list[Flip]:
    """The smallest changes of the declared minimum effect."""
    facts = case.facts
    minimum, benefit = facts.get("primary.minimum_effect"), facts.get("primary.benefit")
    if not minimum or benefit is None:
        return []
    places = []
    for condition in case.conditions(MINIMUM):
        if condition.field == "primary.minimum_effect" and condition.operator in ORDER:
            places.append(_Place(float(condition.value), float(condition.value), 0.0))
        elif condition.field == "primary.minimum_ratio" and condition.operator in ORDER and condition.value:
            value = float(exact(benefit) / exact(condition.value))
            places.append(_Place(value, value, 0.0))
        elif condition.field == "primary.excludes_minimum" and facts.get("primary.benefit_high") is not None:
            value = float(facts["primary.benefit_high"])
            places.append(_Place(value, value, 0.0))
    positive = [place for place in places if place.value > 0]
    return _nearest(
        case, "primary.minimum_effect", minimum, positive, MINIMUM, lambda value: with_minimum(facts, value)
    )


def precision_flips(case: Case) -> list[Flip]:
    """The least further precision that flips the decision while the estimate stays: more units of the same.

    Where units are what makes the error smaller, the change is a whole number of them.
    """
    facts = case.facts
    error, benefit = facts.get("primary.se"), facts.get("primary.benefit")
    observed: int = facts.get("sample.observed") or 0
    if not error or benefit is None:
        return []
    found = (
        factor
        for condition in case.conditions(PRECISION)
        for factor in _factors(facts, condition)
        if SHARPEST <= factor < 1
    )
    factors = sorted(set(found), reverse=True)
    whole = facts.get("design.strength") in STRONG and observed
    tries: Iterable[tuple[float, int | None]] = _unit_tries(factors, observed) if whole else _factor_tries(factors)
    trial = case.trial(PRECISION)
    flips: dict[str, Flip | None] = {}
    for factor, units in tries:
        changed = with_precision(facts, factor, units)
        word = trial.word(changed)
        if word != case.fired.word and word not in flips:
            flips[word] = case.flip("primary.se", error, changed["primary.se"], None, changed)
    return [flip for flip in flips.values() if flip is not None]


def _unit_tries(factors: Iterable[float], observed: int) -> Iterator[tuple[float, int | None]]:
    for factor in factors:
        middle = observed / factor**2
        for units in range(max(observed + 1, math.floor(middle) - 1), math.ceil(middle) + 3):
            yield math.sqrt(observed / units), units


def _factor_tries(factors: Iterable[float]) -> Iterator[tuple[float, int | None]]:
    for factor in factors:
        for nearby in (factor * (1 + PROBABLE), factor, factor * (1 - PROBABLE)):
            yield nearby, None


def _nearest(
    case: Case,
    fact: str,
    current: float,
    places: Iterable[_Place],
    affected: frozenset[str],
    moved: Callable[[float], Facts],
) -> list[Flip]:
    """For each other decision the candidate nearest to the current value, on each side of it."""
    bounds = {
        value: place.bound
        for place in places
        for value in (place.value, *_beside(place))
        if math.isfinite(value) and value != current
    }
    trial = case.trial(affected)
    flips: dict[tuple[str, bool], Flip | None] = {}
    for value in sorted(bounds, key=lambda candidate: abs(exact(candidate) - exact(current))):
        changed = moved(value)
        word = trial.word(changed)
        key = (word, value > current)
        if word != case.fired.word and key not in flips:
            flips[key] = case.flip(fact, current, value, bounds[value], changed)
    return [flip for flip in flips.values() if flip is not None]


def _beside(place: _Place) -> tuple[float, float]:
    """The nearest numbers below and above a place that make a difference to the fact that has the bound."""
    below, above = math.nextafter(place.value, -math.inf), math.nextafter(place.value, math.inf)
    if place.step:
        below, above = min(below, place.value - place.step), max(above, place.value + place.step)
    return below, above


def _benefits(facts: Facts, condition: Condition, benefit: float) -> list[_Place]:
    """Benefits at which the fact of a condition reaches its bound."""
    name = condition.field
    if name == "primary.excludes_minimum":
        high, minimum = facts.get("primary.benefit_high"), facts.get("primary.minimum_effect")
        return [] if high is None or minimum is None else [_along(benefit, high, minimum)]
    value = facts.get(name)
    if condition.operator not in ORDER or value is None:
        return []
    bound = float(condition.value)
    if name in {"primary.p", "value.p_loss"}:
        return _by_probability(facts, name, bound, benefit)
    if name in {"primary.benefit", "primary.benefit_low", "primary.benefit_high"}:
        return [_along(benefit, value, bound)]
    per_benefit = _slope(facts, name, benefit)
    return [] if not per_benefit else [_along(benefit, value, bound, per_benefit)]


def _along(benefit: float, value: float, bound: float, slope: float = 1.0) -> _Place:
    """The benefit at which a fact that moves by ``slope`` per unit of benefit comes from ``value`` to ``bound``."""
    place = float(exact(benefit) + (exact(bound) - exact(value)) / exact(slope))
    step = max(math.ulp(bound), math.ulp(value)) / abs(slope) if slope != 1.0 or bound else 0.0
    return _Place(place, place, step)


def _slope(facts: Facts, name: str, benefit: float) -> float | None:
    """How much a fact moves per unit of benefit; None where that is not known."""
    if name == "primary.minimum_ratio":
        minimum = facts.get("primary.minimum_effect")
        return float(1 / exact(minimum)) if minimum else None
    if name == "primary.relative_benefit":
        return float(exact(facts[name]) / exact(benefit)) if benefit else None
    slope = facts.get("value.usd_per_benefit")
    return float(slope) if slope is not None else None


def _by_probability(facts: Facts, name: str, bound: float, benefit: float) -> list[_Place]:
    if not 0.0 < bound < 1.0:
        return []
    if name == "primary.p":
        z_per_benefit = slope_of_z(facts)
        size = -NORMAL.inv_cdf(bound / 2.0) / z_per_benefit if z_per_benefit else math.nan
        places = [size, -size]
    else:
        slope, error = facts.get("value.usd_per_benefit"), facts.get("value.se_usd")
        if not slope or not error:
            return []
        places = [benefit + (-NORMAL.inv_cdf(bound) - z_of_loss(facts)) * error / slope]
    return [_Place(place, place, abs(place) * PROBABLE) for place in places if math.isfinite(place)]


def _factors(facts: Facts, condition: Condition) -> Iterator[float]:
    """Factors of the standard error at which the fact of a condition reaches its bound."""
    name, benefit = condition.field, facts.get("primary.benefit")
    value = facts.get(name)
    if name == "primary.excludes_minimum":
        high, minimum = facts.get("primary.benefit_high"), facts.get("primary.minimum_effect")
        if high is not None and minimum is not None and high != benefit:
            yield (minimum - benefit) / (high - benefit)
        return
    if value is None or condition.operator not in ORDER:
        return
    bound = float(condition.value)
    middle = {"value.net_low_usd": facts.get("value.net_usd")}.get(name, benefit)
    if name == "primary.p" and 0.0 < bound < 1.0:
        yield z_of_p(facts) / -NORMAL.inv_cdf(bound / 2.0)
    elif name == "value.p_loss" and 0.0 < bound < 1.0 and bound != 0.5:
        yield z_of_loss(facts) / -NORMAL.inv_cdf(bound)
    elif name in {"primary.se", "value.se_usd"} and value:
        yield bound / value
    elif name in {"sample.observed", "sample.fraction"} and bound:
        yield math.sqrt(value / bound)
    elif middle is not None and value != middle:
        yield (bound - middle) / (value - middle)
