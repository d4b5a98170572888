"""The table LearningSummaries: one row per domain, type of change and class of effects that has ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import Any, NamedTuple

import pandas as pd

from eaas_assets.contracts.portfolio_policy import PortfolioPolicy
from eaas_assets.decisions.learning.segments import SegmentOutcomes, segment_outcomes
from eaas_assets.decisions.learning.statements import statement
from eaas_assets.decisions.portfolio.entries import Entry, read_entries
from eaas_assets.decisions.portfolio.rates import luck_share
from eaas_assets.decisions.portfolio.record import Record, Tally, can_tell, ended_verdict, read_record
from eaas_assets.storage.files import canonical_json

MOST_SEGMENTS = 20
"""Segments that a row names at most, those of most experiments first."""


class Predictions(NamedTuple):
    """What owners predicted and what came out, for experiments with both."""

    experiments: int
    predicted: float
    realised: float


def learning_rows(
    registry: pd.DataFrame,
    impact: pd.DataFrame,
    segments: pd.DataFrame,
    monitoring: pd.DataFrame,
    decisions: pd.DataFrame,
    policy: PortfolioPolicy,
) -> list[dict[str, Any]]:
    """Rows of LearningSummaries, in order of domain, type and class.

    Args:
        registry: ExperimentRegistry.
        impact: CausalImpact.
        segments: SegmentImpact.
        monitoring: ExperimentMonitoring.
        decisions: Decisions.
        policy: `policies/portfolio.yaml`.
    """
    entries = read_entries(registry, impact, monitoring, decisions)
    record = read_record(entries, policy.priors)
    outcomes = segment_outcomes(entries, segments)
    groups: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in entries:
        if ended_verdict(entry) is not None:
            groups.setdefault((entry.domain, entry.type, entry.effect_class), []).append(entry)
    return [_row(key, groups[key], record, outcomes) | {"policy_hash": policy.digest} for key in sorted(groups)]


def _row(
    key: tuple[str, str, str], entries: Sequence[Entry], record: Record, outcomes: Mapping[str, SegmentOutcomes]
) -> dict[str, Any]:
    tally = Tally()
    for entry in entries:
        tally.add(ended_verdict(entry) or "inconclusive")
    reason = _no_rate(entries, tally)
    rate = None if reason else record.rate(tally.worked, tally.answered)
    prior = record.prior_of(key[2])
    effects = record.shrinkage.effects
    shrunk = [effects[entry.experiment_id].estimate for entry in entries if entry.experiment_id in effects]
    predictions = compare_predictions(entries, record)
    row: dict[str, Any] = {
        "domain": key[0],
        "type": key[1],
        "effect_class": key[2],
        "experiments": tally.experiments,
        "worked": tally.worked,
        "harmed": tally.harmed,
        "no_effect": tally.no_effect,
        "inconclusive": tally.inconclusive,
        "refused": tally.refused,
        "success_rate": rate.estimate if rate else None,
        "success_low": rate.low if rate else None,
        "success_high": rate.high if rate else None,
        "prior_mean": prior.mean,
        "prior_sd": prior.sd,
        "prior_experiments": prior.experiments,
        "typical_effect": median(shrunk) if shrunk else None,
        "suggested_minimum_effect": prior.median_gain,
        "false_positive_risk": luck_share(rate.estimate, record.rule) if rate else None,
        "predicted": predictions.predicted if predictions else None,
        "realised": predictions.realised if predictions else None,
        "segments_json": canonical_json(_named(entries, outcomes)),
        "reason": reason,
    }
    return row | {"statement": statement(row, predictions.experiments if predictions else 0)}


def _no_rate(entries: Sequence[Entry], tally: Tally) -> str | None:
    if not tally.answered:
        return "no experiment of this kind has an answer: every effect was refused"
    if not any(can_tell(entry) for entry in entries):
        return "a comparison with its own past cannot tell whether a change worked"
    return None


def compare_predictions(entries: Sequence[Entry], record: Record) -> Predictions | None:
    """Mean relative benefit that owners predicted against what came out, shrunk; None where none has both."""
    pairs = [
        (entry.predicted_benefit, record.shrinkage.effects[entry.experiment_id].estimate)
        for entry in entries
        if entry.predicted_benefit is not None and entry.experiment_id in record.shrinkage.effects
    ]
    if not pairs:
        return None
    return Predictions(len(pairs), fmean(claim for claim, _ in pairs), fmean(found for _, found in pairs))


def _named(entries: Sequence[Entry], outcomes: Mapping[str, SegmentOutcomes]) -> dict[str, dict[str, int]]:
    """Segments that gained and that were harmed, each with the number of experiments."""
    own = [outcomes[entry.experiment_id] for entry in entries if entry.experiment_id in outcomes]
    return {
        "gained": _most(Counter(name for outcome in own for name in outcome.gained)),
        "harmed": _most(Counter(name for outcome in own for name in outcome.harmed)),
    }


def _most(counted: Counter[str]) -> dict[str, int]:
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return dict(ordered[:MOST_SEGMENTS])
