"""Facts of imagined subjects, complete in every phase; tests change what they are about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eaas_assets.contracts.decision_policy import DecisionPolicy
from eaas_assets.decisions.policy import read_decision_policy
from eaas_assets_tests.worlds import SAMPLE_DATA

Facts = dict[str, Any]


def shipped() -> DecisionPolicy:
    """The policy as it is shipped."""
    return read_decision_policy(Path(SAMPLE_DATA))


def without(facts: Facts, *names: str) -> Facts:
    """The facts without some of them."""
    return {name: value for name, value in facts.items() if name not in names}


PROPOSAL: Facts = {
    "subject.kind": "experiment",
    "subject.phase": "proposal",
    "subject.type": "ab_test",
    "subject.domain": "sales",
    "subject.risk_tier": "low",
    "subject.blockers": 0,
    "subject.usable": True,
    "design.grade": "A",
    "design.errors": 0,
    "design.warnings": 0,
    "design.strength": "randomised",
    "guardrails.declared": 1,
    "value.declared": True,
    "value.usd_per_benefit": 1_000_000.0,
}

WIN: Facts = {
    **PROPOSAL,
    "subject.phase": "concluded",
    "subject.arm": "treatment",
    "sample.observed": 1020,
    "sample.fraction": 1.0,
    "sample.past_end": True,
    "integrity.sample_ratio": "as_planned",
    "integrity.novelty": "lasts",
    "integrity.drift": "steady",
    "integrity.calibration": "kept",
    "primary.answered": True,
    "primary.refusal": "none",
    "primary.benefit": 0.08,
    "primary.benefit_low": 0.03,
    "primary.benefit_high": 0.13,
    "primary.se": 0.0255,
    "primary.kind": "proportion",
    "primary.unit": "none",
    "primary.p": 0.0017,
    "primary.relative_benefit": 0.444,
    "primary.minimum_effect": 0.05,
    "primary.minimum_ratio": 1.6,
    "primary.excludes_minimum": False,
    "guardrails.passed": 1,
    "guardrails.harmed": 0,
    "guardrails.unknown": 0,
    "segments.judged": 4,
    "segments.harmed": 0,
    "value.net_usd": 70_000.0,
    "value.net_low_usd": 20_000.0,
    "value.se_usd": 25_500.0,
    "value.p_loss": 0.003,
    "cost.to_date_usd": 1132.0,
}

RUNNING: Facts = {**WIN, "subject.phase": "running", "sample.fraction": 0.6, "sample.past_end": False}

EFFECT = tuple(name for name in WIN if name.startswith("primary.") and name != "primary.minimum_effect")
NO_ANSWER: Facts = {
    **without(WIN, *EFFECT, "value.net_usd", "value.net_low_usd", "value.se_usd", "value.p_loss"),
    "primary.answered": False,
    "primary.refusal": "no_variance",
}

OPEN: Facts = {
    **WIN,
    "primary.benefit": 0.02,
    "primary.benefit_low": -0.03,
    "primary.benefit_high": 0.07,
    "primary.p": 0.43,
    "primary.minimum_ratio": 0.4,
    "value.net_usd": 10_000.0,
    "value.net_low_usd": -40_000.0,
    "value.p_loss": 0.35,
}

HARM: Facts = {
    **WIN,
    "primary.benefit": -0.06,
    "primary.benefit_low": -0.11,
    "primary.benefit_high": -0.01,
    "primary.p": 0.02,
    "primary.minimum_ratio": -1.2,
    "primary.excludes_minimum": True,
    "value.net_usd": -70_000.0,
    "value.net_low_usd": -120_000.0,
    "value.p_loss": 0.997,
}

RELEASE: Facts = {
    "subject.kind": "release",
    "subject.phase": "release",
    "subject.type": "release",
    "subject.domain": "customer_support",
    "subject.risk_tier": "medium",
    "subject.arm": "v1.2",
    "design.strength": "paired",
    "sample.observed": 120,
    "primary.answered": True,
    "primary.refusal": "none",
    "primary.benefit": 0.2,
    "primary.benefit_low": 0.1,
    "primary.benefit_high": 0.3,
    "primary.se": 0.051,
    "primary.kind": "proportion",
    "primary.unit": "none",
    "primary.p": 0.0001,
    "segments.judged": 5,
    "segments.harmed": 0,
    "release.verdict": "better",
    "release.regression_alarms": 0,
    "release.gate_calibration": "kept",
    "release.pass_rate": 0.9,
    "release.pass_rate_low": 0.83,
    "release.health": "healthy",
    "release.high_risk_failures": 0,
    "release.lost": 0,
    "release.gained": 24,
    "release.not_run": 0,
    "release.direction": "improving",
}
