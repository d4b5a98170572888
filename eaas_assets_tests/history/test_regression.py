from __future__ import annotations

import pandas as pd
import pytest

from eaas_assets.history.baseline import compare_with_baseline
from eaas_assets.history.imports import read_history
from eaas_assets.history.record import RunRecord, combine
from eaas_assets.history.regression import analyse_regression, regression_found
from eaas_assets.history.runs import historical_runs
from eaas_assets_tests.history.runs_by_hand import (
    AGENT,
    DATA,
    SAMPLE_SCENARIOS,
    outcomes,
    release_policy,
    run,
    stated_run,
)

POLICY = release_policy()


def analysed(history: RunRecord, run_id: str = "R2", baseline: str | None = "v1.0") -> pd.DataFrame:
    return analyse_regression(run_id, baseline, history, POLICY)


def gate(history: RunRecord, run_id: str = "R2", baseline: str | None = "v1.0") -> list[str]:
    comparison = compare_with_baseline(run_id, baseline, history, POLICY)
    return regression_found(analysed(history, run_id, baseline), comparison)


def of(rows: pd.DataFrame, kind: str, against: str = "previous_run") -> pd.DataFrame:
    return rows[(rows["kind"] == kind) & (rows["against"] == against)].set_index("subject")


def all_but(*failed: str) -> dict:
    return outcomes([name for name in SAMPLE_SCENARIOS if name not in failed], list(failed))


@pytest.fixture(scope="module")
def imported() -> RunRecord:
    history = read_history(DATA)
    return combine(historical_runs(history, AGENT, version) for version in ("v0.9", "v1.0", "v1.1"))


def test_against_the_true_previous_run_only_the_true_flags_are_raised(imported):
    """The original compared 0.75, 0.75, 0.25, 1, 860 with a row of zeros and flagged the latency and the risk.

    Against the true row of RUN_2026_01_17 (0.80, 0.80, 0.35, 3, 860) pass rate and outcome fell by five points, fewer
    cases asked for a person, fewer failed at high risk, and the latency did not change.
    """
    stated = {"pass_rate": 0.75, "outcome_accuracy": 0.75, "human_review_rate": 0.25}
    others = {"high_risk_failures": 1.0, "average_response_time_ms": 860.0}
    upto = imported.runs["run_id"] != "RUN_2026_01_24"
    known = RunRecord(imported.runs[upto], imported.metrics, imported.scenarios)
    rows = analysed(combine([known, stated_run("R2", "v1.1", stated | others)]))
    metrics = of(rows, "metric")
    assert set(metrics["reference_run_id"]) == {"RUN_2026_01_17"}
    flags = metrics["verdict"].to_dict()
    assert {name for name, verdict in flags.items() if verdict == "regression"} == {"pass_rate", "outcome_accuracy"}
    assert {name for name, verdict in flags.items() if verdict == "improvement"} == {
        "human_review_rate",
        "high_risk_failures",
    }
    assert flags["average_response_time_ms"] == "unchanged"
    assert metrics.loc["pass_rate", "change"] == metrics.loc["outcome_accuracy", "change"] == -0.05
    assert metrics.loc["human_review_rate", "change"] == -0.1
    assert flags["p95_response_time_ms"] == "undetermined"  # the new run does not state it: unknown, not zero


def test_the_first_run_has_no_previous_run_and_no_zeros():
    rows = analysed(run("R2", "v1.0", all_but("S006")), baseline=None)
    assert rows["kind"].tolist() == ["statement", "statement"]
    assert set(rows["verdict"]) == {"undetermined"}
    assert rows[["previous", "current", "change", "reference_run_id"]].isna().all(axis=None)
    assert "No earlier full run" in rows["statement"].iloc[0]
    assert "first version" in rows["statement"].iloc[1]
    assert gate(run("R2", "v1.0", all_but("S006")), baseline=None) == []


def test_a_previous_run_without_results_is_not_compared_with():
    history = combine([stated_run("R1", "v1.0", {}), run("R2", "v1.1", all_but(), day=1)])
    assert set(analysed(history)["kind"]) == {"statement"}


def test_a_lost_churn_handling_is_found_and_named():
    history = combine([run("R1", "v1.0", all_but()), run("R2", "v1.1", all_but("S006", "S008"), day=1)])
    rows = analysed(history)
    for against in ("previous_run", "baseline"):
        scenarios = of(rows, "scenario", against)
        assert scenarios["verdict"].to_dict() == {"S006": "lost", "S008": "lost"}
        assert scenarios["statement"].tolist() == [f"{name} passed before, fails now." for name in ("S006", "S008")]
        assert of(rows, "metric", against).loc["pass_rate", "verdict"] == "regression"
        assert of(rows, "statement", against)["verdict"].tolist() == ["regression"]
    found = gate(history)
    assert any("20 points below the baseline v1.0" in told for told in found)
    assert any("2 scenarios lost: S006, S008" in told for told in found)
    assert len(found) == len(set(found))
    assert not any("previous run" in told for told in found)  # it is the baseline's run: said once


def test_six_lost_and_six_gained_make_the_gate_red_at_equal_averages():
    kept, first, second = [[f"{letter}{i}" for i in range(n)] for letter, n in (("K", 28), ("A", 6), ("B", 6))]
    history = combine(
        [run("R1", "v1.0", outcomes(kept + first, second)), run("R2", "v1.1", outcomes(kept + second, first), day=1)]
    )
    rows = analysed(history)
    assert of(rows, "metric").loc["pass_rate", "verdict"] == "unchanged"
    verdicts = of(rows, "scenario")["verdict"].value_counts().to_dict()
    assert verdicts == {"lost": 6, "gained": 6}
    statement = of(rows, "statement").iloc[0]
    assert statement["verdict"] == "regression"
    assert "Averages hide this" in statement["statement"]
    assert gate(history) == [f"Against the baseline run R1: 6 scenarios lost: {', '.join(first)}."]


