from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.decisions.portfolio.velocity import information, rate_interval, velocity_figures
from eaas_assets_tests.decisions.portfolio.portfolio_by_hand import (
    FIRST_DAY,
    NOW,
    World,
    decided,
    estimated,
    figure,
    policy_by_hand,
    refused,
    registered,
    world,
)


def figures_of(known: World) -> list[dict[str, object]]:
    figures = velocity_figures(known.entries(), known.decisions, policy_by_hand(), NOW)
    return [found.as_row() for found in figures]


def test_information_is_the_entropy_that_the_estimate_takes_away() -> None:
    # Entropy of a normal distribution: ln(sd) + constant. Prior sd 0.05; posterior variance 1 / (1/0.05^2 + 1/0.05^2).
    posterior_sd = math.sqrt(1.0 / (2.0 / 0.05**2))
    assert information(0.05, 0.05) == pytest.approx(math.log(0.05) - math.log(posterior_sd))
    assert information(0.05, 0.05) == pytest.approx(0.5 * math.log(2.0))


@given(st.floats(1e-3, 10), st.floats(1e-3, 10), st.floats(1.0, 10))
def test_a_wider_error_never_tells_more_and_an_estimate_never_tells_less_than_nothing(
    se: float, prior: float, times: float
) -> None:
    assert 0.0 <= information(se * times, prior) <= information(se, prior)


def test_the_interval_of_a_count_is_garwoods() -> None:
    # Garwood (1936), table: 95 % limits of a Poisson mean after 0 and 10 events.
    assert rate_interval(0, 0.95) == (0.0, pytest.approx(3.6889, abs=1e-4))
    assert rate_interval(10, 0.95) == (pytest.approx(4.7954, abs=1e-4), pytest.approx(18.3904, abs=1e-4))


def test_an_experiment_that_is_decided_again_counts_once_and_old_ones_not_at_all() -> None:
    known = world(
        [registered(name) for name in "ABC"],
        decisions=[
            decided("A", current=False),
            decided("A", "pivot", decision_id="again", decided_at=NOW - timedelta(days=1)),
            decided("B", decided_at=NOW - timedelta(days=200)),
            decided("C", decided_at=NOW + timedelta(days=1)),
            decided("D", "continue"),
        ],
    )
    found = figure(figures_of(known), "decisions_per_month")
    assert found["numerator"] == 1
    assert found["value"] == pytest.approx(1 / (90 / (365.25 / 12)))


def test_time_to_decision_runs_from_the_first_day_to_the_first_decision() -> None:
    known = world(
        [
            registered("A"),
            registered("B", observed_from=FIRST_DAY + timedelta(days=20)),
            registered("C", planned_start=None),
            registered("D", planned_start=NOW),
        ],
        decisions=[decided(name) for name in "ABCD"],
    )
    found = figure(figures_of(known), "time_to_decision")
    assert (found["value"], found["denominator"]) == (20.0, 2)
    assert "(10 to 30)" in str(found["statement"])


def test_information_has_weeks_and_dollars_below_the_line_only_where_both_are_known() -> None:
    known = world(
        [registered("A"), registered("B", cost_to_date_usd=None), registered("C"), registered("D", planned_end=None)],
        [estimated("A", 0.1, 0.05), estimated("B", 0.1, 0.05), refused("C"), estimated("D", 0.1, 0.05)],
    )
    found = figures_of(known)
    each = 0.5 * math.log(2.0)
    assert figure(found, "information")["value"] == pytest.approx(3 * each)
    assert figure(found, "information_per_week")["value"] == pytest.approx(each / 4)
    assert figure(found, "information_per_1000_usd")["value"] == pytest.approx(each)
    assert figure(found, "information_per_1000_usd")["denominator"] == 2.0


def test_without_anything_decided_or_estimated_there_are_reasons() -> None:
    found = figures_of(world([registered("A")]))
    assert figure(found, "decisions_per_month")["value"] == 0.0
    for name in ("time_to_decision", "information", "information_per_week", "information_per_1000_usd"):
        assert figure(found, name)["value"] is None
        assert figure(found, name)["reason"]
