"""Entries that are the same wherever they are made: a policy came into force, an evaluation run was sealed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eaas_assets.decisions.audit.entries import Entry, Receipt
from eaas_assets.decisions.audit.log import AuditLog


def log_policy(
    log: AuditLog, policy: str, digest: str, document: Mapping[str, Any], actor: str = "pipeline"
) -> Receipt:
    """Log that a policy is in force, if it is another one than before. The receipt is of the entry that says so.

    Args:
        log: The audit log.
        policy: Which policy: ``decisions``, ``approvals``, ``release``, …
        digest: Hash of its content.
        document: Its whole content, in values that JSON knows.
        actor: Who or what noticed.

    Raises:
        InputError: The content has no canonical form.
        StorageError: The log is damaged or cannot be written.
    """
    changes = [entry for entry in log.entries("policy_change") if entry.subject == policy]
    if changes and changes[-1].payload.get("digest") == digest:
        return Receipt(changes[-1].seq, changes[-1].entry_hash, new=False)
    before = changes[-1].payload.get("digest") if changes else None
    summary = f"Policy {policy} is in force for the first time." if before is None else f"Policy {policy} has changed."
    payload = {"before": before, "digest": digest, "document": document, "policy": policy}
    entry = Entry("policy_change", actor, summary, payload, policy, {"policy": digest})
    return log.append_once(f"policy:{policy}:{len(changes) + 1}:{digest}", entry)


def log_evaluation_run(
    log: AuditLog,
    run_id: str,
    subject: str,
    inputs: Mapping[str, str],
    facts: Mapping[str, Any],
    actor: str = "pipeline",
) -> Receipt:
    """Log a sealed evaluation run, once.

    Args:
        log: The audit log.
        run_id: The run.
        subject: agent@version.
        inputs: Hashes of what it rests on: agent, suite, policy, manifest.
        facts: What came of it, in values that JSON knows: evaluations, passed, sealed_at, …
        actor: Who or what ran it.

    Raises:
        InputError: A value has no canonical form.
        StorageError: The log is damaged or cannot be written.
    """
    payload = {"run_id": run_id, **facts}
    entry = Entry("evaluation_run", actor, f"Run {run_id} of {subject} was sealed.", payload, subject, inputs)
    return log.append_once(f"run:{run_id}", entry)
