"""What someone asks for: approve, reject, override or waive; and the one text of it that is signed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from eaas_assets.contracts.identifiers import is_identifier
from eaas_assets.decisions.approvals.requirements import number
from eaas_assets.decisions.approvals.signatures import MAX_SIGNATURE, Signature, sign_bytes
from eaas_assets.decisions.audit.canonical import canonical_bytes, parse_canonical
from eaas_assets.decisions.audit.entries import instant_text
from eaas_assets.errors import InputError, Problem, shown
from eaas_assets.storage.files import canonical_json, digest

Action = Literal["approve", "reject", "override", "waive"]
ACTIONS: tuple[Action, ...] = get_args(Action)
MAX_REASON = 1000

SIGNED_FIELDS = (
    "decision_id", "subject_kind", "subject_id", "title", "phase", "decision", "rule", "capped_from", "rationale",
    "confidence", "risk", "strength", "owner", "decision_owner", "at_stake_usd", "required_json", "facts_json",
    "missing_facts_json", "reversal_triggers_json", "evidence_id", "data_versions_json", "policy_hash",
    "approvals_policy_hash",
)  # fmt: skip
"""Columns of a decision that an approval is about: all that is never changed but for its times."""

_SUBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,129}\Z")
_HEX = re.compile(r"[0-9a-f]{8,64}\Z")


@dataclass(frozen=True)
class ApprovalRequest:
    """One request.

    Attributes:
        decision: The decision's own word, so that whoever signs sees it.
        decision_digest: Hash of the whole decision, see :func:`decision_digest`.
        person: Who asks.
        role: In which role.
        requested_at: When; a request of long ago is refused.
        word: Override: the decision to put in place. Approve: the override's word, if that is what is approved.
        waived_role: Waive: the role whose approval is lifted.
        until: Waive: the last day on which the waiver counts.
        reason: Why; needed for all but an approval.
        signature: Over :func:`signing_text`; not part of it.
    """

    action: Action
    decision_id: str
    subject_id: str
    decision: str
    decision_digest: str
    person: str
    role: str
    requested_at: datetime
    word: str | None = None
    waived_role: str | None = None
    until: date | None = None
    reason: str | None = None
    signature: Signature | None = None


def signing_text(request: ApprovalRequest) -> bytes:
    """What is signed: one line of canonical JSON with everything but the signature.

    Raises:
        InputError: The request has no canonical form.
    """
    return canonical_bytes({"request": "eaas approval 1", **content_of(request)}, "approval request") + b"\n"


def read_request(text: bytes) -> ApprovalRequest:
    """The request of a text that :func:`signing_text` made, so that it can be signed elsewhere and come back.

    Raises:
        InputError: It is not such a text, byte by byte.
    """
    try:
        fields = parse_canonical(text.removesuffix(b"\n"))
        request = request_of(
            {"request": {name: fields[name] for name in fields if name != "request"}, "signature": None}
        )
        if signing_text(request) == text:
            return request
        found = "another text than the request that it stands for"
    except (KeyError, TypeError, ValueError) as error:
        found = shown(str(error))
    raise InputError(Problem("approval request", "not_a_request", found, "the text to sign, unchanged"))


def approval_id(request: ApprovalRequest) -> str:
    """Hash of what is signed."""
    return digest(signing_text(request))


def sign(request: ApprovalRequest, key_path: Path) -> Signature:
    """Sign a request with a private key in a file.

    Raises:
        InputError: The key cannot be used, or the request has no canonical form.
    """
    return sign_bytes(signing_text(request), key_path)


def signed(request: ApprovalRequest, signature: Signature) -> ApprovalRequest:
    """The request with its signature."""
    return replace(request, signature=signature)


def content_of(request: ApprovalRequest) -> dict[str, str | None]:
    """All fields but the signature, in values that JSON knows."""
    return {
        "action": request.action,
        "decision": request.decision,
        "decision_digest": request.decision_digest,
        "decision_id": request.decision_id,
        "person": request.person,
        "reason": request.reason,
        "requested_at": instant_text(request.requested_at),
        "role": request.role,
        "subject_id": request.subject_id,
        "until": request.until.isoformat() if request.until else None,
        "waived_role": request.waived_role,
        "word": request.word,
    }


def request_of(payload: Mapping[str, Any]) -> ApprovalRequest:
    """The request of a logged entry.

    Raises:
        ValueError: The payload holds no request (KeyError and TypeError included: someone else wrote it).
    """
    try:
        fields = dict(payload["request"])
        signature = payload["signature"]
        until = fields.pop("until")
        request = ApprovalRequest(
            **{**fields, "requested_at": datetime.fromisoformat(fields["requested_at"])},
            until=date.fromisoformat(until) if until else None,
            signature=Signature(signature) if signature else None,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no request: {error}") from error
    if fault := fault_of(request):
        raise ValueError(fault)
    return request


def decision_digest(decision: Mapping[str, Any]) -> str:
    """Hash of everything in a decision that an approval is about (``SIGNED_FIELDS``)."""
    values = {field: decision.get(field) for field in SIGNED_FIELDS}
    money = number(values.pop("at_stake_usd"))
    texts = {field: value if isinstance(value, str) else None for field, value in values.items()}
    return digest(canonical_json({**texts, "at_stake_usd": None if money is None else repr(float(money))}))


def fault_of(request: ApprovalRequest) -> str | None:
    """What is wrong with the form of a request, in words; None where its fields can be trusted to be what they say."""
    if request.action not in ACTIONS:
        return "the action is none of approve, reject, override and waive"
    if not isinstance(request.requested_at, datetime) or request.requested_at.tzinfo is None:
        return "the request has no time with a zone"
    names = (request.person, request.role, request.decision)
    optional_names = [name for name in (request.word, request.waived_role) if name is not None]
    if not all(is_identifier(name) for name in (*names, *optional_names)):
        return "a person, role or decision is not a name"
    if not _matches(_SUBJECT, request.subject_id) or not _matches(_HEX, request.decision_id):
        return "the subject or the decision is not a name"
    if not _matches(_HEX, request.decision_digest):
        return "the hash of the decision is not one"
    return _fault_of_texts(request)


def _fault_of_texts(request: ApprovalRequest) -> str | None:
    reason, signature = request.reason, request.signature
    if reason is not None and not (isinstance(reason, str) and len(reason) <= MAX_REASON and _is_unicode(reason)):
        return f"the reason is no text of at most {MAX_REASON:,} characters"
    if request.until is not None and (isinstance(request.until, datetime) or not isinstance(request.until, date)):
        return "the end is not a day"
    if signature is not None and not (isinstance(signature.text, str) and len(signature.text) <= MAX_SIGNATURE):
        return "the signature is too long to be one"
    if signature is not None and not signature.text.isascii():
        return "the signature is not one"
    return None


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.match(value) is not None


def _is_unicode(text: str) -> bool:
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in text)
