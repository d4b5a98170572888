import json
from dataclasses import replace

import pandas as pd
import pytest

from eaas_assets.contracts.history import BaselineComparison, RunMetrics
from eaas_assets.contracts.inputs import SuiteAudit
from eaas_assets.contracts.tables import build
from eaas_assets.reporting.evaluation.verdict import Decision, Gate, decide, decision_of, judge
from eaas_assets_tests.reporting.evaluation import world

COMFORT = "v1.1 shows no regression against v1.0, as far as 10 scenarios can tell."


def gate(tables, name):
    return next(found for found in judge(tables).gates if found.name == name)


def compared(tables, **columns):
    rows = tables.baseline.to_dict("records")
    return replace(tables, baseline=build(BaselineComparison, [rows[0] | columns]))


def test_a_regression_is_named_by_scenario_and_stops():
    verdict = judge(world.make_tables())
    assert verdict.sentence == "v1.1 is worse than v1.0 on 2 of 10 scenarios: S006, S008. Do not ship."
    assert verdict.decision is Decision.STOP


def test_a_run_with_every_gate_clear_is_safe_to_ship():
    verdict = judge(world.clear_tables())
    assert {found.state for found in verdict.gates} == {"clear"}
    assert verdict.sentence == (
        "v1.1 passes 10 of 10 (100 %, 95 % CI 72–100 %), gains S006, S008 and loses no scenario of v1.0. Safe to ship."
    )


def test_the_policy_decides_how_much_a_regression_weighs():
    tables = world.make_tables(release_policy=world.release_policy(regression="warn", high_risk_failures="warn"))
    assert judge(tables).sentence.endswith("S006, S008. Review before shipping.")


@pytest.mark.parametrize("state", ["raised", "not known", "clear"])
@pytest.mark.parametrize("severity", ["error", "warn"])
def test_decisions_follow_the_three_rules(state, severity):
    clear = Gate("a", "clear", "error", "")
    expected = {"clear": Decision.SHIP, "not known": Decision.REVIEW}.get(
        state, Decision.STOP if severity == "error" else Decision.REVIEW
    )
    assert decide([clear, Gate("b", state, severity, ""), clear]) is expected


def test_equal_numbers_lost_and_gained_do_not_hide_the_lost_ones():
    lost = [f"S{place:03d}" for place in range(1, 7)]
    alarms = {"lost_scenarios_json": json.dumps(lost), "alarms_json": '["lost_scenarios"]'}
    tables = compared(world.clear_tables(), improvement=0.0, **alarms)
    verdict = judge(tables)
    assert verdict.decision is Decision.REVIEW
    assert verdict.sentence == (
        f"{COMFORT} Lost against v1.0: S001, S002, S003, S004, S005 and 1 more; gained: S006, S008. "
        "Review before shipping."
    )


def test_losses_that_chance_explains_are_named_and_do_not_stop_a_release():
    tables = compared(world.clear_tables(), lost_scenarios_json='["S001"]')
    verdict = judge(tables)
    assert verdict.decision is Decision.SHIP
    assert "loses no more scenarios than chance explains of v1.0" in verdict.sentence
    lost = gate(tables, "Lost scenarios")
    assert lost.statement == "Lost against v1.0: S001; gained: S006, S008; no more than chance explains."


def test_a_fall_that_chance_explains_is_neither_clear_nor_raised():
    found = gate(compared(world.clear_tables(), regression_detected=True), "Regression against the baseline")
    assert found.state == "not known"
    assert found.statement.endswith("cannot be told: the pass rate fell, and chance explains it.")


def test_a_worse_segment_stops_though_the_average_holds():
    worse = {"alarms_json": '["worse_segment"]', "worst_segments_json": '["channel = email"]'}
    verdict = judge(compared(world.clear_tables(), **worse))
    assert verdict.sentence == "v1.1 is worse than v1.0 where channel = email. Do not ship."


def test_scenarios_that_only_one_run_has_are_no_denominator():
    tables = compared(world.make_tables(), unpaired_scenarios_json='["S001", "S002", "S099"]')
    assert "worse than v1.0 on 2 of 8 scenarios" in judge(tables).sentence


