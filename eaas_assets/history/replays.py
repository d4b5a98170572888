"""Pairs of runs drawn from what one run has recorded: the same agent twice, or an agent that lost a known share.

Belongs here: the model of chance and the drawing. What a gate makes of the pairs is the matter of ``gate_calibration``.
What is assumed:

* **Chances of scenarios.** Scenario i passes a trial with a chance drawn anew for each pair from
  Beta(passed + s·m, failed + s·(1 − m)). m is the mean pass rate over scenarios, with half a pass and half a failure
  added, so that a perfect run does not prove a perfect agent. s is the weight of the suite against the scenario's own
  trials: the beta-binomial model, s = (1 − ρ)/ρ for an intraclass correlation ρ (Kleinman 1973). With repeated trials
  ρ is estimated (``stats.trials.variance_components``) and kept within 0.05 and 0.95. One trial per scenario cannot
  tell a stable failure from bad luck: then ρ is **assumed to be one half**. An agent that is known to answer the same
  every time (a simulated one) does so here: there is no chance in it.
* **Other metrics.** A drawn trial that passes has the metrics of a recorded trial of the same scenario that passed, one
  that fails those of one that failed; where the scenario has none, of such a trial of any scenario.
* **Drops.** A drop breaks whole scenarios, chosen by chance, in every trial: the way agents usually break, and harder
  to see than the same loss spread evenly, because it is one event for all trials of a scenario.
* **Families.** Shocks move each family in each run, normal on the logit scale with a standard deviation of 0.8: a bad
  day of one tool or one kind of customer, which is no change of the agent.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from eaas_assets.history.verdict import PairedOutcomes
from eaas_assets.stats.trials import variance_components

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

FAMILY_SHOCK_SD = 0.8
SINGLE_TRIAL_CORRELATION = 0.5
CORRELATION_RANGE = (0.05, 0.95)
SMALLEST_CHANCE = 1e-9


@dataclass(frozen=True)
class Recorded:
    """What one run recorded, trial by trial, and the design of the comparison that it is replayed in.

    Attributes:
        scenario: Shape (N,), the scenario of each recorded trial as 0..n-1; every scenario has a trial.
        passed: Shape (N,), whether the trial passed.
        metrics: Metric → shape (N,), its value within [0, 1]; nan where unknown.
        reference_trials: Shape (n,), trials of each scenario in the reference run.
        families: Shape (n,), the family of each scenario as 0..G-1; None where each stands alone.
        segments: Segment → its value for each scenario, None where unknown.
        repeats: Whether the agent answers the same every time.
    """

    scenario: NDArray[np.intp]
    passed: NDArray[np.bool_]
    metrics: Mapping[str, Floats]
    reference_trials: Counts
    families: NDArray[np.intp] | None = None
    segments: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)
    repeats: bool = False

    @property
    def trials(self) -> Counts:
        """Shape (n,), trials of each scenario."""
        return np.bincount(self.scenario, minlength=self.reference_trials.size)

    @property
    def passes(self) -> Counts:
        """Shape (n,), passed trials of each scenario."""
        return np.bincount(self.scenario[self.passed], minlength=self.reference_trials.size)

    def part(self, places: NDArray[np.intp]) -> Recorded:
        """The same of some scenarios only, in the given order."""
        number = np.full(self.reference_trials.size, -1)
        number[places] = np.arange(places.size)
        kept = number[self.scenario] >= 0
        return Recorded(
            scenario=number[self.scenario[kept]],
            passed=self.passed[kept],
            metrics={name: values[kept] for name, values in self.metrics.items()},
            reference_trials=self.reference_trials[places],
            families=None if self.families is None else np.unique(self.families[places], return_inverse=True)[1],
            segments={name: values[places] for name, values in self.segments.items()},
            repeats=self.repeats,
        )


class Chances(NamedTuple):
    """The model of chance of a run.

    Attributes:
        mean: The mean pass rate m to which scenarios are drawn.
        expected: Pass rate of the agent that is replayed: the mean of the scenarios' expected chances.
        weight: The suite's weight s against a scenario's own trials, in trials.
        correlation: The intraclass correlation ρ behind ``weight``.
        basis: Where the correlation is from.
    """

    mean: float
    expected: float
    weight: float
    correlation: float
    basis: str


KNOWN, ESTIMATED, ASSUMED = "known", "estimated", "assumed"


def fit_chances(recorded: Recorded) -> Chances:
    """The model of one run; see the module's docstring for what it assumes.

    Raises:
        ValueError: A scenario has no trial, or there is no scenario.
    """
    passes, trials = recorded.passes, recorded.trials
    if not trials.size or (trials < 1).any():
        raise ValueError("there must be a scenario, and every scenario needs a trial")
    mean = (float(np.sum(passes / trials)) + 0.5) / (trials.size + 1)
    if recorded.repeats:
        return Chances(mean, float(np.mean(passes / trials)), 0.0, 1.0, KNOWN)
    correlation, basis = SINGLE_TRIAL_CORRELATION, ASSUMED
    if (trials > 1).any() and trials.size > 1:
        share = variance_components(recorded.passed.astype(float), recorded.scenario).share
        low, high = CORRELATION_RANGE
        correlation = high if math.isnan(share) else min(max(share, low), high)  # nan: all results agree
        basis = ESTIMATED
    weight = (1 - correlation) / correlation
    return Chances(mean, float(np.mean((passes + weight * mean) / (trials + weight))), weight, correlation, basis)


def replays(
    recorded: Recorded, chances: Chances, rng: np.random.Generator, n: int, drop: float = 0.0, shocked: bool = False
) -> Iterator[PairedOutcomes]:
    """Pairs of runs, each with the trials of the recorded comparison.

    Args:
        recorded: What is replayed.
        chances: Its model.
        rng: Where chance comes from; an equal state gives equal pairs.
        n: Pairs.
        drop: Points of 0 to 1 that the later run loses on average; below ``chances.expected``.
        shocked: Whether families are moved by shocks.
    """
    shares = recorded.passes / recorded.trials
    prior = chances.weight * chances.mean, chances.weight * (1 - chances.mean)
    pools = _Pools(recorded)

    def run(rates: Floats, trials: Counts, lost: float) -> dict[str, Floats]:
        chance = rates
        if shocked and recorded.families is not None:
            chance = _shocked(rates, recorded.families, rng)
        if lost:
            chance = np.where(rng.random(rates.size) < lost, 0.0, chance)
        return pools.draw(chance, trials, rng)

    for _ in range(n):
        rates = shares
        if not recorded.repeats:
            rates = rng.beta(recorded.passes + prior[0], recorded.trials - recorded.passes + prior[1])
        yield PairedOutcomes(
            before=run(rates, recorded.reference_trials, 0.0),
            after=run(rates, recorded.trials, drop / chances.expected if drop else 0.0),
            before_trials=recorded.reference_trials,
            after_trials=recorded.trials,
            families=recorded.families,
            segments=recorded.segments,
        )


def _shocked(rates: Floats, families: NDArray[np.intp], rng: np.random.Generator) -> Floats:
    """Chances of one run after a shock to each family."""
    shocks = rng.normal(0.0, FAMILY_SHOCK_SD, int(families.max()) + 1)
    inside = np.clip(rates, SMALLEST_CHANCE, 1 - SMALLEST_CHANCE)
    moved: Floats = special.expit(special.logit(inside) + shocks[families])
    return moved


class _Pools:
    """The recorded trials by scenario and result, to draw from."""

    def __init__(self, recorded: Recorded) -> None:
        n = recorded.reference_trials.size
        group = 2 * recorded.scenario + recorded.passed
        self._rows = np.argsort(group, kind="stable")
        self._size = np.bincount(group, minlength=2 * n)
        self._start = np.cumsum(self._size) - self._size
        self._metrics = {name: values for name, values in recorded.metrics.items() if name != "pass_rate"}
        self._elsewhere = [np.flatnonzero(recorded.passed == passed) for passed in (False, True)]

    def draw(self, chances: Floats, trials: Counts, rng: np.random.Generator) -> dict[str, Floats]:
        """Metric → its mean over the drawn trials of each scenario."""
        owner = np.repeat(np.arange(trials.size), trials)
        passed = rng.random(owner.size) < chances[owner]
        means = {"pass_rate": np.bincount(owner, weights=passed, minlength=trials.size) / trials}
        row = self._matching(2 * owner + passed, rng)
        for name, values in self._metrics.items():
            # A result that was never recorded anywhere is taken to be wholly right, or wholly wrong.
            drawn = np.where(row >= 0, values[row], passed)
            means[name] = np.bincount(owner, weights=drawn, minlength=trials.size) / trials
        return means

    def _matching(self, group: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
        """A recorded trial for each drawn one; -1 where no trial ever ended like it."""
        chosen, size = rng.random(group.size), self._size[group]
        row = self._rows[np.minimum(self._start[group] + (chosen * size).astype(np.intp), self._rows.size - 1)]
        for passed, rows in enumerate(self._elsewhere):
            alone = (size == 0) & (group % 2 == passed)
            row[alone] = rows[(chosen[alone] * rows.size).astype(np.intp)] if rows.size else -1
        return row


def same(outcomes: PairedOutcomes) -> bytes:
    """A key that is equal for equal results."""
    parts: list[Any] = [side[name] for side in (outcomes.before, outcomes.after) for name in sorted(side)]
    return np.concatenate(parts).tobytes()
