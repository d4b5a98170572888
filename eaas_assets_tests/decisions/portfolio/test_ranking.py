from __future__ import annotations

import random
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.decisions.portfolio.ranking import ranks, risk_adjusted, worst_mean
from eaas_assets.decisions.portfolio.value import Spread
from eaas_assets_tests.decisions.portfolio.portfolio_by_hand import estimated, registered, world

values = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=4), st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=12
)


def test_the_mean_of_the_worst_fifth_is_that_of_the_normal_distribution() -> None:
    # 1.39981 standard deviations below the mean: phi(z) / 0.2 at z = -0.84162.
    half = 1.959963984540054
    assert worst_mean(Spread(0.0, -half, half), 0.2) == pytest.approx(-1.39981, abs=1e-5)
    quantiles = [NormalDist().inv_cdf(p) for p in np.linspace(0, 0.2, 20_001)[1:]]
    assert worst_mean(Spread(0.0, -half, half), 0.2) == pytest.approx(float(np.mean(quantiles)), abs=2e-3)


def test_the_charge_is_a_share_of_the_way_to_the_worst() -> None:
    value = Spread(100.0, 0.0, 180.0)
    worst = worst_mean(value, 0.2)
    assert risk_adjusted(value, 0.0, 0.2) == 100.0
    assert risk_adjusted(value, 0.25, 0.2) == pytest.approx(0.75 * 100.0 + 0.25 * worst)
    assert risk_adjusted(value, 1.0, 0.2) == pytest.approx(worst)


@given(st.floats(-1e5, 1e5), st.floats(0, 1e5), st.floats(0, 1e5), st.floats(0, 1), st.floats(0, 1))
def test_neither_more_doubt_nor_a_higher_charge_ever_raises_the_value(
    mean: float, doubt: float, more: float, charge: float, further: float
) -> None:
    sure, unsure = (Spread(mean, mean - half, mean + half) for half in (doubt, doubt + more))
    assert risk_adjusted(unsure, charge, 0.2) <= risk_adjusted(sure, charge, 0.2) + 1e-9
    assert risk_adjusted(sure, min(1.0, charge + further), 0.2) <= risk_adjusted(sure, charge, 0.2) + 1e-9


def test_a_doubt_takes_its_share_of_a_gain_and_leaves_a_loss_as_it_is() -> None:
    gain, loss = Spread(100.0, 0.0, 200.0), Spread(-100.0, -200.0, 0.0)
    assert risk_adjusted(gain, 0.0, 0.2, doubt=0.5) == 50.0
    assert risk_adjusted(loss, 0.0, 0.2, doubt=0.5) == -100.0


@given(st.floats(-1e5, 1e5), st.floats(0, 1e5), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1e4))
def test_a_better_value_of_the_same_doubt_is_never_worth_less(
    mean: float, half: float, charge: float, doubt: float, more: float
) -> None:
    worse, better = (Spread(mean + gain, mean + gain - half, mean + gain + half) for gain in (0.0, more))
    assert risk_adjusted(worse, charge, 0.2, doubt) <= risk_adjusted(better, charge, 0.2, doubt) + 1e-6


def test_the_highest_value_comes_first_and_what_has_none_has_no_place() -> None:
    assert ranks({"a": 1.0, "b": None, "c": 3.0, "d": 1.0}) == {"a": 2, "b": None, "c": 1, "d": 3}


@given(values, st.randoms(use_true_random=False))
def test_ranks_do_not_depend_on_the_order_of_rows(known: dict[str, float | None], shuffle: random.Random) -> None:
    items = list(known.items())
    shuffle.shuffle(items)
    assert ranks(dict(items)) == ranks(known)


def test_of_two_equal_results_the_riskier_and_the_weaker_design_rank_lower() -> None:
    rows, _ = world(
        [registered("A"), registered("B", risk_tier="high"), registered("C")],
        [estimated("A"), estimated("B"), estimated("C", strength="quasi_experiment")],
    ).portfolio()
    assert [rows[name]["rank"] for name in ("A", "C", "B")] == [1, 2, 3]
    assert rows["A"]["expected_value_usd"] == rows["B"]["expected_value_usd"]


def test_the_table_is_the_same_whatever_the_order_of_its_sources() -> None:
    names = ["A", "B", "C", "D", "E"]
    registry = [registered(name, domain="hr" if name > "C" else "sales") for name in names]
    impact = [estimated(name, place * 0.05 - 0.1) for place, name in enumerate(names)]
    first = world(registry, impact).portfolio()
    assert world(registry[::-1], impact[2:] + impact[:2]).portfolio() == first
