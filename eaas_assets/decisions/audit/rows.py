"""Rows of table `audit_log`: a view of the log, in which foreign text is visible."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from eaas_assets.decisions.audit.entries import LoggedEntry
from eaas_assets.decisions.audit.export import visible_json
from eaas_assets.decisions.audit.visible import visible


def audit_rows(entries: Iterable[LoggedEntry]) -> list[dict[str, Any]]:
    """One row per entry."""
    return [
        {
            "seq": entry.seq,
            "at": entry.at,
            "actor": visible(entry.actor),
            "kind": entry.kind,
            "subject_id": None if entry.subject is None else visible(entry.subject),
            "summary": visible(entry.summary),
            "payload_json": visible_json(entry.payload),
            "inputs_json": visible_json(entry.inputs),
            "code_version": visible(entry.code_version),
            "identity": None if entry.identity is None else visible(entry.identity),
            "recovered_bytes": entry.recovered_bytes,
            "previous_hash": entry.previous_hash,
            "entry_hash": entry.entry_hash,
        }
        for entry in entries
    ]
