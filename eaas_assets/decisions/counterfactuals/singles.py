"""Single facts that stand alone: words, yes/no, counts and shares whose other value would flip a decision.

A missing fact is tried with every value that a condition could tell from another.
"""

from __future__ import annotations

import math
from typing import Any

from eaas_assets.contracts.conditions import Condition
from eaas_assets.contracts.facts import BY_NAME, Fact
from eaas_assets.decisions.counterfactuals.effect import EFFECT, MINIMUM, PRECISION
from eaas_assets.decisions.counterfactuals.moves import ORDER
from eaas_assets.decisions.counterfactuals.trial import Case, Flip
from eaas_assets.decisions.facts.effect import NO_REFUSAL

Facts = dict[str, Any]
LEFT_OUT = (
    EFFECT
    | PRECISION
    | MINIMUM
    | {
        "subject.kind",
        "subject.phase",
        "subject.type",
        "subject.domain",
        "subject.arm",
        "primary.refusal",
        "value.declared",
        "value.usd_per_benefit",
        "guardrails.declared",
        "claim.annual_value_usd",
    }
)
"""Facts that move with others, or name the subject: no single change of them means anything."""
TRUST = {
    "subject.usable",
    "design.grade",
    "design.strength",
    "integrity.sample_ratio",
    "integrity.novelty",
    "integrity.drift",
    "integrity.calibration",
    "primary.answered",
    "release.gate_calibration",
}
"""Facts that could pause anything if they got worse. Only what mends them is told."""
LIMITS = {"segments.harmed": "segments.judged", "guardrails.harmed": "guardrails.declared"}
"""Counts that cannot exceed another one."""


def single_flips(case: Case) -> list[Flip]:
    """For each fact that stands alone, the nearest value for each other decision that it can lead to."""
    return [flip for name in case.fields if name not in LEFT_OUT for flip in _of_fact(case, BY_NAME[name])]


def _of_fact(case: Case, fact: Fact) -> list[Flip]:
    current = case.facts.get(fact.name)
    affected = frozenset(_linked(fact.name))
    trial = case.trial(affected)
    flips: dict[tuple[str, bool], Flip | None] = {}
    for value in _candidates(case, fact, current):
        changed = _with(case.facts, fact.name, value)
        word = trial.word(changed)
        upwards = not isinstance(value, str) and current is not None and value > current
        if word != case.fired.word and (word, upwards) not in flips:
            flips[word, upwards] = case.flip(fact.name, current, value, None, changed)
    return [flip for flip in flips.values() if flip is not None]


def _candidates(case: Case, fact: Fact, current: Any) -> list[Any]:
    """Values that a condition could tell from the current one, the nearest first."""
    if fact.type == "boolean":
        return [value for value in (True, False) if value != current and _possible(fact.name, value, current)]
    if fact.type == "text":
        return _words(fact, current)
    conditions = [condition for condition in case.conditions([fact.name]) if condition.operator in ORDER]
    values: set[Any] = (
        set(_counts(conditions, current, _limit(case.facts, fact.name)))
        if fact.type == "count"
        else set(_numbers(conditions, current))
    )
    return sorted(values, key=lambda value: (abs(value - (current or 0)), value))


def _possible(name: str, value: bool, current: bool | None) -> bool:
    """Time does not run backwards, and what is trusted is not doubted."""
    return value or current is None or name not in TRUST | {"sample.past_end"}


def _words(fact: Fact, current: Any) -> list[str]:
    """Other words, the nearest in the fact's order first; of what is trusted or not, only better ones."""
    worst = len(fact.values) - 1
    if current not in fact.values:
        return list(fact.values[:worst] if fact.name in TRUST else fact.values)
    place = fact.values.index(current)
    others = [index for index in range(place if fact.name in TRUST else worst + 1) if index != place]
    return [fact.values[index] for index in sorted(others, key=lambda index: abs(index - place))]


def _counts(conditions: list[Condition], current: Any, limit: float) -> set[int]:
    near = {math.floor(float(condition.value)) + step for condition in conditions for step in (-1, 0, 1, 2)}
    return {value for value in near if 0 <= value <= limit and value != current}


def _numbers(conditions: list[Condition], current: Any) -> set[float]:
    bounds = {float(condition.value) for condition in conditions}
    near = {math.nextafter(bound, end) for bound in bounds for end in (-math.inf, math.inf)} | bounds
    return {value for value in near if value != current}


def _limit(facts: Facts, name: str) -> float:
    limit = facts.get(LIMITS.get(name, ""))
    if name == "guardrails.unknown":
        declared, harmed = facts.get("guardrails.declared"), facts.get("guardrails.harmed")
        return math.inf if declared is None else declared - (harmed or 0)
    return math.inf if limit is None else float(limit)


def _linked(name: str) -> set[str]:
    """The fact and what moves with it."""
    if name in {"guardrails.harmed", "guardrails.unknown"}:
        return {"guardrails.passed", "guardrails.harmed", "guardrails.unknown"}
    return {name, "primary.refusal"} if name == "primary.answered" else {name}


def _with(facts: Facts, name: str, value: Any) -> Facts:
    """The facts with another value. Guardrails keep their number: what leaves one count enters another."""
    changed = {**facts, name: value}
    if name == "primary.answered" and value:
        changed["primary.refusal"] = NO_REFUSAL
    if name in {"guardrails.harmed", "guardrails.unknown"} and facts.get("guardrails.declared") is not None:
        other = "guardrails.unknown" if name == "guardrails.harmed" else "guardrails.harmed"
        room = facts["guardrails.declared"] - value
        changed[other] = min(facts.get(other, 0), room)
        changed["guardrails.passed"] = room - changed[other]
    return changed
