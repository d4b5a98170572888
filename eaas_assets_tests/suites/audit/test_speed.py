"""The audit stays quick on large suites, also on those made to be hard."""

from __future__ import annotations

import time
from pathlib import Path

from eaas_assets.suites.audit import audit_suite, suite_audit
from eaas_assets.suites.reading import read_suite, read_suites
from eaas_assets_tests.suites.audit.readings import reading_of, rules_of, when
from eaas_assets_tests.worlds import large_world, small_world, write_text


def test_five_thousand_generic_scenarios_are_audited_in_seconds(tmp_path: Path) -> None:
    reading = read_suite(large_world(tmp_path, 5000), "paper_desk")
    started = time.process_time()
    findings = audit_suite(reading)
    assert time.process_time() - started < 3
    assert {finding.severity for finding in findings} == {"info"}


def test_templates_and_many_rules_do_not_make_it_slow() -> None:
    text = "one and the same ten words of this text and number"
    rows = [{"message": f"{text} {i}", "inputs": {"n": i % 50}, "issue_type": f"t{i % 2}"} for i in range(1000)]
    many = {f"r{i}": (when(("n", "equals", i), ("x.y", "above", i)), f"t{i % 40}") for i in range(200)}
    reading = reading_of(rows, rules=rules_of(many))
    started = time.process_time()
    findings = audit_suite(reading)
    assert time.process_time() - started < 6
    assert "At least" in next(f.statement for f in findings if f.finding == "nearly_duplicated_scenarios")


def test_suite_that_cannot_be_used_is_said_to_be(tmp_path: Path) -> None:
    small_world(tmp_path)
    write_text(tmp_path, "suites/returns_desk/scenarios.json", "[]")
    frame = suite_audit(read_suites(tmp_path))
    assert frame["finding"].tolist() == ["unusable_suite"]
    assert frame["severity"].tolist() == ["error"]
    assert "no_usable_scenario" in frame["evidence_json"][0]
