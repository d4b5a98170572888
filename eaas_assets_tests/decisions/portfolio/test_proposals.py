from __future__ import annotations

from typing import Any

import pytest

from eaas_assets.decisions.portfolio.proposals import Prospect, prospect, starting_cost
from eaas_assets.decisions.portfolio.record import Record, read_record
from eaas_assets_tests.decisions.portfolio.portfolio_by_hand import (
    Row,
    decided,
    estimated,
    figure,
    policy_by_hand,
    policy_with,
    proposed,
    registered,
    world,
)

HISTORY = [registered(name) for name in "ABCD"]
FOUND = [estimated("A", 0.2), estimated("B", 0.1, 0.03), estimated("C", 0.02), estimated("D", -0.05)]


def asked(row: Row, history: bool = True, **policy: Any) -> tuple[Prospect | str, Record]:
    known = world([row, *(HISTORY if history else [])], FOUND if history else []).entries()
    record = read_record(known, policy_by_hand().priors)
    entry = next(entry for entry in known if entry.experiment_id == "P1")
    return prospect(entry, record, policy_with(**policy)), record


def test_it_is_the_chance_of_its_kind_times_what_that_brings_less_its_cost() -> None:
    found, record = asked(proposed())
    assert isinstance(found, Prospect)
    rate, prior = record.rate_of(("sales", "ab_test")), record.prior_of("growth, proportion")
    assert (rate.worked, rate.answered, prior.experiments) == (2, 4, 4)
    assert found.gain_usd == pytest.approx(prior.typical_gain * 0.2 * 10.0 * 100_000.0)
    assert found.expected_usd == pytest.approx(rate.estimate * found.gain_usd - 1_000.0)
    assert found.p_loss == pytest.approx(1.0 - rate.estimate)


def test_without_a_record_the_policys_beliefs_stand_in_and_it_says_so() -> None:
    found, _ = asked(proposed(), history=False)
    assert isinstance(found, Prospect)
    assert found.chance.estimate == pytest.approx(0.15)
    # Half a normal distribution around nothing: its mean is sd x sqrt(2 / pi).
    assert found.gain_usd == pytest.approx(0.05 * 0.7978846 * 200_000.0)
    assert "the policy's effect" in found.basis
    assert "nothing of its domain and type has ended yet" in found.basis


def test_what_its_owners_claim_plays_no_part() -> None:
    modest, bold = proposed(), proposed(claimed_effect=5.0, claimed_annual_value_usd=1e9)
    assert asked(modest)[0] == asked(bold)[0]


def test_a_change_whose_upkeep_eats_its_gain_is_worth_its_cost_and_no_less() -> None:
    found, _ = asked(proposed(rollout_cost_per_year_usd=1e9))
    assert isinstance(found, Prospect)
    assert (found.gain_usd, found.expected_usd, found.p_loss) == (0.0, -1_000.0, 1.0)


def test_risk_is_charged_by_tier_against_losing_the_cost() -> None:
    low, high = (asked(proposed(risk_tier=tier), history=False)[0] for tier in ("low", "high"))
    assert isinstance(low, Prospect)
    assert isinstance(high, Prospect)
    # 15 % chance and a worst fifth: the worst outcomes are all failures, each costing 1,000.
    assert low.adjusted_usd == pytest.approx(low.expected_usd - 0.1 * (low.expected_usd + 1_000.0))
    assert high.adjusted_usd == pytest.approx(high.expected_usd - 0.5 * (high.expected_usd + 1_000.0))


def test_a_longer_horizon_counts_later_years_at_a_discount() -> None:
    one, three = (asked(proposed(), horizon={"years": years})[0] for years in (1, 3))
    assert isinstance(one, Prospect)
    assert isinstance(three, Prospect)
    assert (one.horizon_usd + 1_000.0) * 1.1 == pytest.approx(one.expected_usd + 1_000.0)
    assert three.horizon_usd + 1_000.0 == pytest.approx((one.expected_usd + 1_000.0) * (1 / 1.1 + 1 / 1.21 + 1 / 1.331))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"usd_per_unit": None}, "no money per unit of the primary metric is declared"),
        ({"expected": None}, "no expected value of the primary metric is declared"),
        ({"fixed_cost_usd": 0.0}, "no cost is declared"),
    ],
)
def test_what_is_not_declared_is_named(changes: Row, reason: str) -> None:
    assert asked(proposed(**changes))[0] == reason


def test_the_starting_cost_is_fixed_cost_weeks_and_units() -> None:
    row = proposed(fixed_cost_usd=100.0, cost_per_week_usd=25.0, unit_cost=0.5)
    assert starting_cost(world([row]).entries()[0]) == pytest.approx(100.0 + 4 * 25.0 + 2000 * 0.5)


@pytest.mark.parametrize(
    ("changes", "decision", "reason"),
    [
        ({"blockers": ["bias audit", "legal approval"]}, None, "It is blocked: 2 declared blockers have to be settled"),
        ({}, decided("P1", "fix_design"), "Its design has to be mended first"),
        ({}, decided("P1", "do_not_start"), "It must not start"),
        ({}, decided("P1", "start", state="rejected", effective_decision=None), "Its start was rejected"),
        ({"usd_per_unit": None}, None, "Its value cannot be told: no money per unit"),
    ],
)
def test_what_may_not_start_is_not_funded_however_much_it_promises(
    changes: Row, decision: Row | None, reason: str
) -> None:
    known = world([proposed(**changes), proposed("P2"), *HISTORY], FOUND, [decision] if decision else [])
    rows, _ = known.portfolio()
    assert rows["P1"]["funded"] is False
    assert rows["P1"]["funding_reason"].startswith(reason)
    assert rows["P2"]["funded"] is True


def test_a_start_that_awaits_approval_may_be_funded_and_a_result_is_no_proposal() -> None:
    waits = decided("P1", "start", state="pending_approval", effective_decision=None)
    rows, _ = world([proposed(), *HISTORY], FOUND, [waits]).portfolio()
    assert rows["P1"]["funded"] is True
    assert rows["A"]["funded"] is None
    assert rows["A"]["funding_reason"] is None


def test_without_a_declared_budget_nothing_is_funded_or_refused() -> None:
    rows, figures = world([proposed(), *HISTORY], FOUND).portfolio(policy_with(funding={"budget_usd": None}))
    assert rows["P1"]["funded"] is None
    assert "No budget is declared" in rows["P1"]["funding_reason"]
    assert figure(figures, "budget_spent")["reason"] == "no budget is declared"
