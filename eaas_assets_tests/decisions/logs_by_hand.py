"""Audit logs, decisions, people and keys made by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from eaas_assets.contracts.decision_policy import ApprovalPolicy
from eaas_assets.decisions.approvals.requirements import requirements_of
from eaas_assets.decisions.audit.entries import Entry
from eaas_assets.decisions.audit.keys import KeyStore
from eaas_assets.decisions.audit.log import AuditLog
from eaas_assets.storage.files import digest

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def log_at(folder: Path, clock: HandClock | None = None) -> AuditLog:
    return AuditLog(folder / "output" / "audit" / "log.jsonl", KeyStore(folder / "keys"), clock or HandClock())


def entry(number: int = 0, **changes: Any) -> Entry:
    return Entry("evaluation_run", "pipeline", f"Run {number}.", {"number": number, "rate": number / 7})._replace(
        **changes
    )


def filled_log(folder: Path, entries: int, checkpoints: tuple[int, ...] = ()) -> AuditLog:
    """A log of so many entries, with a checkpoint after each number in ``checkpoints``."""
    log = log_at(folder)
    for number in range(1, entries + 1):
        log.append(entry(number))
        if number in checkpoints:
            log.checkpoint()
    return log


def make_key(path: Path) -> str:
    """Write a private key as ssh-keygen does; the public line."""
    key = Ed25519PrivateKey.generate()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    path.chmod(0o600)
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def policy_of(**changes: Any) -> ApprovalPolicy:
    """Medium: the decision's owner. High: four eyes with the risk officer, signed. Low: nobody."""
    document: dict[str, Any] = {
        "policy": "approvals",
        "people": [
            {"person": "vera", "roles": ["vp_sales"]},
            {"person": "viktor", "roles": ["vp_sales"]},
            {"person": "rosa", "roles": ["risk_officer"]},
            {"person": "piet", "roles": ["platform_lead"]},
            {"person": "olga", "roles": ["vp_sales", "risk_officer"]},
            {"person": "nobody_much", "roles": ["guest"]},
        ],
        "requirements": [
            {"decisions": ["start", "scale"], "risk_tiers": ["medium"], "roles": ["decision_owner"]},
            {
                "decisions": ["start", "scale"],
                "risk_tiers": ["high"],
                "roles": ["decision_owner", "risk_officer"],
                "people": 2,
                "signed": False,
            },
            {"decisions": ["scale"], "risk_tiers": ["low"], "at_least_usd": 1000.0, "roles": ["decision_owner"]},
        ],
        "expires_days": 10,
        "override_roles": ["risk_officer"],
        "default_decision_owner": "platform_lead",
    }
    return ApprovalPolicy.model_validate(document | changes)


def decision_of(policy: ApprovalPolicy, **changes: Any) -> dict[str, Any]:
    """The payload of a decision as it stands in the log."""
    values: dict[str, Any] = {
        "subject_kind": "experiment",
        "subject_id": "E100",
        "title": "A test of greetings",
        "phase": "concluded",
        "decision": "scale",
        "rule": "clear_win",
        "rule_position": 1,
        "capped_from": None,
        "rationale": "The lower end of the interval lies above the smallest effect worth having.",
        "confidence": "high",
        "risk": "medium",
        "strength": "randomised",
        "owner": "olga",
        "decision_owner": "vp_sales",
        "at_stake_usd": 12_000.0,
        "facts_json": '{"primary.benefit":0.08}',
        "missing_facts_json": "[]",
        "reversal_triggers_json": "[]",
        "evidence_id": "abcdef0123456789",
        "data_versions_json": "{}",
        "policy_hash": "p" * 64,
        "approvals_policy_hash": policy.digest,
        "decided_at": NOON.isoformat(),
    }
    values |= changes
    values.setdefault("required_json", requirements_of(values, policy).json)
    return {"decision_id": changes.get("decision_id") or digest(repr(sorted(values.items())))[:32], **values}


def decide(log: AuditLog, policy: ApprovalPolicy, **changes: Any) -> dict[str, Any]:
    """Log a decision; its payload."""
    decision = decision_of(policy, **changes)
    logged = Entry("decision", "policy", "Scale it.", decision, decision["subject_id"])
    log.append_once(decision["decision_id"], logged)
    return decision
