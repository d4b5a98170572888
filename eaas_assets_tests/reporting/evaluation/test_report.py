import itertools
import json
import re
from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from eaas_assets.contracts.evaluation import (
    AgentCalls,
    AgentPerformanceSummary,
    EvaluationFieldScores,
    EvaluationScores,
    EvaluationSummary,
    ExecutedEvaluations,
    WorkflowHealth,
)
from eaas_assets.contracts.history import BaselineComparison, RegressionAnalysis, RunMetrics, TrendAnalysis
from eaas_assets.contracts.inputs import SuiteAudit
from eaas_assets.contracts.tables import build
from eaas_assets.reporting.evaluation.report import evaluation_report_view, render_evaluation_report
from eaas_assets.reporting.evaluation.tables import EvaluationReportTables
from eaas_assets_tests.reporting.evaluation import world
from eaas_assets_tests.reporting.hostile import PAYLOADS, Page, has_invisible, prose, rendered_markdown

EXPECTED = Path(__file__).parent / "expected" / "report.md"
SECTIONS = ["What to do next", "What changed", "Why: failed scenarios", "Which specialists are healthy", "Scores",
            "Trend", "Suite audit", "Inputs and workflow", "Trace"]  # fmt: skip

TABLES = world.make_tables()

# Free text by table. Enumerations, identifiers that join tables, and numbers cannot hold a payload.
FREE_TEXT = {
    "plan": ["goal", "evaluation_type", "scope_scenario_id", "scope_target_agent_id"],
    "executed": ["error_code", "error", "message"],
    "calls": ["agent_id", "action"],
    "performance": ["agent_id"],
    "validation": ["file", "kind"],
    "workflow_health": ["stage", "statement"],
    "baseline": ["details"],
    "regression": ["statement", "reference_run_id"],
    "trend": ["statement"],
    "audit": ["finding", "subject", "statement", "advice"],
    "run_metrics": ["version"],
    "scenarios": ["message"],
    "specialists": ["name", "agent_id", "description"],
}
FREE_JSON = {
    "plan": {"success_criteria_json": lambda text: {"a": text, "b": [text]}},
    "calls": {"output_json": lambda text: {"status": text}},
    "scores": {"issues_json": lambda text: [text, text]},
    "field_scores": {"expected_json": lambda text: text + "1", "actual_json": lambda text: [text]},
    "performance": {"common_issues_json": lambda text: [{"issue": text, "count": 2}],
                    "missed_scenarios_json": lambda text: [text], "unexpected_scenarios_json": lambda text: [text]},
    "baseline": {"gained_scenarios_json": lambda text: [text, text]},
    "audit": {"evidence_json": lambda text: [{"row": text}]},
    "validation": {"problems_json": lambda text: [
        {"file": text, "code": "x", "found": text, "expected": text, "row": 1, "field": text}]},
}  # fmt: skip


def written_by_others(text: str) -> EvaluationReportTables:
    """The run with ``text`` wherever an agent or a user can write."""
    tables = replace(TABLES, data_versions={text: text})
    tables = replace(tables, **{name: getattr(tables, name).assign(**dict.fromkeys(columns, text))
                                for name, columns in FREE_TEXT.items()})  # fmt: skip
    makers: dict[str, dict[str, Callable[[str], Any]]] = FREE_JSON
    return replace(tables, **{
        name: getattr(tables, name).assign(**{column: json.dumps(make(text)) for column, make in columns.items()})
        for name, columns in makers.items()
    })  # fmt: skip


@pytest.fixture(scope="module")
def report():
    return render_evaluation_report(world.make_tables())


@pytest.fixture(scope="module")
def page(report):
    return Page(report.html)


def test_the_markdown_is_as_reviewed(report):
    """To accept a change: ``python -m eaas_assets_tests.reporting.evaluation.test_report``."""
    assert report.markdown == EXPECTED.read_text("utf-8")


def test_the_verdict_comes_first_in_both_formats(report, page):
    assert report.verdict == "v1.1 is worse than v1.0 on 2 of 10 scenarios: S006, S008. Do not ship."
    assert page.words.index(report.verdict) < page.words.index("What to do next")
    assert report.markdown.index(report.verdict) < report.markdown.index("## ")


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_is_there(report, page, section):
    assert f"## {section}" in report.markdown
    assert section in page.words


@pytest.mark.parametrize(
    "fact",
    ["7 of 10", "70 %, 95 % CI 40–89 %", "−20 points", "−51 to +9 points", "p = 0.500", "prevent_churn",
     "no answer within 30 s",
     "Where is my parcel? (S006)", "We are sorry that it is late.", "2 (S006, S008)", "88 % (count not recorded)",
     "The same facts have two labels.", "Let the message decide, or mend a label.", "One of ten evaluations timed out.",
     "row 3, field overall_pass_rate, found 'x'; expected a number", world.RUN, world.POLICY, world.RELEASE, "a" * 64,
     "0.5", "840 ms measured", "No direction can be told from five runs.", "every scenario of the suite"],
)  # fmt: skip
def test_every_fact_is_in_both_formats(report, page, fact):
    assert fact in page.words
    assert fact in report.markdown


