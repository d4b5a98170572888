"""A gate asked about many replays: how often it fails where nothing changed, and from which drop on it notices.

Belongs here: asking and counting, for any gate. How pairs of runs are drawn, and what that assumes, stands in
``replays``; the table and the promise in ``gate_calibration``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from eaas_assets.contracts.policies import ReleasePolicy
from eaas_assets.history.gate import gate
from eaas_assets.history.replays import Chances, Recorded, fit_chances, replays, same
from eaas_assets.history.verdict import PairedOutcomes
from eaas_assets.stats.intervals import Interval, wilson
from eaas_assets.wording import percent, points

WANTED_POWER = 0.8
DROPS = (0.02, 0.05, 0.10, 0.15, 0.20, 0.30, 0.40, 0.50, 0.60, 0.70, 0.80, 0.90)
"""Drops that can be replayed, in points of 0 to 1."""
ASKED_FIRST = 0.05
"""The drop that is always replayed, because everybody asks about it."""
SAME_AGENT_REPLAYS = 200
DROP_REPLAYS = 60
SITUATIONS = ("same_agent", "same_agent_bad_days", "drop")


class Said(NamedTuple):
    """What a gate says of one pair of runs.

    Attributes:
        word: better, worse, not_worse or inconclusive.
        fails: Whether it stops the release: the word is worse, or something else turns it red.
    """

    word: str
    fails: bool


Rule = Callable[[PairedOutcomes], Said]


class Tally(NamedTuple):
    """What a gate said in all replays of one situation.

    Attributes:
        situation: One of SITUATIONS.
        drop: Points that the later run lost; 0 for the same agent.
        n: Replays.
        failed: Of these, failed.
        words: How often each word was said.
    """

    situation: str
    drop: float
    n: int
    failed: int
    words: dict[str, int]

    @property
    def fail_rate(self) -> float:
        """Share that failed: of the same agent the false alarms, of a drop the power."""
        return self.failed / self.n

    @property
    def failing(self) -> Interval:
        """Monte-Carlo interval of ``fail_rate`` (Wilson, 95 %)."""
        return wilson(self.failed, self.n)

    def share(self, word: str) -> float:
        """How often ``word`` was said, 0 to 1."""
        return self.words.get(word, 0) / self.n

    def saying(self, word: str) -> Interval:
        """Monte-Carlo interval of that share (Wilson, 95 %)."""
        return wilson(self.words.get(word, 0), self.n)


class Calibration(NamedTuple):
    """How a gate behaves on a suite.

    Attributes:
        chances: The model of chance that was replayed.
        tallies: The same agent first, then the drops in rising order.
        detected_drop: The drop at which it fails in 80 % of replays; nan where none is.
        reason: Why ``detected_drop`` is nan; empty otherwise.
    """

    chances: Chances
    tallies: tuple[Tally, ...]
    detected_drop: float
    reason: str


def release_gate(policy: ReleasePolicy, simulated: bool = False) -> Rule:
    """The gate that a release policy declares: the verdict and everything else that turns `no_regression` red."""

    def rule(outcomes: PairedOutcomes) -> Said:
        verdict, reasons = gate(outcomes, policy, simulated)
        return Said(verdict.word, verdict.word == "worse" or bool(reasons))

    return rule


def calibrate(
    recorded: Recorded,
    rule: Rule,
    rng: np.random.Generator,
    same_agent_replays: int = SAME_AGENT_REPLAYS,
    drop_replays: int = DROP_REPLAYS,
    drops: Sequence[float] = DROPS,
) -> Calibration:
    """Try a gate on replays of what a run recorded.

    Args:
        recorded: The run; at least one scenario.
        rule: The gate.
        rng: Where chance comes from; an equal state gives an equal result.
        same_agent_replays: Pairs of runs of the same agent: 200 tell a rate of 5 % to within 3 points.
        drop_replays: Pairs of runs for each drop.
        drops: In rising order. Those that the agent's own pass rate does not reach are left out; of the others as many
            are replayed as it takes to find the one that is detected.
    """
    chances = fit_chances(recorded)
    known: dict[bytes, Said] = {}

    def tally(situation: str, n: int, drop: float = 0.0, shocked: bool = False) -> Tally:
        pairs = replays(recorded, chances, rng, n, drop, shocked)
        return _tally(situation, drop, n, (_asked_once(rule, pair, known) for pair in pairs))

    tallies = [tally("same_agent", same_agent_replays)]
    if recorded.families is not None and not recorded.repeats:
        tallies.append(tally("same_agent_bad_days", same_agent_replays, shocked=True))
    lossy = _search([drop for drop in drops if drop < chances.expected], lambda drop: tally("drop", drop_replays, drop))
    detected = detected_drop(lossy)
    return Calibration(chances, (*tallies, *lossy), detected, _undetected(lossy) if math.isnan(detected) else "")


def _search(drops: Sequence[float], replayed: Callable[[float], Tally]) -> list[Tally]:
    """Replay drops until two neighbours have the wanted power between them: power rises with the drop, so by halves."""
    asked = {drop: replayed(drop) for drop in drops if drop == ASKED_FIRST}
    below, above = -1, len(drops)
    while above - below > 1:
        middle = (below + above) // 2
        drop = drops[middle]
        if drop not in asked:
            asked[drop] = replayed(drop)
        if asked[drop].fail_rate >= WANTED_POWER:
            above = middle
        else:
            below = middle
    return [asked[drop] for drop in drops if drop in asked]


def _asked_once(rule: Rule, pair: PairedOutcomes, known: dict[bytes, Said]) -> Said:
    """What the gate says; a pair that was seen before is not judged again."""
    key = same(pair)
    if key not in known:
        known[key] = rule(pair)
    return known[key]


def _tally(situation: str, drop: float, n: int, answers: Iterable[Said]) -> Tally:
    failed, words = 0, dict[str, int]()
    for said in answers:
        failed += said.fails
        words[said.word] = words.get(said.word, 0) + 1
    return Tally(situation, drop, n, failed, words)


def detected_drop(tallies: Sequence[Tally], power: float = WANTED_POWER) -> float:
    """The drop at which ``power`` is reached, by a straight line between two replayed ones; nan where none reaches it.

    Chance can make a larger drop look harder to see than a smaller one; the power reached so far is then kept.
    """
    below, reached = 0.0, 0.0
    for tally in tallies:
        if tally.fail_rate >= power:
            return below + (tally.drop - below) * (power - reached) / (tally.fail_rate - reached)
        below, reached = tally.drop, max(reached, tally.fail_rate)
    return math.nan


def _undetected(tallies: Sequence[Tally]) -> str:
    if not tallies:
        return "the agent passes too little to lose any of it"
    largest = tallies[-1]
    return f"even a drop of {points(largest.drop)} fails in only {percent(largest.fail_rate)} of replays"
