"""Which decision someone means: by its id, by the beginning of it, or by its subject."""

from __future__ import annotations

from eaas_assets.decisions.audit.log import AuditLog
from eaas_assets.errors import InputError, Problem, shown

SHORTEST = 8
"""Characters from which on the beginning of an id is taken."""


def decision_named(log: AuditLog, name: str) -> str:
    """The ``decision_id`` that ``name`` stands for; of a subject the latest decision.

    Raises:
        InputError: No decision is called so, or several ids begin so.
        StorageError: The log is damaged.
    """
    decisions = [entry.payload for entry in log.entries("decision")]
    ids = {str(decision["decision_id"]) for decision in decisions}
    of_subject = [str(decision["decision_id"]) for decision in decisions if decision.get("subject_id") == name]
    begun = sorted(known for known in ids if len(name) >= SHORTEST and known.startswith(name))
    if of_subject:
        return of_subject[-1]
    if len(begun) == 1:
        return begun[0]
    expected = "an experiment, an agent@version or a decision_id that was decided on"
    found = f"{len(begun)} decisions that begin with {name}" if begun else shown(name)
    raise InputError(Problem("approval request", "unknown_decision", found, expected))
