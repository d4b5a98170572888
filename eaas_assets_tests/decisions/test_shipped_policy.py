"""Which rule of the shipped policy fires, for which facts, and that the policy is what it says it is."""

from __future__ import annotations

import re
from itertools import combinations_with_replacement
from typing import Any

import pytest

from eaas_assets.contracts.decision_policy import WORDS, DecisionPolicy
from eaas_assets.contracts.facts import BY_NAME
from eaas_assets.decisions.policy import fire, rule_on
from eaas_assets_tests.decisions.facts_by_hand import (
    EFFECT,
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

CASES: list[tuple[str, Facts, str, str]] = [
    # -- proposals ------------------------------------------------------------------------------------------------
    ("blocked", {**PROPOSAL, "subject.risk_tier": "high", "subject.blockers": 2}, "do_not_start", "high"),
    ("high_risk_unsound", {**PROPOSAL, "subject.risk_tier": "high", "design.errors": 1}, "do_not_start", "high"),
    (
        "unreadable_proposal",
        {"subject.kind": "experiment", "subject.phase": "proposal", "subject.usable": False},
        "fix_design",
        "high",
    ),
    ("design_errors", {**PROPOSAL, "design.errors": 2, "design.grade": "D"}, "fix_design", "high"),
    ("design_failed", {**PROPOSAL, "design.grade": "F"}, "fix_design", "high"),
    ("sound_design", PROPOSAL, "start", "high"),
    ("design_with_warnings", {**PROPOSAL, "design.warnings": 3, "design.grade": "C"}, "start", "medium"),
    ("design_not_known", without(PROPOSAL, "design.errors", "design.grade"), "fix_design", "low"),
    # -- running --------------------------------------------------------------------------------------------------
    ("unreadable_while_running", {**RUNNING, "subject.usable": False}, "pause", "high"),
    ("sample_ratio_off", {**RUNNING, "integrity.sample_ratio": "mismatch"}, "pause", "high"),
    ("guardrail_alarm", {**RUNNING, "guardrails.harmed": 1, "guardrails.passed": 0}, "pause", "high"),
    ("harm_while_running", {**HARM, "subject.phase": "running"}, "pause", "high"),
    ("segment_alarm", {**RUNNING, "segments.harmed": 1}, "pause", "medium"),
    ("metric_not_trusted", {**RUNNING, "integrity.calibration": "broken"}, "pause", "high"),
    ("design_failed_while_running", {**RUNNING, "design.grade": "F"}, "pause", "high"),
    ("no_answer_to_come", {**NO_ANSWER, "subject.phase": "running"}, "pause", "high"),
    (
        "nothing_to_find",
        {**OPEN, "subject.phase": "running", "primary.benefit_high": 0.04, "primary.excludes_minimum": True},
        "pause",
        "high",
    ),
    ("effect_fades_so_far", {**RUNNING, "integrity.novelty": "fades"}, "continue", "low"),
    ("control_drifts", {**RUNNING, "integrity.drift": "drifts"}, "continue", "low"),
    ("ready_to_conclude", {**RUNNING, "sample.fraction": 1.0}, "continue", "high"),
    ("overdue", {**RUNNING, "sample.past_end": True}, "continue", "low"),
    ("on_course", RUNNING, "continue", "medium"),
    (
        "nothing_known_yet",
        {**NO_ANSWER, "subject.phase": "running", "primary.refusal": "no_observations", "sample.fraction": 0.0}
        | {"sample.past_end": False},
        "continue",
        "low",
    ),
    # -- concluded ------------------------------------------------------------------------------------------------
    ("unreadable_result", {**WIN, "subject.usable": False}, "pause", "high"),
    ("sample_ratio_mismatch", {**WIN, "integrity.sample_ratio": "mismatch"}, "pause", "high"),
    ("design_cannot_tell", {**NO_ANSWER, "primary.refusal": "interference"}, "pivot", "high"),
    ("no_effect_told", NO_ANSWER, "pause", "high"),
    ("metric_miscalibrated", {**WIN, "integrity.calibration": "broken"}, "pause", "high"),
    ("design_must_not_decide", {**WIN, "design.grade": "F"}, "pause", "high"),
    ("primary_harmed", HARM, "retire", "high"),
    ("harm_without_gain", {**OPEN, "guardrails.harmed": 1, "guardrails.passed": 0}, "retire", "high"),
    (
        "too_small",
        {**WIN, "primary.benefit": 0.03, "primary.benefit_low": 0.02, "primary.benefit_high": 0.04}
        | {"primary.minimum_ratio": 0.6, "primary.excludes_minimum": True},
        "retire",
        "high",
    ),
    ("loses_money", {**WIN, "value.net_usd": -50_000.0, "value.p_loss": 0.97}, "retire", "medium"),
    ("guardrail_harmed", {**WIN, "guardrails.harmed": 1, "guardrails.passed": 0}, "pivot", "high"),
    ("segment_harmed", {**WIN, "segments.harmed": 1}, "pivot", "high"),
    ("inconclusive_whole_sample", OPEN, "pivot", "medium"),
    ("inconclusive_past_end", {**OPEN, "sample.fraction": 0.4}, "pivot", "medium"),
    ("stopped_early", {**OPEN, "sample.fraction": 0.4, "sample.past_end": False}, "continue", "medium"),
    ("no_bar_declared", without(WIN, "primary.minimum_effect", "primary.minimum_ratio"), "pause", "low"),
    ("below_the_bar", {**WIN, "primary.minimum_effect": 0.1, "primary.minimum_ratio": 0.8}, "continue", "low"),
    ("chance_not_excluded", {**WIN, "primary.p": 0.08}, "continue", "low"),
    ("value_not_told", without(WIN, "value.p_loss", "value.net_usd"), "continue", "low"),
    ("may_not_pay", {**WIN, "value.p_loss": 0.3}, "continue", "low"),
    ("guardrails_open", {**WIN, "guardrails.unknown": 1, "guardrails.passed": 0}, "continue", "medium"),
    ("effect_fades", {**WIN, "integrity.novelty": "fades"}, "continue", "medium"),
    ("clear_win", WIN, "scale", "high"),
    ("win_of_weaker_design", {**WIN, "design.strength": "quasi_experiment"}, "scale", "medium"),
    ("evidence_incomplete", without(WIN, "guardrails.harmed", "guardrails.unknown"), "pause", "low"),
    # -- releases -------------------------------------------------------------------------------------------------
    ("run_incomplete", {**RELEASE, "release.not_run": 3}, "pause", "high"),
    ("gate_miscalibrated", {**RELEASE, "release.gate_calibration": "broken"}, "pause", "high"),
    ("worse", {**RELEASE, "release.verdict": "worse", "primary.benefit": -0.2}, "retire", "high"),
    (
        "regression",
        {**RELEASE, "release.verdict": "inconclusive", "release.regression_alarms": 2, "primary.benefit": -0.2},
        "retire",
        "medium",
    ),
    ("critical_health", {**RELEASE, "release.health": "critical"}, "retire", "high"),
    (
        "nothing_to_compare",
        {**without(RELEASE, *EFFECT), "release.verdict": "no_baseline", "design.strength": "none"},
        "pause",
        "low",
    ),
    ("segment_worse", {**RELEASE, "segments.harmed": 1}, "pivot", "high"),
    ("something_lost", {**RELEASE, "release.regression_alarms": 1, "release.lost": 1}, "pivot", "medium"),
    ("fails_where_it_hurts", {**RELEASE, "release.high_risk_failures": 2}, "pivot", "medium"),
    ("verdict_open", {**RELEASE, "release.verdict": "inconclusive"}, "continue", "medium"),
    ("better", RELEASE, "scale", "high"),
    ("not_worse", {**RELEASE, "release.verdict": "not_worse", "primary.benefit": 0.0}, "scale", "medium"),
    ("release_not_known", without(RELEASE, "release.verdict"), "pause", "low"),
]


@pytest.fixture(scope="module")
def policy() -> DecisionPolicy:
    return shipped()


@pytest.mark.parametrize(("rule", "facts", "word", "confidence"), CASES, ids=[case[0] for case in CASES])
def test_the_rule_fires_for_its_facts(
    policy: DecisionPolicy, rule: str, facts: Facts, word: str, confidence: str
) -> None:
    ruling = rule_on(facts, facts["subject.phase"], policy)
    assert (ruling.rule.rule, ruling.word, ruling.rule.confidence) == (rule, word, confidence)
    assert ruling.capped_from is None


def test_every_rule_fires_for_some_facts_so_none_is_shadowed(policy: DecisionPolicy) -> None:
    assert [case[0] for case in CASES] == [rule.rule for rule in policy.rules]


def test_every_word_of_every_phase_can_be_decided(policy: DecisionPolicy) -> None:
    for phase, words in WORDS.items():
        assert {rule.decision for rule in policy.by_phase[phase]} == set(words)


@pytest.mark.parametrize("strength", ["before_after", "none"])
def test_a_design_without_a_comparison_never_scales(policy: DecisionPolicy, strength: str) -> None:
    ruling = rule_on({**WIN, "design.strength": strength}, "concluded", policy)
    assert (ruling.rule.rule, ruling.word, ruling.capped_from) == ("win_of_weaker_design", "continue", "scale")
    assert ruling.rationale.endswith(policy.cap_of[strength].because)


def test_no_pair_of_missing_facts_starts_or_scales_what_they_would_hold_back(policy: DecisionPolicy) -> None:
    for rule, facts, word, _ in CASES:
        if word in {"start", "scale"}:
            continue
        for gone in combinations_with_replacement(facts, 2):
            known = without(facts, *gone)
            assert fire(known, facts["subject.phase"], policy).word not in {"start", "scale"}, (rule, gone)


def test_every_fact_that_the_policy_asks_about_is_one_of_its_subject(policy: DecisionPolicy) -> None:
    for rule in policy.rules:
        subject: Any = "release" if rule.phase == "release" else "experiment"
        for name in [condition.field for condition in rule.when]:
            assert subject in BY_NAME[name].subjects, (rule.rule, name)


def test_every_word_that_a_condition_compares_with_is_one_that_the_fact_can_have(policy: DecisionPolicy) -> None:
    for rule in policy.rules:
        for condition in rule.when:
            values = BY_NAME[condition.field].values
            if values:
                asked = condition.value if isinstance(condition.value, list) else [condition.value]
                assert set(asked) <= set(values), (rule.rule, condition.field)


def test_a_rationale_has_no_braces_and_no_missing_fact_where_all_are_known(policy: DecisionPolicy) -> None:
    for name, facts, _, _ in CASES:
        rationale = rule_on(facts, facts["subject.phase"], policy).rationale
        assert not re.search(r"[{}]", rationale)
        complete = name not in {"no_bar_declared", "design_not_known"}
        assert not complete or "not known" not in rationale.replace("are not known", ""), rationale
