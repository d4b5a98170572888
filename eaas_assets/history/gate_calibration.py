"""The release gate put to the test on the suite's own results: how often it cries wolf, and what drop it can see.

Belongs here: replays of a decision rule. The rule itself is handed in; nothing here knows how it decides.

A replay is a pair of runs drawn from what one run has recorded. In *same agent* replays nothing changed between the
two, so every "worse" is a false alarm. In *drop* replays the second run lost a known share of its pass rate, so the
share of "worse" is the power of the gate. What is assumed:

* **Chances of scenarios.** Scenario i passes a trial with a chance drawn anew for each replay from
  Beta(passed + s·m, failed + s·(1 − m)). m is the mean pass rate over scenarios, with half a pass and half a failure
  added, so that a perfect run does not prove a perfect agent. s is the weight of the suite against the scenario's own
  trials: the beta-binomial model, s = (1 − ρ)/ρ for an intraclass correlation ρ (Kleinman 1973). With repeated trials
  ρ is estimated (``stats.trials.variance_components``) and kept within 0.05 and 0.95. One trial per scenario cannot
  tell a stable failure from bad luck: then ρ is **assumed to be one half**.
* **Drops.** A drop breaks whole scenarios, chosen by chance, in every trial: the way agents usually break, and harder
  to see than the same loss spread evenly, because it is one event for all trials of a scenario.
* **Families.** Where scenarios come in families, each family of each run is moved by a shock of its own, normal on the
  logit scale with a standard deviation of 0.8: a bad day of one tool or one kind of customer, which is no change of the
  agent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from eaas_assets.stats.intervals import Interval, wilson
from eaas_assets.stats.trials import variance_components

Counts = NDArray[np.int64]

WANTED_POWER = 0.8
DROPS = (0.02, 0.05, 0.10, 0.15, 0.20, 0.30, 0.40, 0.50, 0.60, 0.70, 0.80, 0.90)
"""Injected drops, in points of 0 to 1; those that the agent's own pass rate does not reach are left out."""
ENOUGH = 0.95
"""Power from which larger drops are not replayed any more."""
FAMILY_SHOCK_SD = 0.8
SINGLE_TRIAL_CORRELATION = 0.5
CORRELATION_RANGE = (0.05, 0.95)
SMALLEST_CHANCE = 1e-9


class Results(NamedTuple):
    """What one run recorded, scenario by scenario, and how the run that it is replayed against was made.

    Attributes:
        passed: Shape (n,), passed trials of each scenario.
        trials: Shape (n,), its trials; at least 1.
        reference_trials: Shape (n,), trials of each scenario in the reference run.
        families: Shape (n,), the family of each scenario as 0..G-1; None where each stands alone.
    """

    passed: Counts
    trials: Counts
    reference_trials: Counts
    families: NDArray[np.intp] | None = None


Rule = Callable[[Counts, Counts, Counts, Counts], str]
"""A gate: passed trials and trials of the reference, then of the run in question; gives a verdict such as worse."""


class Chances(NamedTuple):
    """The beta-binomial model of a run.

    Attributes:
        mean: The mean pass rate m to which scenarios are drawn.
        expected: Pass rate of the agent that is replayed: the mean of the scenarios' expected chances.
        weight: The suite's weight s against a scenario's own trials, in trials.
        correlation: The intraclass correlation behind ``weight``.
        assumed: Whether the correlation is assumed because no scenario was repeated.
    """

    mean: float
    expected: float
    weight: float
    correlation: float
    assumed: bool


class Replays(NamedTuple):
    """What the gate said in replays of one situation.

    Attributes:
        drop: Points that the second run lost; 0: the same agent twice.
        shocked: Whether families were moved by shocks.
        n: Replays.
        verdicts: How often each word was said.
    """

    drop: float
    shocked: bool
    n: int
    verdicts: dict[str, int]

    def share(self, verdict: str) -> float:
        """How often ``verdict`` was said, 0 to 1."""
        return self.verdicts.get(verdict, 0) / self.n

    def interval(self, verdict: str, level: float = 0.95) -> Interval:
        """Monte-Carlo interval of that share (Wilson)."""
        return wilson(self.verdicts.get(verdict, 0), self.n, level)


class Calibration(NamedTuple):
    """How a gate behaves on a suite.

    Attributes:
        chances: The model that was replayed.
        same_agent: Replays in which nothing changed: without shocks, and with them where there are families.
        drops: Replays with a drop, the smallest first.
        detected_drop: The smallest drop that is called worse in 80 % of replays; nan where none is.
        reason: Why ``detected_drop`` is nan; empty otherwise.
    """

    chances: Chances
    same_agent: tuple[Replays, ...]
    drops: tuple[Replays, ...]
    detected_drop: float
    reason: str


