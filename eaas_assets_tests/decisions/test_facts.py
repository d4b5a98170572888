"""Facts are what the evidence tables say: exact, by name, and nothing where nothing is known."""

from __future__ import annotations

import json
import math
from datetime import date
from typing import Any

import pandas as pd
import pytest

from eaas_assets.contracts.facts import BY_NAME, FACTS
from eaas_assets.decisions.facts.experiment import experiment_facts
from eaas_assets.decisions.facts.release import release_facts, release_risk
from eaas_assets.decisions.facts.values import difference, known_only, ratio
from eaas_assets.decisions.policy import rule_on
from eaas_assets_tests.decisions.facts_by_hand import shipped
from eaas_assets_tests.decisions.rows_by_hand import (
    CALIBRATION,
    DESIGN,
    MONITORING,
    guardrail,
    impact,
    look,
    refused,
    registry,
    release,
    segment,
)

TODAY = date(2026, 4, 1)
Facts = dict[str, Any]


def facts_of(**changes: Any) -> Facts:
    rows: dict[str, Any] = {
        "registry_row": registry(),
        "design": DESIGN,
        "monitoring": MONITORING,
        "impact": [impact(), guardrail()],
        "segments": [segment("north", False), segment("south", None)],
        "calibration": CALIBRATION,
        "as_of": TODAY,
    }
    return experiment_facts(**{**rows, **changes})


def test_a_sound_experiment_gives_every_fact_of_experiments_but_none_of_releases() -> None:
    assert sorted(facts_of()) == sorted(fact.name for fact in FACTS if "experiment" in fact.subjects)


def test_a_compared_version_gives_every_fact_of_releases() -> None:
    facts = release_facts(release(9, 10, 7, "better", "healthy", 0, low=0.01, high=0.4))
    assert sorted(facts) == sorted(fact.name for fact in FACTS if "release" in fact.subjects)


def test_facts_have_the_types_that_the_vocabulary_says_and_survive_json() -> None:
    types: dict[str, type | tuple[type, ...]] = {"text": str, "boolean": bool, "count": int}
    for facts in (facts_of(), release_facts(release(9, 10, 7, "better", "healthy", 0, low=0.01, high=0.4))):
        assert json.loads(json.dumps(facts)) == facts
        for name, value in facts.items():
            fact = BY_NAME[name]
            assert isinstance(value, types.get(fact.type, (int, float))), name
            assert not fact.values or value in fact.values, name


def test_a_difference_is_that_of_the_numbers_as_they_are_written() -> None:
    assert 0.35 - 0.25 < 0.10  # as floats
    facts = facts_of()
    assert facts["primary.benefit"] == 0.10
    assert facts["primary.minimum_ratio"] == 1.0
    assert rule_on(facts, "concluded", shipped()).rule.rule == "clear_win"
    assert difference(0.3, 0.1, 0.25) == 0.25  # an adjusted estimate is no plain difference


def test_a_metric_that_should_fall_is_told_in_the_good_direction() -> None:
    row = impact(direction="decrease", treatment_value=29.9, control_value=30.2, benefit=30.2 - 29.9, relative=-0.01)
    facts = facts_of(registry_row=registry(direction="decrease", usd_per_unit=-2.0), impact=[row])
    assert facts["primary.benefit"] == 0.3
    assert facts["primary.relative_benefit"] == 0.01
    assert facts["value.usd_per_benefit"] == 2000.0


def test_a_relative_minimum_is_told_in_the_metrics_unit() -> None:
    row = impact(scale="relative", minimum_effect=0.2, control_value=0.25)
    facts = facts_of(impact=[row])
    assert facts["primary.minimum_effect"] == 0.05
    assert facts["primary.minimum_ratio"] == 2.0


@pytest.mark.parametrize("nothing", [None, math.nan, pd.NA, pd.NaT])
def test_a_null_is_left_out_and_never_becomes_zero(nothing: Any) -> None:
    assert known_only({"a": nothing, "b": 0, "c": False}) == {"b": 0, "c": False}
    facts = facts_of(registry_row=registry(cost_to_date_usd=nothing, usd_per_unit=nothing, planned_end=nothing))
    assert not {"cost.to_date_usd", "value.usd_per_benefit", "sample.past_end"} & facts.keys()
    assert facts["value.declared"] is False
    assert ratio(None, 2) is None
    assert ratio(1, 0) is None


