"""What the `settings` of a rules agent say: how facts become a case, and what is done and answered in each case.

One model serves an orchestrator that calls specialists and a classifier that only fills in fields. All conditions
are written in the one language of `contracts.conditions`. How the settings are carried out is in `rules`.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from eaas_assets.contracts.conditions import Condition
from eaas_assets.contracts.documents import Document
from eaas_assets.contracts.identifiers import Identifier
from eaas_assets.contracts.policies import Share

FactName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$", max_length=128)]
Scalar = str | int | float | bool | None
Number = Annotated[float, Field(allow_inf_nan=False, strict=False)]
Conditions = Annotated[list[Condition], Field(min_length=1)]


class Latency(Document):
    """Simulated seconds.

    Attributes:
        base_s: The middle.
        variation_s: Each call takes up to this much more or less, drawn evenly from the request's seed.
    """

    base_s: Number = Field(ge=0, le=3600)
    variation_s: Number = Field(default=0.0, ge=0)

    @model_validator(mode="after")
    def _never_negative(self) -> Self:
        if self.variation_s > self.base_s:
            raise ValueError("a variation_s of at most base_s")
        return self


class FactRule(Document):
    """If all conditions hold, the derived fact has this value."""

    when: Conditions
    value: Scalar


class DerivedFact(Document):
    """A fact that is read from other facts, such as the kind of ticket from the words of the message.

    Attributes:
        fact: Its name. A fact that the request already has under this name is left as it is.
        rules: In order; the first whose conditions all hold decides.
        default: Its value where none holds; None leaves the fact missing.
    """

    fact: FactName
    rules: list[FactRule] = Field(min_length=1)
    default: Scalar = None


class Lookup(Document):
    """A fact that stands in a table.

    Attributes:
        of: The fact that is looked up. For a list of texts the entries are numbers and are added up exactly; the sum
            is unknown where an entry is.
        table: Value for each text.
        default: Value for a text that the table does not have; None: unknown.
    """

    of: FactName
    table: dict[str, Scalar] = Field(min_length=1)
    default: Scalar = None


class CaseRule(Document):
    """If all conditions hold, this is the case.

    Attributes:
        confidence: How sure the rule is; None: as sure as the settings say in general.
    """

    name: Identifier
    when: Conditions
    case: Identifier
    confidence: Share | None = None


class Case(Document):
    """What is answered and done.

    Attributes:
        answer: Fields of the answer.
        path: Specialists to call, in order.
        message: What the person is told, with ``{facts}`` filled in.
    """

    answer: dict[Identifier, Any]
    path: list[Identifier] = Field(default=[], max_length=100)
    message: str = ""


class Otherwise(Document):
    """What happens where no rule decides."""

    case: Identifier
    confidence: Share | None = None


class Refinement(Document):
    """A later change of the answer. All whose conditions hold are applied, in order, each on the result of the last.

    Attributes:
        set: Fields that get another value.
        add: Fields (lists) that get further items, unless they have them.
    """

    name: Identifier
    when: Conditions
    set: dict[Identifier, Any] = {}
    add: dict[Identifier, list[Scalar]] = {}


class Specialist(Document):
    """A simulated specialist.

    Attributes:
        response: Its output, field by field. ``{facts}`` in text are filled in; a text that is one ``{fact}`` and
            nothing else keeps the type of the fact.
    """

    action: Identifier | None = None
    response: dict[Identifier, Scalar]
    latency: Latency


class ReviewRule(Document):
    """If all conditions hold, a person has to look at the answer."""

    name: Identifier
    when: Conditions


class RulesSettings(Document):
    """Settings of the `rules` adapter.

    Conditions and templates may use the request's facts, the ``message``, and, from the classification on, ``case``,
    ``rule``, ``confidence`` and ``answer.<field>``. Lookups may be used in templates and review rules.

    Attributes:
        missing_values: What a missing fact counts as.
        facts: Derived facts, in order; a later one may use an earlier one.
        classification: In order; the first rule whose conditions all hold decides the case.
        otherwise: The case where none holds.
        path_field: Field of the answer that gets the case's path; None: none does.
        rule_field: Field of the answer that gets the name of the deciding rule; None: none does.
        latency: Time of the agent itself, beside that of its specialists.
    """

    missing_values: dict[FactName, Scalar] = {}
    facts: list[DerivedFact] = []
    classification: list[CaseRule] = Field(min_length=1)
    otherwise: Otherwise
    cases: dict[Identifier, Case] = Field(min_length=1)
    refinements: list[Refinement] = []
    lookups: dict[FactName, Lookup] = {}
    specialists: dict[Identifier, Specialist] = {}
    human_review: list[ReviewRule] = []
    path_field: Identifier | None = None
    rule_field: Identifier | None = None
    confidence: Share = 1.0
    latency: Latency

    @model_validator(mode="after")
    def _names_meet(self) -> Self:
        wanted = {rule.case: f"rule {rule.name}" for rule in self.classification} | {self.otherwise.case: "otherwise"}
        for case, by in wanted.items():
            if case not in self.cases:
                raise ValueError(f"a case '{case}', which {by} leads to")
        for name, case_ in self.cases.items():
            for specialist in case_.path:
                if specialist not in self.specialists:
                    raise ValueError(f"a specialist '{specialist}', whom case {name} calls")
        for what, names in {
            "classification rules": [rule.name for rule in self.classification],
            "refinements": [rule.name for rule in self.refinements],
            "review rules": [rule.name for rule in self.human_review],
            "derived facts": [fact.fact for fact in self.facts],
        }.items():
            if repeated := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"different names for {what}; twice: {', '.join(repeated)}")
        self._check_lookups()
        self._check_own_fields()
        return self

    def _check_lookups(self) -> None:
        for name, lookup in self.lookups.items():
            kinds = {isinstance(value, int | float) and not isinstance(value, bool) for value in lookup.table.values()}
            if len(kinds) > 1:
                raise ValueError(f"only numbers or no numbers in the table of lookup {name}")

    def _check_own_fields(self) -> None:
        own = {field for field in (self.path_field, self.rule_field) if field}
        written = [case.answer for case in self.cases.values()]
        for fields in [*written, *(r.set for r in self.refinements), *(r.add for r in self.refinements)]:
            if both := own & fields.keys():
                raise ValueError(f"{both.pop()} to be written only as path_field or rule_field says")
