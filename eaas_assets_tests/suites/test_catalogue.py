"""Specialists and decision rules of a suite's catalogue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eaas_assets.suites.catalogue import read_decision_rules, read_specialists
from eaas_assets.suites.decision_rules import DecisionRulesDocument
from eaas_assets.suites.reading import read_suite
from eaas_assets_tests.worlds import SAMPLE_DATA, sample_world, write_text, write_yaml

RULES: dict[str, Any] = {
    "default_issue_type": "unknown",
    "unknown_outcome": "none",
    "issue_types": {
        "late": {"when": [{"field": "o.days", "operator": "above", "value": 5}], "path": ["a"], "outcome": "say"},
        "lost": {"when": [{"field": "o.lost", "operator": "is_true"}], "path": ["b"], "outcome": "pay"},
    },
    "classification": [
        {"name": "r1", "when": [{"field": "o.lost", "operator": "is_true"}], "issue_type": "lost"},
        {"name": "r2", "when": [{"field": "o.days", "operator": "above", "value": 5}], "issue_type": "late"},
    ],
    "missing_values": {"o.days": 9},
}


def _rules(**changes: Any) -> DecisionRulesDocument:
    return DecisionRulesDocument.model_validate({**RULES, **changes})


@pytest.mark.parametrize("known_as", ["refund_agent", "refund_agent_v1"])
def test_specialist_is_found_by_name_and_by_identifier(known_as: str) -> None:
    reading = read_suite(SAMPLE_DATA, "customer_support")
    specialist = reading.resolve_specialist(known_as)
    assert specialist is not None
    assert (specialist.name, specialist.agent_id) == ("refund_agent", "refund_agent_v1")
    assert specialist.settings["default_refund_amounts"]["Laptop Stand"] == 30.0
    assert set(specialist.actions) == {"issue_refund"}


def test_lookup_by_both_has_eight_entries_and_nothing_else_resolves() -> None:
    reading = read_suite(SAMPLE_DATA, "customer_support")
    names = {name for item in reading.specialists.values() for name in (item.name, item.agent_id)}
    assert len(names) == 8
    assert all(reading.resolve_specialist(name) is not None for name in names)
    assert reading.resolve_specialist("refund_agent_v2") is None


def test_bad_specialist_does_not_lose_the_others(tmp_path: Path) -> None:
    specialists = {
        "good": {"agent_id": "good_v1"},
        "no id": {"agent_id": "x"},
        "nameless": {},
        "wrong": {"agent_id": "wrong_v1", "actions": ["run"]},
        "copy": {"agent_id": "good"},
        "flat": 5,
    }
    write_text(tmp_path, "s.json", json.dumps(specialists))
    found, reading = read_specialists(tmp_path, "s.json")
    assert (list(found), reading.outcome, reading.rows_read) == (["good"], "partly", 1)
    assert [(problem.code, problem.row) for problem in reading.problems] == [
        ("not_a_record", None),
        ("string_pattern_mismatch", 2),
        ("missing", 3),
        ("dict_type", 4),
        ("duplicate_id", 5),
    ]


def test_missing_catalogue_files_do_not_stop_the_scenarios(tmp_path: Path) -> None:
    sample_world(tmp_path)
    folder = tmp_path / "suites" / "customer_support"
    (folder / "specialist_agents.json").unlink()
    (folder / "decision_rules.yaml").write_text("- not: rules")
    reading = read_suite(tmp_path, "customer_support")
    assert (len(reading.scenarios), reading.specialists, reading.decision_rules) == (10, {}, None)
    assert [problem.code for file in reading.files for problem in file.problems] == ["missing_file", "model_type"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"classification": [{"name": "r", "when": [], "issue_type": "other"}]}, "not other"),
        ({"classification": [*RULES["classification"], RULES["classification"][0]]}, "twice: r1"),
        ({"missing_values": {"o.days": [1]}}, ""),
        ({"unknown": 1}, "no such field"),
    ],
)
def test_rules_that_contradict_themselves_are_refused(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    write_yaml(tmp_path, "rules.yaml", {**RULES, **changes})
    rules, reading = read_decision_rules(tmp_path, "rules.yaml")
    assert rules is None
    assert any(expected in problem.expected for problem in reading.problems)


@pytest.mark.parametrize(
    "condition",
    [
        {"field": "a b", "operator": "is_true"},
        {"field": "a", "operator": "like", "value": "x"},
        {"field": "a", "operator": "above", "value": "5"},
        {"field": "a", "operator": "above", "value": True},
        {"field": "a", "operator": "one_of", "value": []},
        {"field": "a", "operator": "is_true", "value": 1},
        {"field": "a", "operator": "equals"},
        {"field": "a", "operator": "contains_any", "value": [" "]},
        {"field": "a", "operator": "matches", "value": "(unclosed"},
        {"field": "a", "operator": "matches", "value": "(?=look-ahead)"},
    ],
)
def test_condition_must_make_sense(tmp_path: Path, condition: dict[str, Any]) -> None:
    table = {"late": {"when": [condition], "path": [], "outcome": "say"}}
    write_yaml(tmp_path, "rules.yaml", {**RULES, "issue_types": table, "classification": []})
    _, reading = read_decision_rules(tmp_path, "rules.yaml")
    assert reading.outcome == "failed"
    assert all("issue_types.late.when.0" in str(problem.field) for problem in reading.problems)


def test_first_rule_whose_conditions_all_hold_decides() -> None:
    rules = _rules()
    both = rules.completed({"o.lost": True, "o.days": 9})
    rule = rules.first_rule(both)
    assert rule is not None
    assert rule.name == "r1"
    assert rules.table_matches(both) == ["late", "lost"]
    assert rules.first_rule({"o.days": 5}) is None


def test_stand_ins_replace_missing_facts_only() -> None:
    rules = _rules()
    assert rules.completed({"o.lost": False, "o.days": None}) == {"o.lost": False, "o.days": 9}
    assert rules.completed({"o.days": 0}) == {"o.days": 0}


def test_pattern_that_would_take_for_ever_elsewhere_is_matched_at_once() -> None:
    rules = _rules(
        issue_types={"late": {"when": [], "path": [], "outcome": "say"}},
        classification=[
            {"name": "r", "when": [{"field": "m", "operator": "matches", "value": "(a+)+$"}], "issue_type": "late"}
        ],
    )
    assert rules.first_rule({"m": "a" * 60_000 + "!"}) is None
