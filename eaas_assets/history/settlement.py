"""What a comparison could have shown, and what would settle one that is inconclusive: how much more, at what price.

Belongs here: plans, under the assumption that the true difference is the one that was seen. The verdict itself is made
in ``verdict``. More scenarios and more trials are planned apart, because trials average out only the noise of trials:
how differently the scenarios changed stays, however often each of them is repeated.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np

from eaas_assets.contracts.policies import ComparisonRule
from eaas_assets.history.verdict import Finding, PairedOutcomes, Verdict, metric_values
from eaas_assets.stats.intervals import two_sided_z
from eaas_assets.stats.paired import paired_difference
from eaas_assets.stats.power import Detectable, mde_paired, mde_paired_proportions, n_for_paired

MOST_PLANNED = 10_000
"""Scenarios up to which the smallest detectable drop is worked out exactly: above it lies below a tenth of a point."""
Claim = Literal["better", "worse", "not_worse"]


class Price(NamedTuple):
    """What one evaluation of a version takes, as measured; nan where not known.

    Attributes:
        cost_usd: Mean cost.
        seconds: Mean answering time.
    """

    cost_usd: float
    seconds: float


class More(NamedTuple):
    """More evidence of one kind.

    Attributes:
        number: Scenarios, or trials of each scenario; None where ``reason`` says why no number settles it.
        evaluations: Of both versions together.
        cost_usd: Of these evaluations; nan where not known.
        seconds: Their answering time, one after another; nan where not known.
        reason: Empty where there is a number, and where nothing is to be settled.
    """

    number: int | None
    evaluations: int
    cost_usd: float
    seconds: float
    reason: str


class Settlement(NamedTuple):
    """What could be shown, and what would settle the matter.

    Attributes:
        power: With which things would be shown.
        detectable: The smallest difference that the comparison shows with this power.
        claim: What more evidence would show, if the difference is the one that was seen; None where nothing is open.
        scenarios: Further scenarios.
        scenarios_for_better: Further scenarios that would show a gain, where ``claim`` is less than that; else None.
        trials: Further trials of the same scenarios.
    """

    power: float
    detectable: Detectable
    claim: Claim | None
    scenarios: More
    scenarios_for_better: int | None
    trials: More


_NONE = "no number of further trials of these scenarios settles it"
_UNKNOWN = "what further trials of these scenarios would tell is not known"
SETTLED = More(None, 0, math.nan, math.nan, "")


def settle(
    outcomes: PairedOutcomes,
    verdict: Verdict,
    rule: ComparisonRule,
    prices: tuple[Price, Price] = (Price(math.nan, math.nan), Price(math.nan, math.nan)),
    simulated: bool = False,
) -> Settlement:
    """Plan further evidence for a verdict.

    Args:
        outcomes: On which the verdict was reached.
        verdict: Where it is decided, or a segment forbids more, nothing is planned.
        rule: By which it was reached.
        prices: Of an evaluation of the earlier and of the later version.
        simulated: Whether both versions answer the same every time, so that repeats tell nothing.
    """
    open_question = _open_finding(verdict, rule)
    detectable = _detectable(outcomes, verdict.primary, rule)
    if verdict.word != "inconclusive" or open_question is None:
        return Settlement(rule.power, detectable, None, SETTLED, None, SETTLED)
    if verdict.guards:
        named = ", ".join(str(segment) for segment in verdict.guards)
        looked = SETTLED._replace(reason=f"{named} has to be looked at, whatever more evidence says of the whole")
        return Settlement(rule.power, detectable, None, looked, None, looked)
    if open_question.n_clusters < 2:
        alone = SETTLED._replace(reason="a single group of scenarios shows no error from which a number could follow")
        return Settlement(rule.power, detectable, None, alone, None, alone)
    claim, effect = _claim(open_question.difference, rule.margin)
    tried = (float(outcomes.before_trials.mean()), float(outcomes.after_trials.mean()))
    scenarios = _scenarios(outcomes, open_question, effect, rule)
    gain = open_question.difference
    trials, reason = _trials(outcomes, open_question, effect, rule, simulated)
    return Settlement(
        rule.power,
        detectable,
        claim,
        _more(scenarios, "", tuple(scenarios * k for k in tried), prices),
        _scenarios(outcomes, open_question, gain, rule) if claim == "not_worse" and gain > 0 else None,
        _more(trials, reason, (outcomes.before_trials.size * (trials or 0),) * 2, prices),
    )


def _open_finding(verdict: Verdict, rule: ComparisonRule) -> Finding | None:
    """The metric that keeps the verdict open: the first one that neither changed nor cleared the margin."""
    for one in verdict.findings:
        if not (one.p_adjusted <= rule.alpha or one.interval.low > -rule.margin):
            return one
    return verdict.primary if verdict.guards else None


def _claim(difference: float, margin: float) -> tuple[Claim, float]:
    """What is nearest to being shown, and how far the difference lies from what has to be excluded for it."""
    if difference + margin >= abs(difference):
        return "not_worse", difference + margin
    return "worse", abs(difference)


def _change(outcomes: PairedOutcomes, finding: Finding) -> tuple[np.ndarray, float]:
    """The scenarios' changes, and their standard deviation as if each group were one scenario; 0 if all agree."""
    before, after, known = metric_values(outcomes, finding.metric)
    families = None if outcomes.families is None else outcomes.families[known]
    error = paired_difference(after - before, families).se
    return after - before, error * math.sqrt(finding.n_clusters)


