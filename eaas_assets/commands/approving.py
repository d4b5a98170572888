"""`eaas approve`: approve, reject, override or waive a decision, signed where the policy asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import IntEnum
from pathlib import Path

import typer

from eaas_assets.decisions.approvals.finding import decision_named
from eaas_assets.decisions.approvals.policy import read_approval_policy
from eaas_assets.decisions.approvals.requests import (
    Action,
    ApprovalRequest,
    read_request,
    sign,
    signed,
    signing_text,
)
from eaas_assets.decisions.approvals.signatures import Signature
from eaas_assets.decisions.approvals.submitting import Outcome, request_for, submit
from eaas_assets.decisions.audit.log import AuditLog
from eaas_assets.errors import EaasError
from eaas_assets.storage.files import MIB, read_limited
from eaas_assets.storage.locations import Locations


class ExitCode(IntEnum):
    """How the command ends."""

    ACCEPTED = 0
    REFUSED = 1
    NOT_POSSIBLE = 3


@dataclass(frozen=True)
class Asked:
    """What was asked for on the command line.

    Attributes:
        decision: Experiment, agent@version or decision_id.
        word: Override: the decision to put in place.
        waived_role: Waive: the role whose approval is lifted.
        until: Waive: the last day.
    """

    decision: str
    action: Action
    person: str
    role: str
    reason: str | None = None
    word: str | None = None
    waived_role: str | None = None
    until: date | None = None


def print_request(locations: Locations, asked: Asked) -> int:
    """Print the text to be signed, for a signature that is made elsewhere."""
    try:
        typer.echo(signing_text(_request(AuditLog.at(locations), asked, datetime.now(UTC))).decode(), nl=False)
    except EaasError as error:
        return _not_possible(error)
    return ExitCode.ACCEPTED


def approve(locations: Locations, asked: Asked, key: Path | None = None) -> int:
    """Submit a request, signed with a private key where one is given."""
    try:
        request = _request(AuditLog.at(locations), asked, datetime.now(UTC))
        if key is not None:
            request = signed(request, sign(request, key))
        return _submitted(locations, request)
    except EaasError as error:
        return _not_possible(error)


def submit_signed(locations: Locations, request_file: Path, signature_file: Path) -> int:
    """Submit a request that was printed, with a signature that was made elsewhere."""
    try:
        text, signature = (
            read_limited(path.absolute().parent, path.name, MIB) for path in (request_file, signature_file)
        )
        request = read_request(text.strip() + b"\n")
        return _submitted(locations, signed(request, Signature(signature.decode("utf-8", "replace"))))
    except EaasError as error:
        return _not_possible(error)


def _request(log: AuditLog, asked: Asked, now: datetime) -> ApprovalRequest:
    return request_for(
        log,
        decision_named(log, asked.decision),
        asked.action,
        asked.person,
        asked.role,
        now,
        word=asked.word,
        waived_role=asked.waived_role,
        until=asked.until,
        reason=asked.reason,
    )


def _submitted(locations: Locations, request: ApprovalRequest) -> int:
    policy = read_approval_policy(locations.data)
    outcome = submit(request, AuditLog.at(locations), policy, datetime.now(UTC))
    typer.echo(_told(outcome), err=not outcome.accepted)
    return ExitCode.ACCEPTED if outcome.accepted else ExitCode.REFUSED


def _told(outcome: Outcome) -> str:
    if not outcome.accepted:
        return f"Refused ({outcome.code}): {outcome.reason}. Entry {outcome.receipt.seq} of the audit log."
    lines = [f"{outcome.reason} Entry {outcome.receipt.seq} of the audit log."]
    if outcome.state is not None:
        word = outcome.state.effective_decision
        lines.append(f"State: {outcome.state.state.replace('_', ' ')}" + (f", what holds: {word}." if word else "."))
        if not outcome.state.missing.nobody:
            missing = outcome.state.missing
            lines.append(
                f"Still missing: {missing.statement if missing.roles else 'someone who has not approved yet'}."
            )
    if outcome.checkpoint is not None:
        lines.append(f"Checkpoint: {outcome.checkpoint.text}")
    return "\n".join(lines)


def _not_possible(error: Exception) -> int:
    typer.echo(str(error), err=True)
    return ExitCode.NOT_POSSIBLE
