"""What is measured against what is believed: each check both ways."""

from dataclasses import replace

import numpy as np
import pytest

from eaas_assets_tests.experiments.design.asking import SOUND, concluded, grade_of, judge, outcome, units
from eaas_assets_tests.experiments.observations_by_hand import (
    metric_by_hand,
)


def test_running_without_observations_forbids_deciding():
    rows = judge(status="running")
    assert outcome(rows, "metrics_observed") == "error"
    assert grade_of(rows) == "F"


def test_a_metric_without_values_is_told_and_the_primary_forbids():
    source = units()
    nothing = np.full(2800, np.nan)
    guardrail = replace(source, columns={**source.columns, "complaints": nothing})
    assert outcome(concluded(guardrail), "metrics_observed") == "warning"
    primary = replace(source, columns={**source.columns, "spend": nothing})
    rows = concluded(primary)
    assert outcome(rows, "metrics_observed") == "error"
    assert grade_of(rows) == "F"


def test_a_registered_figure_other_than_the_primary_is_flagged():
    assert outcome(judge(), "registered_kpi") == "passed"
    assert outcome(judge(registered_kpi="conversion_rate"), "registered_kpi") == "warning"
    assert outcome(judge(registered_kpi=None), "registered_kpi") == "not_known"


def test_words_in_common_are_a_hint_and_their_absence_proves_nothing():
    assert outcome(judge(hypothesis="Customers spending more"), "metric_fits_hypothesis") == "passed"
    assert outcome(judge(hypothesis="It will be better"), "metric_fits_hypothesis") == "not_known"


def test_the_direction_fits_the_hypothesis_and_the_expectation():
    falling = [{**SOUND["metrics"][0], "direction": "decrease"}]
    assert outcome(judge(), "direction") == "passed"
    assert outcome(judge(metrics=falling), "direction") == "warning"
    assert outcome(judge(metrics=falling, hypothesis_type="efficiency"), "direction") == "passed"
    assert outcome(judge(claim={"expected_effect": 0.1}), "direction") == "passed"
    assert outcome(judge(claim={"expected_effect": -0.1}), "direction") == "error"


@pytest.mark.parametrize(("tier", "guardrails", "wanted"), [
    ("low", 0, "passed"), ("medium", 0, "error"), ("medium", 1, "passed"), ("high", 1, "error"), ("high", 2, "passed"),
])  # fmt: skip
def test_the_riskier_the_change_the_more_guardrails(tier, guardrails, wanted):
    metrics = [SOUND["metrics"][0], *({**SOUND["metrics"][1], "name": f"g{i}"} for i in range(guardrails))]
    assert outcome(judge(risk_tier=tier, metrics=metrics), "guardrails") == wanted


def test_a_guardrail_needs_a_margin():
    metrics = [SOUND["metrics"][0], metric_by_hand("complaints", "guardrail", "proportion", direction="decrease")]
    assert outcome(judge(metrics=metrics), "guardrail_margins") == "warning"
    assert outcome(judge(), "guardrail_margins") == "passed"


def test_units_of_measurement_are_asked_for_where_they_matter():
    assert outcome(judge(metrics=[{**SOUND["metrics"][0], "unit": ""}]), "metric_units") == "not_known"
    assert outcome(judge(metrics=[metric_by_hand("won", kind="proportion")]), "metric_units") == "passed"
