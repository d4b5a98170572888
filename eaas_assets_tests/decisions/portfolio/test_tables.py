from __future__ import annotations

import time
from datetime import timedelta

import numpy as np
import pytest

from eaas_assets.contracts.decisions import ExperimentPortfolio, LearningSummaries, PortfolioSummary
from eaas_assets.contracts.tables import build, contract_problems
from eaas_assets.decisions.learning.tables import learning_rows
from eaas_assets_tests.decisions.portfolio.portfolio_by_hand import (
    FIRST_DAY,
    World,
    decided,
    estimated,
    figure,
    in_segment,
    policy_by_hand,
    policy_with,
    proposed,
    refused,
    registered,
    watched,
    world,
)


def small_world() -> World:
    """One experiment of every fate."""
    return world(
        [
            registered("WON", claimed_effect=0.06, claimed_annual_value_usd=300_000.0),
            registered("LOST", domain="hr"),
            registered("RUNS", status="running", cost_per_week_usd=300.0, observed_from=FIRST_DAY,
                       observed_to=FIRST_DAY + timedelta(days=20)),
            registered("REFUSED"),
            registered("WAITS", hypothesis_type="quality"),
            registered("OLD", status="archived"),
            proposed("GOOD"),
            proposed("RISKY", risk_tier="high", blockers=["bias audit"]),
            proposed("VAGUE", usd_per_unit=None),
        ],
        [estimated("WON"), estimated("LOST", -0.3), estimated("RUNS", 0.02), refused("REFUSED"), estimated("WAITS"),
         estimated("OLD", 0.01)],
        [decided("WON"), decided("LOST", "retire"), decided("REFUSED", "pivot"),
         decided("WAITS", state="pending_approval", effective_decision=None), decided("RISKY", "do_not_start")],
        [watched("RUNS")],
        [in_segment("WON", harmed=True), in_segment("WON", "south", shrunk_low=0.01)],
    )  # fmt: skip


def test_every_row_keeps_to_its_contract() -> None:
    known = small_world()
    rows, figures = known.portfolio()
    learned = learning_rows(
        known.registry, known.impact, known.segments, known.monitoring, known.decisions, policy_by_hand()
    )
    tables = ((ExperimentPortfolio, list(rows.values())), (PortfolioSummary, figures), (LearningSummaries, learned))
    for contract, made in tables:
        assert {name for row in made for name in row} == set(contract.to_schema().columns)
        assert contract_problems(contract, build(contract, made)) == []


def test_nothing_at_all_is_a_portfolio_with_reasons() -> None:
    rows, figures = world([]).portfolio()
    assert rows == {}
    assert {row["area"] for row in figures} == {
        "cost", "value", "risk", "concentration", "velocity", "error_budget", "funding",
    }  # fmt: skip
    assert all(row["reason"] for row in figures if row["value"] is None)
    assert contract_problems(PortfolioSummary, build(PortfolioSummary, figures)) == []


def test_the_best_comes_first_and_what_has_no_value_last_with_its_reason() -> None:
    rows, _ = small_world().portfolio()
    order = [row["rank"] for row in rows.values()]
    assert order == [1, 2, 3, 4, 5, 6, 7, None, None]
    for row in rows.values():
        assert (row["rank"] is None) == (row["expected_value_usd"] is None) == (row["value_reason"] is not None)


def test_raw_and_shrunk_effects_stand_side_by_side() -> None:
    rows, figures = small_world().portfolio()
    assert rows["WON"]["raw_effect"] == 0.2
    assert 0.0 < rows["WON"]["shrunk_effect"] < 0.2
    luck = figure(figures, "luck_taken_off")
    assert luck["value"] == pytest.approx((0.2 - rows["WON"]["shrunk_effect"]) * 200_000.0)
    assert "counts as" in rows["WON"]["statement"]


def test_what_shrinking_adds_is_told_as_more_and_not_as_negative_luck() -> None:
    others = [f"E{place}" for place in range(4)]
    known = world(
        [registered("SMALL"), *map(registered, others)],
        [estimated("SMALL", 0.1, 0.05), *(estimated(name, 0.3, 0.01) for name in others)],
        [decided("SMALL"), *(decided(name, "continue") for name in others)],
    )
    luck = figure(known.portfolio()[1], "luck_taken_off")
    assert luck["value"] < 0
    assert luck["statement"].startswith("At their raw effects the scaled experiments would be worth ")
    assert "; their classes let expect " in luck["statement"]
    assert luck["statement"].endswith(" USD more.")
    assert "−" not in luck["statement"]


