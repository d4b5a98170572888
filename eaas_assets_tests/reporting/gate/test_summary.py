from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from eaas_assets.reporting.gate.summary import (
    GateReport,
    Outcome,
    could_not_run,
    gate_case,
    gate_report,
    properties,
    sentence,
    settlement,
    summary_lines,
    summary_markdown,
)
from eaas_assets_tests.reporting.evaluation.world import make_tables
from eaas_assets_tests.reporting.hostile import PAYLOADS, has_invisible, rendered_markdown

SELF_TEST = "Where nothing changes, the gate fails in 2 of 200 replays."


def comparison(**changes: Any) -> pd.Series:
    row = make_tables().baseline.iloc[0].copy()
    for name, value in ({"paired_scenarios": 10, "level": 0.95, "margin": 0.05} | changes).items():
        row[name] = value
    return row


def report(outcome: Outcome = "fail", **changes: Any) -> GateReport:
    summary = make_tables().summary.iloc[0]
    return gate_report(outcome, summary, comparison(**changes), SELF_TEST, ["no_regression: worse"], ["suite: odd"])


OPEN = {
    "verdict": "inconclusive",
    "settle_claim": "worse",
    "settle_scenarios": 27,
    "settle_scenarios_cost_usd": 1.5,
    "settle_scenarios_seconds": 125.0,
    "settle_trials": 4,
}


def test_each_verdict_has_its_sentence():
    change = "−20 points (95 % CI −51 to +7 points)"
    bounds = {"improvement": -0.2, "improvement_low": -0.51, "improvement_high": 0.07}
    told = {
        verdict: sentence(comparison(verdict=verdict, **bounds))
        for verdict in ("better", "worse", "not_worse", "inconclusive")
    }
    assert told == {
        "better": f"v1.1 is better than v1.0: {change}.",
        "worse": f"v1.1 is worse than v1.0: {change}.",
        "not_worse": f"v1.1 is not worse than v1.0 by 5 points or more: {change}.",
        "inconclusive": f"v1.1 against v1.0: {change}; 10 scenarios cannot tell whether that is chance.",
    }


def test_without_a_baseline_there_is_nothing_to_be_worse_than():
    assert "declares no baseline" in sentence(comparison(baseline_version=None, verdict="no_baseline"))
    told = sentence(comparison(baseline_run_id=None, verdict="no_baseline"))
    assert told == "v1.1 cannot be compared: its baseline v1.0 has no run with results."


def test_what_would_settle_it_has_its_price_as_far_as_it_is_known():
    told = settlement(comparison(**OPEN))
    assert told == (
        "If the difference is as it looks, 27 further scenarios (about USD 1.50 and 2 min 5 s of answering time) or "
        "4 further trials of each scenario would show that v1.1 is worse."
    )
    assert settlement(comparison(**OPEN | {"settle_scenarios": None, "settle_trials": None})) == ""
    assert settlement(comparison(settle_claim=None)) == ""


def test_the_lines_begin_with_the_outcome_and_the_verdict():
    lines = summary_lines(report(**OPEN))
    assert lines[0] == "✕ FAIL: support_orchestrator@v1.1"
    assert lines[1].startswith("v1.1 against v1.0")
    assert lines[2:6] == ["Stops the release:", "  - no_regression: worse", "Warnings:", "  - suite: odd"]
    assert any(line.startswith("To settle it: ") for line in lines)
    assert f"The gate itself: {SELF_TEST}" in lines


@pytest.mark.parametrize(
    ("outcome", "words"),
    [("pass", "✓ PASS"), ("fail", "✕ FAIL"), ("inconclusive", "▲ INCONCLUSIVE"), ("not_run", "✕ COULD NOT RUN")],
)
def test_an_outcome_is_a_word_with_a_symbol(outcome: Outcome, words: str):
    assert summary_markdown(report(outcome)).startswith(f"## {words}: `support_orchestrator@v1.1`")


def test_the_testcase_follows_the_outcome():
    assert gate_case(report("pass")) is None
    failed, open_, broken = gate_case(report("fail")), gate_case(report("inconclusive", **OPEN)), gate_case(
        could_not_run("a@b", ["no such version"])
    )  # fmt: skip
    assert failed is not None
    assert (failed.element, failed.message) == ("failure", "no_regression: worse")
    assert open_ is not None
    assert open_.element == "skipped"
    assert "27 further scenarios" in open_.message
    assert broken is not None
    assert (broken.element, broken.message) == ("error", "no such version")


def test_rate_interval_and_verdict_are_among_the_properties():
    found = properties(report(verdict="not_worse"))
    assert found["gate"] == "fail"
    assert found["verdict"] == "not worse"
    assert found["passed"] == "7 of 10 (70 %, 95 % CI 40–89 %)"
    assert found["interval_of_the_difference"].startswith("95 % CI ")
    assert found["self_test"] == SELF_TEST


def test_unknown_values_are_left_out_and_never_0():
    facts = dict(report(verdict="no_baseline", baseline_version=None, baseline_run_id=None).facts)
    assert facts["baseline"] == "none declared"
    assert "difference" not in facts


def test_the_markdown_is_short_whatever_it_is_given():
    long = replace(report(), reasons=("A" * 10_000,) * 500, warnings=("B" * 10_000,) * 500, lost=("S" * 64,) * 9999,
                   details="C" * 10**6, title="D" * 10**6)  # fmt: skip
    page = summary_markdown(long)
    assert len(page) < 64 * 1024
    assert "and 480 more" in page
    assert len("\n".join(summary_lines(long))) < 64 * 1024


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_hostile_text_stays_text(payload: str):
    hostile = replace(report(), sentence=payload, reasons=(payload,), warnings=(payload,), settle=payload[:300],
                      details=payload, lost=(payload,), gained=(payload,), title=payload)  # fmt: skip
    page = rendered_markdown(summary_markdown(hostile))
    assert page.unsafe == []
    assert set(page.tags) <= {"h2", "code", "p", "strong", "ul", "li", "em",
                              "table", "thead", "tbody", "tr", "th", "td"}  # fmt: skip
    assert not any(has_invisible(line) for line in summary_lines(hostile))