def test_a_mended_version_is_an_improvement_and_the_gate_is_green():
    history = combine([run("R1", "v1.0", all_but("S006", "S008")), run("R2", "v1.1", all_but(), day=1)])
    rows = analysed(history)
    assert of(rows, "scenario")["verdict"].to_dict() == {"S006": "gained", "S008": "gained"}
    assert of(rows, "statement")["verdict"].tolist() == ["improvement"]
    assert gate(history) == []


def test_the_same_results_again_are_unchanged():
    history = combine([run("R1", "v1.0", all_but("S001")), run("R2", "v1.0", all_but("S001"), day=1)])
    rows = analysed(history, baseline=None)
    assert of(rows, "scenario").empty
    assert set(of(rows, "metric")["verdict"]) == {"unchanged"}
    assert of(rows, "statement")["verdict"].tolist() == ["unchanged"]
    assert gate(history, baseline=None) == []


def test_a_slower_run_is_a_regression_by_metric_alone():
    history = combine([run("R1", "v1.0", all_but()), run("R2", "v1.0", all_but(), day=1, response_time_s=0.75)])
    metrics = of(analysed(history, baseline=None), "metric")
    assert metrics.loc["average_response_time_ms", ["previous", "current", "change", "verdict"]].tolist() == [
        500.0,
        750.0,
        250.0,
        "regression",
    ]
    told = "Average response time: 750 ms after 500 ms, worse by 250 ms; it counts from 250 ms on."
    assert gate(history, baseline=None) == [f"Against the previous run R1: {told}"]


def test_metrics_that_neither_run_knows_are_left_out():
    history = combine([run("R1", "v1.0", all_but()), run("R2", "v1.1", all_but(), day=1)])
    assert "average_cost_usd" not in of(analysed(history), "metric").index


def test_what_only_the_whole_run_tells_is_undetermined_over_shared_scenarios():
    part = run("R2", "v1.1", outcomes(["S001"], ["S002"]), day=1, partial=True)
    metrics = of(analysed(combine([run("R1", "v1.0", all_but()), part])), "metric")
    assert metrics.loc["pass_rate", ["previous", "current"]].tolist() == [1.0, 0.5]
    assert "high_risk_failures" not in metrics.index
    assert "execution_failure_rate" not in metrics.index


def test_a_share_of_trials_that_changed_is_shown_and_not_called_lost():
    before = {"S001": [True] * 5, "S002": [True] * 5, "S003": [True] * 5}
    after = before | {"S001": [True, True, True, True, False], "S002": [False] * 5}
    rows = analysed(combine([run("R1", "v1.0", before), run("R2", "v1.1", after, day=1)]))
    scenarios = of(rows, "scenario")
    assert scenarios["verdict"].to_dict() == {"S001": "undetermined", "S002": "lost"}
    assert scenarios.loc["S001", ["previous", "current", "change"]].tolist() == [1.0, 0.8, -0.2]
    assert scenarios.loc["S001", "statement"] == "S001 passed 4 of 5 trials after 5 of 5."


def test_previous_run_and_baseline_may_be_different_runs():
    history = combine(
        [
            run("R0", "v1.0", all_but("S001")),
            run("R1", "v1.1", all_but(), day=1),
            run("R2", "v1.1", all_but("S002"), day=2),
        ]
    )
    rows = analysed(history)
    assert of(rows, "scenario", "previous_run")["verdict"].to_dict() == {"S002": "lost"}
    assert of(rows, "scenario", "baseline")["verdict"].to_dict() == {"S001": "gained", "S002": "lost"}
    found = gate(history)
    assert "Against the previous run R1: 1 scenario lost: S002." in found
    assert "Against the baseline run R0: 1 scenario lost: S002." in found


def test_a_baseline_that_never_ran_is_told():
    history = combine([run("R1", "v0.9", all_but()), run("R2", "v1.1", all_but(), day=1)])
    baseline = analysed(history)[lambda rows: rows["against"] == "baseline"]
    assert baseline["statement"].tolist() == [
        "The baseline v1.0 has no full run with results: there is nothing to compare with."
    ]


def test_a_small_suite_says_what_it_cannot_tell():
    history = combine([run("R1", "v1.0", all_but()), run("R2", "v1.1", all_but(), day=1)])
    statement = of(analysed(history), "statement")["statement"].iloc[0]
    assert "One scenario of 10 is 10 points, more than the limit of 5 points." in statement
    assert "67.3 points" in statement


def test_many_lost_scenarios_are_counted_and_the_first_named():
    every = [f"S{number:03d}" for number in range(30)]
    history = combine([run("R1", "v1.0", outcomes(every, [])), run("R2", "v1.1", outcomes([], every), day=1)])
    told = gate(history)[-1]
    assert "30 scenarios lost" in told
    assert "and 10 more" in told
    assert "S019" in told
    assert "S020" not in told


def test_the_order_of_rows_does_not_matter(imported):
    history = combine([imported, run("R1", "v1.0", all_but()), run("R2", "v1.1", all_but("S008"), day=1)])
    shuffled = RunRecord(*(table.sample(frac=1, random_state=11) for table in history))
    pd.testing.assert_frame_equal(analysed(history), analysed(shuffled))
