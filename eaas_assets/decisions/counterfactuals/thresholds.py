"""Bounds of rules that would have to be elsewhere for another decision, moved just enough.

Only two kinds of bounds can matter: the one condition that keeps an earlier rule from firing, and each condition of the
rule that fires.
"""

from __future__ import annotations

import math
from typing import Any

from eaas_assets.contracts.conditions import Condition
from eaas_assets.contracts.decision_policy import Rule
from eaas_assets.contracts.facts import BY_NAME
from eaas_assets.decisions.counterfactuals.moves import ORDER
from eaas_assets.decisions.counterfactuals.trial import Case, Flip
from eaas_assets.decisions.policy import Fired, capped


def threshold_flips(case: Case) -> list[Flip]:
    """For each rule up to the one that fires, every bound that alone flips the decision."""
    flips = []
    position = case.fired.position
    for earlier in range(1, position):
        if case.word_of(earlier) != case.fired.word and len(blocking := case.blocking(earlier)) == 1:
            flips.append(_moved(case, earlier, blocking[0], holds=True))
    if case.word_of(case.next_holding(position)) != case.fired.word:
        flips += [_moved(case, position, place, holds=False) for place in range(len(case.fired.rule.when))]
    return [flip for flip in flips if flip is not None and flip.becomes.word != case.fired.word]


def _moved(case: Case, position: int, place: int, holds: bool) -> Flip | None:
    """The decision with one bound moved so that its condition holds or does not; None where no bound does that."""
    rule = case.rules[position - 1]
    condition = rule.when[place]
    fact = case.facts.get(condition.field)
    if condition.operator not in ORDER or fact is None or isinstance(fact, bool | str):
        return None
    bound = _bound(condition, fact, holds)
    if _says_nothing(condition, bound):
        return None
    other = Condition(field=condition.field, operator=condition.operator, value=bound)
    becomes = fire_with(case, position, place, other)
    return Flip(
        "threshold",
        condition.field,
        rule.rule,
        condition.value,
        bound,
        None if isinstance(bound, int) else float(fact),
        becomes,
        case.facts,
        case.facts,
    )


def _says_nothing(condition: Condition, bound: float) -> bool:
    """Whether every count or share would keep the bound, or none."""
    if BY_NAME[condition.field].type not in {"count", "share"}:
        return False
    return bound < 0 or (bound == 0 and condition.operator in {"at_least", "below"})


def _bound(condition: Condition, fact: Any, holds: bool) -> Any:
    """The bound nearest to the present one at which the condition holds, or does not."""
    strict = condition.operator in {"above", "below"}
    if strict != holds:  # the fact itself is the place
        return fact
    upwards = condition.operator in {"at_least", "below"}
    if isinstance(fact, int):
        return fact + 1 if upwards else fact - 1
    return math.nextafter(fact, math.inf if upwards else -math.inf)


def fire_with(case: Case, position: int, place: int, condition: Condition) -> Fired:
    """What is decided with one condition of one rule replaced; every rule is asked anew."""
    changed = (
        (number, rule, _replaced(rule, place, condition) if number == position else rule.when)
        for number, rule in enumerate(case.rules, start=1)
    )
    number, rule = next(
        (number, rule) for number, rule, asked in changed if all(one.holds(case.facts) for one in asked)
    )  # the last rule of a phase has no conditions
    return Fired(rule, number, *capped(rule.decision, case.facts, case.policy))


def _replaced(rule: Rule, place: int, condition: Condition) -> list[Condition]:
    return [*rule.when[:place], condition, *rule.when[place + 1 :]]