def test_a_value_has_its_interval_and_its_probability_of_a_loss() -> None:
    for row in small_world().portfolio()[0].values():
        if row["expected_value_usd"] is not None:
            assert row["value_low_usd"] <= row["expected_value_usd"] <= row["value_high_usd"]
            assert row["risk_adjusted_value_usd"] <= row["expected_value_usd"]
            assert 0.0 <= row["p_loss"] <= 1.0


def test_only_what_is_decided_and_holds_counts_as_value() -> None:
    rows, figures = small_world().portfolio()
    scaled, pending = figure(figures, "scaled_value"), figure(figures, "pending_value")
    assert scaled["value"] == pytest.approx(rows["WON"]["expected_value_usd"])
    assert pending["value"] == pytest.approx(rows["WAITS"]["expected_value_usd"])
    assert figure(figures, "loss_avoided")["value"] == pytest.approx(-rows["LOST"]["expected_value_usd"])


def test_what_awaits_approval_is_told_as_an_if_and_how_much_hangs_on_one_change() -> None:
    rows, figures = small_world().portfolio()
    holds, waits = (rows[name]["expected_value_usd"] for name in ("WON", "WAITS"))
    cost = figure(figures, "cost_to_date")["value"]
    assert figure(figures, "projected_return")["value"] == pytest.approx((holds - cost) / cost)
    assert figure(figures, "return_if_approved")["value"] == pytest.approx((holds + waits - cost) / cost)
    assert figure(figures, "largest_share_of_value")["value"] == pytest.approx(max(holds, waits) / (holds + waits))


def test_nothing_scaled_is_no_return_rather_than_a_loss_of_everything() -> None:
    figures = world([registered("A")], [estimated("A")], [decided("A", "pivot")]).portfolio()[1]
    for name in ("projected_return", "return_if_approved", "realised_return"):
        assert figure(figures, name)["value"] is None
        assert figure(figures, name)["reason"] == "none of these changes has a value"


def test_sentences_are_whole_and_free_of_python() -> None:
    rows, figures = small_world().portfolio()
    for said in [row["statement"] for row in (*rows.values(), *figures)]:
        assert said.endswith(".")
        assert not {"None", "nan", "inf"} & set(said.replace(",", " ").replace(".", " ").split())


def test_every_row_carries_the_policy_that_made_it() -> None:
    rows, figures = small_world().portfolio()
    assert {row["policy_hash"] for row in (*rows.values(), *figures)} == {policy_by_hand().digest}
    other = policy_with(funding={"budget_usd": 1.0})
    assert (
        {row["policy_hash"] for row in small_world().portfolio(other)[1]} == {other.digest} != {policy_by_hand().digest}
    )


def large_world(experiments: int) -> World:
    rng = np.random.default_rng(5)
    registry, impact, decisions, monitoring, segments = [], [], [], [], []
    for place in range(experiments):
        name = f"E{place:05d}"
        kind = {
            "domain": ("sales", "hr", "support", "operations", "logistics")[rng.integers(5)],
            "type": ("ab_test", "phased_rollout", "model_swap", "workflow_change")[rng.integers(4)],
            "hypothesis_type": ("growth", "efficiency", "quality")[rng.integers(3)],
            "risk_tier": ("low", "medium", "high")[rng.integers(3)],
            "population": f"people {rng.integers(3000)}",
            "usd_per_unit": float(rng.uniform(1, 50)),
        }
        if place % 5 < 2:
            registry.append(proposed(name, fixed_cost_usd=round(float(rng.uniform(200, 8000)), 2), **kind))
            continue
        status = "running" if place % 5 == 2 else "concluded"
        registry.append(registered(name, status=status, cost_per_week_usd=100.0, **kind))
        impact.append(estimated(name, float(rng.normal(0.01, 0.06)), float(rng.uniform(0.01, 0.08))))
        decisions.append(decided(name, "continue" if status == "running" else "scale" if place % 2 else "retire"))
        monitoring += [watched(name, look=look, latest=look == 5) for look in range(1, 6)]
        segments += [in_segment(name, value, harmed=bool(rng.random() < 0.05)) for value in ("north", "south")]
    return world(registry, impact, decisions, monitoring, segments)


@pytest.mark.slow
def test_five_thousand_experiments_are_ranked_funded_and_summed_up_within_ten_seconds() -> None:
    known = large_world(5000)
    policy = policy_with(funding={"budget_usd": 500_000.0, "most_high_risk": 20})
    start = time.process_time()
    rows, figures = known.portfolio(policy)
    learned = learning_rows(known.registry, known.impact, known.segments, known.monitoring, known.decisions, policy)
    assert time.process_time() - start < 10.0
    assert (len(rows), len(learned)) == (5000, 60)
    assert len(figures) < 150
    assert 0 < figure(figures, "budget_spent")["value"] <= 500_000.0
