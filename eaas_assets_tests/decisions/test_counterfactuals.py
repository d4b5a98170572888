"""Every listed change flips the decision when applied, nothing nearer does, and what is one number moves as one."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.contracts.decision_policy import DecisionPolicy
from eaas_assets.contracts.decisions import DecisionCounterfactuals
from eaas_assets.contracts.facts import BY_NAME
from eaas_assets.contracts.tables import build, contract_problems
from eaas_assets.decisions.counterfactuals.effect import with_benefit, with_minimum, with_precision
from eaas_assets.decisions.counterfactuals.listing import counterfactuals, distance, rows_of, standard_errors
from eaas_assets.decisions.counterfactuals.more_data import Settling, Supply
from eaas_assets.decisions.counterfactuals.trial import Flip, Questions
from eaas_assets.decisions.policy import fire
from eaas_assets_tests.decisions.facts_by_hand import (
    HARM,
    NO_ANSWER,
    OPEN,
    PROPOSAL,
    RELEASE,
    RUNNING,
    WIN,
    Facts,
    shipped,
    without,
)
from eaas_assets_tests.decisions.test_monotone import experiments, releases
from eaas_assets_tests.decisions.test_shipped_policy import CASES

POLICY = shipped()
QUESTIONS = Questions(POLICY)


def flips_of(facts: Facts, questions: Questions = QUESTIONS) -> list[Flip]:
    return counterfactuals(facts, facts["subject.phase"], questions)


def flip_of(facts: Facts, fact: str, becomes: str, kind: str = "evidence") -> Flip:
    return next(flip for flip in flips_of(facts) if (flip.kind, flip.fact, flip.becomes.word) == (kind, fact, becomes))


def with_bound(policy: DecisionPolicy, flip: Flip) -> list[DecisionPolicy]:
    """The policy with the bound of a flip in place, once for each condition of that rule on that fact."""
    found = []
    for number, rule in enumerate(policy.rules):
        for place, condition in enumerate(rule.when):
            if rule.rule == flip.rule and condition.field == flip.fact and condition.value == flip.current:
                document: dict[str, Any] = policy.model_dump()
                document["rules"][number]["when"][place]["value"] = flip.flipped
                found.append(DecisionPolicy.model_validate(document))
    return found


def assert_flips(facts: Facts, flip: Flip) -> None:
    phase, before = facts["subject.phase"], fire(facts, facts["subject.phase"], POLICY)
    assert flip.becomes.word != before.word
    if flip.kind == "evidence":
        changed: Mapping[str, Any] = flip.facts
        assert changed[flip.fact] == flip.flipped != facts.get(flip.fact)
        assert fire(changed, phase, POLICY) == flip.becomes
    else:
        assert flip.becomes.word in {fire(facts, phase, other).word for other in with_bound(POLICY, flip)}


@pytest.mark.parametrize("facts", [case[1] for case in CASES], ids=[case[0] for case in CASES])
def test_every_listed_change_flips_the_decision_when_applied(facts: Facts) -> None:
    for flip in flips_of(facts):
        assert_flips(facts, flip)


@given(st.one_of(experiments("running"), experiments("concluded"), releases()))
@settings(max_examples=60, deadline=None)
def test_every_listed_change_of_evidence_flips_for_any_facts(facts: Facts) -> None:
    for flip in flips_of(facts):
        if flip.kind == "evidence":
            assert_flips(facts, flip)


@given(experiments("concluded"), st.floats(0.001, 0.999))
@settings(max_examples=60, deadline=None)
def test_no_smaller_move_of_the_effect_flips(facts: Facts, share: float) -> None:
    for upwards in (True, False):
        listed = [
            flip
            for flip in flips_of(facts)
            if flip.kind == "evidence" and flip.fact == "primary.benefit" and (flip.flipped > flip.current) == upwards
        ]
        nearest = min(listed, key=lambda flip: abs(flip.flipped - flip.current), default=None)
        if nearest is not None and abs(nearest.flipped - nearest.current) > 1e-12:  # nearer, numbers are rounded
            part = nearest.current + share * (nearest.flipped - nearest.current)
            word = fire(with_benefit(facts, part), "concluded", POLICY).word
            assert word == fire(facts, "concluded", POLICY).word


def test_the_effect_is_moved_to_the_nearest_number_that_makes_a_difference() -> None:
    # The interval 0.03 to 0.13 reaches 0 when the estimate of 0.08 falls by 0.03, and not a hair sooner.
    flip = flip_of(WIN, "primary.benefit", "pivot")
    assert flip.flipped == 0.05
    assert flip.facts["primary.benefit_low"] == 0.0
    sooner = with_benefit(WIN, math.nextafter(0.05, 1))
    assert fire(sooner, "concluded", POLICY).word == "scale"


def test_a_bound_that_must_be_passed_is_passed_by_the_next_number() -> None:
    flip = flip_of(HARM, "primary.benefit", "pivot")
    assert (flip.flipped, flip.facts["primary.benefit_high"]) == (0.0, 0.05)  # "wholly below 0.05" holds no longer


def test_money_moves_by_its_exact_bound() -> None:
    policy = DecisionPolicy.model_validate(
        {
            "policy": "decisions",
            "rules": [
                _rule("enough", "scale", [{"field": "value.net_usd", "operator": "at_least", "value": 0.1}]),
                _rule("else", "pause", []),
            ],
        }
    )
    facts = {**WIN, "value.net_usd": 0.05, "value.usd_per_benefit": 1.0}
    (flip,) = [flip for flip in flips_of(facts, Questions(policy)) if flip.kind == "evidence"]
    assert flip.facts["value.net_usd"] == 0.1
    assert flip.flipped == 0.13


def _rule(name: str, decision: str, when: list[dict[str, Any]]) -> dict[str, Any]:
    fixed = {"phase": "concluded", "because": "It is so.", "confidence": "low", "review_days": 7}
    return {"rule": name, "decision": decision, "when": when, **fixed}


def test_an_effect_moves_with_its_interval_its_ratio_its_p_value_and_its_money() -> None:
    moved = with_benefit(WIN, 0.04)
    assert moved["primary.benefit_low"] == -0.01
    assert moved["primary.benefit_high"] == 0.09
    assert moved["primary.minimum_ratio"] == 0.8
    assert moved["primary.relative_benefit"] == 0.222
    assert moved["primary.excludes_minimum"] is False
    # z of p = .0017 is 3.137; half of it is 1.568, two-sided p .1168 (tables of the normal distribution).
    assert moved["primary.p"] == pytest.approx(0.1168, abs=5e-4)
    assert moved["value.net_usd"] == 30_000
    assert moved["value.net_low_usd"] == -20_000
    # z of p(loss) = .003 is 2.748; 40,000 are 1.569 standard errors of 25,500 less: 1.179, p .119.
    assert moved["value.p_loss"] == pytest.approx(0.119, abs=1e-3)
    assert with_benefit(WIN, WIN["primary.benefit"]) == pytest.approx(WIN)


def test_precision_narrows_every_interval_around_its_estimate() -> None:
    sharper = with_precision(WIN, 0.5, 4 * 1020)
    assert (sharper["primary.benefit_low"], sharper["primary.benefit_high"]) == (0.055, 0.105)
    assert sharper["primary.se"] == 0.01275
    assert sharper["value.net_low_usd"] == 45_000
    assert (sharper["sample.observed"], sharper["sample.fraction"]) == (4080, 4.0)
    assert sharper["primary.benefit"] == WIN["primary.benefit"]
    assert with_precision(WIN, 1.0) == pytest.approx(WIN)


def test_another_minimum_moves_the_ratio_and_what_the_interval_excludes() -> None:
    moved = with_minimum(WIN, 0.16)
    assert (moved["primary.minimum_ratio"], moved["primary.excludes_minimum"]) == (0.5, True)


def test_further_units_are_the_fewest_that_would_show_it() -> None:
    # The upper end .07 of an estimate of .02 must fall below .05: the half width .05 to less than .03, so that
    # n > 1,020 (.05 / .03)² = 2,833.3 and 1,814 units are missing (1,813.3 rounded up).
    flip = flip_of(OPEN, "primary.se", "retire")
    assert flip.facts["sample.observed"] - OPEN["sample.observed"] == 1814
    one_less = with_precision(OPEN, math.sqrt(1020 / 2833), 2833)
    assert fire(one_less, "concluded", POLICY).word == "pivot"
    row = _rows(OPEN, Supply(units_per_day=40, usd_per_unit=0.5, usd_per_day=10))["primary.se", "retire"]
    assert (row["further_units"], row["further_days"], row["further_usd"]) == (1814, 46, 1814 * 0.5 + 46 * 10)
    assert row["statement"].startswith("With 1,814 further units (in 46 days, for 1,367 USD)")


def test_without_a_rate_there_are_no_days_and_without_a_price_no_dollars() -> None:
    row = _rows(OPEN, Supply())["primary.se", "retire"]
    assert (row["further_units"], row["further_days"], row["further_usd"]) == (1814, None, None)


def test_errors_of_a_panel_do_not_shrink_with_units_so_no_number_of_them_is_given() -> None:
    row = _rows({**OPEN, "design.strength": "quasi_experiment"}, Supply(40, 0.5))["primary.se", "retire"]
    assert row["further_units"] is None
    assert "does not shrink with the number of units" in row["reason"]


def test_an_open_release_is_settled_by_what_its_comparison_says() -> None:
    facts = {**RELEASE, "release.verdict": "inconclusive"}
    row = _rows(facts, Supply(settling=Settling("not_worse", 15, 0.3, 60.0)))["release.verdict", "scale"]
    assert row["flipped_value"] == "not_worse"
    assert (row["further_units"], row["further_days"], row["further_usd"]) == (15, 1, 0.3)


def _rows(facts: Facts, supply: Supply) -> dict[tuple[str, str], dict[str, Any]]:
    word = fire(facts, facts["subject.phase"], POLICY).word
    decision = {"decision_id": "d", "subject_id": "E1", "decision": word}
    rows = rows_of(flips_of(facts), decision, supply, "hash")
    return {(row["fact"], row["becomes"]): row for row in rows if row["kind"] == "evidence"}


def test_guardrails_keep_their_number() -> None:
    for name in ("guardrails.harmed", "guardrails.unknown"):
        flip = flip_of(WIN, name, "pivot" if name == "guardrails.harmed" else "continue")
        assert flip.flipped == 1
        assert flip.facts["guardrails.passed"] == 0


def test_no_guardrail_can_be_harmed_where_none_is_declared() -> None:
    facts = {**WIN, "guardrails.declared": 0, "guardrails.passed": 0}
    changed = {flip.fact for flip in flips_of(facts) if flip.kind == "evidence"}
    assert not {"guardrails.harmed", "guardrails.unknown"} & changed


def test_a_missing_fact_is_tried_and_told_as_not_known() -> None:
    facts = without(PROPOSAL, "design.grade")
    flip = flip_of(facts, "design.grade", "start")
    assert flip.current is None
    row = _rows(facts, Supply())["design.grade", "start"]
    assert row["current_value"] is None
    assert "not known" in row["statement"]


def test_an_answer_takes_the_refusal_away() -> None:
    flip = flip_of({**NO_ANSWER, "subject.phase": "running"}, "primary.answered", "continue")
    assert flip.facts["primary.refusal"] == "none"


def test_a_cap_is_lifted_by_a_stronger_design() -> None:
    flip = flip_of({**WIN, "design.strength": "before_after"}, "design.strength", "scale")
    assert flip.flipped == "quasi_experiment"


def test_that_trust_could_be_lost_is_not_told_of_everything() -> None:
    trusted = {"integrity.sample_ratio", "integrity.calibration", "design.grade", "primary.answered"}
    assert not trusted & {flip.fact for flip in flips_of(WIN) if flip.kind == "evidence"}
    mended = flip_of({**WIN, "integrity.calibration": "broken"}, "integrity.calibration", "scale")
    assert mended.flipped == "not_testable"


def test_the_bound_of_the_rule_that_fires_moves_just_beyond_the_fact() -> None:
    # Harm in two segments is then no reason to pivot, but no win either: the rules that scale ask for none.
    flip = flip_of({**WIN, "segments.harmed": 2}, "segments.harmed", "pause", "threshold")
    assert (flip.rule, flip.current, flip.flipped) == ("segment_harmed", 1, 3)
    flip = flip_of(WIN, "primary.minimum_ratio", "continue", "threshold")
    assert (flip.rule, flip.flipped) == ("below_the_bar", math.nextafter(1.6, 2))
    flip = flip_of(WIN, "value.p_loss", "retire", "threshold")
    assert (flip.rule, flip.flipped) == ("loses_money", 0.003)


@pytest.mark.parametrize("facts", [WIN, OPEN, HARM, RUNNING, NO_ANSWER, PROPOSAL, RELEASE])
def test_rows_fit_their_contract_and_are_ranked_by_distance(facts: Facts) -> None:
    word = fire(facts, facts["subject.phase"], POLICY).word
    flips = flips_of(facts)
    assert [distance(flip) for flip in flips] == sorted(distance(flip) for flip in flips)
    rows = rows_of(flips, {"decision_id": "d", "subject_id": "E1", "decision": word}, Supply(40, 0.5), "hash")
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    assert contract_problems(DecisionCounterfactuals, build(DecisionCounterfactuals, rows)) == []
    keys = [(row["kind"], row["fact"], row["becomes"]) for row in rows]
    assert len(keys) == len(set(keys))


def test_distances_are_told_in_standard_errors_of_the_fact() -> None:
    flip = flip_of(WIN, "primary.benefit", "pivot")
    assert standard_errors(flip) == pytest.approx(0.03 / 0.0255)
    assert BY_NAME[flip.fact].error == "primary.se"
    assert standard_errors(flip_of(WIN, "guardrails.harmed", "pivot")) is None


@pytest.mark.slow
def test_five_thousand_subjects_are_told_in_ten_seconds() -> None:
    chance = random.Random(7)  # noqa: S311 (no secret)
    bases = [WIN, OPEN, HARM, RUNNING, NO_ANSWER, RELEASE, PROPOSAL]
    subjects = []
    for number in range(5000):
        facts = bases[number % len(bases)]
        if facts.get("primary.answered") and facts is not RELEASE:
            facts = with_benefit(facts, facts["primary.benefit"] + chance.gauss(0, 0.02))
        subjects.append(facts)
    start = time.process_time()
    for facts in subjects:
        flips_of(facts)
    assert time.process_time() - start <= 10


def test_a_bound_that_is_told_as_a_bound_is_not_told_as_one_twice() -> None:
    certain = {**WIN, "primary.p": 3e-10, "value.p_loss": 1e-9}
    told = [row["statement"] for row in rows_of(counterfactuals(certain, "concluded", Questions(shipped())),
                                                {"decision_id": "1", "subject_id": "E1", "decision": "scale"},
                                                Supply(), "hash")]  # fmt: skip
    assert any("were below 0.0001 instead of 0.05" in statement for statement in told)
    assert not any("just below below" in statement for statement in told)
