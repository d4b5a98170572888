from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from eaas_assets.contracts.policies import EvaluationPolicy, ReleasePolicy
from eaas_assets.contracts.readings import read_document, read_document_noted
from eaas_assets.contracts.suite import Suite
from eaas_assets_tests.worlds import SAMPLE_DATA, sample_world


@pytest.fixture(scope="module")
def policy() -> EvaluationPolicy:
    return read_document(EvaluationPolicy, SAMPLE_DATA, "policies/evaluation.yaml")[0]


@pytest.fixture(scope="module")
def suite() -> Suite:
    return read_document(Suite, SAMPLE_DATA, "suites/customer_support/suite.yaml")[0]


def changed(policy: EvaluationPolicy, **changes: Any) -> EvaluationPolicy:
    return EvaluationPolicy.model_validate(policy.model_dump() | changes)


def test_the_shipped_policy_has_the_published_numbers(policy: EvaluationPolicy) -> None:
    assert policy.overall.model_dump() == {"correctness": 0.5, "response_time": 0.2, "output_quality": 0.3}
    assert policy.pass_threshold == 0.8
    assert [(band.up_to, band.score) for band in policy.response_time.bands] == [(1, 1), (1.5, 0.8), (2, 0.6), (3, 0.3)]
    assert (policy.health.healthy, policy.health.degraded) == (0.85, 0.7)


def test_weights_must_sum_to_one_as_they_are_written(policy: EvaluationPolicy) -> None:
    with pytest.raises(ValidationError, match=r"0\.99"):
        changed(policy, overall={"correctness": 0.5, "response_time": 0.2, "output_quality": 0.29})
    assert changed(policy, overall={"correctness": 0.1, "response_time": 0.2, "output_quality": 0.7})


def test_the_hash_follows_what_decides_the_scores_and_nothing_else(policy: EvaluationPolicy, suite: Suite) -> None:
    same = policy.digest_for(suite)
    assert changed(policy).digest_for(suite) == same
    assert changed(policy, pass_threshold=0.9).digest_for(suite) != same
    other_suite = {"field_rules": {"elsewhere": {"x": {"compare": "exact", "weight": 1.0}}}}
    assert changed(policy, **other_suite).digest_for(suite) == same
    rules = {
        "issue_type": {"compare": "exact", "weight": 0.5},
        "resolution_path": {"compare": "set", "weight": 0.1},
    }
    assert changed(policy, field_rules={"customer_support": rules}).digest_for(suite) != same


def test_a_policy_can_replace_a_suites_rules_but_not_invent_fields(policy: EvaluationPolicy, suite: Suite) -> None:
    invented = changed(policy, field_rules={"customer_support": {"mood": {"compare": "exact", "weight": 0.1}}})
    with pytest.raises(ValueError, match="mood"):
        invented.rules_for(suite)
    unbalanced = changed(policy, field_rules={"customer_support": {"outcome": {"compare": "exact", "weight": 0.9}}})
    with pytest.raises(ValueError, match="sum to 1"):
        unbalanced.rules_for(suite)


def test_bands_must_rise_and_health_must_be_ordered(policy: EvaluationPolicy) -> None:
    falling = policy.response_time.model_dump() | {"bands": [{"up_to": 2, "score": 1}, {"up_to": 1, "score": 0}]}
    with pytest.raises(ValidationError, match="rising"):
        changed(policy, response_time=falling)
    with pytest.raises(ValidationError, match="degraded"):
        changed(policy, health={"healthy": 0.5, "degraded": 0.7})


def test_a_fault_is_told_with_file_line_field_found_and_expected(tmp_path: Path) -> None:
    data = sample_world(tmp_path)
    file = data / "policies" / "release.yaml"
    file.write_text(file.read_text().replace("regression: error", "regression: shouting"))
    policy, reading = read_document_noted(ReleasePolicy, data, "policies/release.yaml", "policy")
    assert policy is None
    (problem,) = reading.problems
    assert (problem.file, problem.field, problem.found) == ("policies/release.yaml", "gates.regression", "'shouting'")
    assert problem.row is not None
    assert "shouting" in file.read_text().splitlines()[problem.row - 1]
