from __future__ import annotations

import itertools
import random
from collections import Counter
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.decisions.portfolio.funding import Candidate, Limits, fund

cents = st.integers(0, 500_000).map(lambda amount: amount / 100)
candidates = st.lists(
    st.tuples(st.floats(-1000, 10_000), cents, st.booleans(), st.sampled_from("xyz")), min_size=0, max_size=9
).map(lambda rows: [Candidate(f"P{place}", *row) for place, row in enumerate(rows)])
limits = st.builds(
    Limits,
    budget_usd=cents,
    most_high_risk=st.none() | st.integers(0, 2),
    most_per_population=st.none() | st.integers(1, 2),
    high_risk_running=st.integers(0, 1),
    running=st.dictionaries(st.sampled_from("xyz"), st.integers(1, 2), max_size=1),
)


def allowed(chosen: tuple[Candidate, ...], rule: Limits) -> bool:
    spent = sum((Decimal(repr(candidate.cost_usd)) for candidate in chosen), Decimal(0))
    sizes = Counter(candidate.population for candidate in chosen)
    return (
        spent <= Decimal(repr(rule.budget_usd))
        and sum(candidate.high_risk for candidate in chosen) <= rule.high_risk_left
        and all(size <= rule.left_on(population) for population, size in sizes.items())
    )


def best_value(known: list[Candidate], rule: Limits) -> float:
    sets = itertools.chain.from_iterable(itertools.combinations(known, size) for size in range(len(known) + 1))
    return max(sum(candidate.value_usd for candidate in chosen) for chosen in sets if allowed(chosen, rule))


def candidate(name: str, value: float, cost: float, high_risk: bool = False, population: str = "") -> Candidate:
    return Candidate(name, value, cost, high_risk, population or name)


@settings(max_examples=40)
@given(candidates, limits)
def test_the_set_keeps_to_the_limits_and_no_other_set_is_worth_more(known: list[Candidate], rule: Limits) -> None:
    found = fund(known, rule)
    chosen = tuple(candidate for candidate in known if candidate.name in found.funded)
    assert allowed(chosen, rule)
    assert found.value_usd == pytest.approx(best_value(known, rule), rel=1e-6, abs=1e-4)
    assert found.gap == 0.0
    assert set(found.reasons) == {candidate.name for candidate in known}


@settings(max_examples=20)
@given(candidates, limits, st.randoms(use_true_random=False))
def test_the_order_of_proposals_changes_nothing(known: list[Candidate], rule: Limits, shuffle: random.Random) -> None:
    mixed = list(known)
    shuffle.shuffle(mixed)
    assert fund(mixed, rule) == fund(known, rule)


@settings(max_examples=20)
@given(candidates, limits, st.floats(-1e6, 0), cents, st.booleans(), st.sampled_from("xyz"))
def test_a_hopeless_proposal_changes_nothing_for_the_others(
    known: list[Candidate], rule: Limits, value: float, cost: float, risky: bool, population: str
) -> None:
    hopeless = Candidate("A first by name", value, cost, risky, population)
    assert fund([hopeless, *known], rule).funded == fund(known, rule).funded


def test_two_small_ones_beat_the_one_with_the_best_return_if_they_fill_the_budget() -> None:
    found = fund([candidate("A", 60, 60), candidate("B", 50, 50), candidate("C", 50.5, 50)], Limits(100.0))
    assert found.funded == {"B", "C"}
    assert found.spent_usd == 100.0


def test_the_budget_is_kept_to_the_cent() -> None:
    trio = [candidate(name, 1, 0.1) for name in "ABC"]  # 0.1 + 0.1 + 0.1 > 0.3 in binary
    assert len(fund(trio, Limits(0.3)).funded) == 3
    assert len(fund(trio, Limits(0.29)).funded) == 2
    large = [candidate("A", 2, 4_000_000.01), candidate("B", 2, 6_000_000.0), candidate("C", 1, 4_000_000.0)]
    assert fund(large, Limits(10_000_000.0)).funded == {"B", "C"}


def test_without_money_nothing_is_funded_but_what_is_free() -> None:
    found = fund([candidate("A", 10, 5), candidate("B", 10, 0)], Limits(0.0))
    assert found.funded == {"B"}
    assert "more than the whole budget of 0.00 USD" in found.reasons["A"]


def test_nothing_to_choose_from_is_no_fault() -> None:
    assert fund([], Limits(100.0)) == (frozenset(), {}, 0, 0, 0.0)


def test_running_experiments_take_the_places_of_their_population_and_tier() -> None:
    rule = Limits(100.0, most_high_risk=1, most_per_population=1, high_risk_running=1, running={"x": 1})
    found = fund(
        [candidate("A", 9, 1, population="x"), candidate("B", 9, 1, high_risk=True), candidate("C", 1, 1)], rule
    )
    assert found.funded == {"C"}
    assert found.reasons["A"] == "Another experiment runs on its population (x)."
    assert found.reasons["B"] == "No further high-risk experiment may run at present."


def test_every_reason_says_what_stood_in_the_way() -> None:
    rule = Limits(100.0, most_high_risk=1, most_per_population=1)
    found = fund(
        [
            candidate("A", 90, 50, population="x"),
            candidate("B", 80, 10, population="x"),
            candidate("C", 70, 40, high_risk=True),
            candidate("D", 60, 5, high_risk=True),
            candidate("E", 5, 90),
            candidate("F", -5, 1),
        ],
        rule,
    )
    assert found.funded == {"A", "C"}
    assert "1.8 per dollar" in found.reasons["A"]
    assert "its population is taken by A" in found.reasons["B"]
    assert "the place for high-risk experiments is taken" in found.reasons["D"]
    assert "10.00 USD of the budget are left" in found.reasons["E"]
    assert "not worth its cost" in found.reasons["F"]


def test_six_hundred_proposals_are_chosen_from_at_least_as_well_as_by_return() -> None:
    rng = np.random.default_rng(7)
    values, costs, risky = rng.uniform(10, 5000, 600), rng.uniform(100, 9000, 600).round(2), rng.random(600) < 0.2
    many = [
        Candidate(f"P{place:04d}", float(values[place]), float(costs[place]), bool(risky[place]), f"g{place % 450}")
        for place in range(600)
    ]
    rule = Limits(150_000.0, most_high_risk=20, most_per_population=1)
    found = fund(many, rule)
    assert allowed(tuple(item for item in many if item.name in found.funded), rule)
    assert found.gap <= 1e-4
    # No greedy choice by value per dollar comes out ahead.
    greedy: list[Candidate] = []
    for item in sorted(many, key=lambda item: -item.value_usd / item.cost_usd):
        if allowed((*greedy, item), rule):
            greedy.append(item)
    assert found.value_usd >= sum(item.value_usd for item in greedy)
