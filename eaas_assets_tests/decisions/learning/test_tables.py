from __future__ import annotations

import json
from typing import Any

import pytest

from eaas_assets.decisions.learning.tables import learning_rows
from eaas_assets_tests.decisions.portfolio.portfolio_by_hand import (
    Row,
    World,
    estimated,
    guardrail,
    in_segment,
    policy_by_hand,
    proposed,
    refused,
    registered,
    world,
)


def learned(known: World) -> list[Row]:
    return learning_rows(
        known.registry, known.impact, known.segments, known.monitoring, known.decisions, policy_by_hand()
    )


def one_kind(**more: Any) -> World:
    registry = [registered(name) for name in "ABCDEF"] + [registered("RUNS", status="running"), proposed("NEW")]
    found = [
        estimated("A", 0.2),
        estimated("B", 0.15, 0.04),
        estimated("C", -0.3),
        estimated("D", 0.01, verdict="no_effect_shown"),
        estimated("E", 0.05, 0.1),
        refused("F"),
        estimated("RUNS", 0.3),
    ]
    return world(registry, found, **more)


def test_what_has_ended_is_counted_by_what_came_of_it() -> None:
    (row,) = learned(one_kind())
    assert (row["domain"], row["type"], row["effect_class"]) == ("sales", "ab_test", "growth, proportion")
    assert [row[name] for name in ("experiments", "worked", "harmed", "no_effect", "inconclusive", "refused")] == [
        6, 2, 1, 1, 1, 1,
    ]  # fmt: skip
    assert row["statement"].startswith(
        "Of 6 experiments (ab test in sales; growth, proportion), 2 worked, 1 did harm, 1 had no effect worth having, "
        "1 could not tell, 1 had no estimate."
    )


def test_a_rate_of_one_kind_is_drawn_towards_that_of_all() -> None:
    (row,) = learned(one_kind())
    overall = (0.15 * 6 + 2) / (6 + 5)
    assert row["success_rate"] == pytest.approx((overall * 6 + 2) / (6 + 5))
    assert row["success_low"] < row["success_rate"] < row["success_high"]


def test_the_next_design_is_told_what_to_be_able_to_show() -> None:
    (row,) = learned(one_kind())
    assert row["prior_experiments"] == 6  # five that ended with an estimate, and the running one
    assert 0.0 < row["suggested_minimum_effect"] < 0.3
    assert row["prior_sd"] > 0.0
    assert 0.0 < row["false_positive_risk"] < 1.0


def test_kinds_and_classes_have_rows_of_their_own_in_order() -> None:
    known = world(
        [
            registered("A"),
            registered("B", domain="hr"),
            registered("C", type="model_swap"),
            registered("D", kind="mean"),
            registered("E"),
        ],
        [estimated(name) for name in "ABCD"] + [estimated("E", strength="before_after")],
    )
    assert [(row["domain"], row["type"], row["effect_class"]) for row in learned(known)] == [
        ("hr", "ab_test", "growth, proportion"),
        ("sales", "ab_test", "growth, mean"),
        ("sales", "ab_test", "growth, proportion"),
        ("sales", "ab_test", "growth, proportion, before/after"),
        ("sales", "model_swap", "growth, proportion"),
    ]


def test_predicted_effects_stand_beside_what_came_out() -> None:
    known = world(
        [registered("A", claimed_effect=0.1), registered("B", claimed_effect=0.06), registered("C")],
        [estimated("A", 0.2), estimated("B", 0.1), estimated("C", 0.0)],
    )
    (row,) = learned(known)
    assert row["predicted"] == pytest.approx((0.5 + 0.3) / 2)
    assert 0.0 < row["realised"] < 0.15
    assert "Owners of 2 experiments predicted 40 %" in row["statement"]


def test_segments_are_named_with_the_number_of_experiments_that_they_gained_or_lost_in() -> None:
    segments = [
        in_segment("A", "north", harmed=True),
        in_segment("B", "north", harmed=True),
        in_segment("A", "south", shrunk_low=0.01),
        in_segment("A", "south", shrunk_low=0.01, arm="another arm"),
        in_segment("A", "east", shrunk_low=0.01, role="guardrail"),
        in_segment("B", "west"),
    ]
    (row,) = learned(one_kind(segments=segments))
    assert json.loads(row["segments_json"]) == {"gained": {"region = south": 1}, "harmed": {"region = north": 2}}


def test_where_less_is_better_a_segment_gains_by_a_fall() -> None:
    known = world(
        [registered("A", direction="decrease")],
        [estimated("A", -0.2, direction="decrease")],
        segments=[
            in_segment("A", "north", shrunk_low=-0.04, shrunk_high=-0.01),
            in_segment("A", "south", shrunk_low=0.01, shrunk_high=0.04),
        ],
    )
    assert json.loads(learned(known)[0]["segments_json"]) == {"gained": {"region = north": 1}, "harmed": {}}


def test_a_kind_of_which_everything_was_refused_has_a_reason_and_no_rate() -> None:
    (row,) = learned(world([registered("A")], [refused("A")]))
    assert row["success_rate"] is row["typical_effect"] is row["false_positive_risk"] is None
    assert row["reason"]
    assert row["suggested_minimum_effect"] == pytest.approx(0.05 * 0.67449, rel=1e-4)  # the policy's own prior
    assert "the policy's prior" in row["statement"]


def test_an_improvement_that_harmed_a_guardrail_did_not_work() -> None:
    (row,) = learned(world([registered("A")], [estimated("A"), guardrail("A")]))
    assert (row["worked"], row["harmed"]) == (0, 1)


def test_a_comparison_with_its_own_past_teaches_neither_a_rate_nor_what_to_expect() -> None:
    names = "ABC"
    past = [estimated(name, 0.5, 0.02, strength="before_after") for name in names]
    (row,) = learned(world([registered(name) for name in names], past))
    assert (row["worked"], row["inconclusive"]) == (0, 3)
    assert row["success_rate"] is None
    assert row["reason"] == "a comparison with its own past cannot tell whether a change worked"
    assert row["prior_experiments"] == 0


def test_apparent_wins_against_the_own_past_do_not_raise_the_rate_of_others() -> None:
    fair = [registered("A"), registered("B")], [estimated("A"), estimated("B", 0.01)]
    apparent = [registered(f"P{n}") for n in range(5)], [estimated(f"P{n}", strength="before_after") for n in range(5)]
    alone = learned(world(*fair))[0]
    beside = learned(world(fair[0] + apparent[0], fair[1] + apparent[1]))[0]
    assert beside["effect_class"] == alone["effect_class"]
    assert beside["success_rate"] == alone["success_rate"]


def test_nothing_that_still_runs_and_nothing_unanalysed_is_a_lesson() -> None:
    known = world([registered("A", status="running"), registered("B"), proposed("C")], [estimated("A")])
    assert learned(known) == []
