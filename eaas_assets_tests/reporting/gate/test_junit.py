from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.contracts.history import ScenarioEvaluations
from eaas_assets.contracts.tables import build
from eaas_assets.reporting.gate.junit import CaseResult, junit_xml
from eaas_assets_tests.reporting.hostile import PAYLOADS

NAME = "desk@v1.1"
AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
INCONCLUSIVE = CaseResult("skipped", "inconclusive", "12 further scenarios would settle it")

# The schema that Jenkins publishes for its reader (junit-10.xsd): attributes and children of each element, in order.
ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "disabled", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "time", "disabled", "skipped", "timestamp", "hostname", "id",
                  "package"},
    "property": {"name", "value"},
    "testcase": {"name", "assertions", "time", "classname", "status"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"type", "message"},
    "properties": set(),
}  # fmt: skip
CHILDREN = {
    "testsuites": ["testsuite"],
    "testsuite": ["properties", "testcase"],
    "properties": ["property"],
    "testcase": ["skipped", "error", "failure"],
}


def parsed(document: bytes) -> ElementTree.Element:
    """The document, as far as it keeps to the schema."""
    root = ElementTree.fromstring(document)  # noqa: S314 (made here)
    assert root.tag == "testsuites"
    for element in root.iter():
        assert set(element.attrib) <= ATTRIBUTES[element.tag], element.tag
        order = [CHILDREN.get(element.tag, []).index(child.tag) for child in element]
        assert order == sorted(order)
    for suite in root:
        found = {tag: len(suite.findall(f"testcase/{tag}")) for tag in ("failure", "error", "skipped")}
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
        assert [int(suite.attrib[name]) for name in ("failures", "errors", "skipped")] == list(found.values())
        assert all(len(case) <= 1 for case in suite.findall("testcase"))
        assert {"name", "classname"} <= set.intersection(*(set(case.attrib) for case in suite.findall("testcase")))
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp", "2026-01-01T00:00:00"))
        assert all(float(case.get("time", 0)) >= 0 for case in suite.findall("testcase"))
    return root


def row(scenario: str, passed: bool | None, trial: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "run_id": "RUN_1",
        "agent": "desk",
        "version": "v1.1",
        "source": "executed",
        "scenario_id": scenario,
        "trial": trial,
        "status": "completed",
        "passed": passed,
        "matches_json": json.dumps({"decision": bool(passed), "refund": True}),
        "actual_json": json.dumps({"decision": "approve" if passed else "decline", "refund": 30}),
        "expected_json": json.dumps({"decision": "approve", "refund": 30}),
        "response_time_ms": 250.0,
        "failure_reason": None if passed else "decision_mismatch",
    } | more


def evaluations(*rows: dict[str, Any]) -> pd.DataFrame:
    return build(ScenarioEvaluations, rows)


def cases(document: bytes) -> dict[str, ElementTree.Element]:
    return {case.attrib["name"]: case for case in parsed(document).iter("testcase")}


def test_every_scenario_is_a_testcase_and_so_is_the_gate():
    found = cases(junit_xml(NAME, evaluations(row("D2", True), row("D1", False)), None, {}, AT))
    assert list(found) == ["D1", "D2", "release gate"]
    assert [len(case) for case in found.values()] == [1, 0, 0]
    assert found["D2"].attrib == {"name": "D2", "classname": NAME, "time": "0.250"}
    assert found["D1"][0].tag == "failure"
    assert found["D1"][0].attrib == {"message": "decision_mismatch", "type": "wrong_answer"}
    assert found["D1"][0].text == 'decision_mismatch\n  decision: expected "approve", answered "decline"'


def test_the_totals_are_those_of_the_cases():
    rows = evaluations(row("D1", False), row("D2", False, status="timeout"), row("D3", None), row("D4", True))
    suite = parsed(junit_xml(NAME, rows, CaseResult("failure", "fail", "worse"), {}, AT))[0]
    assert [suite.attrib[name] for name in ("tests", "failures", "errors", "skipped")] == ["5", "2", "1", "1"]
    assert (suite.attrib["time"], suite.attrib["timestamp"]) == ("1.000", "2026-03-01T09:30:00")


