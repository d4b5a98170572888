from __future__ import annotations

import json

import numpy as np
import pandas as pd

from eaas_assets.history.outcomes import families_of, paired_outcomes, segment_labels
from eaas_assets.history.pairing import pair
from eaas_assets_tests.history.runs_by_hand import SUITE, run


def rows(results, **options):
    return run("R1", "v1.0", results, **options).scenarios


def scenarios(labels: dict[str, dict[str, str | None]], suite: str = SUITE) -> pd.DataFrame:
    return pd.DataFrame(
        {"suite": suite, "scenario_id": list(labels), "segments_json": [json.dumps(own) for own in labels.values()]}
    )


def test_every_metric_is_a_mean_over_the_known_trials_of_each_paired_scenario():
    before = rows({"B": [True, False], "A": [True, True], "C": [True]}, response_time_s=0.5, cost_usd=0.1)
    after = rows({"A": [False, None], "B": [True, True]}, response_time_s=0.75, risk="high")
    found = paired_outcomes(before, after, pair(before, after), {}, None)
    assert found.before["pass_rate"].tolist() == [1.0, 0.5]  # A, B: sorted; C ran only once
    assert found.after["pass_rate"].tolist() == [0.0, 1.0]
    assert (found.before_trials.tolist(), found.after_trials.tolist()) == ([2, 2], [1, 2])
    assert found.before["average_score"].tolist() == [1.0, 0.75]
    assert found.before["outcome_accuracy"].tolist() == [1.0, 0.5]
    assert found.before["human_review_rate"].tolist() == [0.0, 0.5]
    assert found.after["average_response_time_ms"].tolist() == [750.0, 750.0]
    assert found.before["average_cost_usd"].tolist() == [0.1, 0.1]
    assert np.isnan(found.after["average_cost_usd"]).all()
    assert found.after["execution_failure_rate"].tolist() == [0.0, 0.0]
    assert found.after["high_risk_failures"].tolist() == [1.0, 0.0]
    assert np.isnan(found.before["high_risk_failures"]).all()
    assert found.families is None


def test_the_share_of_slow_trials_stands_for_the_percentile():
    """Both runs together: 500 ms is the 95th percentile of 39 answers in 500 ms and one in 2 s."""
    names = [f"S{place:02d}" for place in range(20)]
    before = rows({name: [True] for name in names})
    slow = before.assign(response_time_ms=[2000.0] + [500.0] * 19)
    found = paired_outcomes(before, slow, pair(before, slow), {}, None)
    assert found.before["p95_response_time_ms"].sum() == 0
    assert found.after["p95_response_time_ms"].tolist() == [1.0] + [0.0] * 19


def test_evaluations_that_were_not_run_did_not_fail():
    before = rows({"A": [True, True]})
    after = before.assign(status=["failed", "not_run"])
    assert paired_outcomes(before, after, pair(before, after), {}, None).after["execution_failure_rate"].tolist() == [1]


def test_segments_are_joined_by_scenario_of_the_runs_suite():
    known = scenarios({"A": {"tier": "gold", "site": None}, "B": {"tier": "bronze", "site": "porto"}})
    other = scenarios({"C": {"tier": "of another suite"}}, suite="other")
    found = segment_labels(pd.concat([other, known]), SUITE, pd.Series(["B", "C", "A"]))
    assert {name: labels.tolist() for name, labels in found.items()} == {
        "tier": ["bronze", None, "gold"],
        "site": ["porto", None, None],
    }
    assert segment_labels(None, SUITE, pd.Series(["A"])) == {}
    assert segment_labels(known, None, pd.Series(["A"])) == {}


def test_a_scenario_of_unknown_family_is_a_family_of_its_own():
    labels = {"family": np.array(["x", None, "x", "y", None], dtype=object)}
    families = families_of(labels, "family")
    assert families is not None
    assert families[0] == families[2]
    assert len(set(families.tolist())) == 4
    assert families_of(labels, "tier") is None
    assert families_of(labels, None) is None
