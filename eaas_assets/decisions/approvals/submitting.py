"""Taking a request: everything is verified, and what came of it is logged, refusals too."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from eaas_assets.contracts.decision_policy import ApprovalPolicy
from eaas_assets.decisions.approvals.checks import Refusal, needed, refusal_of, target_word
from eaas_assets.decisions.approvals.policy import person_of
from eaas_assets.decisions.approvals.requests import (
    Action,
    ApprovalRequest,
    approval_id,
    content_of,
    decision_digest,
    fault_of,
)
from eaas_assets.decisions.approvals.signatures import BadSignature, fingerprint, parse_signature
from eaas_assets.decisions.approvals.states import KIND_OF_ACTION, Case, State, approvals_by_decision, case_of
from eaas_assets.decisions.audit.checkpoints import Checkpoint
from eaas_assets.decisions.audit.entries import Entry, LoggedEntry, Receipt
from eaas_assets.decisions.audit.log import AuditLog
from eaas_assets.decisions.audit.visible import visible
from eaas_assets.errors import InputError, Problem, shown

ABOUT_APPROVAL = "approval request"
"""In the payload of a refusal: what was refused."""
_SHORT = 200


class Outcome(NamedTuple):
    """What came of a request.

    Attributes:
        code: ``accepted``, or the refusal's code.
        reason: In words.
        receipt: Entry of the log, also of a refusal.
        state: State of the decision now; None where there is no such decision.
        checkpoint: That was signed after an accepted request.
    """

    code: str
    reason: str
    receipt: Receipt
    state: State | None
    checkpoint: Checkpoint | None = None

    @property
    def accepted(self) -> bool:
        """Whether the request counts."""
        return self.code == "accepted"


class LoggedCase(NamedTuple):
    """What the log says about one decision.

    Attributes:
        entry: Where it was logged.
        latest: Identity of the latest decision on the same subject.
        approvals: Everything that was asked about it and accepted.
        signatures: Raw signatures that were accepted for any decision.
    """

    entry: LoggedEntry
    latest: str
    approvals: list[LoggedEntry]
    signatures: frozenset[str]

    @property
    def decision(self) -> dict[str, Any]:
        """The decision as it was logged."""
        return self.entry.payload


def logged_case(log: AuditLog, decision_id: str) -> LoggedCase | None:
    """What the log says about a decision; None where it knows none of that identity.

    Raises:
        StorageError: The log is damaged.
    """
    entries = list(log.entries())
    decisions = [entry for entry in entries if entry.kind == "decision"]
    entry = next((entry for entry in decisions if entry.payload.get("decision_id") == decision_id), None)
    if entry is None:
        return None
    latest = next(other for other in reversed(decisions) if _subject(other.payload) == _subject(entry.payload))
    used = (other.payload.get("signature_raw") for other in entries if other.kind in KIND_OF_ACTION.values())
    approvals = approvals_by_decision(entries).get(decision_id, [])
    signatures = frozenset(raw for raw in used if isinstance(raw, str))
    return LoggedCase(entry, str(latest.payload["decision_id"]), approvals, signatures)


def request_for(
    log: AuditLog,
    decision_id: str,
    action: Action,
    person: str,
    role: str,
    now: datetime,
    word: str | None = None,
    waived_role: str | None = None,
    until: date | None = None,
    reason: str | None = None,
) -> ApprovalRequest:
    """A request about a logged decision, ready to be signed or submitted.

    Raises:
        InputError: The log knows no such decision.
        StorageError: The log is damaged.
    """
    case = logged_case(log, decision_id)
    if case is None:
        expected = "the decision_id of a decision in the audit log"
        raise InputError(Problem("approval request", "unknown_decision", shown(decision_id), expected))
    decision = case.decision
    return ApprovalRequest(
        action=action,
        decision_id=decision_id,
        subject_id=decision["subject_id"],
        decision=decision["decision"],
        decision_digest=decision_digest(decision),
        person=person,
        role=role,
        requested_at=now,
        word=word,
        waived_role=waived_role,
        until=until,
        reason=reason,
    )


def submit(request: ApprovalRequest, log: AuditLog, policy: ApprovalPolicy, now: datetime) -> Outcome:
    """Verify a request and log it: as what it asks for, or as a refusal with its code and reason.

    The decision is taken from the log and from nowhere else. An accepted request is followed by a signed checkpoint.

    Raises:
        StorageError: The log is damaged or cannot be written; the request does not count.
    """
    if fault := fault_of(request):
        return _refuse(request, Refusal("malformed", fault), None, log, policy, now)
    case = logged_case(log, request.decision_id)
    if case is None:
        unknown = Refusal("unknown_decision", f"the log knows no decision {request.decision_id}")
        return _refuse(request, unknown, None, log, policy, now)
    if refusal := _refusal(request, case, policy, now):
        return _refuse(request, refusal, case, log, policy, now)
    receipt = log.append_once(f"approval:{approval_id(request)}", _entry(request, case, policy, now))
    if not receipt.new:  # the same request at the same moment from elsewhere
        return _refuse(request, _replayed(request), case, log, policy, now)
    checkpoint = log.checkpoint()
    after = logged_case(log, request.decision_id)
    state = None if after is None else case_of(after.decision, after.approvals, policy).state(now)
    return Outcome("accepted", _summary(request), receipt, state, checkpoint)


def _refusal(request: ApprovalRequest, case: LoggedCase, policy: ApprovalPolicy, now: datetime) -> Refusal | None:
    if request.decision_id != case.latest:
        return Refusal("not_current", f"a later decision on {request.subject_id} was made since: {case.latest}")
    if _raw(request) in case.signatures or _was_taken(request, case):
        return _replayed(request)
    if refusal := refusal_of(request, case.decision, policy, now):
        return refusal
    return _out_of_turn(request, case_of(case.decision, case.approvals, policy), now)


def _out_of_turn(request: ApprovalRequest, case: Case, now: datetime) -> Refusal | None:
    """Why a request that is right in itself has no place in the present state."""
    state = case.state(now)
    if request.action == "override":
        if case.settled is not None and case.settled.word == request.word:
            return Refusal("already_settled", f"{request.word} is what holds already")
        return None
    if not case.open:
        return Refusal("already_settled", f"the decision is {state.state}; nothing is left to {request.action}")
    if request.action == "approve":
        if target_word(request) != case.word:
            return Refusal("other_word", f"what waits for approval is {case.word}")
        if any(given.person == request.person and given.role == request.role for given in case.live(now)):
            return Refusal("already_given", f"{request.person} has approved as {request.role} already")
    if request.action == "waive" and request.waived_role not in case.required.roles:
        return Refusal("not_required", f"nobody asks for {request.waived_role} here")
    return None


def _entry(request: ApprovalRequest, case: LoggedCase, policy: ApprovalPolicy, now: datetime) -> Entry:
    person = person_of(policy, request.person)
    key = None if person is None or request.signature is None or person.key is None else fingerprint(person.key)
    payload = {
        "approval_id": approval_id(request),
        "key_fingerprint": key,
        "needed": needed(request, case.decision, policy).json,
        "policy_hash": policy.digest,
        "request": content_of(request),
        "signature": None if request.signature is None else request.signature.text,
        "signature_raw": _raw(request),
    }
    inputs = {"decision": case.entry.entry_hash, "policy": policy.digest}
    kind = KIND_OF_ACTION[request.action]
    return Entry(kind, request.person, _summary(request), payload, request.subject_id, inputs, at=now)


def _refuse(
    request: ApprovalRequest,
    refusal: Refusal,
    case: LoggedCase | None,
    log: AuditLog,
    policy: ApprovalPolicy,
    now: datetime,
) -> Outcome:
    payload = {
        "about": ABOUT_APPROVAL,
        "code": refusal.code,
        "reason": _text(refusal.reason),
        "policy_hash": policy.digest,
        "request": _as_received(request),
        "signed": request.signature is not None,
    }
    summary = f"Refused to {_text(request.action)} for {_text(request.person)}: {_text(refusal.reason)}"
    subject = None if case is None else case.entry.subject
    inputs = {"policy": policy.digest} | ({} if case is None else {"decision": case.entry.entry_hash})
    receipt = log.append(Entry("refusal", _text(request.person), summary, payload, subject, inputs, at=now))
    state = None if case is None else case_of(case.decision, case.approvals, policy).state(now)
    return Outcome(refusal.code, refusal.reason, receipt, state)


def _as_received(request: ApprovalRequest) -> dict[str, str | None]:
    """The fields of a request that may hold anything at all, as short visible text."""
    fields = ("action", "decision_id", "subject_id", "decision", "decision_digest", "person", "role", "requested_at",
              "word", "waived_role", "until", "reason")  # fmt: skip
    values = {field: getattr(request, field) for field in fields}
    return {field: None if value is None else _text(value) for field, value in values.items()}


def _text(value: object) -> str:
    """Anything as visible text of a length that fills no disk."""
    return visible(str(value)[:_SHORT])


def _summary(request: ApprovalRequest) -> str:
    what = {
        "approve": f"approves {target_word(request)}",
        "reject": f"rejects {request.decision}",
        "override": f"decides {request.word} against the rule's {request.decision}",
        "waive": f"lifts the approval by {request.waived_role} until {request.until}",
    }[request.action]
    return f"{request.person} ({request.role}) {what} for {request.subject_id}."


def _replayed(request: ApprovalRequest) -> Refusal:
    if request.signature is not None:
        return Refusal("replayed_signature", "this signature was used before")
    return Refusal("already_given", "this very request was taken before")


def _was_taken(request: ApprovalRequest, case: LoggedCase) -> bool:
    own = approval_id(request)
    return any(entry.payload.get("approval_id") == own for entry in case.approvals)


def _raw(request: ApprovalRequest) -> str | None:
    """The signature proper, whatever its wrapping: by it a replay is known."""
    if request.signature is None:
        return None
    try:
        return parse_signature(request.signature).raw.hex()
    except BadSignature:
        return None


def _subject(payload: Mapping[str, Any]) -> tuple[Any, Any]:
    return payload.get("subject_kind"), payload.get("subject_id")
