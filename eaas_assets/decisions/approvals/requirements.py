"""Who must agree to a decision: by its word, its risk tier and the money at stake."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from eaas_assets.contracts.conditions import exact
from eaas_assets.contracts.decision_policy import DECISION_OWNER, ApprovalPolicy, Requirement
from eaas_assets.errors import StorageError
from eaas_assets.storage.files import canonical_json


class Required(NamedTuple):
    """Approvals that are needed, or still missing.

    Attributes:
        roles: One approval in each.
        people: Fewest different people; 0 and no roles: nobody is needed.
        signed: Whether only signed approvals count.
    """

    roles: tuple[str, ...] = ()
    people: int = 0
    signed: bool = False

    @property
    def nobody(self) -> bool:
        """Whether nothing is needed."""
        return not self.roles and not self.people

    @property
    def json(self) -> str:
        """For the columns ``required_json`` and ``missing_json``."""
        return canonical_json({"people": self.people, "roles": list(self.roles), "signed": self.signed})

    @property
    def statement(self) -> str:
        """In words."""
        if self.nobody:
            return "nobody"
        who = " and ".join(self.roles) or "any listed person"
        count = f", {self.people} different people" if self.people > max(1, len(self.roles)) else ""
        return f"{who}{count}{', signed' if self.signed else ''}"


def requirements_of(decision: Mapping[str, Any], policy: ApprovalPolicy, word: str | None = None) -> Required:
    """Who must agree to a decision under ``policy``. All requirements that apply are joined.

    Args:
        decision: A row (or part of one) with ``decision``, ``risk``, ``at_stake_usd`` and ``decision_owner``.
        policy: The approval policy.
        word: Ask for this word in place of the decision's own: what an override would need.
    """
    asked = decision["decision"] if word is None else word
    applying = [requirement for requirement in policy.requirements if _applies(requirement, asked, decision)]
    if not applying:
        return Required()
    roles = dict.fromkeys(_resolved(role, decision, policy) for rule in applying for role in rule.roles)
    return Required(tuple(roles), max(rule.people for rule in applying), any(rule.signed for rule in applying))


def required_for(decision: Mapping[str, Any], policy: ApprovalPolicy, word: str) -> Required:
    """Who must agree before ``word`` holds: for a decision that asked for others when it was made, those."""
    if word == decision["decision"] and not is_under(decision, policy):
        return required_of(decision["required_json"])
    return requirements_of(decision, policy, word)


def is_under(decision: Mapping[str, Any], policy: ApprovalPolicy) -> bool:
    """Whether a decision is judged by this policy: it was made under it, or would ask for the same approvals."""
    return bool(decision["approvals_policy_hash"] == policy.digest) or asks_the_same(decision, policy)


def asks_the_same(decision: Mapping[str, Any], policy: ApprovalPolicy) -> bool:
    """Whether a decision asks for what it would ask for under this policy, whatever else has changed in the policy."""
    return requirements_of(decision, policy).json == decision["required_json"]


def held_by_nobody(required: Required, policy: ApprovalPolicy) -> tuple[str, ...]:
    """Roles in which nobody of the policy may approve: what needs them waits until someone is entered there."""
    held = {name for person in policy.people for name in (person.person, *person.roles)}
    return tuple(role for role in required.roles if role not in held)


def _applies(requirement: Requirement, word: str, decision: Mapping[str, Any]) -> bool:
    if word not in requirement.decisions or decision["risk"] not in requirement.risk_tiers:
        return False
    if requirement.at_least_usd is None:
        return True
    money = number(decision.get("at_stake_usd"))
    return money is None or exact(money) >= exact(requirement.at_least_usd)


def _resolved(role: str, decision: Mapping[str, Any], policy: ApprovalPolicy) -> str:
    if role != DECISION_OWNER:
        return role
    return text(decision.get("decision_owner")) or policy.default_decision_owner or DECISION_OWNER


def required_of(required_json: str) -> Required:
    """What stands in a column ``required_json`` or ``missing_json``.

    Raises:
        StorageError: It is no requirement.
    """
    try:
        value = json.loads(required_json)
        return Required(tuple(_texts(value["roles"])), int(value["people"]), bool(value["signed"]))
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(f"the requirements of a decision cannot be read: {error}") from error


def _texts(values: Iterable[Any]) -> list[str]:
    return [str(value) for value in values]


def text(value: Any) -> str | None:
    """A text of a row; None where it is null in any of its forms."""
    return value if isinstance(value, str) and value else None


def number(value: Any) -> float | None:
    """A number of a row; None where it is null in any of its forms (None, NaN, NA)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return value