def test_a_fall_without_shared_scenarios_is_told_in_rates():
    tables = compared(world.make_tables(), lost_scenarios_json="[]", baseline_passed=None, baseline_total=None)
    assert judge(tables).sentence == (
        "v1.1 is worse than v1.0: its pass rate is 7 of 10 (70 %) against 90 % (count not recorded). Do not ship."
    )


def test_missing_evidence_never_ships():
    clear = world.clear_tables()
    assert judge(clear).decision is Decision.SHIP
    unknown = {
        "no baseline declared": compared(clear, baseline_version=None, baseline_run_id=None, verdict="no_baseline"),
        "baseline never run": compared(clear, baseline_run_id=None, regression_detected=None, verdict="no_baseline"),
        "cannot be told": compared(clear, regression_detected=None),
        "no metrics": replace(clear, run_metrics=build(RunMetrics, [])),
        "no input record": replace(clear, validation=clear.validation.head(0)),
        "no health": replace(clear, summary=clear.summary.assign(health_status=None)),
    }
    for case, tables in unknown.items():
        verdict = judge(tables)
        assert verdict.decision is Decision.REVIEW, case
        assert not any(found.state == "raised" for found in verdict.gates), case


def test_a_suite_without_risks_has_no_failures_of_high_risk():
    tables = world.clear_tables()
    tables = replace(tables, scores=tables.scores.assign(risk=pd.Series([None] * 10, dtype="str")),
                     run_metrics=build(RunMetrics, []))  # fmt: skip
    assert gate(tables, "High-risk failures").state == "clear"


def test_failures_of_high_risk_stop_though_nothing_is_lost():
    nothing = {"lost_scenarios_json": "[]", "alarms_json": "[]"}
    tables = compared(world.make_tables(), regression_detected=False, verdict="inconclusive", **nothing)
    tables = replace(tables, regression=tables.regression.head(0))
    assert judge(tables).sentence == "v1.1 fails 2 high-risk scenarios: S006, S008. Do not ship."


def test_a_worse_metric_is_a_regression_though_the_pass_rate_holds():
    clear = world.clear_tables()
    slower = world.make_tables().regression.head(1).assign(subject="p95_response_time_ms")
    verdict = judge(replace(clear, regression=slower))
    assert verdict.sentence == "v1.1 is worse than v1.0 in p95 response time. Do not ship."
    previous = judge(replace(clear, regression=slower.assign(against="previous_run")))
    assert previous.sentence == (
        f"{COMFORT} v1.1 is worse than in the previous run in p95 response time. Review before shipping."
    )


def test_evaluations_that_were_not_scored_stop():
    tables = world.clear_tables()
    verdict = judge(replace(tables, plan=tables.plan.assign(planned_evaluations=12)))
    assert verdict.sentence == "10 of 12 planned evaluations are scored. Do not ship."


def test_errors_of_another_suite_do_not_count():
    tables = world.clear_tables()
    rows = [row | {"suite": "another"} for row in world.audit_rows()]
    assert judge(replace(tables, audit=build(SuiteAudit, rows))).decision is Decision.SHIP
    raised = judge(replace(tables, audit=build(SuiteAudit, world.audit_rows())))
    assert raised.sentence == (
        f"{COMFORT} The audit finds 1 error in the suite customer_support: contradictory labels. "
        "Review before shipping."
    )


def test_files_that_the_run_does_not_use_do_not_count():
    tables = world.clear_tables()
    assert judge(replace(tables, validation=world.make_tables().validation)).decision is Decision.SHIP
    used = world.make_tables().validation.assign(used_by_run=True)
    assert judge(replace(tables, validation=used)).sentence == (
        f"{COMFORT} 2 of 3 files of the run could not be read in full: history/runs.json, agents/other/v1.yaml. "
        "Review before shipping."
    )


def test_a_critical_version_is_reviewed():
    tables = world.clear_tables()
    tables = replace(tables, summary=tables.summary.assign(health_status="critical", average_score=0.4))
    assert judge(tables).sentence == (
        f"{COMFORT} v1.1 is critical: average score 0.400 (healthy from 0.85, degraded from 0.7). "
        "Review before shipping."
    )


def test_a_decision_can_be_read_back_from_its_verdict():
    for tables in (world.make_tables(), world.clear_tables()):
        verdict = judge(tables)
        assert decision_of(verdict.sentence) is verdict.decision
    with pytest.raises(ValueError, match="must end with one of"):
        decision_of("It is fine.")
