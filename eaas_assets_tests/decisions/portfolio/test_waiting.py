from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.decisions.portfolio.waiting import WEEKS_PER_YEAR, one_more_week, sample_information
from eaas_assets_tests.decisions.portfolio.portfolio_by_hand import FIRST_DAY, estimated, registered, world


@pytest.mark.parametrize(("mean", "sd", "share"), [(0.0, 10.0, 0.5), (5.0, 10.0, 0.1), (-8.0, 10.0, 2.0)])
def test_it_is_what_deciding_after_the_data_brings_more_than_deciding_now(mean: float, sd: float, share: float) -> None:
    # By the definition: the mean after the data is normal around today's, and a bad change is not kept.
    moves = sd * math.sqrt(share / (1.0 + share))
    nodes = np.linspace(-9.0, 9.0, 20_001)
    density = np.exp(-0.5 * nodes**2)
    after = float(np.maximum(0.0, mean + moves * nodes) @ density / density.sum())
    assert sample_information(mean, sd, share) == pytest.approx(after - max(0.0, mean), abs=1e-5)


def test_a_toss_up_with_endless_data_is_worth_two_fifths_of_a_standard_deviation() -> None:
    # Raiffa & Schlaifer (1961): the unit normal loss at zero is 1 / sqrt(2 pi) = 0.3989.
    assert sample_information(0.0, 100.0, 1e12) == pytest.approx(39.894, abs=1e-3)


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.floats(0, 100), st.floats(0, 100))
def test_more_data_are_never_worth_less_and_never_less_than_nothing(
    mean: float, sd: float, share: float, more: float
) -> None:
    worth = sample_information(mean, sd, share)
    assert 0.0 <= worth <= sample_information(mean, sd, share + more) + 1e-6


@given(st.floats(0, 1e6), st.floats(1, 1e6), st.floats(0.01, 10))
def test_gains_and_losses_of_one_size_make_data_worth_the_same(mean: float, sd: float, share: float) -> None:
    assert sample_information(mean, sd, share) == sample_information(-mean, sd, share)


def test_what_is_known_for_certain_is_not_worth_waiting_for() -> None:
    assert sample_information(10.0, 0.0, 1.0) == 0.0
    assert sample_information(10.0, 5.0, 0.0) == 0.0
    assert sample_information(1e6, 5.0, 1.0) == 0.0


def test_negative_shares_and_spreads_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        sample_information(1.0, -1.0, 1.0)


def test_a_week_costs_its_running_and_what_a_good_change_does_not_bring_meanwhile() -> None:
    week = one_more_week(5_200.0, 1.0, 0.1, 300.0)
    assert week.cost_usd == pytest.approx(300.0 + 5_200.0 / WEEKS_PER_YEAR)
    assert not week.pays
    assert one_more_week(-5_200.0, 1.0, 0.1, 300.0).cost_usd == 300.0


def test_only_running_experiments_have_a_next_week() -> None:
    running = {"status": "running", "cost_per_week_usd": 70.0, "observed_from": FIRST_DAY,
               "observed_to": FIRST_DAY + timedelta(days=14)}  # fmt: skip
    rows, _ = world(
        [registered("A", **running), registered("B"), registered("C", **running | {"cost_per_week_usd": None})],
        [estimated(name, 0.01) for name in "ABC"],
    ).portfolio()
    assert rows["A"]["cost_of_continuing_usd"] > 70.0
    assert rows["A"]["value_of_waiting_usd"] > 0.0
    assert rows["B"]["cost_of_continuing_usd"] is None
    assert rows["C"]["cost_of_continuing_usd"] is None
    assert "cannot be told: no running cost is declared" in rows["C"]["statement"]


def test_a_week_of_units_costs_what_its_units_cost() -> None:
    fortnight = {"observed_from": FIRST_DAY, "observed_to": FIRST_DAY + timedelta(days=14)}
    entry = world([registered("A", status="running", unit_cost=0.5, **fortnight)]).entries()[0]
    assert entry.weekly_units == pytest.approx(1000.0)
    assert entry.running_cost_per_week == pytest.approx(500.0)
