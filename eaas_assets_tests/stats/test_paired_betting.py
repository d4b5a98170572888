"""Bets on paired shares, against their definition and by exact enumeration of what can happen."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.stats.paired_betting import (
    better_p,
    better_ratio_p,
    betting_sequence,
    rounds,
    stakes,
    worse_p,
    worse_ratio_p,
)

PLANNED = 40
SHARES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40)


def by_hand(gains, planned=PLANNED):
    """The money: each stake's product over the pairs, averaged."""
    return float(np.mean([math.prod(1.0 + stake * gain for gain in gains) for stake in stakes(planned)]))


def test_the_money_is_the_average_over_stakes():
    treatment, control = [1.0, 0.5, 0.75, 1.0], [0.0, 0.25, 1.0, 0.25]
    gains = np.subtract(treatment, control)
    assert 1.0 / better_p(rounds(treatment, control), PLANNED) == pytest.approx(by_hand(gains))
    shifted = (gains - 0.1) / 1.1
    assert 1.0 / better_p(rounds(treatment, control), PLANNED, 0.1) == pytest.approx(by_hand(shifted))


def test_fair_bets_gain_nothing_on_average():
    """Over all results of eight discordant pairs, each gained or lost with equal chance, the money is 1."""
    money = [by_hand(gains) for gains in itertools.product((-1.0, 1.0), repeat=8)]
    assert np.mean(money) == pytest.approx(1.0)


@pytest.mark.parametrize("planned", [10, 60, 500])
def test_looking_after_every_pair_errs_in_at_most_five_percent_of_experiments(planned):
    """Exact: the probability that 120 discordant pairs are ever beyond the boundary, carried from pair to pair."""
    alive, crossed = {0: 1.0}, 0.0
    for n in range(1, 121):
        step: dict[int, float] = {}
        for gained, chance in alive.items():
            for one in (0, 1):
                step[gained + one] = step.get(gained + one, 0.0) + chance / 2.0
        alive = {}
        for gained, chance in step.items():
            control = [1.0] * (n - gained) + [0.0] * gained
            data = rounds([1.0 - value for value in control], control)
            if 2.0 * min(better_p(data, planned), worse_p(data, planned)) < 0.05:
                crossed += chance
            else:
                alive[gained] = chance
    assert 0.001 < crossed <= 0.05


def test_pairs_that_agree_do_not_count_for_single_results():
    """As in McNemar's test, the discordant pairs tell everything about whether there is a difference."""
    lost, gained = [1.0] * 3 + [0.0] * 14, [0.0] * 3 + [1.0] * 14
    alone = betting_sequence(rounds(gained, lost), PLANNED)
    among = betting_sequence(rounds(gained + [1.0] * 50, lost + [1.0] * 50), PLANNED)
    assert among.p_value == pytest.approx(alone.p_value)
    assert among.high < alone.high


@settings(deadline=None)
@given(SHARES)
def test_limits_p_value_and_ratio_agree_about_zero(trials):
    treatment, control = (np.array(side) / 4.0 for side in zip(*trials, strict=True))
    found = betting_sequence(rounds(treatment, control), PLANNED)
    assert found.low - 1e-9 <= float(np.mean(treatment - control)) <= found.high + 1e-9
    if abs(found.p_value - 0.05) > 1e-9:
        assert (found.p_value < 0.05) == (not found.low <= 0.0 <= found.high)
        if math.isfinite(found.ratio_high):
            assert (found.p_value < 0.05) == (not found.ratio_low <= 1.0 <= found.ratio_high)
    swapped = betting_sequence(rounds(control, treatment), PLANNED)
    assert (swapped.low, swapped.high) == pytest.approx((-found.high, -found.low))


def test_a_margin_at_a_limit_has_the_p_value_of_that_limit():
    rng = np.random.default_rng(0)
    treatment, control = rng.binomial(4, 0.4, 80) / 4.0, rng.binomial(4, 0.6, 80) / 4.0
    data = rounds(treatment, control)
    found = betting_sequence(data, PLANNED)
    assert worse_p(data, PLANNED, found.high) == pytest.approx(0.025, rel=1e-6)
    assert better_p(data, PLANNED, found.low) == pytest.approx(0.025, rel=1e-6)
    assert worse_ratio_p(data, PLANNED, found.ratio_high) == pytest.approx(0.025, rel=1e-6)
    assert better_ratio_p(data, PLANNED, found.ratio_low) == pytest.approx(0.025, rel=1e-6)


def test_a_family_is_one_bet():
    """Ten pairs of one family tell no more than their mean does once."""
    treatment, control = np.repeat([1.0, 0.5, 1.0], 10), np.repeat([0.0, 0.5, 0.5], 10)
    families = betting_sequence(rounds(treatment, control, np.repeat([0, 1, 2], 10)), PLANNED)
    means = betting_sequence(rounds([1.0, 0.5, 1.0], [0.0, 0.5, 0.5]), PLANNED)
    assert families == pytest.approx(means)


def test_nothing_and_everything_have_limits():
    nothing = betting_sequence(rounds([1.0] * 30, [1.0] * 30), PLANNED)
    assert (nothing.p_value, nothing.low) == (1.0, -nothing.high)
    everything = betting_sequence(rounds([1.0] * 30, [0.0] * 30), PLANNED)
    assert (everything.high, math.isnan(everything.ratio_low)) == (1.0, True)
    assert 0.0 < everything.low < 1.0
    assert better_p(rounds([0.5], [0.5]), PLANNED, -1.0) == 1.0
    assert worse_ratio_p(rounds([0.5], [0.5]), PLANNED, 0.0) == 1.0


@pytest.mark.parametrize(
    ("treatment", "control", "message"),
    [([1.5], [0.0], "within"), ([], [], "not none"), ([1.0, 0.0], [1.0], "as many pairs")],
)
def test_what_is_no_share_is_an_error(treatment, control, message):
    with pytest.raises(ValueError, match=message):
        rounds(treatment, control)


def test_stakes_need_a_plan_and_a_level():
    with pytest.raises(ValueError, match="planned"):
        stakes(0)
    with pytest.raises(ValueError, match="level"):
        betting_sequence(rounds([1.0], [0.0]), PLANNED, 1.0)
    assert stakes(1)[0] == 0.5
    assert stakes(10_000)[[0, -1]] == pytest.approx((0.02, 1.0))


@pytest.mark.parametrize("tiny", [1e-300, 1e-160, 1e-12])
def test_shares_next_to_nothing_have_limits_or_none(tiny):
    """Ratios over many orders of magnitude: found, or infinite, never an error."""
    for treatment, control in (([tiny] * 30, [1.0] * 30), ([1.0] * 30, [tiny] * 30), ([tiny] * 30, [tiny] * 30)):
        found = betting_sequence(rounds(treatment, control), PLANNED)
        ratio = treatment[0] / control[0]
        assert found.ratio_low <= ratio * (1.0 + 1e-9) + 1e-9
        assert found.ratio_high >= ratio * (1.0 - 1e-9)
