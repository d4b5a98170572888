from __future__ import annotations

import pytest

from eaas_assets.decisions.portfolio.risk import MOST_GROUPS, herfindahl, risk_figures
from eaas_assets_tests.decisions.portfolio.portfolio_by_hand import (
    World,
    decided,
    figure,
    proposed,
    registered,
    watched,
    world,
)

Rows = list[dict[str, object]]


def figures_of(known: World) -> Rows:
    return [found.as_row() for found in risk_figures(known.entries(), known.monitoring)]


def test_the_index_is_the_sum_of_squared_shares() -> None:
    assert herfindahl([3, 1]) == pytest.approx(0.625)
    assert herfindahl([1] * 4) == pytest.approx(0.25)
    assert herfindahl([7]) == 1.0
    assert herfindahl([]) is None


def test_two_blockers_of_one_experiment_block_one_experiment() -> None:
    # The original called two events of one experiment two blocked experiments, and its risk driver hung on row order.
    known = world([proposed("E003", blockers=["bias audit", "legal approval"]), registered("E002", status="running")])
    found = figure(figures_of(known), "experiments_blocked")
    assert (found["value"], found["numerator"], found["denominator"]) == (1, 1, 2)
    assert found["statement"] == "1 of 2 open experiments blocked, by 2 declared blockers."


def test_one_blocker_written_twice_is_one_blocker() -> None:
    known = world([proposed("E003", blockers=["bias audit", "bias audit"])])
    assert "by 1 declared blocker." in str(figure(figures_of(known), "experiments_blocked")["statement"])


def test_an_experiment_with_three_alarms_is_one_experiment_and_old_alarms_are_over() -> None:
    known = world(
        [registered(name, status="running") for name in "ABC"] + [registered("DONE")],
        monitoring=[
            *(watched("A", check=check, alarm=True) for check in ("sample_ratio", "novelty", "guardrail_harm")),
            watched("B", alarm=True, latest=False),
            watched("B", look=2, alarm=False),
            watched("C", alarm=None),
            watched("DONE", alarm=True),
        ],
    )
    found = figure(figures_of(known), "experiments_with_alarms")
    assert (found["numerator"], found["denominator"]) == (1, 3)


def test_shares_have_denominators_and_ended_experiments_expose_nobody() -> None:
    known = world([proposed("A", risk_tier="high"), proposed("B"), registered("C", status="running"), registered("D")])
    found = figures_of(known)
    high = figure(found, "share_of_open_experiments", grouping="tier", group="high")
    assert (high["value"], high["numerator"], high["denominator"]) == (pytest.approx(1 / 3), 1, 3)
    assert figure(found, "herfindahl", grouping="tier")["value"] == pytest.approx(5 / 9)
    assert figure(found, "herfindahl", grouping="owner")["value"] == 1.0
    shares = [row["numerator"] for row in found if row["grouping"] == "population" and row["numerator"]]
    assert sum(int(str(share)) for share in shares) == 3


def test_a_tie_is_told_in_order_of_names_whatever_the_order_of_rows() -> None:
    pair = [proposed("A", owner="zoe"), proposed("B", owner="adam")]
    groups = [row["group"] for row in figures_of(world(pair)) if row["grouping"] == "owner" and row["group"]]
    assert groups == ["adam", "zoe"]
    assert figures_of(world(pair[::-1])) == figures_of(world(pair))


def test_many_groups_become_one_row_of_the_rest_and_nobody_is_lost() -> None:
    found = figures_of(world([proposed(f"P{place}") for place in range(MOST_GROUPS + 5)]))
    own = [row for row in found if row["grouping"] == "population"]
    rest = figure(own, "share_of_further_groups")
    assert (rest["numerator"], rest["denominator"]) == (5, MOST_GROUPS + 5)
    assert len(own) == MOST_GROUPS + 2


def test_without_open_experiments_there_is_a_reason_and_no_share() -> None:
    found = figures_of(world([registered("A")]))
    for row in found:
        assert row["value"] is None
        assert row["reason"]


def test_decisions_that_wait_are_counted_among_the_current_ones() -> None:
    waits = decided("A", state="pending_approval", effective_decision=None)
    past = decided("B", "continue", current=False, state="pending_approval", effective_decision=None)
    known = world([registered("A"), registered("B")], decisions=[waits, past, decided("B")])
    found = figure(figures_of(known), "decisions_pending_approval")
    assert (found["value"], found["denominator"]) == (1, 2)
