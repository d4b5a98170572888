"""Rows of `decision_counterfactuals`: flips ranked by how near they are, each told in a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from eaas_assets.contracts.decision_policy import Phase
from eaas_assets.contracts.facts import BY_NAME
from eaas_assets.decisions.counterfactuals.effect import NORMAL
from eaas_assets.decisions.counterfactuals.more_data import Further, Supply, further
from eaas_assets.decisions.counterfactuals.moves import effect_flips, minimum_flips, precision_flips
from eaas_assets.decisions.counterfactuals.singles import single_flips
from eaas_assets.decisions.counterfactuals.thresholds import threshold_flips
from eaas_assets.decisions.counterfactuals.trial import Flip, Questions
from eaas_assets.decisions.wording import PROBABILITIES, fact_text, name_text, number, usd


def counterfactuals(facts: Mapping[str, Any], phase: Phase, questions: Questions) -> list[Flip]:
    """The smallest single changes of evidence or of a bound that flip the decision, the nearest first.

    One for each fact and each decision that it can lead to, and one for each fact whose bound moves. Every one has been
    applied, with all facts that move with it, and decided anew.
    """
    case = questions.about(facts, phase)
    flips = (
        effect_flips(case) + precision_flips(case) + minimum_flips(case) + single_flips(case) + threshold_flips(case)
    )
    nearest: dict[tuple[str, str, str], Flip] = {}
    for flip in sorted(flips, key=lambda flip: (distance(flip), flip.kind, flip.fact, flip.rule, flip.becomes.word)):
        nearest.setdefault((flip.kind, flip.fact, flip.becomes.word), flip)
    return list(nearest.values())


def rows_of(flips: list[Flip], decision: Mapping[str, Any], supply: Supply, policy_hash: str) -> list[dict[str, Any]]:
    """Rows of `decision_counterfactuals` of one decision.

    Args:
        flips: In order of their distance.
        decision: Its row of `decisions`.
        supply: How its data come in.
        policy_hash: Of the policy that decided.
    """
    rows = []
    for rank, flip in enumerate(flips, start=1):
        more = further(flip, supply)
        rows.append(
            {
                "decision_id": decision["decision_id"],
                "subject_id": decision["subject_id"],
                "rank": rank,
                "decision": decision["decision"],
                "kind": flip.kind,
                "fact": flip.fact,
                "rule": flip.rule,
                "current_value": None if flip.current is None else _plain(flip.current),
                "flipped_value": _plain(flip.flipped),
                "change": _change(flip),
                "standard_errors": standard_errors(flip),
                "becomes": flip.becomes.word,
                "further_units": more.units,
                "further_days": more.days,
                "further_usd": more.usd,
                "reason": more.reason,
                "statement": _statement(flip, decision["decision"], more),
                "policy_hash": policy_hash,
            }
        )
    return rows


def distance(flip: Flip) -> float:
    """How far away a flip is, for its rank only: in standard errors of the effect wherever it can be told in them.

    Probabilities count by their z values. A word and a yes/no count as one step and a count as its steps; a smaller
    standard error counts as the factor by which it must shrink, less one; what has no scale as its relative change.
    """
    errors = standard_errors(flip)
    change = _change(flip)
    if errors is not None:
        return errors
    if change is None:
        return 1.0
    if BY_NAME[flip.fact].type == "count":
        return abs(change)
    if flip.fact == "primary.se" and flip.kind == "evidence":
        return float(flip.current / flip.flipped) - 1.0 if flip.flipped else math.inf
    scaled = _scaled(flip, change)
    if scaled is not None:
        return scaled
    size = max(abs(flip.current), abs(flip.flipped))
    return abs(change) / size if size else 0.0


def _scaled(flip: Flip, change: float) -> float | None:
    """Distance in standard errors of the effect of what has no error itself: minimum effect and probabilities."""
    error, minimum = flip.before.get("primary.se"), flip.before.get("primary.minimum_effect")
    if flip.fact == "primary.minimum_effect":
        return abs(change) / error if error else None
    if flip.fact == "primary.minimum_ratio":
        return abs(change) * minimum / error if error and minimum else None
    if flip.fact in PROBABILITIES and 0 < flip.current < 1 and 0 < flip.flipped < 1:
        tails = 2.0 if flip.fact == "primary.p" else 1.0
        return abs(NORMAL.inv_cdf(flip.flipped / tails) - NORMAL.inv_cdf(flip.current / tails))
    return None


def standard_errors(flip: Flip) -> float | None:
    """The change in standard errors of the fact; None where it has none."""
    name = BY_NAME[flip.fact].error
    error = flip.before.get(name) if name else None
    change = _change(flip)
    return abs(change) / error if error and change is not None else None


def _change(flip: Flip) -> float | None:
    """Flipped − current; None for what is no number, or not known now."""
    if any(isinstance(value, bool | str) or value is None for value in (flip.current, flip.flipped)):
        return None
    return float(flip.flipped - flip.current)


def _plain(value: Any) -> str:
    """A value as it is, not rounded."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def _shown(flip: Flip) -> str:
    """The flipped value as people read it: "just above 0" where the nearest number beside a bound is meant."""
    if flip.bound is not None and flip.flipped != flip.bound:
        side = "above" if flip.flipped > flip.bound else "below"
        told = fact_text(flip.fact, flip.bound, flip.before)
        return told if told.startswith("below") else f"just {side} {told}"
    return fact_text(flip.fact, flip.flipped, flip.before)


def _statement(flip: Flip, decision: str, more: Further) -> str:
    then = f"the decision would be {_word(flip.becomes.word)} instead of {_word(decision)}"
    if flip.kind == "threshold":
        now, other = fact_text(flip.fact, flip.current, flip.before), _shown(flip)
        return f"If the bound of rule {flip.rule} on {name_text(flip.fact)} were {other} instead of {now}, {then}."
    then = f"{then} (rule {flip.rule})"
    if flip.fact == "primary.se" and more.units is not None:
        return f"With {more.units:,} further units{_price(more)} and the estimate as it stands, {then}."
    errors = standard_errors(flip)
    away = "" if errors is None else f", {number(errors, 2)} standard errors away"
    current = fact_text(flip.fact, flip.current, flip.before)
    now = "which is not known" if flip.current is None else f"instead of {current}"
    settled = "" if more.units is None else f", which {more.units:,} further units{_price(more)} would show"
    return f"If {name_text(flip.fact)} were {_shown(flip)} ({now}{away}){settled}, {then}."


def _price(more: Further) -> str:
    parts = []
    if more.days is not None:
        parts.append(f"in {more.days:,} day{'' if more.days == 1 else 's'}")
    if more.usd is not None:
        parts.append(f"for {usd(more.usd)}")
    return f" ({', '.join(parts)})" if parts else ""


def _word(word: str) -> str:
    return word.replace("_", " ")
