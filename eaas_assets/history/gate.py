"""What turns the gate ``no_regression`` red: changes that chance does not explain.

Belongs here: whether chance explains what a rule about points found, and which reasons remain. The rules themselves are
in ``rules``, the verdict in ``verdict``, and the sentences where they are reported.

A rule about points looks at this suite and these trials. Where an agent answers the same every time every change is a
fact; where it does not, an unchanged agent loses points and scenarios by chance, and a rule that ignores this is red
every other night.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from eaas_assets.contracts.policies import ComparisonRule, GateReason, ReleasePolicy
from eaas_assets.history.clustering import with_suspected_families
from eaas_assets.history.measures import UNKNOWN, Measure, is_rate
from eaas_assets.history.rules import exceeds, judge_change, rule_for, ruled_metrics
from eaas_assets.history.verdict import PairedOutcomes, Verdict, change_test, judge
from eaas_assets.stats.multiplicity import holm

TRIALS_TO_KNOW = 3
"""Trials of each scenario from which on unanimous results show that an agent answers the same every time."""


class Chance(NamedTuple):
    """How well chance explains what changed.

    Attributes:
        facts: Whether there is no chance in it: the agent answers the same every time, or the policy ignores chance.
        metrics: Metric → corrected two-sided p-value; without those that cannot be paired by scenario.
        lost: Shape (n,), corrected one-sided p-value that the scenario passes less often.
    """

    facts: bool
    metrics: dict[str, float]
    lost: NDArray[np.float64]


def chance_of(outcomes: PairedOutcomes, policy: ReleasePolicy, simulated: bool = False) -> Chance:
    """How well chance explains the changes between two versions.

    Args:
        outcomes: Of both versions.
        policy: Its rules name the metrics, its ``comparison`` the correction.
        simulated: Whether both are simulated agents.
    """
    facts = simulated or policy.regression_gate.chance == "ignored" or answers_the_same(outcomes)
    metrics = metric_chances(outcomes, ruled_metrics(outcomes.before, policy.metrics), policy.comparison)
    return Chance(facts, metrics, scenario_chances(outcomes))


def answers_the_same(outcomes: PairedOutcomes) -> bool:
    """Whether the results show that both versions repeat themselves: three trials or more, none of them at odds."""
    enough = min(outcomes.before_trials.min(initial=TRIALS_TO_KNOW), outcomes.after_trials.min(initial=TRIALS_TO_KNOW))
    shares = [side["pass_rate"] for side in (outcomes.before, outcomes.after)]
    return bool(enough >= TRIALS_TO_KNOW and all(np.isin(share, (0.0, 1.0)).all() for share in shares))


def metric_chances(outcomes: PairedOutcomes, metrics: Iterable[str], rule: ComparisonRule) -> dict[str, float]:
    """Two-sided p-value of each metric's paired change, corrected over these metrics (Holm); nan where untestable."""
    tested = {}
    for metric in metrics:
        if metric not in outcomes.before or metric not in outcomes.after:
            continue
        before, after = outcomes.before[metric], outcomes.after[metric]
        known = ~(np.isnan(before) | np.isnan(after))
        families = None if outcomes.families is None else outcomes.families[known]
        tested[metric], _ = change_test(before[known], after[known], outcomes.single, families, rule.level)
    return dict(zip(tested, holm(list(tested.values())).tolist(), strict=True))


def scenario_chances(outcomes: PairedOutcomes) -> NDArray[np.float64]:
    """One-sided p-value that each scenario passes less often than before, corrected over all of them (Holm).

    Fisher's exact test: given all passes of both versions, as few as these or fewer fall to the later one.
    """
    tried = outcomes.before_trials + outcomes.after_trials
    after = np.rint(outcomes.after["pass_rate"] * outcomes.after_trials).astype(np.int64)
    passed = np.rint(outcomes.before["pass_rate"] * outcomes.before_trials).astype(np.int64) + after
    tail = np.zeros(tried.size)
    for count in range(int(after.max(initial=-1)) + 1):
        possible = (count <= after) & (passed - count <= outcomes.before_trials)
        ways = _log_choose(outcomes.after_trials, count) + _log_choose(outcomes.before_trials, passed - count)
        tail += np.where(possible, np.exp(ways - _log_choose(tried, passed)), 0.0)
    return holm(np.minimum(tail, 1.0))


