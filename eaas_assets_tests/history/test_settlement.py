from __future__ import annotations

import math

import numpy as np
import pytest

from eaas_assets.history.settlement import Price, Settlement, settle
from eaas_assets.history.verdict import PairedOutcomes, judge
from eaas_assets_tests.history.runs_by_hand import release_policy

RULE = release_policy().comparison


def planned(outcomes: PairedOutcomes, **more) -> Settlement:
    return settle(outcomes, judge(outcomes, RULE), RULE, **more)


def single(lost: int, gained: int, same: int, **more) -> PairedOutcomes:
    n = lost + gained + same
    before, after = [1] * lost + [0] * gained + [1] * same, [0] * lost + [1] * gained + [1] * same
    return PairedOutcomes.from_counts(before, np.ones(n), after, np.ones(n), **more)


@pytest.mark.parametrize(("lost", "gained", "same"), [(6, 0, 4), (0, 6, 4), (0, 0, 73)])
def test_nothing_is_planned_where_the_verdict_is_reached(lost, gained, same):
    found = planned(single(lost, gained, same))
    assert (found.claim, found.scenarios.number, found.trials.number, found.scenarios.reason) == (None, None, None, "")


def test_the_claim_is_the_one_that_is_nearest():
    """A drop of 1 of 50 is nearer to "not worse by 5 points" than to "worse"; one of 3 of 50 is the reverse."""
    assert planned(single(2, 1, 47)).claim == "not_worse"
    assert planned(single(4, 1, 45)).claim == "worse"
    assert planned(single(3, 4, 43)).claim == "not_worse"


def test_a_gain_takes_more_scenarios_than_the_absence_of_a_loss():
    found = planned(single(3, 6, 11))
    assert found.scenarios.number is not None
    assert found.scenarios_for_better is not None
    assert found.scenarios_for_better > found.scenarios.number
    assert planned(single(6, 3, 11)).scenarios_for_better is None


def test_prices_are_of_both_versions_and_unknown_stays_unknown():
    found = planned(single(3, 6, 11), prices=(Price(0.1, 2.0), Price(0.3, math.nan)))
    assert found.scenarios.evaluations == 2 * found.scenarios.number
    assert found.scenarios.cost_usd == pytest.approx(0.4 * found.scenarios.number)
    assert math.isnan(found.scenarios.seconds)
    assert math.isnan(planned(single(3, 6, 11)).scenarios.cost_usd)


def test_a_segment_that_forbids_is_not_settled_by_more_evidence():
    labels = ["email"] * 2 + ["chat"] * 94 + ["email"] * 4  # two of six lost
    found = planned(single(2, 12, 86, segments={"channel": labels}))
    assert found.claim is None
    assert found.scenarios.reason.startswith("channel = email has to be looked at")


def test_a_single_family_shows_no_number():
    found = planned(single(2, 1, 17, families=np.zeros(20)))
    assert (found.claim, found.scenarios.number) == (None, None)
    assert "single group" in found.scenarios.reason


def test_families_ask_for_more_scenarios():
    outcomes = single(5, 5, 90)
    # The losses are one family's and the gains another's: worth less than ten scattered changes.
    together = single(5, 5, 90, families=np.arange(100) // 5)
    alone, clustered = planned(outcomes).scenarios.number, planned(together).scenarios.number
    assert alone is not None
    assert clustered is not None
    assert clustered > 3 * alone + 300


def test_repeats_do_not_help_where_they_tell_nothing():
    assert "answer the same every time" in planned(single(3, 6, 11), simulated=True).trials.reason
    assert "one trial of each scenario" in planned(single(3, 6, 11)).trials.reason
    stable = PairedOutcomes.from_counts([5, 5, 0, 5, 5], [5] * 5, [0, 5, 5, 5, 5], [5] * 5)
    assert "no scenario's trials disagree" in planned(stable).trials.reason


def test_repeats_do_not_average_out_how_differently_scenarios_changed():
    """Half of the scenarios gain nearly all their trials, half lose them: only more scenarios tell the mean."""
    before, after = [5, 1] * 10, [1, 5] * 10
    found = planned(PairedOutcomes.from_counts(before, [5] * 20, after, [5] * 20))
    assert found.trials.number is None
    assert "only more scenarios average that out" in found.trials.reason
    assert found.scenarios.number is not None


def noisy(rng: np.random.Generator, n: int, k: int, rate: float = 0.85) -> PairedOutcomes:
    trials = np.full(n, k)
    return PairedOutcomes.from_counts(rng.binomial(k, rate, n), trials, rng.binomial(k, rate, n), trials)


def balanced(n: int, k: int, rate: float = 0.85) -> PairedOutcomes:
    """Trials of two equal versions whose seen difference is nothing: the same counts in two orders."""
    rng = np.random.default_rng(3)
    counts, trials = rng.binomial(k, rate, n), np.full(n, k)
    return PairedOutcomes.from_counts(rng.permutation(counts), trials, rng.permutation(counts), trials)


def test_the_planned_evidence_settles_it_as_often_as_promised():
    """Nothing changed, 50 scenarios × 3 trials: 80 % of the larger comparisons must reach a verdict."""
    rng = np.random.default_rng(7)
    found = planned(balanced(50, 3))
    assert found.claim == "not_worse"
    assert found.scenarios.number is not None
    assert found.trials.number is not None
    for n, k in ((50 + found.scenarios.number, 3), (50, 3 + found.trials.number)):
        words = [judge(noisy(rng, n, k), RULE).word for _ in range(250)]
        # Monte-Carlo error .025; the seen variance, from which the plan is made, is itself off by some percent.
        assert np.mean([word != "inconclusive" for word in words]) == pytest.approx(0.8, abs=0.1)


def test_the_detectable_drop_is_the_one_of_the_test():
    """McNemar over 10 scenarios: 67.3 points (enumeration, see stats.power); a t test over trials needs a spread."""
    assert planned(single(0, 0, 10)).detectable.effect == pytest.approx(0.673, abs=5e-4)
    assert math.isnan(planned(single(0, 0, 4)).detectable.effect)
    same = PairedOutcomes.from_counts([5] * 10, [5] * 10, [5] * 10, [5] * 10)
    assert planned(same).detectable.reason == "no scenario changed otherwise than the others"
    outcomes = balanced(100, 5)
    spread = float(np.std(outcomes.after["pass_rate"] - outcomes.before["pass_rate"], ddof=1))
    # t(99) at 97.5 % and at 80 %: 1.984 + 0.845, the textbook sum for a t test
    assert planned(outcomes).detectable.effect == pytest.approx(2.829 * spread / 10, rel=0.01)
