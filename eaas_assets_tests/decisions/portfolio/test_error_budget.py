from __future__ import annotations

import pytest

from eaas_assets.decisions.portfolio.error_budget import error_figures
from eaas_assets.decisions.portfolio.rates import luck_share
from eaas_assets.decisions.portfolio.record import read_record
from eaas_assets_tests.decisions.portfolio.portfolio_by_hand import (
    World,
    estimated,
    figure,
    policy_by_hand,
    refused,
    registered,
    watched,
    world,
)

BENJAMINI_HOCHBERG = (
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0
)  # fmt: skip


def figures_of(known: World) -> list[dict[str, object]]:
    entries = known.entries()
    record = read_record(entries, policy_by_hand().priors)
    return [found.as_row() for found in error_figures(entries, known.monitoring, record)]


def fifteen() -> World:
    names = [f"E{place:02d}" for place in range(15)]
    tests = [
        estimated(name, p_value=p, verdict="improved" if p < 0.05 else "inconclusive")
        for name, p in zip(names, BENJAMINI_HOCHBERG, strict=True)
    ]
    return world([registered(name) for name in names], tests)


def test_four_of_the_fifteen_published_p_values_stand_together() -> None:
    # Benjamini & Hochberg (1995), section 3.2: nine are below 5 %, four stand at a false discovery rate of 5 %.
    found = figure(figures_of(fifteen()), "improvements_after_correction")
    assert (found["value"], found["denominator"]) == (4, 9)


def test_every_test_spends_its_error_and_a_refused_one_none() -> None:
    known = world([registered(name) for name in "ABC"], [estimated("A"), estimated("B", level=0.9), refused("C")])
    found = figure(figures_of(known), "error_spent")
    assert found["value"] == pytest.approx(0.05 + 0.10)
    assert found["denominator"] == 2


def test_the_correction_over_arms_counts_where_there_are_several() -> None:
    known = world([registered("A")], [estimated("A", p_value=0.04, p_adjusted=0.08)])
    assert figure(figures_of(known), "improvements_after_correction")["value"] == 0


def test_expected_luck_is_the_false_positive_risk_of_each_win() -> None:
    known = fifteen()
    rule = policy_by_hand().priors
    rate = read_record(known.entries(), rule).rate_of(("sales", "ab_test")).estimate
    found = figure(figures_of(known), "expected_false_positives")
    assert found["value"] == pytest.approx(9 * luck_share(rate, rule))
    assert found["denominator"] == 9


def test_looking_more_often_spends_no_more_error_but_is_told() -> None:
    once = world([registered("A")], monitoring=[watched("A")])
    often = world([registered("A")], monitoring=[watched("A", look=look, latest=look == 9) for look in range(1, 10)])
    first, second = (figure(figures_of(known), "expected_false_alarms") for known in (once, often))
    assert first["value"] == second["value"] == pytest.approx(0.001)
    assert "over 9 looks" in str(second["statement"])


def test_each_check_of_each_metric_and_segment_is_a_test_of_its_own() -> None:
    rows = [
        watched("A"),
        watched("A", check="novelty", threshold=0.05, metric="reply_rate", arm="treatment"),
        watched("A", check="guardrail_harm", threshold=0.05, metric="complaints", alarm=True),
        watched("A", check="progress", threshold=None, alarm=None),
    ]
    found = figure(figures_of(world([registered("A")], monitoring=rows)), "expected_false_alarms")
    assert (found["value"], found["denominator"]) == (pytest.approx(0.101), 3)
    assert str(found["statement"]).endswith("Raised at the last look: 1.")


def test_without_a_test_there_is_a_reason() -> None:
    found = figures_of(world([registered("A")], [refused("A")]))
    assert {row["figure"] for row in found} == {
        "error_spent", "expected_false_positives", "improvements_after_correction", "expected_false_alarms",
    }  # fmt: skip
    assert all(row["value"] is None and row["reason"] for row in found)
