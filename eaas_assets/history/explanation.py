"""A comparison of two runs in plain sentences: what was lost, what the test says, and what would settle the matter.

Belongs here: sentences that the baseline comparison and the regression analysis share. Every number in them is worked
out elsewhere.
"""

from __future__ import annotations

import math

from eaas_assets.history.comparable import Comparison, Paired
from eaas_assets.history.settlement import More, Settlement
from eaas_assets.history.verdict import Finding, SegmentFinding
from eaas_assets.history.wording import title
from eaas_assets.wording import count, joined, number, percent, points

_TESTS = {"mcnemar": "exact McNemar test", "t": "paired t test", "score": "paired score test", "none": "no test"}
_CLAIMS = {
    "better": "that it is better",
    "worse": "that it is worse",
    "not_worse": "that no more than the margin is lost",
}
MINUTE, HOUR = 60, 3600


def paired_sentences(comparison: Comparison) -> list[str]:
    """Which scenarios were lost and gained, and what the test over all pairs says."""
    pairing, paired = comparison.pairing, comparison.paired
    told = []
    if len(pairing.pairs):
        told.append(
            f"Of {count(len(pairing.pairs), 'shared scenario')}, {_named(pairing.lost, 'lost')}, "
            f"{_named(pairing.gained, 'gained')}."
        )
    if pairing.by_fields and len(pairing.pairs):
        told.append("There, passing means that every recorded field matched, in both runs.")
    if pairing.shifted:
        told.append(f"Passed in more or fewer of their trials without changing sides: {joined(pairing.shifted)}.")
    if paired is not None:
        told.extend(
            _tested(one, len(paired.verdict.findings) > 1) for one in paired.verdict.findings if one.n_clusters > 1
        )
        told.extend(_dependence(paired))
    return told


def _dependence(paired: Paired) -> list[str]:
    """What is assumed of scenarios that fail together, where nobody has declared it."""
    if paired.outcomes.suspected is not None:
        name = paired.outcomes.suspected
        apart = "changed further apart than single scenarios do by chance"
        return [f"No families are declared (cluster_by), but values of {name} {apart}: each of them counts as one."]
    if paired.outcomes.families is None and not paired.repeats:
        assumed = "No families are declared (cluster_by) and no segment shows any: each scenario counts as independent."
        return [assumed, "If some fail together all the same, chance explains more than is said here."]
    return []


def _named(scenarios: list[str], what: str) -> str:
    return f"{len(scenarios):,} {what} ({joined(scenarios)})" if scenarios else f"none {what}"


def _tested(one: Finding, several: bool) -> str:
    low, high = (number(100 * bound) for bound in one.interval[:2])
    over = "" if one.n == one.n_clusters else f" over {count(one.n_clusters, 'family').replace('familys', 'families')}"
    subject = f"{percent(one.interval.level)} interval of the difference"
    if several:
        subject += f" in {title(one.metric)}"
    corrected = ", corrected over the metrics" if several else ""
    return f"{subject}: {low} to {high} points; {_TESTS[one.method]}{over}: p = {one.p_adjusted:.2g}{corrected}."


def verdict_sentences(paired: Paired, margin: float) -> list[str]:
    """The verdict, why it is not another one, and what would settle it."""
    verdict = paired.verdict
    told = [_verdict(paired, margin)]
    told.extend(_guard(segment) for segment in verdict.guards)
    if verdict.word == "inconclusive" and not verdict.guards:
        told.extend(settlement_sentences(paired.settlement, verdict.primary.difference, _identical(paired)))
    return told


def _verdict(paired: Paired, margin: float) -> str:
    verdict, one = paired.verdict, paired.verdict.primary
    if verdict.word in {"better", "worse"}:
        return f"Verdict: {verdict.word}; chance hardly explains the difference."
    if verdict.word == "not_worse":
        return f"Verdict: not worse; a drop of more than {points(margin)} is ruled out."
    if one.n_clusters < 2:
        return f"Verdict: inconclusive; {count(one.n, 'scenario')} in a single group cannot tell a change from chance."
    if verdict.guards:
        return "Verdict: inconclusive; a segment speaks against the whole."
    if _identical(paired):
        return (
            f"Verdict: inconclusive; identical on all {count(one.n, 'scenario')}, which rules out a drop of more than "
            f"{points(-one.interval.low)} and not one of {points(margin)}."
        )
    return (
        "Verdict: inconclusive; the paired test cannot tell the difference from chance, and a drop of more than "
        f"{points(margin)} is not ruled out."
    )


def _identical(paired: Paired) -> bool:
    before, after = paired.outcomes.before["pass_rate"], paired.outcomes.after["pass_rate"]
    return bool((before == after).all())


def _guard(segment: SegmentFinding) -> str:
    fell = f"In {count(segment.n, 'scenario')} with {segment} the share fell by {points(-segment.difference)}"
    if segment.harmed:
        return f"{fell}, which chance hardly explains (p = {segment.p_adjusted:.2g}, corrected over the segments)."
    return f"{fell}, more than the margin of a segment."


def settlement_sentences(settlement: Settlement, difference: float, identical: bool) -> list[str]:
    """How many further scenarios or trials would settle an open comparison, and at what price.

    Args:
        settlement: What would settle it.
        difference: Which was seen, in points of 0 to 1.
        identical: Whether every scenario has the same result in both runs.
    """
    if settlement.claim is None:
        return (
            [f"More evidence would not settle it: {settlement.scenarios.reason}."]
            if settlement.scenarios.reason
            else []
        )
    scenarios, trials = settlement.scenarios, settlement.trials
    further = count(scenarios.number or 0, "further scenario")
    claim, power = _CLAIMS[settlement.claim], percent(settlement.power)
    if identical:
        told = [f"{further} with identical results would show {claim}: {_price(scenarios)}."]
    else:
        seen = points(difference) if difference else "none"
        assumed = f"If the true difference is the one seen ({seen}), {further} would show {claim}"
        told = [f"{assumed} with {power} probability: {_price(scenarios)}."]
    if settlement.scenarios_for_better is not None:
        told.append(f"To show {_CLAIMS['better']} takes {settlement.scenarios_for_better:,} further scenarios.")
    if trials.number is None:
        return [*told, f"{trials.reason[:1].upper()}{trials.reason[1:]}."]
    return [*told, f"So would {count(trials.number, 'further trial')} of each scenario: {_price(trials)}."]


def _price(more: More) -> str:
    cost = "their cost is not known" if math.isnan(more.cost_usd) else f"about {number(more.cost_usd, 2)} USD"
    time = "their time is not known" if math.isnan(more.seconds) else f"{_duration(more.seconds)} of answering time"
    return f"{count(more.evaluations, 'evaluation')} of both versions together, {cost}, {time}"


def _duration(seconds: float) -> str:
    if seconds < 2 * MINUTE:
        return f"{number(seconds)} s"
    return f"{number(seconds / MINUTE)} min" if seconds < 2 * HOUR else f"{number(seconds / HOUR)} h"