def test_with_several_arms_the_one_with_the_best_lower_end_is_decided_on() -> None:
    arms = [
        impact(arm="short", benefit=0.10, benefit_low=0.01),
        impact(arm="kind", benefit=0.09, benefit_low=0.05, p_adjusted=0.004),
        guardrail("harmed", arm="short"),
        guardrail("non_inferior", arm="kind"),
    ]
    segments = [segment("north", True, arm="short"), segment("north", False, arm="kind")]
    facts = facts_of(impact=arms, segments=segments)
    assert facts["subject.arm"] == "kind"
    assert facts["primary.p"] == 0.004
    assert (facts["guardrails.harmed"], facts["guardrails.passed"], facts["segments.harmed"]) == (0, 1, 0)


def test_while_it_runs_harm_in_any_arm_counts() -> None:
    arms = [
        impact(arm="short", benefit_low=0.01),
        impact(arm="kind", benefit_low=0.05),
        guardrail("harmed", arm="short"),
    ]
    facts = facts_of(registry_row=registry(status="running"), impact=arms)
    assert facts["guardrails.harmed"] == 1


def test_while_it_runs_segments_are_those_of_monitoring_which_may_be_looked_at_every_night() -> None:
    looks = [*MONITORING, look("segment_anomaly", True, segment="region = north")]
    looks += [look("segment_anomaly", None, segment="region = south")]
    running = registry(status="running")
    assert facts_of(registry_row=running, monitoring=looks, segments=[])["segments.harmed"] == 1
    assert facts_of(registry_row=running, segments=[segment("north", True)])["segments.harmed"] == 0


@pytest.mark.parametrize(
    ("rows", "alarm", "counts"),
    [
        ([guardrail("non_inferior")], False, (1, 0, 0)),
        ([guardrail("improved")], False, (1, 0, 0)),
        ([guardrail("harmed")], False, (0, 1, 0)),
        ([guardrail("inconclusive")], False, (0, 0, 1)),
        ([guardrail("refused")], False, (0, 0, 1)),
        ([], False, (0, 0, 1)),
        ([guardrail("non_inferior")], True, (0, 1, 0)),
    ],
)
def test_each_guardrail_is_passed_harmed_or_unknown(rows: list[Any], alarm: bool, counts: tuple[int, ...]) -> None:
    monitoring = [*MONITORING[:3], look("guardrail_harm", alarm, metric="complaints")]
    facts = facts_of(impact=[impact(), *rows], monitoring=monitoring)
    assert tuple(facts[f"guardrails.{name}"] for name in ("passed", "harmed", "unknown")) == counts


def test_a_secondary_metric_harms_no_segment() -> None:
    facts = facts_of(segments=[segment("north", True, role="secondary", metric="opens"), segment("north", False)])
    assert (facts["segments.judged"], facts["segments.harmed"]) == (1, 0)


@pytest.mark.parametrize(
    ("looks", "words"),
    [
        (MONITORING, ("as_planned", "lasts", "steady")),
        ([look("sample_ratio", True, arm=None)], ("mismatch", "not_testable", "not_testable")),
        ([look("novelty", True), look("metric_drift", True)], (None, "fades", "drifts")),
        ([look("novelty", None), look("sample_ratio", False)], ("as_planned", "not_testable", "not_testable")),
        ([], (None, None, None)),
    ],
)
def test_what_was_not_looked_at_is_missing_and_what_cannot_be_tried_is_not(looks: list[Any], words: tuple) -> None:
    facts = facts_of(monitoring=looks)
    assert tuple(facts.get(f"integrity.{name}") for name in ("sample_ratio", "novelty", "drift")) == words


def test_earlier_looks_do_not_count() -> None:
    facts = facts_of(monitoring=[*MONITORING, look("novelty", True, latest=False)])
    assert facts["integrity.novelty"] == "lasts"


def test_a_design_without_random_assignment_has_nothing_to_test() -> None:
    facts = facts_of(
        registry_row=registry(design="rollout"),
        impact=[impact(strength="quasi_experiment")],
        monitoring=[],
        calibration=[],
    )
    words = {facts[f"integrity.{name}"] for name in ("sample_ratio", "novelty", "drift", "calibration")}
    assert words == {"not_testable"}


