"""The designs of the sample experiments, and a published sample ratio."""

import json
from pathlib import Path

import pytest

from eaas_assets.experiments.design.rows import design_rows
from eaas_assets.experiments.observations.opening import open_observations
from eaas_assets.experiments.registry import read_experiments
from eaas_assets_tests.experiments.observations_by_hand import (
    SummaryByHand,
    experiment_by_hand,
    metric_by_hand,
    opened_by_hand,
    policy_by_hand,
    proportion_moments,
)

DATA = Path(__file__).parents[3] / "data"
POLICY = policy_by_hand()


@pytest.fixture(scope="module")
def documents():
    return [registered.document for registered in read_experiments(DATA).experiments.values()]


def judged(documents, name):
    experiment = next(document for document in documents if document.experiment == name)
    rows = design_rows(experiment, open_observations(DATA, experiment), POLICY, "e" * 16, documents)
    return {row["check"]: row for row in rows}


@pytest.mark.parametrize("name", ["E001", "E002", "E003"])
def test_the_registered_figure_is_another_one_than_the_primary_metric(documents, name):
    assert judged(documents, name)["registered_kpi"]["outcome"] == "warning"


def test_a_proposal_with_open_blockers_must_not_start(documents):
    rows = judged(documents, "E003")
    assert rows["blockers"]["outcome"] == "error"
    assert {row["grade"] for row in rows.values()} == {"F"}


def test_a_sound_proposal_may_start(documents):
    rows = judged(documents, "E013")
    assert {row["outcome"] for row in rows.values()} <= {"passed", "not_known"}
    assert {row["grade"] for row in rows.values()} <= {"A", "B"}


def test_an_unsound_proposal_is_told_each_of_its_errors(documents):
    rows = judged(documents, "E014")
    errors = {check for check, row in rows.items() if row["outcome"] == "error"}
    assert errors >= {"detectable_effect", "guardrails"}
    assert {row["grade"] for row in rows.values()} == {"D"}


def test_cookie_cats_passes_at_one_in_a_thousand_and_not_at_one_in_a_hundred():
    """44,700 against 45,489 players: p .0086 (published on the public data set of the game's experiment)."""
    counts = {"gate_30": 44_700, "gate_40": 45_489}
    rates = {"gate_30": 0.190201, "gate_40": 0.182000}
    moments = {arm: proportion_moments("retention_7", round(rates[arm] * n), n) for arm, n in counts.items()}
    source = SummaryByHand(counts, {"retention_7": moments})
    experiment = experiment_by_hand(arms=tuple(counts), metrics=[metric_by_hand("retention_7", kind="proportion")])
    strict = POLICY.model_copy(update={"sample_ratio": POLICY.sample_ratio.model_copy(update={"threshold": 0.01})})
    found = []
    for policy in (POLICY, strict):
        rows = design_rows(experiment, opened_by_hand(source), policy, "e" * 16, [])
        row = next(row for row in rows if row["check"] == "sample_ratio")
        evidence = json.loads(row["evidence_json"])
        assert evidence["p_value"] == pytest.approx(0.0086, abs=5e-5)
        assert f"a mismatch below {policy.sample_ratio.threshold:g}" in row["statement"]
        found.append((row["outcome"], row["grade"] == "F"))
    assert found == [("passed", False), ("error", True)]
