"""What holds of the shipped policy for all facts: it is deterministic, monotone, and never moved up by what is missing.

Words are ordered from the worst to the best in each phase. "Better" is what ``Fact.better`` says, and of words with an
order what stands first in ``Fact.values``. Integrity is apart: where it fails nothing else is looked at, so mending it
can bring out a harm. Of it only this holds: what is scaled, started or continued stays so when integrity gets better.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.contracts.decision_policy import Phase
from eaas_assets.contracts.facts import BY_NAME
from eaas_assets.decisions.counterfactuals.effect import with_benefit, with_precision
from eaas_assets.decisions.policy import fire, rule_on
from eaas_assets_tests.decisions.facts_by_hand import PROPOSAL, RELEASE, WIN, Facts, shipped

POLICY = shipped()
AGAIN = shipped()
ORDER: dict[Phase, tuple[str, ...]] = {
    "proposal": ("do_not_start", "fix_design", "start"),
    "running": ("pause", "continue"),
    "concluded": ("retire", "pause", "pivot", "continue", "scale"),
    "release": ("retire", "pause", "pivot", "continue", "scale"),
}
GOING_AHEAD = {"start", "scale", "continue"}
TRUST = {
    "subject.usable",
    "primary.answered",
    "integrity.sample_ratio",
    "integrity.novelty",
    "integrity.drift",
    "integrity.calibration",
    "design.grade",
    "design.strength",
    "release.gate_calibration",
    "release.not_run",
}
"""Facts about whether the numbers can be trusted, not about how good they are."""
WORDS_IN_ORDER = {"release.verdict": ("better", "not_worse", "inconclusive", "worse"), "release.health": None}
LINKED = {
    "primary.benefit",
    "primary.benefit_low",
    "primary.benefit_high",
    "primary.relative_benefit",
    "primary.minimum_ratio",
    "primary.excludes_minimum",
    "value.net_usd",
    "value.net_low_usd",
    "value.p_loss",
}
"""Facts that move with the effect and are moved by it alone."""


def _level(phase: Phase, facts: Facts) -> int:
    return ORDER[phase].index(fire(facts, phase, POLICY).word)


@st.composite
def experiments(draw: st.DrawFn, phase: Phase) -> Facts:
    """Coherent facts of an experiment in a phase: any effect, any precision, any circumstances."""
    if phase == "proposal":
        facts = dict(PROPOSAL)
    else:
        moved = with_benefit(WIN, draw(st.one_of(st.just(0.08), st.floats(-0.3, 0.3))))
        facts = {**with_precision(moved, draw(st.one_of(st.just(1.0), st.floats(0.05, 20)))), "subject.phase": phase}
        declared = draw(st.integers(0, 3))
        harmed = draw(st.sampled_from([0, 0, declared]))
        unknown = draw(st.sampled_from([0, 0, declared - harmed]))
        counts = {"declared": declared, "harmed": harmed, "unknown": unknown, "passed": declared - harmed - unknown}
        facts |= {f"guardrails.{name}": count for name, count in counts.items()}
        facts |= {
            "segments.harmed": draw(st.sampled_from([0, 0, 0, 2])),
            "sample.fraction": draw(st.sampled_from([0.1, 0.5, 1.0, 1.2])),
            "sample.past_end": draw(st.booleans()),
            "primary.p": draw(st.sampled_from([facts["primary.p"], min(1.0, 2 * facts["primary.p"])])),
        }
    words = [name for name in BY_NAME if name in facts and name in TRUST and BY_NAME[name].values]
    doubted = draw(st.sampled_from([None, *words]))
    if doubted:
        facts[doubted] = draw(st.sampled_from(BY_NAME[doubted].values))
    return facts | {
        "subject.risk_tier": draw(st.sampled_from(["low", "medium", "high"])),
        "subject.usable": draw(st.sampled_from([True] * 9 + [False])),
        "subject.blockers": draw(st.sampled_from([0, 0, 1, 3])),
        "design.errors": draw(st.sampled_from([0, 0, 1, 4])),
        "design.warnings": draw(st.sampled_from([0, 0, 1, 4])),
    }


@st.composite
def releases(draw: st.DrawFn) -> Facts:
    facts = {**RELEASE, "primary.benefit": draw(st.sampled_from([-0.2, 0.0, 0.1]))}
    counts = ("regression_alarms", "high_risk_failures", "lost", "not_run")
    facts |= {f"release.{name}": draw(st.sampled_from([0, 0, 1, 3])) for name in counts}
    facts |= {
        f"release.{name}": draw(st.sampled_from(BY_NAME[f"release.{name}"].values))
        for name in ("verdict", "health", "gate_calibration")
    }
    return facts | {"segments.harmed": draw(st.sampled_from([0, 0, 1]))}


def _subjects(phase: Phase) -> st.SearchStrategy[Facts]:
    return releases() if phase == "release" else experiments(phase)


every_phase = pytest.mark.parametrize("phase", list(ORDER))


def _better(name: str, facts: Facts) -> list[Any]:
    """Values of one fact that speak more for going ahead than the one it has."""
    value, fact = facts[name], BY_NAME[name]
    if fact.type == "text":
        order = WORDS_IN_ORDER.get(name) or fact.values
        return list(order[: order.index(value)]) if value in order else []
    if fact.better in {"true", "false"}:
        return [] if value is (fact.better == "true") else [not value]
    if fact.type == "count":
        step = 1 if fact.better == "higher" else -1
        return [other for other in (value + step, value + 3 * step, 0) if other >= 0 and (other - value) * step > 0]
    step = 0.2 if fact.better == "higher" else -0.2
    return [value + step, value + 2 * step]


def _with(facts: Facts, name: str, value: Any) -> Facts:
    changed = {**facts, name: value}
    if name in {"guardrails.harmed", "guardrails.unknown"}:
        changed["guardrails.passed"] = facts["guardrails.passed"] + facts[name] - value
    return changed


@every_phase
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_better_evidence_never_gives_a_worse_decision(phase: Phase, data: st.DataObject) -> None:
    facts = data.draw(_subjects(phase))
    level = _level(phase, facts)
    for name in facts:
        ordered = BY_NAME[name].better != "neither" or name in WORDS_IN_ORDER
        if ordered and name not in TRUST | LINKED | {"guardrails.passed"}:
            for value in _better(name, facts):
                assert _level(phase, _with(facts, name, value)) >= level, (name, facts[name], value)


@pytest.mark.parametrize("phase", ["running", "concluded"])
@given(data=st.data(), by=st.floats(0.0001, 0.5))
@settings(max_examples=100, deadline=None)
def test_a_better_effect_never_gives_a_worse_decision(phase: Phase, data: st.DataObject, by: float) -> None:
    facts = data.draw(experiments(phase))
    # Chance is asked of a gain only, so its p-value must be that of the effect.
    better = with_benefit(facts, facts["primary.benefit"] + by)
    assert _level(phase, better) >= _level(phase, facts), (facts["primary.benefit"], by)


@every_phase
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_what_goes_ahead_does_so_too_with_more_reason_to_trust_it(phase: Phase, data: st.DataObject) -> None:
    facts = data.draw(_subjects(phase))
    if fire(facts, phase, POLICY).word in GOING_AHEAD:
        for name in TRUST & facts.keys():
            for value in _better(name, facts):
                assert _level(phase, _with(facts, name, value)) >= _level(phase, facts), (name, value)


@pytest.mark.parametrize("phase", ["proposal", "concluded", "release"])
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_missing_evidence_never_starts_or_scales(phase: Phase, data: st.DataObject) -> None:
    facts = data.draw(_subjects(phase))
    if fire(facts, phase, POLICY).word in {"start", "scale"}:
        return
    several = data.draw(st.sets(st.sampled_from(sorted(facts)), min_size=2, max_size=6))
    for gone in [{name} for name in facts] + [several]:
        known = {name: value for name, value in facts.items() if name not in gone}
        assert fire(known, phase, POLICY).word not in {"start", "scale"}, gone


def test_with_nothing_known_nothing_starts_or_scales() -> None:
    for phase in ORDER:
        assert rule_on({}, phase, POLICY).word not in {"start", "scale"}


@every_phase
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_the_same_facts_are_decided_the_same(phase: Phase, data: st.DataObject) -> None:
    facts = data.draw(_subjects(phase))
    again = json.loads(json.dumps(dict(reversed(facts.items()))))
    assert rule_on(facts, phase, AGAIN) == rule_on(again, phase, POLICY)