@pytest.mark.parametrize(
    ("passed", "word"), [(True, "kept"), (False, "broken"), (None, "not_testable"), (pd.NA, "not_testable")]
)
def test_calibration_is_that_of_the_primary_metric(passed: Any, word: str) -> None:
    facts = facts_of(calibration=[{"metric": "reply_rate", "passed": passed}, {"metric": "other", "passed": False}])
    assert facts["integrity.calibration"] == word
    assert "integrity.calibration" not in facts_of(calibration=[])


def test_a_refusal_keeps_the_strength_of_the_design_and_no_number() -> None:
    facts = facts_of(impact=[refused("sample_ratio_mismatch")])
    assert facts["primary.answered"] is False
    assert facts["primary.refusal"] == "sample_ratio_mismatch"
    assert facts["integrity.sample_ratio"] == "mismatch"
    assert facts["design.strength"] == "randomised"
    assert not {"primary.benefit", "primary.p", "value.p_loss"} & facts.keys()


def test_of_a_document_that_cannot_be_read_only_that_is_known() -> None:
    row = {"experiment_id": "E9", "usable": False, "metrics_json": "[]", "variants_json": "[]", "conditions_json": "{}"}
    facts = experiment_facts(row, [], [], [], [], [], TODAY)
    assert facts == {
        "subject.kind": "experiment",
        "subject.phase": "proposal",
        "subject.usable": False,
        "guardrails.declared": 0,
        "value.declared": False,
    }
    assert rule_on(facts, "proposal", shipped()).rule.rule == "unreadable_proposal"


def test_the_planned_end_has_passed_on_the_day_after_it() -> None:
    assert facts_of(as_of=date(2026, 3, 29))["sample.past_end"] is False
    assert facts_of(as_of=date(2026, 3, 30))["sample.past_end"] is True


@pytest.mark.parametrize(
    ("failed", "tried", "tier"), [(0, 0, "low"), (0, 4, "medium"), (1, 4, "high"), (None, 4, "high")]
)
def test_the_risk_of_a_release_is_what_it_fails_where_it_hurts(failed: Any, tried: int, tier: str) -> None:
    assert release_risk([{"metric": "high_risk_failures", "value": failed, "denominator": tried}]) == tier
    assert release_risk([]) == "high"


def test_evaluations_without_a_result_are_counted() -> None:
    rows = release(9, 10, 7, "better", "healthy", 0, low=0.01, high=0.4)
    assert release_facts(rows._replace(plan={"planned_evaluations": 12}))["release.not_run"] == 2


# The six versions of the sample world, with the figures that their runs give.
SAMPLE_RELEASES = {
    "customer_support_orchestrator v0.9": (
        release(4, 10, None, "no_baseline", "critical", 3),
        "retire",
        "critical_health",
    ),
    "customer_support_orchestrator v1.0": (
        release(7, 10, 4, "inconclusive", "degraded", 2, low=-0.061, high=0.603),
        "pivot",
        "fails_where_it_hurts",
    ),
    "customer_support_orchestrator v1.1": (
        release(5, 10, 7, "inconclusive", "critical", 4, ("points_rules", "lost_scenarios"), low=-0.51, high=0.133),
        "retire",
        "regression",
    ),
    "customer_support_orchestrator v1.2": (
        release(9, 10, 7, "inconclusive", "healthy", 0, low=-0.133, high=0.51),
        "continue",
        "verdict_open",
    ),
    "ticket_router v1.0": (release(14, 24, None, "no_baseline", "degraded", 2), "pause", "nothing_to_compare"),
    "ticket_router v1.1": (
        release(22, 24, 14, "better", "healthy", 2, ("lost_scenarios",), low=0.089, high=0.547),
        "pivot",
        "something_lost",
    ),
}


@pytest.mark.parametrize("version", SAMPLE_RELEASES)
def test_the_rule_that_each_sample_version_fires(version: str) -> None:
    rows, word, rule = SAMPLE_RELEASES[version]
    ruling = rule_on(release_facts(rows), "release", shipped())
    assert (ruling.word, ruling.rule.rule, ruling.capped_from) == (word, rule, None)
