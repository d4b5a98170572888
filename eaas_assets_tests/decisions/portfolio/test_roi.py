"""Returns: the original's arithmetic gives its published figures, and ours has none of its rewards for harm."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.decisions.portfolio.roi import accrued, roi, total
from eaas_assets.decisions.portfolio.value import Spread
from eaas_assets_tests.decisions.portfolio.portfolio_by_hand import (
    NOW,
    decided,
    estimated,
    figure,
    proposed,
    refused,
    registered,
    world,
)


class Original(NamedTuple):
    """An experiment as the original valued it: by what its decision declares, whatever the decision is."""

    annual_value: Decimal | None
    cost: Decimal
    analysed: bool = True


E001 = Original(Decimal(250_000), Decimal(850))
E002 = Original(Decimal(120_000), Decimal(1_400))
E003 = Original(None, Decimal(600), analysed=False)
PERIOD = Decimal("0.04")


def original_roi(experiments: list[Original], every_cost: bool = False) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """Cost, impact, net and ROI in percent, as the original reckons them: costs of unanalysed experiments left out."""
    counted = [one for one in experiments if one.analysed or every_cost]
    cost = sum((one.cost for one in counted), Decimal(0))
    impact = sum((one.annual_value * PERIOD for one in counted if one.annual_value is not None), Decimal(0))
    return cost, impact, impact - cost, round((impact - cost) / cost * 100, 2)


def test_the_originals_formulas_give_its_published_figures() -> None:
    assert original_roi([E001]) == (850, 10_000, 9_150, Decimal("1076.47"))
    assert original_roi([E002]) == (1_400, 4_800, 3_400, Decimal("242.86"))
    assert original_roi([E001, E002, E003]) == (2_250, 14_800, 12_550, Decimal("557.78"))
    singles = [(one.annual_value or 0) * PERIOD / one.cost * 100 - 100 for one in (E001, E002)]
    assert round(sum(singles) / 2, 2) == Decimal("659.66")
    assert original_roi([E001, E002, E003], every_cost=True)[3] == Decimal("419.30")


def test_the_same_amounts_give_the_same_ratio_under_our_formula() -> None:
    assert roi(Spread(10_000.0, 10_000.0, 10_000.0), 850.0, None).value == pytest.approx(10.7647, abs=5e-5)
    assert roi(Spread(14_800.0, 14_800.0, 14_800.0), 2_850.0, None).value == pytest.approx(4.1930, abs=5e-5)


def test_upkeep_counts_as_a_cost_and_an_interval_comes_with_every_return() -> None:
    found = roi(Spread(9_000.0, -1_000.0, 19_000.0), 1_000.0, 1_000.0)
    assert found == (4.0, -1.0, 9.0, None)


@pytest.mark.parametrize(
    ("net", "cost", "reason"),
    [
        (None, 100.0, "no value can be told"),
        (Spread(1.0, 0.0, 2.0), None, "the cost to date is not known"),
        (Spread(1.0, 0.0, 2.0), 0.0, "nothing was spent, so there is no return on it"),
    ],
)
def test_without_cost_or_value_there_is_no_return_but_a_reason(
    net: Spread | None, cost: float | None, reason: str
) -> None:
    assert roi(net, cost, None) == (None, None, None, reason)


@given(st.lists(st.tuples(st.floats(-1e5, 1e5), st.floats(0, 1e5)), max_size=8))
def test_doubts_of_a_sum_add_as_squares(parts: list[tuple[float, float]]) -> None:
    found = total([Spread(mean, mean - half, mean + half) for mean, half in parts], 0.95)
    assert found.mean == pytest.approx(sum(mean for mean, _ in parts), abs=1e-6)
    width = sum(half**2 for _, half in parts) ** 0.5
    assert (found.mean - found.low, found.high - found.mean) == (
        pytest.approx(width, abs=1e-6),
        pytest.approx(width, abs=1e-6),
    )


def test_a_change_brings_something_only_since_it_was_scaled() -> None:
    year = Spread(365.25, 0.0, 730.5)
    assert accrued(year, NOW - timedelta(days=10), NOW)[:3] == (pytest.approx(10.0), 0.0, pytest.approx(20.0))
    assert accrued(year, NOW + timedelta(days=10), NOW).mean == 0.0


# --- what the original rewarded ---------------------------------------------------------------------------------------

WINNER = (registered("WIN"), estimated("WIN"), decided("WIN"))


def roi_of(*others: tuple[dict[str, object], dict[str, object] | None, dict[str, object] | None]) -> float:
    rows = [WINNER, *others]
    known = world([row for row, *_ in rows], [row for _, row, _ in rows if row], [row for *_, row in rows if row])
    value = figure(known.portfolio()[1], "projected_return")["value"]
    assert isinstance(value, float)
    return value


@pytest.mark.parametrize("failures", [1, 3])
def test_more_failures_never_bring_more_value(failures: int) -> None:
    failed = [
        (registered(f"F{n}", hypothesis_type="quality"), estimated(f"F{n}", -0.3), decided(f"F{n}", "retire"))
        for n in range(failures)
    ]
    assert roi_of(*failed) < roi_of(*failed[:-1]) <= roi_of()


def test_the_cost_of_an_experiment_that_never_came_to_an_analysis_counts() -> None:
    known = world([registered("WIN"), registered("E003", cost_to_date_usd=600.0)], [estimated("WIN")], [decided("WIN")])
    figures = known.portfolio()[1]
    assert figure(figures, "cost_to_date")["value"] == 1_600.0
    assert figure(figures, "projected_return")["denominator"] == 1_600.0


@pytest.mark.parametrize("word", ["pivot", "retire", "continue", "pause"])
def test_an_experiment_that_is_not_scaled_adds_no_value_whatever_its_owners_declare(word: str) -> None:
    other = registered("MEND", hypothesis_type="quality", claimed_annual_value_usd=120_000.0)
    assert roi_of((other, estimated("MEND"), decided("MEND", word))) < roi_of()


@pytest.mark.parametrize("state", ["pending_approval", "rejected"])
def test_a_scaling_that_nobody_approved_adds_no_value(state: str) -> None:
    waits = decided("WAIT", state=state, effective_decision=None)
    assert roi_of((registered("WAIT", hypothesis_type="quality"), estimated("WAIT"), waits)) < roi_of()


def test_a_cent_of_cost_is_no_return_of_millions_on_the_whole() -> None:
    cheap = (
        registered("CHEAP", hypothesis_type="quality", cost_to_date_usd=0.01),
        estimated("CHEAP"),
        decided("CHEAP"),
    )
    assert roi_of(cheap) == pytest.approx(2 * roi_of() + 1, rel=1e-4)  # its value on the whole cost, not on its cent


def test_unknown_costs_and_values_are_told_and_never_zero() -> None:
    known = world(
        [registered("A", cost_to_date_usd=None), registered("B"), proposed("C")], [refused("B")], [decided("B")]
    )
    rows, figures = known.portfolio()
    assert rows["A"]["roi"] is rows["B"]["roi"] is rows["C"]["roi"] is None
    assert "the cost of 2 is not known and is not counted as 0" in figure(figures, "cost_to_date")["statement"]
    assert figure(figures, "scaled_value")["value"] is None
    assert figure(figures, "scaled_value")["reason"] == "none of them has a value"
