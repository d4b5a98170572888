"""The document `decision_rules.yaml` of a suite's catalogue: a rule table, and an ordered classification.

Belongs here: what the rules say and what they say of given facts. Whether they agree with each other, with the facts
or with the labels is the audit's question.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import Any, Self

from pydantic import Field, model_validator

from eaas_assets.contracts.conditions import Condition, Facts, all_hold
from eaas_assets.contracts.documents import Document
from eaas_assets.contracts.identifiers import Identifier

Scalar = str | int | float | bool


class IssueTypeRule(Document):
    """One row of the rule table: what a type requires, whom to call and how the case should end."""

    when: list[Condition] = Field(max_length=50)
    path: list[Identifier] = Field(max_length=50)
    outcome: Identifier


class ClassificationRule(Document):
    """One step of the classification: if every condition holds, the case is of this type."""

    name: Identifier
    when: list[Condition] = Field(max_length=50)
    issue_type: Identifier


class DecisionRulesDocument(Document):
    """All rules of a suite.

    Attributes:
        issue_types: The rule table, by issue type.
        classification: In order; the first rule whose conditions all hold decides.
        default_issue_type: The type when no rule fires.
        unknown_outcome: The outcome of that type.
        missing_values: Facts that stand in for missing ones.
    """

    issue_types: dict[Identifier, IssueTypeRule] = Field(max_length=1000)
    classification: list[ClassificationRule] = Field(max_length=1000)
    default_issue_type: Identifier
    unknown_outcome: Identifier
    missing_values: dict[str, Scalar] = {}

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        names = Counter(rule.name for rule in self.classification)
        if twice := sorted(name for name, times in names.items() if times > 1):
            raise ValueError(f"different names for classification rules; twice: {', '.join(twice)}")
        known = {*self.issue_types, self.default_issue_type}
        if unknown := sorted({rule.issue_type for rule in self.classification} - known):
            raise ValueError(f"issue types of the rule table in the classification, not {', '.join(unknown)}")
        return self

    def completed(self, facts: Facts) -> dict[str, Any]:
        """``facts`` with the stand-ins for missing ones."""
        known = {name: value for name, value in facts.items() if value is not None}
        return {**self.missing_values, **known}

    def first_rule(self, facts: Facts) -> ClassificationRule | None:
        """The rule that decides for completed ``facts``; None when no rule fires."""
        return next((rule for rule in self.classification if all_hold(rule.when, facts)), None)

    def table_matches(self, facts: Facts) -> list[str]:
        """Issue types of the rule table whose conditions all hold for completed ``facts``."""
        return [name for name, rule in self.issue_types.items() if all_hold(rule.when, facts)]

    @cached_property
    def fields(self) -> frozenset[str]:
        """Every fact that some condition looks at."""
        conditions = [rule.when for rule in self.issue_types.values()] + [rule.when for rule in self.classification]
        return frozenset(condition.field for when in conditions for condition in when)