def test_the_page_loads_and_runs_nothing(report, page):
    assert page.unsafe == []
    assert page.open == []
    assert page.tags.count("svg") == 3
    assert not re.search(r"https?:|url\((?!#)|@import", report.html)
    assert ("meta", "http-equiv", "Content-Security-Policy") in page.attributes


def test_the_page_can_be_read_by_machines_and_assistive_technology(page):
    headings = [int(tag[1]) for tag in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(headings))
    assert len(page.ids) == len(set(page.ids))
    targets = {value[1:] for _, name, value in page.attributes if name == "href" and value.startswith("#")}
    assert targets <= set(page.ids)
    assert ("html", "lang", "en") in page.attributes
    assert any(name == "name" and value == "viewport" for _, name, value in page.attributes)


def test_the_same_tables_give_the_same_bytes(report):
    assert render_evaluation_report(world.make_tables()) == report


@pytest.fixture
def without_charts(monkeypatch):
    """Charts take most of the time, and have their own tests with the same payloads."""
    for chart in ("changes.trend_chart", "scores.score_chart", "scores.health_chart"):
        monkeypatch.setattr(f"eaas_assets.reporting.evaluation.{chart}", lambda *_: None)


@cache
def rendered_harmless():
    return render_evaluation_report(written_by_others("harmless"))


@pytest.mark.usefixtures("without_charts")
@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_hostile_text_is_inert(payload):
    harmless = rendered_harmless()
    report = render_evaluation_report(written_by_others(payload))
    page = Page(report.html)
    assert page.unsafe == []
    assert page.tags == Page(harmless.html).tags
    assert not has_invisible(report.html)
    assert len(report.html) < 600_000
    told = rendered_markdown(report.markdown)
    assert [tag for tag in told.tags if tag != "code"] == [
        tag for tag in rendered_markdown(harmless.markdown).tags if tag != "code"
    ]
    assert not re.search(r"(?i)://|www\.|\w@\w|mailto:\w", prose(report.markdown))
    assert not has_invisible(report.markdown)
    assert "49" not in re.findall(r"\b49\b", report.verdict)


def test_hostile_scenario_names_stay_names():
    payload = "<script>alert(1)</script> [a](javascript:b) | `x`\n# y"
    named = {"S006": payload}
    changed = {
        field.name: table.assign(scenario_id=table["scenario_id"].replace(named))
        for field in fields(TABLES)
        if isinstance(table := getattr(TABLES, field.name), pd.DataFrame) and "scenario_id" in table
    }
    baseline = TABLES.baseline.assign(lost_scenarios_json=json.dumps([payload, "S008"]))
    report = render_evaluation_report(replace(TABLES, **changed, baseline=baseline))
    assert Page(report.html).unsafe == []
    assert Page(report.html).tags == Page(render_evaluation_report(TABLES).html).tags
    assert not {"a", "script"} & set(rendered_markdown(report.markdown).tags)
    assert "\n" not in report.verdict


def nulls() -> EvaluationReportTables:
    """The run with null in every column that may be null."""
    contracts = {
        "executed": ExecutedEvaluations, "calls": AgentCalls, "scores": EvaluationScores,
        "field_scores": EvaluationFieldScores, "performance": AgentPerformanceSummary, "summary": EvaluationSummary,
        "workflow_health": WorkflowHealth, "baseline": BaselineComparison, "regression": RegressionAnalysis,
        "trend": TrendAnalysis, "run_metrics": RunMetrics, "audit": SuiteAudit,
    }  # fmt: skip
    tables = TABLES
    emptied = {}
    for name, contract in contracts.items():
        nullable = [column for column, schema in contract.to_schema().columns.items() if schema.nullable]
        rows = [row | dict.fromkeys(nullable) for row in getattr(tables, name).to_dict("records")]
        emptied[name] = build(contract, rows)
    return replace(tables, **emptied)


def test_nulls_are_dashes_with_reasons():
    report = render_evaluation_report(nulls())
    words = Page(report.html).words
    for told in (words, report.markdown):
        assert not re.search(r"\b(None|nan|NaN|NaT|<NA>|null)\b", told)
    for reason in ("never called", "no time known", "nothing was evaluated", "not known", "not measured",
                   "no valid answer", "too few runs", "undefined", "there is no run to compare with"):  # fmt: skip
        assert reason in words
    assert not re.search(r"(?<![\d.,–])0 %", words)
    assert "svg" not in Page(report.html).tags[:40]


