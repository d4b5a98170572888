"""Whether a request may count: who asks, in which role, about what, when, and with which signature.

Every check looks at the request, the decision and the policy alone; what was asked before is looked at in `submitting`.
Logged requests pass through the same checks again whenever a state is told, so an entry that someone put into the
log by hand counts for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from eaas_assets.contracts.decision_policy import WORDS, ApprovalPolicy, Person, Waiver
from eaas_assets.decisions.approvals.policy import may_act_as, person_of
from eaas_assets.decisions.approvals.requests import ApprovalRequest, decision_digest, signing_text
from eaas_assets.decisions.approvals.requirements import Required, required_for
from eaas_assets.decisions.approvals.signatures import BadSignature, check_signature

CLOCK_TOLERANCE = timedelta(minutes=5)
"""A request from a clock that is ahead by no more than this is taken."""


class Refusal(NamedTuple):
    """Why a request does not count. ``code`` is stable, ``reason`` is for people."""

    code: str
    reason: str


class _Asked(NamedTuple):
    """A request with what it is judged by."""

    request: ApprovalRequest
    decision: Mapping[str, Any]
    policy: ApprovalPolicy
    at: datetime
    person: Person


def refusal_of(
    request: ApprovalRequest, decision: Mapping[str, Any], policy: ApprovalPolicy, at: datetime
) -> Refusal | None:
    """Why a well-formed request does not count; None where it does.

    Args:
        request: What someone asks for.
        decision: The decision as it was logged.
        policy: The approval policy.
        at: When the request came in.
    """
    person = person_of(policy, request.person)
    if person is None:
        return Refusal("unknown_person", f"{request.person} is not among the people of the policy")
    if person.until is not None and at.astimezone(UTC).date() > person.until:
        return Refusal("has_left", f"{request.person} may ask until {person.until} only")
    asked = _Asked(request, decision, policy, at, person)
    return next((refusal for check in _CHECKS if (refusal := check(asked)) is not None), None)


def waiver_refusal(waiver: Waiver, decision: Mapping[str, Any], policy: ApprovalPolicy) -> Refusal | None:
    """Why a waiver of the policy file does not count, apart from its end; None where it does."""
    person = person_of(policy, waiver.by)
    if person is None:
        return Refusal("unknown_person", f"{waiver.by} is not among the people of the policy")
    if not set(person.roles) & set(policy.override_roles):
        return Refusal("wrong_role", f"{waiver.by} holds no role that may lift a requirement")
    if _owns(person, decision) and not policy.owner_may_approve:
        return Refusal("own_experiment", f"{waiver.by} runs {waiver.subject}")
    return None


def target_word(request: ApprovalRequest) -> str:
    """The word that a request would have hold."""
    return request.decision if request.word is None else request.word


def needed(request: ApprovalRequest, decision: Mapping[str, Any], policy: ApprovalPolicy) -> Required:
    """Who must agree to what the request is about."""
    return required_for(decision, policy, target_word(request))


def _about_this_decision(asked: _Asked) -> Refusal | None:
    request, decision = asked.request, asked.decision
    stated = (request.decision_id, request.subject_id, request.decision)
    actual = (decision["decision_id"], decision["subject_id"], decision["decision"])
    if stated != actual or request.decision_digest != decision_digest(decision):
        return Refusal("decision_edited", "the decision is not the one that the request is about: it was edited since")
    return None


def _not_the_owner(asked: _Asked) -> Refusal | None:
    if asked.policy.owner_may_approve or not _owns(asked.person, asked.decision):
        return None
    return Refusal("own_experiment", f"{asked.person.person} runs {asked.decision['subject_id']}")


def _holds_the_role(asked: _Asked) -> Refusal | None:
    request, policy = asked.request, asked.policy
    if not may_act_as(policy, asked.person, request.role):
        return Refusal("wrong_role", f"{request.person} does not hold the role {request.role}")
    required = needed(request, asked.decision, policy)
    allowed = {
        "approve": set(required.roles) or set(asked.person.roles),
        "reject": {*required.roles, *policy.override_roles},
        "override": set(policy.override_roles),
        "waive": set(policy.override_roles),
    }[request.action]
    if request.role not in allowed:
        may = ", ".join(sorted(allowed)) or "nobody"
        return Refusal("wrong_role", f"the role {request.role} may not {request.action} this; {may} may")
    return None


def _in_time(asked: _Asked) -> Refusal | None:
    requested, at = asked.request.requested_at, asked.at
    if requested > at + CLOCK_TOLERANCE:
        return Refusal("from_the_future", f"the request is of {requested:%Y-%m-%d %H:%M} and has not been made yet")
    if at >= requested + timedelta(days=asked.policy.expires_days):
        return Refusal("expired", f"the request is more than {asked.policy.expires_days} days old")
    return None


def _signed_as_needed(asked: _Asked) -> Refusal | None:
    request, person = asked.request, asked.person
    own = required_for(asked.decision, asked.policy, asked.decision["decision"])
    must = needed(request, asked.decision, asked.policy).signed or own.signed
    if request.signature is None:
        if must:
            return Refusal("unsigned", "only signed requests count here")
        if person.key is not None:  # otherwise anyone could enter this name
            return Refusal("unsigned", f"{person.person} has a key in the policy and signs every request")
        return None
    if person.key is None:
        return Refusal("no_key", f"the policy lists no key of {person.person} to verify the signature with")
    try:
        check_signature(request.signature, signing_text(request), person.key)
    except BadSignature as error:
        return Refusal("forged_signature", f"the signature does not hold: {error}")
    return None


def _reasoned(asked: _Asked) -> Refusal | None:
    if asked.request.action == "approve" or (asked.request.reason or "").strip():
        return None
    return Refusal("no_reason", f"to {asked.request.action} needs a reason")


def _word_fits(asked: _Asked) -> Refusal | None:
    request, decision = asked.request, asked.decision
    if request.action == "override" and request.word is None:
        return Refusal("no_word", "an override names the decision that it puts in place")
    if request.action == "override" and request.word == decision["decision"]:
        return Refusal("same_word", f"the rule already says {request.word}")
    if request.word is not None and request.word not in WORDS[decision["phase"]]:
        words = ", ".join(WORDS[decision["phase"]])
        return Refusal("unknown_word", f"{request.word} is no decision of phase {decision['phase']}: {words}")
    return None


def _waiver_fits(asked: _Asked) -> Refusal | None:
    request = asked.request
    if request.action != "waive":
        return None
    if request.waived_role is None or request.until is None:
        return Refusal("incomplete_waiver", "a waiver names the role that it lifts and its last day")
    if request.until < asked.at.astimezone(UTC).date():
        return Refusal("waiver_ended", f"the waiver's last day is {request.until}")
    if request.waived_role not in needed(request, asked.decision, asked.policy).roles:
        return Refusal("not_required", f"nobody asks for {request.waived_role} here")
    return None


def _owns(person: Person, decision: Mapping[str, Any]) -> bool:
    owner = decision.get("owner")
    if not isinstance(owner, str):
        return False
    return owner.casefold() in {name.casefold() for name in (person.person, *person.roles)}


_CHECKS: tuple[Callable[[_Asked], Refusal | None], ...] = (
    _about_this_decision,
    _not_the_owner,
    _word_fits,
    _holds_the_role,
    _in_time,
    _signed_as_needed,
    _reasoned,
    _waiver_fits,
)