def calibrate(
    results: Results,
    rule: Rule,
    rng: np.random.Generator,
    *,
    same_agent_replays: int = 1000,
    drop_replays: int = 250,
    drops: Sequence[float] = DROPS,
) -> Calibration:
    """Replay a gate on what a run recorded.

    Args:
        results: The recorded results; at least one scenario.
        rule: The gate.
        rng: Where chance comes from; an equal state gives an equal result.
        same_agent_replays: Pairs of runs of the same agent.
        drop_replays: Pairs of runs for each drop.
        drops: Injected drops in rising order, in points of 0 to 1.
    """
    chances = fit_chances(results.passed, results.trials)
    shocks = (False,) if results.families is None else (False, True)
    same = tuple(_replay(results, chances, rule, rng, same_agent_replays, 0.0, shocked) for shocked in shocks)
    replayed: list[Replays] = []
    for drop in drops:
        if drop >= chances.expected:
            break
        replayed.append(_replay(results, chances, rule, rng, drop_replays, drop, shocked=False))
        if replayed[-1].share("worse") >= ENOUGH:
            break
    detected = detected_drop(replayed)
    reason = "" if not math.isnan(detected) else _undetected(replayed, chances)
    return Calibration(chances, same, tuple(replayed), detected, reason)


def fit_chances(passed: Counts, trials: Counts) -> Chances:
    """The beta-binomial model of one run; see the module's docstring for what it assumes.

    Args:
        passed: Shape (n,), passed trials of each scenario.
        trials: Shape (n,), its trials; at least 1 each, and at least one scenario.
    """
    if passed.size == 0 or (trials < 1).any():
        raise ValueError("every scenario needs a trial, and there must be one scenario")
    mean = (float(np.sum(passed / trials)) + 0.5) / (passed.size + 1)
    assumed = bool((trials == 1).all()) or passed.size < 2
    correlation = SINGLE_TRIAL_CORRELATION
    if not assumed:
        results = np.concatenate(
            [np.repeat((1.0, 0.0), (hit, tried - hit)) for hit, tried in zip(passed, trials, strict=True)]
        )
        share = variance_components(results, np.repeat(np.arange(passed.size), trials)).share
        low, high = CORRELATION_RANGE
        correlation = high if math.isnan(share) else min(max(share, low), high)  # nan: all results agree
    weight = (1 - correlation) / correlation
    expected = float(np.mean((passed + weight * mean) / (trials + weight)))
    return Chances(mean, expected, weight, correlation, assumed)


def detected_drop(replayed: Sequence[Replays], power: float = WANTED_POWER) -> float:
    """The drop at which ``power`` is reached, between two replayed drops by a straight line; nan where none reaches it.

    Chance can make a larger drop look harder to see than a smaller one; the power so far is then kept.
    """
    below, reached = 0.0, 0.0
    for replays in replayed:
        share = max(reached, replays.share("worse"))
        if share >= power:
            return below + (replays.drop - below) * (power - reached) / (share - reached)
        below, reached = replays.drop, share
    return math.nan


def _undetected(replayed: Sequence[Replays], chances: Chances) -> str:
    if not replayed:
        return f"a pass rate of {100 * chances.expected:.0f} % leaves nothing to lose"
    largest = replayed[-1]
    return (
        f"even a drop of {100 * largest.drop:.0f} points is called worse in only "
        f"{100 * largest.share('worse'):.0f} % of replays"
    )


def _replay(
    results: Results,
    chances: Chances,
    rule: Rule,
    rng: np.random.Generator,
    n: int,
    drop: float,
    shocked: bool,
) -> Replays:
    prior = chances.weight * chances.mean, chances.weight * (1 - chances.mean)
    failed = results.trials - results.passed
    size = (n, results.passed.size)
    rates = rng.beta(results.passed + prior[0], failed + prior[1], size)
    before, after = rates, rates
    if shocked and results.families is not None:
        before, after = (_shocked(rates, results.families, rng) for _ in range(2))
    if drop:
        after = np.where(rng.random(size) < drop / chances.expected, 0.0, after)
    first = rng.binomial(results.reference_trials, before)
    second = rng.binomial(results.trials, after)
    verdicts: dict[str, int] = {}
    for one, other in zip(first, second, strict=True):
        verdict = rule(one, results.reference_trials, other, results.trials)
        verdicts[verdict] = verdicts.get(verdict, 0) + 1
    return Replays(drop, shocked, n, verdicts)


def _shocked(rates: NDArray[np.float64], families: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.float64]:
    """Chances of one run after a shock to each family."""
    shocks = rng.normal(0.0, FAMILY_SHOCK_SD, (rates.shape[0], int(families.max()) + 1))
    inside = np.clip(rates, SMALLEST_CHANCE, 1 - SMALLEST_CHANCE)
    moved: NDArray[np.float64] = special.expit(special.logit(inside) + shocks[:, families])
    return moved
