"""Another policy over all past decisions: which would differ, and what that would have been worth. Decides nothing.

A past decision carries its facts, so it is decided anew from those alone. Its outcome is known where a later decision
on the same subject knows a yearly net value, estimated from other evidence than the past one had. By that value:

* ``scale`` is worth the net value of a year, also where it is negative; ``pivot``, ``retire``, ``continue`` and
  ``pause`` of something concluded are worth 0, because the change is not kept;
* ``start`` is worth what its experiment brought: the net value if it was scaled later, less its cost to date;
  ``fix_design`` and ``do_not_start`` are worth 0.

The difference is the worth of the new word less that of the old one. Between ``continue`` and ``pause`` of a running
experiment it is not known: nobody saw the other course. Releases have no money, so theirs is not known either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from eaas_assets.contracts.conditions import exact
from eaas_assets.contracts.decision_policy import DecisionPolicy
from eaas_assets.decisions.facts.values import parsed
from eaas_assets.decisions.policy import fire
from eaas_assets.decisions.wording import usd
from eaas_assets.storage.files import canonical_json, digest

NO_MONEY = "no later evidence of this subject knows a net value"


class Outcome(NamedTuple):
    """What became of a subject later.

    Attributes:
        decision_id: The later decision that knows it.
        word: What was decided then.
        net_usd: Yearly net value, as estimated then.
        cost_usd: Cost to date then; None where not known.
    """

    decision_id: str
    word: str
    net_usd: float
    cost_usd: float | None


class Difference(NamedTuple):
    """Worth of the new word less that of the old one; None where not known, with the reason."""

    usd: float | None
    reason: str


def replay(
    decisions: Iterable[Mapping[str, Any]], policy: DecisionPolicy, replayed_at: datetime
) -> list[dict[str, Any]]:
    """Decide all past decisions anew.

    Args:
        decisions: Rows of `decisions`, in the order of the log.
        policy: The other policy.
        replayed_at: When.

    Returns:
        Rows of `policy_backtest`, in the same order.

    Raises:
        PolicyError: The policy has no rule for the phase of a past decision.
    """
    past = list(decisions)
    new_hash = policy.digest
    replay_id = digest(canonical_json([new_hash, [[row["decision_id"], row["policy_hash"]] for row in past]]))[:16]
    outcomes = _outcomes(past)
    return [
        {"replay_id": replay_id, "replayed_at": replayed_at, "new_policy_hash": new_hash, **_anew(row, policy, outcome)}
        for row, outcome in zip(past, outcomes, strict=True)
    ]


def _anew(row: Mapping[str, Any], policy: DecisionPolicy, outcome: Outcome | None) -> dict[str, Any]:
    fired = fire(parsed(row, "facts_json"), row["phase"], policy)
    difference = _difference(row["phase"], row["decision"], fired.word, outcome)
    return {
        "decision_id": row["decision_id"],
        "subject_kind": row["subject_kind"],
        "subject_id": row["subject_id"],
        "phase": row["phase"],
        "decided_at": row["decided_at"],
        "old_decision": row["decision"],
        "old_rule": row["rule"],
        "new_decision": fired.word,
        "new_rule": fired.rule.rule,
        "differs": fired.word != row["decision"],
        "outcome_known": outcome is not None,
        "difference_usd": difference.usd,
        "reason": difference.reason,
        "old_policy_hash": row["policy_hash"],
    }


def _outcomes(past: list[Mapping[str, Any]]) -> list[Outcome | None]:
    """For each decision what later evidence says: that of the last later decision with other evidence and a value."""
    known: dict[tuple[str, str], list[tuple[str, Outcome]]] = {}
    found: list[Outcome | None] = []
    for row in reversed(past):
        later = known.setdefault((row["subject_kind"], row["subject_id"]), [])
        found.append(next((outcome for evidence, outcome in later if evidence != row["evidence_id"]), None))
        facts = parsed(row, "facts_json")
        net = facts.get("value.net_usd")
        if net is not None:
            outcome = Outcome(row["decision_id"], row["decision"], net, facts.get("cost.to_date_usd"))
            later.append((row["evidence_id"], outcome))
    return found[::-1]


def _difference(phase: str, old: str, new: str, outcome: Outcome | None) -> Difference:
    if old == new:
        return Difference(0.0, "the decision is the same")
    if phase == "running":
        return Difference(None, "nobody saw what the other course of a running experiment would have brought")
    if outcome is None:
        return Difference(None, NO_MONEY)
    worth = [_worth(word, outcome) for word in (new, old)]
    if worth[0] is None or worth[1] is None:
        return Difference(None, "the cost of the experiment is not known")
    reason = f"by decision {outcome.decision_id}, which knows a net value of {usd(outcome.net_usd)} a year"
    return Difference(float(exact(worth[0]) - exact(worth[1])), reason)


def _worth(word: str, outcome: Outcome) -> float | None:
    if word == "scale":
        return outcome.net_usd
    if word != "start":
        return 0.0
    if outcome.cost_usd is None:
        return None
    gained = outcome.net_usd if outcome.word == "scale" else 0.0
    return float(exact(gained) - exact(outcome.cost_usd))
