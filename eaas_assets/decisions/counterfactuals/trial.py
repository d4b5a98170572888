"""Asking a policy again and again about facts of which only a few change.

Belongs here: what makes thousands of questions cheap. The answers are those of `policy.fire`, and whatever is listed in
the end is asked of that.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from eaas_assets.contracts.conditions import Condition, Facts
from eaas_assets.contracts.decision_policy import DecisionPolicy, Phase, Rule, Word
from eaas_assets.decisions.policy import Fired, capped, fire

Test = Callable[[Facts], bool]
_COMPARE = {"at_least": operator.ge, "above": operator.gt, "at_most": operator.le, "below": operator.lt}


class _Asked(NamedTuple):
    """A rule with the tests of those conditions that ask about certain facts."""

    rule: Rule
    tests: tuple[Test, ...]


class _PhaseRules:
    """Rules of a phase, prepared for questions."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self.rules = rules
        self.fields = list(dict.fromkeys(condition.field for rule in rules for condition in rule.when))
        self._tests = [[(condition.field, _test(condition)) for condition in rule.when] for rule in rules]
        self._asked: dict[frozenset[str], list[_Asked]] = {}

    def failing(self, facts: Facts) -> list[frozenset[str]]:
        """For each rule the fields of the conditions that do not hold."""
        return [frozenset(field for field, test in tests if not test(facts)) for tests in self._tests]

    def asked(self, affected: frozenset[str]) -> list[_Asked]:
        """Each rule with its tests of the affected facts."""
        if affected not in self._asked:
            self._asked[affected] = [
                _Asked(rule, tuple(test for field, test in tests if field in affected))
                for rule, tests in zip(self.rules, self._tests, strict=True)
            ]
        return self._asked[affected]


class Questions:
    """A policy, prepared to be asked about many subjects."""

    def __init__(self, policy: DecisionPolicy) -> None:
        self.policy = policy
        self._phases = {phase: _PhaseRules(rules) for phase, rules in policy.by_phase.items()}

    def about(self, facts: Mapping[str, Any], phase: Phase) -> Case:
        """One subject."""
        return Case(facts, phase, self.policy, self._phases[phase])


class Case:
    """One subject under one policy: its facts, what they decide, and which conditions hold for them as they are."""

    def __init__(self, facts: Mapping[str, Any], phase: Phase, policy: DecisionPolicy, prepared: _PhaseRules) -> None:
        self.facts = dict(facts)
        self.phase = phase
        self.policy = policy
        self.fired = fire(facts, phase, policy)
        self.rules = prepared.rules
        self.fields = prepared.fields
        self._prepared = prepared
        self._failing = prepared.failing(facts)

    def conditions(self, fields: Iterable[str]) -> list[Condition]:
        """Conditions of the phase that ask about these facts."""
        wanted = frozenset(fields)
        return [condition for rule in self.rules for condition in rule.when if condition.field in wanted]

    def trial(self, affected: frozenset[str]) -> Trial:
        """Questions about facts of which only the ``affected`` ones change."""
        rules = []
        for asked, failing in zip(self._prepared.asked(affected), self._failing, strict=True):
            if failing <= affected:
                rules.append(asked)
                if not asked.tests:  # it fires at the latest
                    break
        return Trial(self.policy, rules)

    def flip(
        self, fact: str, current: Any, flipped: Any, bound: float | None, changed: Mapping[str, Any]
    ) -> Flip | None:
        """The flip that changed facts make, asked of every rule anew; None where they decide as before."""
        becomes = fire(changed, self.phase, self.policy)
        if becomes.word == self.fired.word:
            return None
        return Flip("evidence", fact, becomes.rule.rule, current, flipped, bound, becomes, self.facts, changed)

    def word_of(self, position: int) -> Word:
        """The word of a rule, capped."""
        return capped(self.rules[position - 1].decision, self.facts, self.policy)[0]

    def next_holding(self, position: int) -> int:
        """The next rule after a position whose conditions all hold; the position itself for the last one."""
        later = range(position + 1, len(self.rules) + 1)
        return next((number for number in later if not self._failing[number - 1]), position)

    def blocking(self, position: int) -> list[int]:
        """Places of the conditions of a rule that do not hold."""
        failing = self._failing[position - 1]
        if len(failing) != 1:  # none, or conditions on several facts
            return []
        when = self.rules[position - 1].when
        return [
            place
            for place, condition in enumerate(when)
            if condition.field in failing and not condition.holds(self.facts)
        ]


class Trial:
    """The rules that can fire while only certain facts change."""

    def __init__(self, policy: DecisionPolicy, rules: list[_Asked]) -> None:
        self._policy = policy
        self._rules = rules

    def word(self, facts: Facts) -> Word:
        """What is decided by the changed facts."""
        rule = next(asked.rule for asked in self._rules if all(test(facts) for test in asked.tests))
        return capped(rule.decision, facts, self._policy)[0]


@lru_cache(maxsize=4096)
def _order_test(field: str, name: str, bound: float) -> Test:
    compare = _COMPARE[name]

    def test(facts: Facts) -> bool:
        fact = facts.get(field)
        return isinstance(fact, int | float) and not isinstance(fact, bool) and bool(compare(fact, bound))

    return test


def _test(condition: Condition) -> Test:
    """The condition's test; of two numbers of the same precision the order of floats is the order of their decimals."""
    if condition.operator in _COMPARE:
        return _order_test(condition.field, condition.operator, condition.value)
    return condition.holds


class Flip(NamedTuple):
    """One change that flips a decision.

    Attributes:
        kind: ``evidence`` or ``threshold``.
        fact: The fact that changes, or that the rule asks about.
        rule: The rule that fires instead, or whose bound changes.
        current: As it is; None where it is missing.
        flipped: The nearest value that flips the decision.
        bound: The number that it had to reach or cross; None for words and yes/no.
        becomes: The decision then.
        before: The facts as they are.
        facts: The changed facts; the same ones for a threshold.
    """

    kind: str
    fact: str
    rule: str
    current: Any
    flipped: Any
    bound: float | None
    becomes: Fired
    before: Mapping[str, Any]
    facts: Mapping[str, Any]
