"""From the files of the sample experiments to their decisions: each for the right reason."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.contracts.experiments import MetricCalibration
from eaas_assets.contracts.readings import read_document
from eaas_assets.contracts.tables import build
from eaas_assets.decisions.counterfactuals.listing import counterfactuals
from eaas_assets.decisions.counterfactuals.trial import Questions
from eaas_assets.decisions.policy import fire, rule_on
from eaas_assets.decisions.subjects import ExperimentTables, SubjectEvidence, experiment_subjects
from eaas_assets.experiments.analysing import analyse_all
from eaas_assets.experiments.calibration import calibration_rows
from eaas_assets.experiments.observations.opening import open_observations
from eaas_assets.experiments.registry import read_experiments
from eaas_assets_tests.decisions.facts_by_hand import shipped
from eaas_assets_tests.worlds import SAMPLE_DATA

DATA = Path(SAMPLE_DATA)
POLICY = shipped()
OUTCOMES = {
    "E001": ("concluded", "scale", "clear_win"),
    "E002": ("running", "pause", "no_answer_to_come"),
    "E003": ("proposal", "do_not_start", "blocked"),
    "E004": ("concluded", "scale", "clear_win"),
    "E005": ("concluded", "pivot", "segment_harmed"),
    "E006": ("running", "continue", "effect_fades_so_far"),
    "E007": ("running", "pause", "sample_ratio_off"),
    "E008": ("concluded", "pivot", "inconclusive_whole_sample"),
    "E009": ("running", "pause", "guardrail_alarm"),
    "E010": ("concluded", "scale", "win_of_weaker_design"),
    "E011": ("concluded", "retire", "primary_harmed"),
    "E012": ("concluded", "continue", "win_of_weaker_design"),
    "E013": ("proposal", "start", "sound_design"),
    "E014": ("proposal", "fix_design", "design_errors"),
    "E015": ("concluded", "retire", "primary_harmed"),
    "E016": ("concluded", "scale", "win_of_weaker_design"),
}
"""E017 rests on evaluated runs and is left to the whole pipeline."""


@pytest.fixture(scope="module")
def subjects() -> dict[str, SubjectEvidence]:
    policy, _ = read_document(ExperimentPolicy, DATA, "policies/experiments.yaml")
    catalogue = read_experiments(DATA)
    tables = analyse_all(DATA, catalogue, policy)
    evidence = dict(zip(tables.registry["experiment_id"], tables.registry["evidence_id"], strict=True))
    calibration = [
        row
        for name, registered in catalogue.experiments.items()
        for row in calibration_rows(
            registered.document, open_observations(DATA, registered.document), policy, evidence[name], seed=7
        )
    ]
    frames = (tables.registry, tables.design, tables.monitoring, tables.impact, tables.segments)
    every = ExperimentTables(*frames, build(MetricCalibration, calibration))
    return {subject.subject_id: subject for subject in experiment_subjects(every, date(2026, 11, 26))}


@pytest.mark.parametrize("name", OUTCOMES)
def test_the_rule_that_each_sample_experiment_fires(subjects: dict[str, SubjectEvidence], name: str) -> None:
    subject = subjects[name]
    ruling = rule_on(subject.facts, subject.phase, POLICY)
    assert (subject.phase, ruling.word, ruling.rule.rule) == OUTCOMES[name]
    assert (ruling.capped_from is not None) == (name == "E012")


def test_every_word_of_experiments_occurs() -> None:
    words = {"start", "fix_design", "do_not_start", "continue", "pause", "scale", "pivot", "retire"}
    assert {word for _, word, _ in OUTCOMES.values()} == words


def test_a_kpi_of_another_name_is_a_warning_of_the_design(subjects: dict[str, SubjectEvidence]) -> None:
    assert subjects["E001"].facts["design.warnings"] >= 1


def test_the_conversion_experiment_is_decided_by_its_published_figures(subjects: dict[str, SubjectEvidence]) -> None:
    facts = subjects["E001"].facts  # 90 of 500 against 135 of 520
    assert facts["primary.benefit"] == pytest.approx(135 / 520 - 90 / 500, abs=1e-12)
    assert facts["cost.to_date_usd"] == 1132.0
    assert facts["claim.annual_value_usd"] == 250_000


def test_every_sample_decision_has_something_that_would_change_it_but_those_that_are_doubly_stopped(
    subjects: dict[str, SubjectEvidence],
) -> None:
    questions = Questions(POLICY)
    without_any = []
    for subject in subjects.values():
        flips = counterfactuals(subject.facts, subject.phase, questions)
        word = fire(subject.facts, subject.phase, POLICY).word
        for flip in flips:
            assert flip.becomes.word != word
            if flip.kind == "evidence":
                assert fire(flip.facts, subject.phase, POLICY).word == flip.becomes.word
        if not flips:
            without_any.append(subject.subject_id)
    # E003: blockers, errors of the design and high risk. E007: a mismatch, which gives the design an F besides.
    assert without_any == ["E003", "E007"]


def test_settling_the_blockers_alone_does_not_start_a_badly_designed_experiment_of_high_risk(
    subjects: dict[str, SubjectEvidence],
) -> None:
    ruling = rule_on({**subjects["E003"].facts, "subject.blockers": 0}, "proposal", POLICY)
    assert (ruling.word, ruling.rule.rule) == ("do_not_start", "high_risk_unsound")
