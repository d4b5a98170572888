"""What a suite's own rules say of its scenarios: the common ground of all findings about rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from eaas_assets.contracts.conditions import Condition, Facts
from eaas_assets.contracts.suite import Suite
from eaas_assets.suites.decision_rules import ClassificationRule, DecisionRulesDocument
from eaas_assets.suites.scenarios import Scenario, SuiteReading

MESSAGE = "message"


class Judged(NamedTuple):
    """A scenario with what the rules make of it.

    Attributes:
        facts: Its facts, stand-ins for missing ones included; ``message`` too where a rule looks at it.
        fired: The classification rule that decides; None where no rule fires.
    """

    scenario: Scenario
    facts: Facts
    fired: ClassificationRule | None

    def shown(self, conditions: Iterable[Condition]) -> dict[str, Any]:
        """The facts that the conditions look at."""
        return {condition.field: self.facts.get(condition.field) for condition in conditions}


class RuleBook(NamedTuple):
    """The rules of a suite and what they say of each scenario."""

    suite: Suite
    rules: DecisionRulesDocument
    judged: list[Judged]

    @property
    def default(self) -> str:
        """The issue type when no rule fires."""
        return self.rules.default_issue_type

    def issue_type(self, fired: ClassificationRule | None) -> str:
        """The issue type that a decision means."""
        return self.default if fired is None else fired.issue_type

    def label_field(self, name: str) -> str | None:
        """The expected field that the rules decide under ``name``, if the suite expects it."""
        return next((field.field for field in self.suite.expected if field.field == name), None)

    def exists(self, fact: str) -> bool:
        """Whether scenarios of the suite can have the fact at all."""
        tables = tuple(f"{table.table}." for table in self.suite.context)
        known = {*self.suite.scenarios.inputs, *self.rules.missing_values, MESSAGE}
        return fact in known or fact.startswith(tables)


def rule_book(reading: SuiteReading) -> RuleBook | None:
    """The rules applied to every scenario; None where the suite has no rules."""
    suite, rules = reading.suite, reading.decision_rules
    if suite is None or rules is None:
        return None
    reads_message = MESSAGE in rules.fields
    known: dict[int, tuple[dict[str, Any], ClassificationRule | None]] = {}
    judged = []
    for scenario in reading.scenarios:
        result = None if reads_message else known.get(id(scenario.context))
        if result is None:
            facts = rules.completed(scenario.context)
            if reads_message:
                facts.setdefault(MESSAGE, scenario.message)
            result = known[id(scenario.context)] = (facts, rules.first_rule(facts))
        judged.append(Judged(scenario, *result))
    return RuleBook(suite, rules, judged)
