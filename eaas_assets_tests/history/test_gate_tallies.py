from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from eaas_assets.history.gate_tallies import (
    DROPS,
    Calibration,
    Rule,
    Said,
    Tally,
    calibrate,
    detected_drop,
    release_gate,
)
from eaas_assets.history.replays import Recorded
from eaas_assets.history.verdict import PairedOutcomes, judge
from eaas_assets_tests.history.runs_by_hand import release_policy
from eaas_assets_tests.history.test_replays import MIXED, recorded


def any_drop(outcomes: PairedOutcomes) -> Said:
    """The broken rule: every fall of the mean is a regression."""
    fell = outcomes.after["pass_rate"].mean() < outcomes.before["pass_rate"].mean()
    return Said("worse" if fell else "not_worse", fell)


def verdict_alone(outcomes: PairedOutcomes) -> Said:
    word = judge(outcomes, release_policy().comparison).word
    return Said(word, word == "worse")


def tried(rule: Rule, run: Recorded = MIXED, seed: int = 5, **more: int) -> Calibration:
    return calibrate(run, rule, np.random.default_rng(seed), **more)


def tally(drop: float, failed: int, n: int = 100) -> Tally:
    return Tally("drop", drop, n, failed, {})


def test_any_drop_alarms_on_nothing_in_nearly_half_of_all_cases():
    """By symmetry (1 - share of ties) / 2."""
    first = tried(any_drop, same_agent_replays=1000).tallies[0]
    assert (first.situation, first.n) == ("same_agent", 1000)
    assert 0.38 < first.fail_rate < 0.5
    assert first.failing.low < first.fail_rate < first.failing.high
    assert first.fail_rate == first.share("worse")


def test_the_shipped_verdict_rarely_alarms_on_nothing():
    first = tried(verdict_alone).tallies[0]
    assert first.failing.low <= 0.05
    assert first.saying("better").low <= 0.05
    assert sum(first.words.values()) == first.n


def test_power_without_chance_is_what_counting_says():
    """20 stable scenarios: exact McNemar says worse from 6 losses on, and losses are binomial."""
    found = tried(verdict_alone, recorded([[True]] * 20, repeats=True), drop_replays=600)
    for one in found.tallies[1:]:
        exact = stats.binom.sf(5, 20, one.drop)
        assert one.fail_rate == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 600) + 1e-12)
    exact = next(drop for drop in np.arange(0, 1, 0.001) if stats.binom.sf(5, 20, drop) >= 0.8)
    assert found.detected_drop == pytest.approx(exact, abs=0.05)


def test_a_simulated_agent_never_alarms_on_nothing_and_any_loss_is_a_fact():
    """The whole gate: a lost scenario of an agent that repeats itself is no chance, whatever the verdict can tell."""
    run = recorded([[True]] * 20, repeats=True)
    found = tried(release_gate(release_policy(), simulated=True), run)
    assert found.tallies[0].failed == 0
    at_five = next(one for one in found.tallies if one.drop == 0.05)
    exact = 1 - 0.95**20
    assert at_five.fail_rate == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 60))
    assert at_five.share("worse") < 0.1


def test_every_pair_is_judged_once():
    asked = []

    def rule(outcomes: PairedOutcomes) -> Said:
        asked.append(outcomes.after["pass_rate"].tobytes())
        return Said("inconclusive", fails=False)

    tried(rule, recorded([[True], [False]], repeats=True))
    assert len(asked) == len(set(asked)) <= 2


def test_the_detected_drop_lies_between_two_neighbours_and_five_points_are_always_tried():
    found = tried(verdict_alone, recorded([[True]] * 40, repeats=True))
    drops = [one.drop for one in found.tallies if one.situation == "drop"]
    assert 0.05 in drops
    assert len(drops) <= 5
    above = next(drop for drop in DROPS if drop >= found.detected_drop)
    assert {above, DROPS[DROPS.index(above) - 1]} <= set(drops)


def test_the_wanted_power_is_found_on_the_line_between_two_drops():
    assert detected_drop([tally(0.1, 60), tally(0.2, 100)]) == pytest.approx(0.15)
    assert detected_drop([tally(0.1, 80)]) == pytest.approx(0.1)
    assert detected_drop([tally(0.1, 70), tally(0.2, 60), tally(0.3, 90)]) == pytest.approx(0.25)


def test_a_drop_that_is_never_seen_has_a_reason_and_no_number():
    found = tried(lambda _: Said("inconclusive", fails=False))
    assert math.isnan(found.detected_drop)
    assert found.reason == "even a drop of 70 points fails in only 0 % of replays"
    assert math.isnan(detected_drop([]))


def test_an_agent_that_never_passes_has_nothing_to_lose():
    found = tried(any_drop, recorded([[False]] * 5, repeats=True))
    assert [one.situation for one in found.tallies] == ["same_agent"]
    assert found.reason == "the agent passes too little to lose any of it"


def test_families_are_also_tried_on_bad_days():
    """Ten families of four: a rule that counts scenarios as independent cries wolf, the shipped one does not."""
    families = np.repeat(np.arange(10), 4)
    run = recorded([[True, True, True, False, True]] * 40, families=families)
    independent = release_policy().comparison.model_copy(update={"segments": []})

    def blind(outcomes: PairedOutcomes) -> Said:
        alone = PairedOutcomes(outcomes.before, outcomes.after, outcomes.before_trials, outcomes.after_trials)
        word = judge(alone, independent).word
        return Said(word, word == "worse")

    found = {rule.__name__: tried(rule, run, same_agent_replays=300, drop_replays=1) for rule in (blind, verdict_alone)}
    assert [one.situation for one in found["blind"].tallies[:2]] == ["same_agent", "same_agent_bad_days"]
    blind_days, own_days = (found[name].tallies[1] for name in ("blind", "verdict_alone"))
    assert blind_days.failing.low > 0.05
    assert own_days.failing.low <= 0.05


def test_equal_seeds_give_equal_tallies():
    assert tried(any_drop, seed=8) == tried(any_drop, seed=8)
    assert tried(any_drop, seed=8) != tried(any_drop, seed=9)
