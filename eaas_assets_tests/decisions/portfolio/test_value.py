from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.decisions.portfolio.value import Spread, money_of, yearly_value

amounts = st.floats(-1e6, 1e6)
sizes = st.floats(0, 1e6)


def test_a_relative_benefit_becomes_money_through_the_controls_value() -> None:
    # 10 % more than 0.2 replies a message, at 10 USD a reply and 100,000 messages a year, less 5,000 USD of upkeep.
    money = money_of(10.0, 100_000.0, 0.2, 1, 5_000.0)
    value = yearly_value(money, 0.1, 0.05, 0.15)
    assert value[:3] == (pytest.approx(15_000.0), pytest.approx(5_000.0), pytest.approx(25_000.0))
    assert money.break_even == pytest.approx(0.025)


def test_minutes_saved_are_worth_money_though_minutes_cost() -> None:
    # 31 % less than 42 minutes, at -0.5 USD a minute and 10,000 tickets.
    money = money_of(-0.5, 10_000.0, 42.0, -1, None)
    assert yearly_value(money, 0.31, 0.2, 0.42).mean == pytest.approx(0.31 * 42.0 * 0.5 * 10_000.0)


def test_where_a_benefit_brings_no_money_the_upkeep_is_lost_for_certain() -> None:
    money = money_of(0.0, 10_000.0, 0.2, 1, 100.0)
    value = yearly_value(money, 0.1, -0.1, 0.3)
    assert value == Spread(-100.0, -100.0, -100.0)
    assert value.below(0.0) == 1.0
    assert math.isnan(money.break_even)


def test_a_lower_limit_of_zero_is_a_probability_of_loss_of_two_and_a_half_percent() -> None:
    assert Spread(10.0, 0.0, 50.0).below(0.0) == pytest.approx(0.025)
    assert Spread(-10.0, -80.0, 0.0).below(0.0) == pytest.approx(0.975)


def test_an_effect_of_exactly_nothing_loses_as_often_as_it_gains() -> None:
    assert Spread(0.0, -10.0, 30.0).below(0.0) == 0.5


@given(st.floats(0, 1e3), st.floats(0, 1e6), st.floats(0.01, 100), st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_better_effect_is_never_worth_less(
    price: float, units: float, size: float, benefit: float, more: float, half: float
) -> None:
    money = money_of(price, units, size, 1, 1000.0)
    worse = yearly_value(money, benefit, benefit - half, benefit + half)
    better = yearly_value(money, benefit + more, benefit + more - half, benefit + more + half)
    assert all(one <= other for one, other in zip(worse[:3], better[:3], strict=True))
    assert better.below(0.0) <= worse.below(0.0) + 1e-9


@given(amounts, sizes, sizes)
def test_the_value_lies_within_its_limits_and_its_loss_is_a_probability(
    mean: float, below: float, above: float
) -> None:
    value = Spread(mean, mean - below, mean + above)
    assert value.low <= value.mean <= value.high
    assert 0.0 <= value.below(0.0) <= 1.0
    assert value.sd_below >= 0.0 <= value.sd_above


@given(amounts, sizes, sizes, amounts, sizes)
def test_more_is_never_less_likely(mean: float, below: float, above: float, amount: float, further: float) -> None:
    value = Spread(mean, mean - below, mean + above)
    assert value.below(amount) <= value.below(amount + further)