def _detectable(outcomes: PairedOutcomes, finding: Finding, rule: ComparisonRule) -> Detectable:
    change, spread = _change(outcomes, finding)
    if finding.method == "mcnemar":
        if finding.n > MOST_PLANNED:
            return _detectable_t(spread, finding, rule)
        lost, gained = int((change < 0).sum()), int((change > 0).sum())
        both_ways = 2 * min(lost, gained) / finding.n
        return mde_paired_proportions(finding.n, both_ways, rule.power, rule.alpha)
    return _detectable_t(spread, finding, rule)


def _detectable_t(spread: float, finding: Finding, rule: ComparisonRule) -> Detectable:
    if finding.n_clusters < 2:
        return Detectable(math.nan, "there is a single group of scenarios")
    if not spread > 0:
        return Detectable(math.nan, "no scenario changed otherwise than the others")
    return mde_paired(spread, finding.n_clusters, rule.power, rule.alpha)


def _scenarios(outcomes: PairedOutcomes, finding: Finding, effect: float, rule: ComparisonRule) -> int:
    """Further scenarios after which ``effect`` is excluded with the rule's power; they come in groups as before."""
    change, spread = _change(outcomes, finding)
    z = two_sided_z(rule.level)
    if spread > 1e-12:
        groups = n_for_paired(spread, effect, rule.power, rule.alpha)
    elif not change.any():
        groups = math.floor(z * z * (1 - rule.margin) / rule.margin) + 1  # z² / (n + z²) < margin, as the interval says
    else:  # all changed alike: as scattered as single passes and failures of this rate would be
        size = abs(finding.difference)
        groups = n_for_paired(math.sqrt(size), effect, rule.power, rule.alpha)
    further = math.ceil(groups * finding.n / finding.n_clusters - 1e-9) - finding.n
    return max(1, further)


def _trials(
    outcomes: PairedOutcomes, finding: Finding, effect: float, rule: ComparisonRule, simulated: bool
) -> tuple[int | None, str]:
    """Further trials of each scenario after which ``effect`` is excluded, or why there is no such number."""
    if simulated:
        return None, f"{_NONE}: both versions answer the same every time"
    if finding.metric != "pass_rate":
        return None, f"{_UNKNOWN}: how much {finding.metric} varies between trials is not recorded"
    if min(outcomes.before_trials.min(), outcomes.after_trials.min()) < 2:
        return None, f"{_UNKNOWN}: one trial of each scenario does not show how trials differ, three would"
    noise = (
        sum(
            float(np.sum(share * (1 - share) / (trials - 1)))
            for share, trials in (
                (outcomes.before["pass_rate"], outcomes.before_trials),
                (outcomes.after["pass_rate"], outcomes.after_trials),
            )
        )
        / outcomes.before_trials.size**2
    )
    variance = _change(outcomes, finding)[1] ** 2 / finding.n_clusters
    wanted = (effect / (two_sided_z(rule.level) + two_sided_z(2 * rule.power - 1))) ** 2
    left = max(0.0, variance - noise)
    if noise <= 0:
        return None, f"{_NONE}: no scenario's trials disagree"
    if left >= wanted:
        return (
            None,
            f"{_NONE}: the scenarios changed too differently, and only more scenarios average that out",
        )
    trials = float(np.mean((outcomes.before_trials + outcomes.after_trials) / 2))
    return max(1, math.ceil(trials * (noise / (wanted - left) - 1) - 1e-9)), ""


def _more(number: int | None, reason: str, evaluations: tuple[float, ...], prices: tuple[Price, Price]) -> More:
    if number is None:
        return SETTLED._replace(reason=reason)
    cost = sum(n * price.cost_usd for n, price in zip(evaluations, prices, strict=True))
    seconds = sum(n * price.seconds for n, price in zip(evaluations, prices, strict=True))
    return More(number, math.ceil(sum(evaluations) - 1e-9), cost, seconds, "")