def test_a_run_without_results_is_a_report_too():
    tables = TABLES
    empty = {field.name: table.head(0) for field in fields(tables)
             if isinstance(table := getattr(tables, field.name), pd.DataFrame)
             and field.name not in {"plan", "summary", "baseline"}}  # fmt: skip
    summary = world.summary_row() | dict.fromkeys(
        ["overall_pass_rate", "pass_rate_low", "pass_rate_high", "average_score", "health_status"]
    ) | {"total_evaluations": 0, "total_passed": 0, "total_failed": 0, "execution_failures": 0}  # fmt: skip
    report = render_evaluation_report(replace(tables, **empty, summary=build(EvaluationSummary, [summary])))
    assert "0 of 10 planned evaluations are scored." in report.markdown
    assert "Nothing was evaluated." in report.markdown
    assert "svg" not in Page(report.html).tags
    assert Page(report.html).unsafe == []


@pytest.mark.usefixtures("without_charts")
def test_long_lists_are_cut_and_say_where_the_rest_is():
    tables = TABLES
    many = 300
    scores = build(EvaluationScores, [
        world.score_row("S006") | {"scenario_id": f"T{n:04d}", "evaluation_key": f"key-T{n:04d}"} for n in range(many)
    ])  # fmt: skip
    report = render_evaluation_report(replace(tables, scores=scores))
    words = Page(report.html).words
    assert "280 more are not shown here: see the table evaluation_scores." in words
    assert "250 more rows not shown here: see the table evaluation_scores." in words
    assert len(report.html) < 400_000


@pytest.mark.usefixtures("without_charts")
def test_repeated_trials_are_told_apart():
    tables = TABLES
    again = tables.scores[tables.scores["scenario_id"] == "S006"].assign(trial=2, evaluation_key="key-again")
    view = evaluation_report_view(
        replace(tables, plan=tables.plan.assign(trials=2), scores=pd.concat([tables.scores, again], ignore_index=True))
    )
    assert [(failure.scenario, failure.trial) for failure in view.failures.shown[:2]] == [
        ("S006", "trial 1"),
        ("S006", "trial 2"),
    ]


@pytest.mark.usefixtures("without_charts")
def test_failures_come_in_order_of_concern():
    shown = evaluation_report_view(TABLES).failures.shown
    assert [failure.scenario for failure in shown] == ["S006", "S008", "S010"]
    assert [mark.word for mark in shown[0].marks] == ["passed by v1.0", "high risk"]
    assert shown[2].reason == "timed out"


@pytest.mark.usefixtures("without_charts")
def test_values_that_look_alike_are_told_apart():
    tables = TABLES
    numbers = tables.field_scores.assign(expected_json='"5"', actual_json="5", matched=False)
    assert "`5` | ✕ differs" in render_evaluation_report(replace(tables, field_scores=numbers)).markdown
    assert '`"5"` | `5`' in render_evaluation_report(replace(tables, field_scores=numbers)).markdown


@pytest.mark.usefixtures("without_charts")
def test_an_interval_is_not_lent_to_a_part_of_the_run():
    tables = TABLES
    part = build(BaselineComparison, [world.baseline_row() | {"current_passed": 4, "current_total": 6}])
    assert (
        "| v1.1: this run | 4 of 6 | 70 % | – (no interval) |"
        in render_evaluation_report(replace(tables, baseline=part)).markdown
    )


@pytest.mark.usefixtures("without_charts")
def test_advice_follows_from_the_findings():
    assert evaluation_report_view(world.clear_tables()).steps[0] == "Ship v1.1: every gate is clear."
    steps = evaluation_report_view(TABLES).steps
    assert steps[0].startswith("Win back S006, S008, which v1.0 passes and v1.1 fails.")
    assert len(steps) == len(set(steps)) <= 8


def test_scores_under_two_policies_are_no_single_report():
    tables = TABLES
    with pytest.raises(ValueError, match="must have 1"):
        replace(tables, summary=pd.concat([tables.summary, tables.summary]))


@pytest.mark.usefixtures("without_charts")
def test_a_run_scored_anew_shows_one_point_per_run():
    tables = TABLES
    old = tables.run_metrics[tables.run_metrics["source"] == "executed"].assign(policy_hash="0" * 64, value=0.1)
    anew = replace(tables, run_metrics=pd.concat([tables.run_metrics, old], ignore_index=True))
    rows = evaluation_report_view(anew).trend.runs.rows
    assert [row[4].text for row in rows] == [row[4].text for row in evaluation_report_view(tables).trend.runs.rows]


if __name__ == "__main__":
    EXPECTED.write_text(render_evaluation_report(world.make_tables()).markdown, "utf-8")
