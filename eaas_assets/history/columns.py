"""The imported columns in the words of this system: which summary rate is which metric, and which flag shows it."""

from __future__ import annotations

from typing import NamedTuple

FIELDS = ("issue_type", "resolution_path", "outcome")
"""Fields of an answer that imported scenario rows compare."""

PASSED = "passed"
"""Flag that is made of the others: every recorded field matched."""


class SummaryRate(NamedTuple):
    """A rate of the imported summary.

    Attributes:
        column: Its name in HistoricalRunMetrics.
        metric: Its name in RunMetrics.
        flag: The flag of a scenario row of which it is the share.
    """

    column: str
    metric: str
    flag: str


RATES = (
    SummaryRate("overall_pass_rate", "pass_rate", PASSED),
    SummaryRate("issue_classification_accuracy", "issue_type_accuracy", "issue_type_match"),
    SummaryRate("resolution_path_accuracy", "resolution_path_accuracy", "resolution_path_match"),
    SummaryRate("outcome_accuracy", "outcome_accuracy", "outcome_match"),
    SummaryRate("human_review_rate", "human_review_rate", "requires_human_review"),
)

TIMES = {"avg_latency_ms": "average_response_time_ms", "p95_latency_ms": "p95_response_time_ms"}
"""Imported column → metric."""


def all_matched(matches: list[bool | None]) -> bool | None:
    """Whether every recorded field matched: False as soon as one did not, None where that is not known."""
    if False in matches:
        return False
    recorded = [match for match in matches if match is not None]
    return True if recorded else None
