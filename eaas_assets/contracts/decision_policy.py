"""`policies/decisions.yaml` and `policies/approvals.yaml`: which rule decides, and who must agree."""

from __future__ import annotations

import re
from datetime import date
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from eaas_assets.contracts.conditions import Condition
from eaas_assets.contracts.documents import Document
from eaas_assets.contracts.experiment import NotNegative, RiskTier, iso_day
from eaas_assets.contracts.facts import unknown_facts
from eaas_assets.contracts.identifiers import Identifier
from eaas_assets.storage.files import canonical_json, digest

Phase = Literal["proposal", "running", "concluded", "release"]
Word = Literal["start", "fix_design", "do_not_start", "continue", "pause", "scale", "pivot", "retire"]
Strength = Literal["randomised", "paired", "quasi_experiment", "before_after", "none"]
WORDS: dict[Phase, tuple[Word, ...]] = {
    "proposal": ("start", "fix_design", "do_not_start"),
    "running": ("continue", "pause"),
    "concluded": ("scale", "pivot", "retire", "continue", "pause"),
    "release": ("scale", "pivot", "retire", "continue", "pause"),
}
"""Words that may be decided in each phase."""
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
"""A fact's name in a sentence of a rule."""


class Rule(Document):
    """One rule: if all its conditions hold, it decides.

    Attributes:
        when: Conditions on facts (contracts/facts.py). An empty list always holds: the last rule of a phase.
        because: One sentence; ``{fact.name}`` is replaced by the fact as people read it.
        confidence: How sure the decision is.
        review_days: Days until the decision is looked at again.
        reversal: What would reverse it, each in a sentence.
    """

    rule: Identifier
    phase: Phase
    decision: Word
    when: list[Condition] = []
    because: str = Field(min_length=1, max_length=500)
    confidence: Literal["high", "medium", "low"]
    review_days: int = Field(ge=1, le=3650)
    reversal: list[str] = []

    @model_validator(mode="after")
    def _speaks_the_language(self) -> Self:
        if self.decision not in WORDS[self.phase]:
            raise ValueError(f"a decision out of {', '.join(WORDS[self.phase])} in phase {self.phase}")
        if unknown := unknown_facts(condition.field for condition in self.when):
            raise ValueError(f"facts of docs/decisions.md, not {', '.join(unknown)}")
        if unknown := unknown_facts(PLACEHOLDER.findall(self.because)):
            raise ValueError(f"facts of docs/decisions.md in braces, not {', '.join(unknown)}")
        return self


class Cap(Document):
    """The most that a design of this strength may decide: any of ``forbidden`` becomes ``instead``."""

    strength: Strength
    forbidden: list[Word] = Field(min_length=1)
    instead: Word
    because: str = Field(min_length=1, max_length=500)


class DecisionPolicy(Document):
    """`policies/decisions.yaml`: in each phase the first rule whose conditions all hold decides.

    Attributes:
        caps: Applied after the rules; before/after alone never scales.
    """

    policy: Literal["decisions"]
    rules: list[Rule] = Field(min_length=1, max_length=500)
    caps: list[Cap] = []

    @model_validator(mode="after")
    def _always_decides(self) -> Self:
        names = [rule.rule for rule in self.rules]
        if len(set(names)) < len(names):
            raise ValueError("rules with different names")
        for phase in WORDS:
            own = [rule for rule in self.rules if rule.phase == phase]
            if own and own[-1].when:
                raise ValueError(f"a last rule of phase {phase} without conditions, so that every case is decided")
        if len({cap.strength for cap in self.caps}) < len(self.caps):
            raise ValueError("each strength capped once")
        for cap in self.caps:
            self._fits(cap)
        return self

    @staticmethod
    def _fits(cap: Cap) -> None:
        if cap.instead in cap.forbidden:
            raise ValueError(f"another word than {cap.instead} instead of it, for strength {cap.strength}")
        for phase, words in WORDS.items():
            if set(cap.forbidden) & set(words) and cap.instead not in words:
                raise ValueError(f"a word of phase {phase} instead of the forbidden ones, not {cap.instead}")

    @cached_property
    def by_phase(self) -> dict[Phase, tuple[Rule, ...]]:
        """Rules of each phase in their order."""
        return {phase: tuple(rule for rule in self.rules if rule.phase == phase) for phase in WORDS}

    @cached_property
    def cap_of(self) -> dict[str, Cap]:
        """Strength of the design → its cap."""
        return {cap.strength: cap for cap in self.caps}

    @property
    def digest(self) -> str:
        """Hash of the policy's content."""
        return digest(canonical_json(self.model_dump(mode="json")))


DECISION_OWNER = "decision_owner"
"""In a requirement: whatever role (or person) the subject names as the owner of its decision."""


class Person(Document):
    """Someone who may approve.

    Attributes:
        roles: Roles in which they may.
        key: SSH public key (``ssh-ed25519 AAAA…``); None: their approvals are not signed.
        until: Last day (UTC) of someone who has left: what they approved until then still counts. None: no end.
    """

    person: Identifier
    roles: list[Identifier] = Field(min_length=1)
    key: str | None = Field(default=None, pattern=r"^ssh-ed25519 [A-Za-z0-9+/=]+( .*)?$")
    until: Annotated[date | None, BeforeValidator(iso_day)] = None


class Requirement(Document):
    """Who must approve what. All requirements that apply are joined.

    Attributes:
        decisions: Decision words that it is about.
        risk_tiers: Tiers that it is about.
        at_least_usd: Money at stake from which it applies; unknown money counts as reaching it. None: always.
        roles: One approval of each of these roles; ``decision_owner`` stands for the one that the subject names.
        people: Fewest different people.
        signed: Whether only signed approvals count.
    """

    decisions: list[Word] = Field(min_length=1)
    risk_tiers: list[RiskTier] = Field(min_length=1)
    at_least_usd: NotNegative | None = None
    roles: list[Identifier] = []
    people: int = Field(default=1, ge=1, le=10)
    signed: bool = False


class Waiver(Document):
    """Someone has lifted a requirement for one subject until a day."""

    subject: Annotated[str, Field(min_length=1, max_length=130)]
    role: Identifier
    by: Identifier
    until: Annotated[date, BeforeValidator(iso_day)]
    reason: str = Field(min_length=1, max_length=1000)


class ApprovalPolicy(Document):
    """`policies/approvals.yaml`.

    Attributes:
        expires_days: Days after which an approval no longer counts for a decision that was not yet complete.
        owner_may_approve: Whether the owner of a subject counts for it.
        override_roles: Roles that may decide against the rule, or lift a requirement, with a reason.
        default_decision_owner: Role that stands in where a subject names no owner of its decision.
    """

    policy: Literal["approvals"]
    people: list[Person]
    requirements: list[Requirement]
    waivers: list[Waiver] = []
    expires_days: int = Field(ge=1, le=3650)
    owner_may_approve: bool = False
    override_roles: list[Identifier] = []
    default_decision_owner: Identifier | None = None

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        names = [person.person for person in self.people]
        if len(set(names)) < len(names):
            raise ValueError("each person once")
        held = {role for person in self.people for role in person.roles}
        asked = {role for requirement in self.requirements for role in requirement.roles} | set(self.override_roles)
        if self.default_decision_owner is not None:
            asked.add(self.default_decision_owner)
        if missing := sorted(asked - held - {DECISION_OWNER}):
            raise ValueError(f"someone who holds the role {', '.join(missing)}")
        return self

    @cached_property
    def digest(self) -> str:
        """Hash of the policy's content."""
        return digest(canonical_json(self.model_dump(mode="json")))
