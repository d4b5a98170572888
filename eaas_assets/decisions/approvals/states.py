"""The state in which approvals leave a decision.

A state is never stored: it is told anew from the decision, the logged requests and the policy, in the order of the log.
What was complete once stays so; what is not complete loses an approval when it expires.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from eaas_assets.contracts.decision_policy import ApprovalPolicy
from eaas_assets.decisions.approvals.checks import Refusal, refusal_of, target_word, waiver_refusal
from eaas_assets.decisions.approvals.requests import ApprovalRequest, request_of
from eaas_assets.decisions.approvals.requirements import Required, is_under, required_for
from eaas_assets.decisions.audit.entries import Kind, LoggedEntry

KIND_OF_ACTION: dict[str, Kind] = {
    "approve": "approval",
    "reject": "rejection",
    "override": "override",
    "waive": "waiver",
}


class State(NamedTuple):
    """What holds.

    Attributes:
        state: made, pending_approval, approved, rejected or overridden.
        effective_decision: The word that holds; None while pending or rejected.
        missing: What is still missing: of the decision, or of an override that was asked for.
        pending_override: Word of an override that still needs others.
        settled_at: When it was approved, rejected or overridden.
    """

    state: str
    effective_decision: str | None
    missing: Required
    pending_override: str | None = None
    settled_at: datetime | None = None


class Judged(NamedTuple):
    """A logged request as it is seen now. ``request`` is None where the entry holds none."""

    entry: LoggedEntry
    request: ApprovalRequest | None
    refusal: Refusal | None


def state_of(
    decision: Mapping[str, Any], approvals: Sequence[LoggedEntry], policy: ApprovalPolicy, now: datetime
) -> State:
    """The state of a decision.

    Args:
        decision: Its row, or the payload of its log entry.
        approvals: Entries of the log that are about it (see :func:`approvals_by_decision`), in their order.
        policy: The approval policy.
        now: Approvals expire and waivers end by this moment.
    """
    return case_of(decision, approvals, policy).state(now)


def case_of(decision: Mapping[str, Any], approvals: Iterable[LoggedEntry], policy: ApprovalPolicy) -> Case:
    """A decision with everything that counts of what was asked about it."""
    case = Case(decision, policy)
    for judged in judge(decision, approvals, policy):
        if judged.request is not None and judged.refusal is None:
            case.take(judged.request, judged.entry.at)
    return case


def judge(decision: Mapping[str, Any], approvals: Iterable[LoggedEntry], policy: ApprovalPolicy) -> list[Judged]:
    """Every logged request about a decision, checked again as of the moment at which it came in.

    It is checked by the policy that is in force now: whoever is taken out of it, or gets another key, takes their
    approvals along, and someone who has left keeps those from before their last day. A decision that would ask for
    others now is made anew; of the old one counts what was taken under its own policy.
    """
    current = is_under(decision, policy)
    outcome = []
    for entry in approvals:
        try:
            request = request_of(entry.payload)
        except ValueError as error:
            outcome.append(Judged(entry, None, Refusal("malformed", f"the entry holds no request: {error}")))
            continue
        if KIND_OF_ACTION[request.action] != entry.kind or request.decision_id != decision["decision_id"]:
            outcome.append(Judged(entry, None, Refusal("malformed", "the entry is of another kind or decision")))
        elif not current and entry.payload.get("policy_hash") == decision["approvals_policy_hash"]:
            outcome.append(Judged(entry, request, None))
        else:
            outcome.append(Judged(entry, request, refusal_of(request, decision, policy, entry.at)))
    return outcome


def approvals_by_decision(entries: Iterable[LoggedEntry]) -> dict[str, list[LoggedEntry]]:
    """Approvals, rejections, overrides and waivers of the log, by the decision that they are about."""
    kinds = set(KIND_OF_ACTION.values())
    grouped: dict[str, list[LoggedEntry]] = {}
    for entry in entries:
        if entry.kind in kinds and isinstance(request := entry.payload.get("request"), dict):
            grouped.setdefault(str(request.get("decision_id")), []).append(entry)
    return grouped


class _Given(NamedTuple):
    person: str
    role: str
    at: datetime


class _Lifted(NamedTuple):
    role: str
    by: str
    until: date
    counts_as_person: bool


class _Settled(NamedTuple):
    state: str
    word: str | None
    at: datetime | None


class Case:
    """A decision on its way: what was given, what was lifted, which override is asked for, what is settled."""

    def __init__(self, decision: Mapping[str, Any], policy: ApprovalPolicy) -> None:
        self.decision = decision
        self.policy = policy
        self.own_word: str = decision["decision"]
        self.override: str | None = None
        self.given: dict[str, list[_Given]] = {}
        self.lifted = _lifted_by_policy(decision, policy)
        self.settled: _Settled | None = None
        if required_for(decision, policy, self.own_word).nobody:
            self.settled = _Settled("made", self.own_word, None)

    @property
    def open(self) -> bool:
        """Whether there is something to approve or reject."""
        return self.settled is None or self.override is not None

    @property
    def word(self) -> str:
        """The word that is waiting (or held already)."""
        return self.override or self.own_word

    @property
    def required(self) -> Required:
        """Who must agree to the waiting word."""
        return required_for(self.decision, self.policy, self.word)

    def take(self, request: ApprovalRequest, at: datetime) -> None:
        """Count a request that passed all checks."""
        if request.action == "override":
            self.override = target_word(request)
            self.given[self.override] = [_Given(request.person, request.role, at)]
        elif not self.open:
            return
        elif request.action == "reject":
            self._reject(at)
        elif request.action == "waive" and request.waived_role and request.until:
            self.lifted.append(_Lifted(request.waived_role, request.person, request.until, True))
        elif request.action == "approve":
            self.given.setdefault(target_word(request), []).append(_Given(request.person, request.role, at))
        self._settle(at)

    def live(self, at: datetime) -> list[_Given]:
        """Approvals of the waiting word that have not expired."""
        lasting = timedelta(days=self.policy.expires_days)
        return [given for given in self.given.get(self.word, []) if at < given.at + lasting]

    def missing(self, at: datetime) -> Required:
        """What the waiting word still needs at a moment."""
        required = self.required
        live = self.live(at)
        lifted = [waiver for waiver in self.lifted if waiver.until >= at.astimezone(UTC).date()]
        done = {given.role for given in live} | {waiver.role for waiver in lifted}
        people = {given.person for given in live}
        for waiver in lifted:  # whoever lifts a role answers for it, and is a second pair of eyes
            if waiver.role in required.roles and (waiver.counts_as_person or not required.signed):
                people.add(waiver.by)
        roles = tuple(role for role in required.roles if role not in done)
        short = max(0, required.people - len(people))
        return Required(roles, short, required.signed) if roles or short else Required()

    def state(self, now: datetime) -> State:
        """The state at a moment after all that was taken."""
        self._settle(now)
        if self.settled is None:
            return State("pending_approval", None, self.missing(now), self.override)
        missing = Required() if self.override is None else self.missing(now)
        return State(self.settled.state, self.settled.word, missing, self.override, self.settled.at)

    def _reject(self, at: datetime) -> None:
        if self.override is not None:
            self.given.pop(self.override, None)
            self.override = None
        else:
            self.settled = _Settled("rejected", None, at)

    def _settle(self, at: datetime) -> None:
        if not self.open or not self.missing(at).nobody:
            return
        if self.override is not None:
            self.settled = _Settled("overridden", self.override, at)
            self.override = None
        else:
            self.settled = _Settled("approved", self.own_word, at)


def _lifted_by_policy(decision: Mapping[str, Any], policy: ApprovalPolicy) -> list[_Lifted]:
    return [
        _Lifted(waiver.role, waiver.by, waiver.until, counts_as_person=False)
        for waiver in policy.waivers
        if waiver.subject == decision["subject_id"] and waiver_refusal(waiver, decision, policy) is None
    ]