def _log_choose(n: NDArray[np.int64], k: NDArray[np.int64] | int) -> NDArray[np.float64]:
    inside = np.clip(k, 0, n)
    return special.gammaln(n + 1) - special.gammaln(inside + 1) - special.gammaln(n - inside + 1)


def counts(chance: Chance | None, metric: str, alpha: float) -> bool:
    """Whether a change that a rule calls a regression counts: chance does not explain it.

    A metric that cannot be paired by scenario is taken as it stands, and so are the rates of an imported run, of which
    ``chance`` is None.
    """
    if chance is None or chance.facts or metric not in chance.metrics:
        return True
    return chance.metrics[metric] <= alpha


def lost_for_sure(chance: Chance | None, lost: NDArray[np.bool_], alpha: float) -> NDArray[np.bool_]:
    """Which of the lost scenarios chance does not explain. Both shapes are (n,), one place for each paired scenario."""
    return lost if chance is None or chance.facts else lost & (chance.lost <= alpha)


def lost_places(outcomes: PairedOutcomes) -> NDArray[np.bool_]:
    """Shape (n,): which scenarios passed in most of their trials before and no longer do."""
    return (outcomes.before["pass_rate"] > 0.5) & (outcomes.after["pass_rate"] <= 0.5)


def alarms(
    policy: ReleasePolicy,
    before: Mapping[str, Measure],
    now: Mapping[str, Measure],
    lost: NDArray[np.bool_],
    chance: Chance | None,
    verdict: Verdict | None,
) -> list[GateReason]:
    """The reasons for which the gate is red, in the order of the policy; empty for green.

    Args:
        policy: The release policy.
        before: Run metrics of the earlier version, to which the rules about points apply.
        now: Those of the later version.
        lost: Which of the paired scenarios were lost.
        chance: How well chance explains what changed; None for an imported run.
        verdict: On the paired outcomes; None for an imported run.
    """
    alpha = policy.comparison.alpha
    found: dict[GateReason, bool] = {
        "worse": verdict is not None and verdict.word == "worse",
        "worse_segment": verdict is not None and any(segment.harmed for segment in verdict.segments),
        "points_rules": any(counts(chance, metric, alpha) for metric in broken_rules(policy, before, now)),
        "lost_scenarios": bool(lost_for_sure(chance, lost, alpha).any()),
    }
    return [reason for reason in policy.regression_gate.fail_on if found[reason]]


def broken_rules(policy: ReleasePolicy, before: Mapping[str, Measure], now: Mapping[str, Measure]) -> list[str]:
    """The metrics that changed for the worse by as much as a rule about points says, by chance or not."""
    broken = []
    for metric in ruled_metrics({*before} & {*now}, policy.metrics):
        rule = rule_for(metric, policy.metrics)
        if rule and judge_change(metric, before[metric], now[metric], rule).verdict == "regression":
            broken.append(metric)
    rates = before.get("pass_rate", UNKNOWN), now.get("pass_rate", UNKNOWN)
    if "pass_rate" not in broken and exceeds(*rates, policy.baseline.regression_points):
        broken.append("pass_rate")
    return broken


def gate(outcomes: PairedOutcomes, policy: ReleasePolicy, simulated: bool = False) -> tuple[Verdict, list[GateReason]]:
    """Verdict and alarms on outcomes alone: the whole gate without tables, to be tried on many of them.

    Args:
        outcomes: Of both versions. Rules about points apply to those of its metrics that are shares of 0 to 1.
        policy: The release policy.
        simulated: Whether both are simulated agents.
    """
    if not simulated:
        outcomes = with_suspected_families(outcomes, policy.comparison)
    verdict = judge(outcomes, policy.comparison)
    before, now = (
        _totals(values, trials)
        for values, trials in ((outcomes.before, outcomes.before_trials), (outcomes.after, outcomes.after_trials))
    )
    chance = chance_of(outcomes, policy, simulated)
    return verdict, alarms(policy, before, now, lost_places(outcomes), chance, verdict)


def _totals(values: Mapping[str, NDArray[np.float64]], trials: NDArray[np.int64]) -> dict[str, Measure]:
    totals = {}
    for metric, shares in values.items():
        known = ~np.isnan(shares)
        if is_rate(metric) and known.any():
            passed, tried = int(np.rint(np.sum((shares * trials)[known]))), int(trials[known].sum())
            totals[metric] = Measure(passed / tried, passed, tried)
    return totals
