from __future__ import annotations

import pytest

from eaas_assets_tests.decisions.portfolio.portfolio_by_hand import (
    Row,
    decided,
    estimated,
    guardrail,
    refused,
    registered,
    watched,
    world,
)


def test_the_arm_with_the_best_lower_end_speaks_for_its_experiment() -> None:
    safe, bold = estimated("A", 0.2, 0.02, arm="safe"), estimated("A", 0.25, 0.2, arm="bold")
    entry = world([registered("A")], [bold, safe, refused("A", arm="lost")]).entries()[0]
    assert entry.finding is not None
    assert entry.finding.arm == "safe"


def test_a_fall_where_a_fall_is_good_is_a_benefit() -> None:
    entry = world(
        [registered("A", direction="decrease")], [estimated("A", -0.31, 0.05, direction="decrease")]
    ).entries()[0]
    assert entry.effect is not None
    assert entry.effect.estimate == pytest.approx(0.31)
    assert entry.effect.low == pytest.approx(0.31 - 1.96 * 0.05, abs=1e-4)
    assert entry.effect.se == pytest.approx(0.05)


def test_an_interval_for_every_look_does_not_widen_the_error() -> None:
    # A confidence sequence twice as wide as the fixed interval: its error stays what it is.
    wide = estimated("A", 0.2, 0.1) | {"inference": "anytime", "se": 0.05 * 0.2}
    entry = world([registered("A", status="running")], [wide]).entries()[0]
    assert entry.effect is not None
    assert entry.effect.se == pytest.approx(0.05)
    assert entry.effect.high - entry.effect.low == pytest.approx(2 * 1.96 * 0.1, abs=1e-4)


def test_a_narrow_interval_is_no_surer_than_the_test_among_placebos() -> None:
    # 26 placebos: p = 1 / 27 at best, two standard errors, however narrow the interval is.
    placebo = estimated("A", 0.08, 0.006, strength="quasi_experiment", p_value=1 / 27)
    entry = world([registered("A")], [placebo]).entries()[0]
    assert entry.effect is not None
    assert entry.effect.se == pytest.approx(0.08 / 2.0852, rel=1e-3)
    assert entry.effect.low == pytest.approx(0.08 - 1.96 * entry.effect.se, abs=1e-4)


@pytest.mark.parametrize(
    "changes", [{"strength": "randomised"}, {"strength": "quasi_experiment", "p_value": 1e-30}, {"p_value": None}]
)
def test_where_test_and_interval_agree_the_interval_stays(changes: Row) -> None:
    entry = world([registered("A")], [estimated("A", 0.08, 0.006, **({"p_value": 1 / 27} | changes))]).entries()[0]
    assert entry.effect is not None
    assert entry.effect.se == pytest.approx(0.006)


def test_without_a_relative_effect_there_is_none_to_shrink_and_a_reason() -> None:
    lost = estimated("A", relative_low=None, relative_high=None) | {"relative": None}
    rows, _ = world([registered("A")], [lost]).portfolio()
    assert rows["A"]["raw_effect"] is rows["A"]["expected_value_usd"] is rows["A"]["rank"] is None
    assert rows["A"]["value_reason"] == "there is no relative effect, so it cannot be shrunk with its class"


def test_what_was_compared_with_its_own_past_is_a_class_of_its_own() -> None:
    known = world(
        [registered("A"), registered("B")], [estimated("A"), estimated("B", strength="before_after")]
    ).entries()
    assert [entry.effect_class for entry in known] == ["growth, proportion", "growth, proportion, before/after"]


@pytest.mark.parametrize(
    ("impact", "monitoring"),
    [
        ([guardrail("A")], []),
        ([], [watched("A", check="guardrail_harm", metric="complaint_rate", arm="treatment", alarm=True)]),
    ],
)
def test_a_win_that_harms_a_guardrail_has_no_value_until_the_harm_has_one(
    impact: list[Row], monitoring: list[Row]
) -> None:
    rows, _ = world([registered("A")], [estimated("A"), *impact], monitoring=monitoring).portfolio()
    assert rows["A"]["expected_value_usd"] is rows["A"]["rank"] is None
    assert rows["A"]["raw_effect"] == 0.2
    assert rows["A"]["value_reason"] == "harm to complaint_rate is shown, and what that costs is not declared"


@pytest.mark.parametrize(
    ("impact", "monitoring"),
    [
        ([guardrail("A", "non_inferior")], []),
        ([guardrail("A", arm="another arm")], []),
        ([], [watched("A", check="guardrail_harm", metric="complaint_rate", arm="treatment", alarm=None)]),
        ([], [watched("A", check="novelty", metric="complaint_rate", arm="treatment", alarm=True)]),
    ],
)
def test_what_shows_no_harm_to_a_guardrail_of_the_arm_takes_nothing_away(
    impact: list[Row], monitoring: list[Row]
) -> None:
    rows, _ = world([registered("A")], [estimated("A"), *impact], monitoring=monitoring).portfolio()
    assert rows["A"]["rank"] == 1


def test_an_effect_that_fades_is_not_believed_in_full_and_says_so() -> None:
    fading = watched("A", check="novelty", metric="reply_rate", arm="treatment", alarm=True)
    known = ([registered("A"), registered("B")], [estimated("A"), estimated("B")])
    rows, _ = world(*known, monitoring=[fading]).portfolio()
    assert (rows["A"]["rank"], rows["B"]["rank"]) == (2, 1)
    gain = rows["B"]["expected_value_usd"]
    assert rows["A"]["expected_value_usd"] == gain
    assert rows["B"]["risk_adjusted_value_usd"] - rows["A"]["risk_adjusted_value_usd"] == pytest.approx(0.5 * gain)
    assert "was seen to fade" in rows["A"]["statement"]


def test_only_the_current_decision_of_the_experiment_counts() -> None:
    rows = [
        decided("A", "continue", current=False),
        decided("A", "scale"),
        decided("A", "retire", subject_kind="release"),
    ]
    entry = world([registered("A")], decisions=rows).entries()[0]
    assert entry.decided is not None
    assert entry.decided.word == "scale"


@pytest.mark.parametrize(
    ("changes", "predicted"),
    [
        ({"claimed_effect": 0.05}, 0.25),
        ({"claimed_effect": 0.05, "scale": "relative"}, 0.25),
        ({"claimed_effect": -0.05, "direction": "decrease"}, 0.25),
        ({}, None),
        ({"claimed_effect": 0.05, "expected": None}, None),
    ],
)
def test_a_prediction_is_read_in_the_unit_of_the_metric(changes: dict[str, object], predicted: float | None) -> None:
    assert world([registered("A", **changes)]).entries()[0].predicted_benefit == (
        None if predicted is None else pytest.approx(predicted)
    )


def test_an_experiment_that_cannot_be_read_is_counted_and_left_out() -> None:
    broken = dict.fromkeys(registered("B")) | {
        "experiment_id": "B", "usable": False, "variants_json": "[]", "metrics_json": "[]", "segments_json": "[]",
        "conditions_json": "{}", "problems_json": "[]", "evidence_id": "e", "policy_hash": "p",
    }  # fmt: skip
    rows, figures = world([registered("A"), broken], [estimated("A")]).portfolio()
    assert list(rows) == ["A"]
    unreadable = next(row for row in figures if row["figure"] == "experiments_unreadable")
    assert (unreadable["value"], unreadable["denominator"]) == (1, 2)
