"""The job with which someone approves, rejects, overrides or waives in the Launchpad.

Everything is verified where the request is taken; whoever may reach the UI is not thereby anyone in particular. Where
the approval policy asks for signatures, only signed requests count, and these are made outside: `eaas approve`.
"""

from datetime import UTC, date, datetime
from enum import Enum

import dagster as dg
from pydantic import Field

from eaas_assets.decisions.approvals.finding import decision_named
from eaas_assets.decisions.approvals.requests import ApprovalRequest, read_request, signed
from eaas_assets.decisions.approvals.signatures import Signature
from eaas_assets.decisions.approvals.submitting import request_for, submit
from eaas_assets.decisions.audit.log import AuditLog
from eaas_assets.defs.world import World


class Action(Enum):
    """What is asked for."""

    approve = "approve"
    reject = "reject"
    override = "override"
    waive = "waive"


class ApprovalForm(dg.Config):
    """A request, filled in in the Launchpad."""

    decision: str = Field(default="", description="Experiment, agent@version or decision_id")
    action: Action = Field(default=Action.approve, description="approve, reject, override or waive")
    person: str = Field(default="", description="Who asks, as the approval policy names them")
    role: str = Field(default="", description="In which role")
    reason: str = Field(default="", description="Why; needed for a rejection, an override and a waiver")
    word: str = Field(default="", description="Override: the decision to put in place. Approve: an override's word")
    waived_role: str = Field(default="", description="Waive: the role whose approval is lifted")
    until: str = Field(default="", description="Waive: the last day, as 2026-01-31")
    signed_request: str = Field(default="", description="The text that `eaas approve --print-request` has printed")
    signature: str = Field(default="", description="Its signature; with both, the fields above are not looked at")


@dg.op(description="Verify a request, and log it as what it asks for or as a refusal with its reason.")
def take_request(context: dg.OpExecutionContext, config: ApprovalForm, world: World) -> None:
    """Fails where the request is refused, so that nobody takes it for granted."""
    log, now = world.audit, datetime.now(UTC)
    try:
        request = _request(config, log, now)
    except ValueError as error:  # also of what is no date
        raise dg.Failure(f"no request could be made: {error}", allow_retries=False) from error
    outcome = submit(request, log, world.files.approval_policy, now)
    if not outcome.accepted:
        raise dg.Failure(f"refused ({outcome.code}): {outcome.reason}", allow_retries=False)
    context.log.info(f"{outcome.reason} Entry {outcome.receipt.seq} of the audit log.")


def _request(config: ApprovalForm, log: AuditLog, now: datetime) -> ApprovalRequest:
    if config.signed_request:
        request = read_request(config.signed_request.strip().encode() + b"\n")
        return signed(request, Signature(config.signature)) if config.signature else request
    return request_for(
        log,
        decision_named(log, config.decision),
        config.action.value,
        config.person,
        config.role,
        now,
        word=config.word or None,
        waived_role=config.waived_role or None,
        until=date.fromisoformat(config.until) if config.until else None,
        reason=config.reason or None,
    )


@dg.job(description="Approve, reject, override or waive a decision: fill in the form in the Launchpad.")
def record_approval() -> None:
    """One request."""
    take_request()
