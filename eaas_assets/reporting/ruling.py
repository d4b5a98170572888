"""A decision as words: what is decided, in which state, who must agree, and what would change it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from eaas_assets.contracts.facts import BY_NAME
from eaas_assets.decisions.wording import EFFECTS, SIZES, unit_of
from eaas_assets.reporting import quantities, text, views
from eaas_assets.reporting.records import records
from eaas_assets.reporting.views import Column, Columns, Status, TableView

UNDECIDED = "Nothing has been decided yet."
_STATES = {
    "made": "in force",
    "pending_approval": "waits for approval",
    "approved": "approved",
    "rejected": "rejected",
    "overridden": "against the rule",
}


def word(decision: str) -> str:
    """A decision word as it begins a sentence: ``Do not start``."""
    return text.inline(decision, 64).replace("_", " ").capitalize()


def decision_status(decision: Any) -> Status:
    """What a row of ``decisions`` says; where it was overridden, what holds instead. None: undecided."""
    if decision is None:
        return views.status("undecided", "No decision yet")
    if decision.state == "overridden" and text.known(decision.effective_decision):
        return views.status(decision.effective_decision, word(decision.effective_decision))
    return views.status(decision.decision, word(decision.decision))


def state_status(decision: Any) -> Status:
    """The state of a row of ``decisions``."""
    return state_word(decision.state)


def state_word(state: str) -> Status:
    """The state of a decision in words."""
    return views.status(state, _STATES.get(state))


def needed(required_json: Any) -> str:
    """Approvals that are needed or missing, in words; empty where it is none."""
    required = text.parsed(required_json)
    if not required:
        return ""
    if not isinstance(required, Mapping):
        return text.json_shown(required_json, 200)
    roles = required.get("roles") or []
    people = required.get("people")
    named = [text.listed(roles, 6)] if roles else []
    if isinstance(people, int) and people > len(roles):
        named.append(text.counted(people, "person", "different people"))
    signed = ", signed" if named and required.get("signed") is True else ""
    return text.joined(named) + signed


def agreement(decision: Any) -> str:
    """Who must agree, or who has, in a sentence."""
    if decision.state == "made":
        return "It holds: the policy asks for nobody's approval."
    asked, missing = needed(decision.required_json), needed(decision.missing_json)
    if decision.state == "pending_approval":
        return f"It does not hold until it is approved. Missing: {missing or asked or 'an approval'}."
    told = {
        "approved": "It holds: it was approved.",
        "rejected": "It does not hold: it was rejected.",
        "overridden": f"The rule says {word(decision.decision).lower()}; people decided against it, with their reason.",
    }
    return told.get(decision.state, "")


def cap(decision: Any) -> str:
    """What the design's strength took off, in a sentence; empty for nothing."""
    if not text.known(decision.capped_from):
        return ""
    strength = text.inline(decision.strength, 40).replace("_", " ")
    return (f"The rule itself says {word(decision.capped_from).lower()}; a design of strength "
            f"“{strength}” allows no more than {word(decision.decision).lower()}.")  # fmt: skip


def counterfactual_table(
    rows: pd.DataFrame, decisions: pd.DataFrame, *, subjects: bool = False, shown: int = 12
) -> TableView:
    """What would change a recommendation: each change, how far away it is, and what knowing it would take.

    Args:
        rows: Of ``decision_counterfactuals``.
        decisions: Those that they belong to; their facts tell the unit of an effect.
        subjects: Whether to name the subject of each.
        shown: Rows to show.
    """
    columns: Columns = ["If this changes", Column("From", True), Column("To", True), "Then",
                        Column("Standard errors away", True), "What knowing it would take"]  # fmt: skip
    lines = []
    written = dict(zip(decisions["decision_id"].tolist(), decisions["facts_json"].tolist(), strict=True))
    for row in records(rows.head(shown)):
        facts = text.parsed(written.get(row.decision_id)) or {}
        cells = (
            views.code(row.fact), views.figure(_value(row.fact, row.current_value, facts)),
            views.figure(_value(row.fact, row.flipped_value, facts)), views.state(row.becomes, word(row.becomes)),
            views.figure(text.decimals(row.standard_errors, 1) if text.known(row.standard_errors)
                         else text.missing("has no error")),
            views.words(further(row)),
        )  # fmt: skip
        lines.append((views.code(row.subject_id), *cells) if subjects else cells)
    titles = ["Subject", *columns] if subjects else columns
    return views.table("Every change, the nearest first", titles, lines, "decision_counterfactuals", total=len(rows),
                       folded=True)  # fmt: skip


def _value(fact: Any, value: Any, facts: Mapping[str, Any]) -> str:
    """A fact's value in its unit; as it was written where it is no number."""
    if not text.known(value):
        return text.missing("missing")
    shown = text.inline(value, 60)
    known = BY_NAME.get(str(fact))
    try:
        number = float(str(value)[:60])
    except ValueError:
        return shown
    if known is None or not math.isfinite(number):
        return shown
    if fact in EFFECTS | SIZES and (kind := facts.get("primary.kind")) is not None:
        told = quantities.change(number, str(kind), unit_of(str(fact), facts) or None)
        return told if fact in EFFECTS else told.removeprefix("+")
    if fact == "primary.p":
        return text.p_value(number).removeprefix("= ")
    if known.type == "usd":
        return quantities.usd(number)
    return quantities.probability(number) if known.type == "share" else text.number(number)


def further(row: Any) -> str:
    """What more data would have to be had: units, days and dollars, or why no number is given."""
    known = [text.counted(int(row.further_units), "unit")] if text.known(row.further_units) else []
    known += [text.counted(int(row.further_days), "day")] if text.known(row.further_days) else []
    known += [quantities.usd(row.further_usd)] if text.known(row.further_usd) else []
    if known:
        return f"{', '.join(known)} more"
    return text.missing(text.inline(row.reason, 160) if text.known(row.reason) else "more data is not the question")


def approvals_table(approvals: pd.DataFrame, *, subjects: bool = False, shown: int = 30) -> TableView:
    """Who asked for what, and whether it counts."""
    columns: Columns = ["When", "Who", "Role", "Action", "Counts", "Signed", "Reason"]
    lines = []
    for row in records(approvals.sort_values("at", ascending=False).head(shown)):
        refused = f"{row.refusal_code}: {row.refusal_reason}" if text.known(row.refusal_code) else ""
        asked = f"{row.action} → {row.word}" if text.known(row.word) else row.action
        said = refused or (row.reason if text.known(row.reason) else "")
        cells = (
            views.words(text.moment(row.at)), views.code(row.person), views.code(row.role), views.words(asked),
            views.state("ok" if row.valid else "refused", "counts" if row.valid else "does not count"),
            views.words("yes" if row.signed else "no"),
            views.words(said or text.missing("none given")),
        )  # fmt: skip
        lines.append((views.code(row.subject_id), *cells) if subjects else cells)
    titles = ["Subject", *columns] if subjects else columns
    return views.table("Approvals that were asked for", titles, lines, "approvals", total=len(approvals))
