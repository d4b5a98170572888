"""Decides all subjects: what is new goes to the audit log, and the table is told from the log.

The log is the record, the table a view of it: a decision is in the table because it is in the log. The same evidence
under the same rules, with the same people to ask, is decided once; evidence that comes back after another is decided
again, because it is what holds now. A crash between log and table loses nothing: the next call tells the table from the
log.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from eaas_assets.contracts.decision_policy import ApprovalPolicy, DecisionPolicy
from eaas_assets.contracts.facts import FACTS
from eaas_assets.decisions.approvals.requirements import asks_the_same, requirements_of
from eaas_assets.decisions.approvals.states import approvals_by_decision, state_of
from eaas_assets.decisions.audit.entries import Entry, Kind, LoggedEntry, Receipt
from eaas_assets.decisions.counterfactuals.listing import counterfactuals, rows_of
from eaas_assets.decisions.counterfactuals.more_data import Supply
from eaas_assets.decisions.counterfactuals.trial import Questions
from eaas_assets.decisions.facts.values import parsed
from eaas_assets.decisions.policy import Ruling, rule_on, strength_of
from eaas_assets.decisions.subjects import SubjectEvidence
from eaas_assets.decisions.wording import filled
from eaas_assets.storage.files import canonical_json, digest

ACTOR = "policy"
AT_STAKE = ("value.net_usd", "claim.annual_value_usd", "cost.to_date_usd")
TIMES = ("decided_at", "next_review_on")


class Log(Protocol):
    """What is needed of an audit log."""

    def append_all(self, entries: Iterable[tuple[str | None, Entry]]) -> list[Receipt]:
        """Append entries, each identity at most once ever."""

    def entries(self, kind: Kind | None = None) -> Iterator[LoggedEntry]:
        """All entries in their order."""


class _Rules(NamedTuple):
    policy: DecisionPolicy
    policy_hash: str
    approvals: ApprovalPolicy
    approvals_hash: str
    code_version: str


def decide(
    subjects: Sequence[SubjectEvidence],
    policy: DecisionPolicy,
    approvals: ApprovalPolicy,
    log: Log,
    now: datetime,
    code_version: str = "",
) -> list[dict[str, Any]]:
    """Decide every subject, log what was not decided yet, and tell all decisions.

    Args:
        subjects: With their evidence.
        policy: Rules.
        approvals: Who must agree.
        log: The audit log.
        now: When it is decided, with its zone.
        code_version: Version of this package.

    Returns:
        Rows of `decisions`: every decision that was ever made, in the order of the log.

    Raises:
        PolicyError: The policy has no rule for the phase of a subject.
        StorageError: The log is damaged or cannot be written.
    """
    rules = _Rules(policy, policy.digest, approvals, approvals.digest, code_version)
    logged = _latest(log.entries("decision"))
    fresh = [
        entry
        for subject in subjects
        if (entry := _new_entry(subject, rules, logged.get(_key(subject)), now)) is not None
    ]
    if fresh:
        log.append_all(fresh)
    return decision_rows(list(log.entries()), approvals, now)


class _Known(NamedTuple):
    latest: Mapping[str, Any]
    cores: frozenset[str]


def _latest(entries: Iterable[LoggedEntry]) -> dict[tuple[str, str], _Known]:
    """By subject: its latest decision, and the hashes of everything that was ever decided about it."""
    known: dict[tuple[str, str], _Known] = {}
    for entry in entries:
        payload = entry.payload
        key = payload["subject_kind"], payload["subject_id"]
        before = known.get(key)
        known[key] = _Known(payload, frozenset({_core(payload)}) | (before.cores if before else frozenset()))
    return known


def _key(subject: SubjectEvidence) -> tuple[str, str]:
    return subject.kind, subject.subject_id


def _new_entry(
    subject: SubjectEvidence, rules: _Rules, known: _Known | None, now: datetime
) -> tuple[str, Entry] | None:
    """The entry of a decision with its identity; None where the latest one stands."""
    core = core_of(subject, rules.policy_hash)
    if known is not None and _core(known.latest) == core and _asks_the_same(known.latest, subject, rules.approvals):
        return None
    again = known is not None and core in known.cores
    latest = "" if known is None else str(known.latest["decision_id"])
    decision_id = digest(canonical_json([core, latest]))[:16] if again else core[:16]
    payload = {**_decision(subject, rules, now), "decision_id": decision_id, "core": core}
    summary = f"{subject.subject_id}: {payload['decision'].replace('_', ' ')} (rule {payload['rule']})."
    inputs = parsed(payload, "data_versions_json")
    entry = Entry("decision", ACTOR, summary, payload, subject.subject_id, inputs, rules.code_version, now)
    return f"decision:{decision_id}", entry


def core_of(subject: SubjectEvidence, policy_hash: str) -> str:
    """Hash of subject, facts, evidence and policy: what makes a decision the same, beside who must agree to it."""
    return digest(
        canonical_json([subject.kind, subject.subject_id, subject.identity, dict(subject.facts), policy_hash])
    )


def _core(payload: Mapping[str, Any]) -> str:
    return str(payload.get("core", payload["decision_id"]))


def _asks_the_same(payload: Mapping[str, Any], subject: SubjectEvidence, approvals: ApprovalPolicy) -> bool:
    """Whether a logged decision asks for the same approvals as it would now."""
    return asks_the_same({**payload, "risk": subject.risk, "decision_owner": subject.decision_owner}, approvals)


def _decision(subject: SubjectEvidence, rules: _Rules, now: datetime) -> dict[str, Any]:
    """The decision as it is logged: its row without what approvals and later decisions add."""
    facts = subject.facts
    ruling = rule_on(facts, subject.phase, rules.policy)
    versions = {
        **subject.versions,
        "code": rules.code_version,
        "decisions_policy": rules.policy_hash,
        "approvals_policy": rules.approvals_hash,
    }
    row: dict[str, Any] = {
        "subject_kind": subject.kind,
        "subject_id": subject.subject_id,
        "title": subject.title,
        "phase": subject.phase,
        **_ruled(ruling, facts),
        "risk": subject.risk,
        "strength": strength_of(facts),
        "owner": subject.owner,
        "decision_owner": subject.decision_owner,
        "at_stake_usd": at_stake(facts),
        "facts_json": canonical_json(dict(facts)),
        "missing_facts_json": canonical_json(missing_of(facts, subject.kind)),
        "next_review_on": (now + timedelta(days=ruling.rule.review_days)).isoformat(),
        "evidence_id": subject.evidence_id,
        "data_versions_json": canonical_json(versions),
        "policy_hash": rules.policy_hash,
        "approvals_policy_hash": rules.approvals_hash,
        "decided_at": now.isoformat(),
    }
    return {**row, "required_json": requirements_of(row, rules.approvals).json}


def _ruled(ruling: Ruling, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "decision": ruling.word,
        "rule": ruling.rule.rule,
        "rule_position": ruling.position,
        "capped_from": ruling.capped_from,
        "rationale": ruling.rationale,
        "confidence": ruling.rule.confidence,
        "reversal_triggers_json": canonical_json([filled(text, facts) for text in ruling.rule.reversal]),
    }


def missing_of(facts: Mapping[str, Any], kind: str) -> list[str]:
    """Facts of this kind of subject that are not known."""
    return [fact.name for fact in FACTS if kind in fact.subjects and fact.name not in facts]


def at_stake(facts: Mapping[str, Any]) -> float | None:
    """Money at stake: the largest of yearly net value, yearly value claimed and cost so far, whatever their signs.

    None where neither value is known: cost alone does not tell what is at stake.
    """
    if all(facts.get(name) is None for name in AT_STAKE[:2]):
        return None
    return float(max(abs(facts[name]) for name in AT_STAKE if facts.get(name) is not None))


def decision_rows(entries: Sequence[LoggedEntry], approvals: ApprovalPolicy, now: datetime) -> list[dict[str, Any]]:
    """Rows of `decisions` from the log: its decisions, with the state that approvals give them.

    Args:
        entries: The whole log, in its order.
        approvals: The approval policy.
        now: Approvals expire by this moment.
    """
    requests = approvals_by_decision(entries)
    decisions = [entry for entry in entries if entry.kind == "decision"]
    latest = {(entry.payload["subject_kind"], entry.payload["subject_id"]): entry.seq for entry in decisions}
    rows = []
    for entry in decisions:
        payload = {name: value for name, value in entry.payload.items() if name != "core"}
        state = state_of(payload, requests.get(payload["decision_id"], []), approvals, now)
        rows.append(
            {
                **payload,
                **{name: datetime.fromisoformat(payload[name]) for name in TIMES},
                "current": latest[payload["subject_kind"], payload["subject_id"]] == entry.seq,
                "state": state.state,
                "effective_decision": state.effective_decision,
                "missing_json": state.missing.json,
                "audit_seq": entry.seq,
            }
        )
    return rows


def counterfactual_rows(
    decisions: Iterable[Mapping[str, Any]], subjects: Iterable[SubjectEvidence], policy: DecisionPolicy
) -> list[dict[str, Any]]:
    """Rows of `decision_counterfactuals`: of every current decision that was made under this policy.

    Args:
        decisions: Rows of `decisions`.
        subjects: How their data come in; a subject that is gone has no numbers of further units.
        policy: The policy.
    """
    supplies = {_key(subject): subject.supply for subject in subjects}
    questions, policy_hash = Questions(policy), policy.digest
    rows: list[dict[str, Any]] = []
    for decision in decisions:
        if decision["current"] and decision["policy_hash"] == policy_hash:
            flips = counterfactuals(parsed(decision, "facts_json"), decision["phase"], questions)
            supply = supplies.get((decision["subject_kind"], decision["subject_id"]), Supply())
            rows += rows_of(flips, decision, supply, policy_hash)
    return rows