@pytest.mark.parametrize(
    ("results", "failed"), [([True, True, False], False), ([True, False], True), ([False, False, True], True)]
)
def test_a_scenario_fails_where_most_of_its_trials_do_not_pass(results: list[bool], failed: bool):
    rows = evaluations(*(row("D1", passed, trial) for trial, passed in enumerate(results, 1)))
    case = cases(junit_xml(NAME, rows, None, {}))["D1"]
    assert bool(len(case)) == failed
    assert case.attrib["time"] == f"{0.25 * len(results):.3f}"
    if failed:
        assert case[0].attrib["message"] == f"passed {sum(results)} of {len(results)} trials: decision_mismatch"
        assert f"trial {1 + results.index(False)}: decision_mismatch" in str(case[0].text)


def test_many_failed_trials_are_counted_and_not_all_told():
    rows = evaluations(*(row("D1", False, trial) for trial in range(1, 10)))
    told = str(cases(junit_xml(NAME, rows, None, {}))["D1"][0].text)
    assert [line for line in told.splitlines() if line.startswith("trial")] == [
        f"trial {trial}: decision_mismatch" for trial in (1, 2, 3)
    ]
    assert told.endswith("6 more failed trials: see the table scenario_evaluations.")


@pytest.mark.parametrize("status", ["timeout", "failed"])
def test_a_scenario_without_an_answer_is_an_error_and_not_a_failure(status: str):
    rows = evaluations(row("D1", False, status=status, failure_reason="no answer within 30 s"))
    case = cases(junit_xml(NAME, rows, None, {}))["D1"]
    assert (case[0].tag, case[0].attrib["type"]) == ("error", status)


def test_what_was_not_run_or_not_scored_is_skipped():
    case = cases(junit_xml(NAME, evaluations(row("D1", None, status="not_run", response_time_ms=None)), None, {}))["D1"]
    assert case[0].tag == "skipped"
    assert "time" not in case.attrib


def test_an_undecided_gate_is_a_skipped_testcase_with_its_message():
    gate = cases(junit_xml(NAME, evaluations(row("D1", True)), INCONCLUSIVE, {}))["release gate"]
    assert gate[0].tag == "skipped"
    assert gate[0].attrib == {"message": "12 further scenarios would settle it"}


def test_rate_interval_and_verdict_are_properties():
    document = junit_xml(NAME, evaluations(row("D1", True)), None, {"passed": "1 of 1 (100 %)", "verdict": "not worse"})
    found = {one.attrib["name"]: one.attrib["value"] for one in parsed(document).iter("property")}
    assert found == {"passed": "1 of 1 (100 %)", "verdict": "not worse"}


def test_without_a_run_the_gate_alone_is_told():
    found = cases(junit_xml(NAME, None, CaseResult("error", "not_run", "no such version"), {}))
    assert list(found) == ["release gate"]
    assert found["release gate"][0].tag == "error"


HOSTILE = PAYLOADS | {
    "end of character data": "]]> <![CDATA[ x ]]> &amp; &#0; &x;",
    "not characters": "\x00\x01\x08\x0b\x0c\x1f\x7f\x85\ufffe\uffff\ud800\udfff\U0001ffff",
    "processing instruction": "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>&y;",
    "closing": "</failure></testcase></testsuite></testsuites>",
}


@pytest.mark.parametrize("payload", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_text(payload: str):
    answer = json.dumps({"decision": payload, payload[:64]: 1})  # JSON text can hold even lone surrogates
    reason = payload.encode("utf-8", "replace").decode()
    rows = evaluations(
        row("D1", False, failure_reason=reason, actual_json=answer, matches_json=json.dumps({"decision": False}))
    )
    document = junit_xml(payload, rows, CaseResult("failure", payload, payload, payload), {payload: payload}, AT)
    assert len(document) < 64 * 1024
    root = parsed(document)
    assert len(list(root.iter("testcase"))) == 2
    assert {element.tag for element in root.iter()} == {"testsuites", "testsuite", "properties", "property", "testcase",
                                                        "failure"}  # fmt: skip
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]", document.decode())


@given(st.text())
def test_any_text_gives_a_document_that_parses(text: str):
    rows = evaluations(row("D1", False, failure_reason=text))
    parsed(junit_xml(text, rows, CaseResult("failure", text, text, text), {text: text}))


def test_ten_thousand_scenarios_are_written_in_one_go():
    rows = evaluations(*(row(f"D{place:05d}", place % 3 > 0) for place in range(10_000)))
    suite = parsed(junit_xml(NAME, rows, None, {}))[0]
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("10001", "3334")
