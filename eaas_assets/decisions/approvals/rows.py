"""Rows of table `approvals`: every request that was made, and whether it counts now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from eaas_assets.contracts.decision_policy import ApprovalPolicy
from eaas_assets.contracts.decisions import WORDS
from eaas_assets.decisions.approvals.requests import ACTIONS, ApprovalRequest
from eaas_assets.decisions.approvals.states import Judged, approvals_by_decision, judge, state_of
from eaas_assets.decisions.approvals.submitting import ABOUT_APPROVAL
from eaas_assets.decisions.audit.entries import LoggedEntry
from eaas_assets.storage.files import digest


def approval_rows(entries: Sequence[LoggedEntry], policy: ApprovalPolicy, now: datetime) -> list[dict[str, Any]]:
    """One row per request in the log, refused ones included, in the order of the log.

    A refused request whose action is no action, or that names no decision, stands in the audit log alone.

    Args:
        entries: All entries of the log.
        policy: The approval policy.
        now: An approval of an open decision counts until it expires by this moment.
    """
    decisions = {entry.payload["decision_id"]: entry.payload for entry in entries if entry.kind == "decision"}
    rows: list[dict[str, Any]] = []
    for decision_id, approvals in approvals_by_decision(entries).items():
        if decision := decisions.get(decision_id):
            waiting = state_of(decision, approvals, policy, now).state == "pending_approval"
            judged = judge(decision, approvals, policy)
            rows.extend(_row(one, one.request, policy, now, waiting) for one in judged if one.request is not None)
    rows.extend(_refused_rows(entries, decisions))
    return sorted(rows, key=lambda row: row["audit_seq"])


def _row(
    judged: Judged, request: ApprovalRequest, policy: ApprovalPolicy, now: datetime, waiting: bool
) -> dict[str, Any]:
    entry, refusal = judged.entry, judged.refusal
    ends = _end(request, entry.at, policy)
    expired = ends is not None and now >= ends and (waiting or request.action == "waive")
    code = refusal.code if refusal else "expired" if expired else None
    reason = refusal.reason if refusal else f"it counted until {ends:%Y-%m-%d %H:%M} UTC" if ends and expired else None
    return {
        "approval_id": entry.payload["approval_id"],
        "audit_seq": entry.seq,
        "decision_id": request.decision_id,
        "subject_id": request.subject_id,
        "action": request.action,
        "person": request.person,
        "role": request.role,
        "word": request.word,
        "waived_role": request.waived_role,
        "reason": request.reason,
        "at": entry.at,
        "expires_at": ends,
        "signed": request.signature is not None and refusal is None,
        "key_fingerprint": entry.payload.get("key_fingerprint"),
        "valid": refusal is None and not expired,
        "refusal_code": code,
        "refusal_reason": reason,
    }


def _end(request: ApprovalRequest, at: datetime, policy: ApprovalPolicy) -> datetime | None:
    if request.action == "waive" and request.until is not None:
        return datetime.combine(request.until + timedelta(days=1), time(), UTC)
    return at + timedelta(days=policy.expires_days) if request.action == "approve" else None


def _refused_rows(
    entries: Iterable[LoggedEntry], decisions: Mapping[str, Mapping[str, Any]]
) -> Iterable[dict[str, Any]]:
    for entry in entries:
        payload = entry.payload
        if entry.kind != "refusal" or payload.get("about") != ABOUT_APPROVAL:
            continue
        asked = payload["request"]
        decision = decisions.get(asked["decision_id"])
        if asked["action"] not in ACTIONS or decision is None:
            continue
        yield {
            "approval_id": digest(f"refused:{entry.entry_hash}"),
            "audit_seq": entry.seq,
            "decision_id": asked["decision_id"],
            "subject_id": decision["subject_id"],
            "action": asked["action"],
            "person": asked["person"],
            "role": asked["role"],
            "word": asked["word"] if asked["word"] in WORDS else None,
            "waived_role": asked["waived_role"],
            "reason": asked["reason"],
            "at": entry.at,
            "expires_at": None,
            "signed": False,
            "key_fingerprint": None,
            "valid": False,
            "refusal_code": payload["code"],
            "refusal_reason": payload["reason"],
        }
