"""What one kind of change has taught, in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eaas_assets.decisions.portfolio.wording import percent_range
from eaas_assets.wording import count, percent


def statement(row: Mapping[str, Any], predictions: int) -> str:
    """The row in sentences.

    Args:
        row: A row of LearningSummaries without its statement.
        predictions: Experiments with a prediction and an effect.
    """
    parts = [_counts(row), _rate(row), _next(row), _predicted(row, predictions)]
    return " ".join(part for part in parts if part)


def _counts(row: Mapping[str, Any]) -> str:
    words = (
        ("worked", "worked"),
        ("harmed", "did harm"),
        ("no_effect", "had no effect worth having"),
        ("inconclusive", "could not tell"),
        ("refused", "had no estimate"),
    )
    told = [f"{row[name]:,} {word}" for name, word in words if row[name]]
    kind = f"{row['type']} in {row['domain']}".replace("_", " ")
    tried = f"{count(row['experiments'], 'experiment')} ({kind}; {row['effect_class'].replace('_', ' ')})"
    return f"Of {tried}, {', '.join(told)}."


def _rate(row: Mapping[str, Any]) -> str:
    if row["success_rate"] is None:
        return f"No rate: {row['reason']}."
    answered = row["experiments"] - row["refused"]
    return (
        f"Success rate {percent(row['success_rate'])} ({percent_range(row['success_low'], row['success_high'])}; "
        f"{row['worked']:,} of {answered:,} answered, drawn towards all experiments); a win of this kind is luck with "
        f"probability {percent(row['false_positive_risk'])}."
    )


def _next(row: Mapping[str, Any]) -> str:
    basis = (
        f"{count(row['prior_experiments'], 'estimate')} of its class"
        if row["prior_experiments"]
        else "the policy's prior, for want of estimates of its class"
    )
    typical = (
        "" if row["typical_effect"] is None else f"Typical benefit after shrinkage {percent(row['typical_effect'])}. "
    )
    return (
        f"{typical}Plan the next design to show {percent(row['suggested_minimum_effect'])}: half of the changes that "
        f"help at all help by at least so much, by {basis}."
    )


def _predicted(row: Mapping[str, Any], predictions: int) -> str:
    if row["predicted"] is None:
        return ""
    return (
        f"Owners of {count(predictions, 'experiment')} predicted {percent(row['predicted'])} and "
        f"{percent(row['realised'])} came out."
    )
